"""Trading sessions of the New York Stock Exchange, from the `exchange_calendars` package.

Its calendar XNYS knows holidays, special closures and early closes (13:00 on 2015-12-24). It is
imported on first use: it brings pandas, which a command that needs no calendar should not wait for.
"""

from __future__ import annotations

import functools
from bisect import bisect_right
from datetime import date, timedelta

import msgspec

from market.errors import DataError
from market.time import new_york_date

EXCHANGE = "XNYS"
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2200, 12, 31)
"""64 bits of nanoseconds, in which pandas counts, reach from 1677 to 2262."""
_PADDING = timedelta(days=14)  # exchange_calendars needs at least one session between its bounds


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


@functools.lru_cache(maxsize=8)  # a schedule costs 0.1 s, and a run asks for the same one twice
def _load(start: date, end: date) -> tuple[Session, ...]:
    import exchange_calendars

    calendar = exchange_calendars.get_calendar(
        EXCHANGE, start=(start - _PADDING).isoformat(), end=(end + _PADDING).isoformat()
    )
    days = calendar.schedule.loc[start.isoformat() : end.isoformat()]
    early = set(calendar.early_closes)
    opens_ns = days["open"].dt.as_unit("ns").astype("int64").tolist()
    closes_ns = days["close"].dt.as_unit("ns").astype("int64").tolist()
    return tuple(
        Session(day.date(), open_ns, close_ns, day in early)
        for day, open_ns, close_ns in zip(days.index, opens_ns, closes_ns, strict=True)
    )
