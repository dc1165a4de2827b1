"""Who listens to which account figures; a session's listening ends with it."""

from __future__ import annotations

from dataclasses import dataclass, field

from adapters.tws_simulator.session.sessions import Session


@dataclass(frozen=True, slots=True)
class SummaryRequest:
    """reqAccountSummary: the accounts and tags asked for."""

    accounts: tuple[str, ...]
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class ProfitRequest:
    """reqPnL, and with `con_id` reqPnLSingle."""

    account: str
    con_id: int | None = None


@dataclass(slots=True)
class Listening:
    """What one session listens to, by request id where TWS has one."""

    session: Session
    has_positions: bool = False
    updates_of: str | None = None
    summaries: dict[int, SummaryRequest] = field(default_factory=dict)
    profits: dict[int, ProfitRequest] = field(default_factory=dict)
    positions_multi: dict[int, str] = field(default_factory=dict)
    updates_multi: dict[int, tuple[str, bool]] = field(default_factory=dict)

    @property
    def has_repeating(self) -> bool:
        """Whether something is repeated every few minutes."""
        return bool(self.summaries or self.updates_multi or self.updates_of is not None)


class AccountSubscriptions:
    """All sessions' listening, by session id."""

    def __init__(self) -> None:
        self._by_session: dict[int, Listening] = {}

    def of(self, session: Session) -> Listening:
        """Return a session's listening, empty at first."""
        return self._by_session.setdefault(session.session_id, Listening(session))

    def drop(self, session: Session) -> None:
        """Forget a session."""
        self._by_session.pop(session.session_id, None)

    def all(self) -> list[Listening]:
        """Return everybody, in the order of connecting."""
        return [self._by_session[session_id] for session_id in sorted(self._by_session)]
