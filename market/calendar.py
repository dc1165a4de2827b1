"""Trading sessions of the New York Stock Exchange, as the `exchange_calendars` package has them.

Its calendar XNYS knows holidays, special closures and early closes (13:00 on 2015-12-24). Days from 1990
to 2040 come from a table that is held equal to it (`market.session_table`), others from the package.
"""

from __future__ import annotations

import functools
from bisect import bisect_right
from datetime import date

import msgspec

from market.errors import DataError
from market.session_table import session_table, sessions_of_the_package
from market.time import new_york_date

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2200, 12, 31)
"""64 bits of nanoseconds, in which pandas counts, reach from 1677 to 2262."""


class Session(msgspec.Struct, frozen=True):
    """One regular session: `open_ns` inclusive, `close_ns` exclusive, both ns UTC."""

    date: date
    open_ns: int
    close_ns: int
    is_early_close: bool


class TradingCalendar:
    """The sessions from `start` to `end`, both inclusive.

    A question about a day outside this range raises `DataError`: unknown is not the same as closed. So does
    a range that is empty or outside `FIRST_DAY` to `LAST_DAY`.
    """

    def __init__(self, start: date, end: date) -> None:
        if start > end:
            raise DataError(f"Calendar from {start} to {end} is empty. Put the earlier date first.")
        if start < FIRST_DAY or end > LAST_DAY:
            raise DataError(
                f"The calendar knows no sessions from {start} to {end}, only from {FIRST_DAY} to {LAST_DAY}. "
                "Choose dates within these."
            )
        self.start = start
        self.end = end
        self._sessions = _load(start, end)
        self._by_date = {session.date: session for session in self._sessions}
        self._opens_ns = [session.open_ns for session in self._sessions]

    def session_on(self, day: date) -> Session | None:
        """Return the session of `day` (a date in New York), or None when the exchange is closed."""
        self._require(day)
        return self._by_date.get(day)

    def sessions(self, start: date, end: date) -> tuple[Session, ...]:
        """Return the sessions from `start` to `end`, both inclusive, in order of time."""
        self._require(start)
        self._require(end)
        return tuple(session for session in self._sessions if start <= session.date <= end)

    def session_at(self, ts_ns: int) -> Session | None:
        """Return the session in which the exchange is open at `ts_ns` (ns UTC), or None."""
        position = bisect_right(self._opens_ns, ts_ns) - 1
        if position >= 0 and ts_ns < self._sessions[position].close_ns:
            return self._sessions[position]
        self._require(new_york_date(ts_ns))
        return None

    def _require(self, day: date) -> None:
        if not self.start <= day <= self.end:
            raise DataError(
                f"Date {day} is outside this calendar ({self.start} to {self.end}). "
                "Load a calendar that covers it."
            )


@functools.lru_cache(maxsize=8)  # ten years cost 30 ms, and a run asks for the same ones twice
def _load(start: date, end: date) -> tuple[Session, ...]:
    table = session_table()
    known = table.sessions if table.covers(start, end) else sessions_of_the_package
    return tuple(Session(*times) for times in known(start, end))
