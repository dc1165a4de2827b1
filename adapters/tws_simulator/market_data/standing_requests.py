"""Requests that stand until they are cancelled, their session ends or TWS forgets them: one bookkeeping."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from adapters.tws_simulator.broker import Broker
from adapters.tws_simulator.component import Refused
from adapters.tws_simulator.market_data.lines import Entitlements
from adapters.tws_simulator.market_data.prices import MarketPrices
from adapters.tws_simulator.market_data.settings import MarketDataSettings
from adapters.tws_simulator.messages import Message
from adapters.tws_simulator.session.sessions import Session

RequestKey = tuple[int, int]
"""Session id and the client's request id."""


@dataclass(frozen=True, slots=True)
class MarketAccess:
    """What subscriptions of all kinds work with; `silenced(con_id)`: a fault keeps a listing quiet."""

    broker: Broker
    prices: MarketPrices
    entitlements: Entitlements
    settings: MarketDataSettings
    silenced: Callable[[int | None], bool]


class StandingRequests[Held](ABC):
    """The requests of one kind of all sessions; a kind says what is held for one, and how that ends."""

    def __init__(self, access: MarketAccess) -> None:
        self._broker, self._prices, self._entitlements = access.broker, access.prices, access.entitlements
        self._settings, self._silenced = access.settings, access.silenced
        self._held: dict[RequestKey, Held] = {}

    @abstractmethod
    def _drop(self, key: RequestKey) -> None:
        """Take a request out of `_held` and end what it listens to."""

    def count(self, session: Session | None = None) -> int:
        """Return how many requests a session holds, or all of them."""
        return sum(session is None or key[0] == session.session_id for key in self._held)

    def session_ended(self, session: Session) -> None:
        """Drop a session's requests."""
        for key in [key for key in self._held if key[0] == session.session_id]:
            self._drop(key)

    def drop_all(self) -> None:
        """Forget every request without a word to anybody."""
        for key in list(self._held):
            self._drop(key)

    def _new_key(self, session: Session, request: Message) -> RequestKey:
        """Return the key of a request; raises `Refused` 322 for an id that is in use."""
        key = (session.session_id, request.reqId)
        if key in self._held:
            raise Refused(322, "Error processing request. Duplicate ticker id")
        return key

    def _cancel(self, session: Session, request: Message) -> None:
        """Drop the request that a client cancels; raises `Refused` 300 for one that is not there."""
        key = (session.session_id, request.reqId)
        if key not in self._held:
            raise Refused(300, f"Can't find EId with tickerId:{request.reqId}")
        self._drop(key)
