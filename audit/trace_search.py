"""Finds what an id names in a journal, and what it may have meant when nothing has it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

import msgspec

from audit.events import Entry, FillRecord
from audit.order_history import OrderHistories, OrderHistory
from audit.round_trips import RoundTrip, RoundTrips
from market.errors import NotFoundError

CLIENT_ORDER, VENUE_ORDER, TRADE, CORRELATION, ROUND_TRIP = (
    "client order id",
    "venue order id",
    "trade id",
    "correlation id",
    "round trip",
)
NEAR_MATCHES_MAX = 5
NEAREST_OF_MAX = 20_000
"""Ids that are compared letter by letter, the latest: comparing takes about 5 us each."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What an id names: as which kinds of id, and the orders, decisions or the trade behind it."""

    asked: str
    found_as: tuple[str, ...]
    orders: tuple[OrderHistory, ...]
    decisions: tuple[Entry, ...] = ()
    trip_id: str | None = None


class TraceIndex:
    """Orders, decisions and trades of a journal by every id that they have."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.histories = OrderHistories()
        self._orders_by_trade: dict[str, dict[str, None]] = {}
        trips = RoundTrips()
        for entry in entries:
            self.histories.add(entry)
            trips.add(entry)
            if isinstance(entry.body, FillRecord):
                named = self._orders_by_trade.setdefault(entry.body.trade_id, {})
                named[entry.body.client_order_id] = None
        self.trips: list[RoundTrip] = trips.all()
        self._by_kind = self._index()

    def find(self, asked: str) -> Found:
        """Return what `asked` names; raises `NotFoundError`, with near matches, where nothing has that id."""
        wanted = asked.strip()
        names = {kind: ids[wanted] for kind, ids in self._by_kind.items() if wanted in ids}
        decisions = tuple(self.histories.decisions.get(wanted, ()))
        if not names and not decisions:
            raise self._not_found(wanted)
        orders = [self.histories.of(name) for found in names.values() for name in found]
        found_as = [*names, *([CORRELATION] if decisions and CORRELATION not in names else [])]
        return Found(
            asked=wanted,
            found_as=tuple(found_as),
            orders=tuple({order.client_order_id: order for order in orders}.values()),
            decisions=decisions,
            trip_id=wanted if ROUND_TRIP in names else None,
        )

    def _index(self) -> dict[str, dict[str, Sequence[str]]]:
        venue: dict[str, list[str]] = {}
        correlated: dict[str, list[str]] = {}
        for history in self.histories:
            for name in {entry.body.venue_order_id for entry in history.venue_entries}:
                venue.setdefault(name or "", []).append(history.client_order_id)
            correlated.setdefault(history.correlation_id or "", []).append(history.client_order_id)
        venue.pop("", None)
        correlated.pop("", None)
        return {
            CLIENT_ORDER: {name: [name] for name in self.histories.orders},
            VENUE_ORDER: dict(venue),
            TRADE: {trade: list(orders) for trade, orders in self._orders_by_trade.items()},
            CORRELATION: dict(correlated),
            ROUND_TRIP: {trip.trip_id: trip.orders for trip in self.trips},
        }

    def _not_found(self, asked: str) -> NotFoundError:
        known = {name: kind for kind, ids in self._by_kind.items() for name in ids}
        known |= dict.fromkeys(self.histories.decisions, CORRELATION)
        if not known:
            return NotFoundError(f"{asked!r} is not in the journal: it holds no order and no decision.")
        near = _near(asked, list(known))
        hint = ", ".join(f"{name} ({known[name]})" for name in near)
        meant = f"Near it: {hint}." if near else f"Ids look like {_first_and_last(known)}."
        return NotFoundError(
            f"No order, trade, decision or round trip of the journal has the id {asked!r}. {meant} "
            "`harvester blotter RUN_DIR` lists the trades with their orders."
        )


def _near(asked: str, known: Sequence[str]) -> list[str]:
    """Return ids that contain `asked`, whatever the case, else those spelt like it."""
    lower = asked.lower()
    inside = [name for name in known if lower and lower in name.lower()]
    return inside[:NEAR_MATCHES_MAX] or get_close_matches(
        asked, known[-NEAREST_OF_MAX:], n=NEAR_MATCHES_MAX, cutoff=0.6
    )


def _first_and_last(known: Iterable[str]) -> str:
    names = list(known)
    return names[0] if len(names) == 1 else f"{names[0]} or {names[-1]}"
