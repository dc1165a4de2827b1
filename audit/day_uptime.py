"""How long the node was up and trading within a day's session, out of a journal's own records. Pure.

The node is up from `opened` (or `started`, `connected`) to `closed` (or `stopped`, `disconnected`). When a
journal is opened again without having been closed, the node died: it counts as up to its last record before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from audit.events import ClosedRecord, Entry, NodeRecord, OpenedRecord
from market.calendar import Session
from market.time import NS_PER_SECOND
from risk.records import BreakerChangeRecord

_UP = frozenset(("started", "connected", "reconciled", "recovered"))


class Span(NamedTuple):
    """A stretch of time, ns UTC: `start_ns` inclusive, `end_ns` exclusive."""

    start_ns: int
    end_ns: int


class Uptime(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of a session, and how many of them the node was up, and the breaker in RUNNING meanwhile.

    Fractions are of the session; None on a day without one.
    """

    session_seconds: float
    up_seconds: float
    running_seconds: float
    up_fraction: float | None
    running_fraction: float | None


class UptimeWatch:
    """Follows the node and its breaker through a journal."""

    def __init__(self) -> None:
        self.up: list[Span] = []
        self.running: list[Span] = []
        self._up_since: int | None = None
        self._running_since: int | None = None
        self._last_ns = 0

    def add(self, entry: Entry) -> None:
        """Take in the next entry."""
        match entry.body:
            case OpenedRecord():
                self._go_down(self._last_ns)
                self._go_up(entry.ts_ns)
            case NodeRecord(state=state):
                (self._go_up if state in _UP else self._go_down)(entry.ts_ns)
            case ClosedRecord():
                self._go_down(entry.ts_ns)
            case BreakerChangeRecord(after=after):
                self._stop_running(entry.ts_ns)
                self._running_since = entry.ts_ns if after == "RUNNING" else None
        self._last_ns = entry.ts_ns

    def finish(self) -> None:
        """End what still goes on at the last record."""
        self._go_down(self._last_ns)
        self._stop_running(self._last_ns)

    def _go_up(self, ts_ns: int) -> None:
        if self._up_since is None:
            self._up_since = ts_ns

    def _go_down(self, ts_ns: int) -> None:
        if self._up_since is not None:
            self.up.append(Span(self._up_since, ts_ns))
            self._up_since = None

    def _stop_running(self, ts_ns: int) -> None:
        if self._running_since is not None:
            self.running.append(Span(self._running_since, ts_ns))
            self._running_since = None


def uptime(session: Session | None, *, up: Iterable[Span], running: Iterable[Span]) -> Uptime:
    """Return the share of `session` in which the node was up, and running meanwhile."""
    if session is None:
        return Uptime(
            session_seconds=0.0, up_seconds=0.0, running_seconds=0.0, up_fraction=None, running_fraction=None
        )
    day = Span(session.open_ns, session.close_ns)
    there = [_overlap(day, span) for span in up]
    traded = [_overlap(one, span) for one in there for span in running]
    length, up_s, running_s = (_seconds(spans) for spans in ([day], there, traded))
    return Uptime(
        session_seconds=length,
        up_seconds=up_s,
        running_seconds=running_s,
        up_fraction=up_s / length,
        running_fraction=running_s / length,
    )


def _overlap(one: Span, other: Span) -> Span:
    start_ns = max(one.start_ns, other.start_ns)
    return Span(start_ns, max(start_ns, min(one.end_ns, other.end_ns)))


def _seconds(spans: Iterable[Span]) -> float:
    return sum(span.end_ns - span.start_ns for span in spans) / NS_PER_SECOND
