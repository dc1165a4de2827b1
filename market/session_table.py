"""The exchange's sessions of fifty years as a small table of exceptions, made by `exchange_calendars`.

Importing that package costs 0.7 s and brings pandas: too long for a command or a simulated TWS that wants
today's hours. So its calendar XNYS is written down once, as what differs from "Monday to Friday, 09:30 to
16:00 in New York" (`python -m market.session_table` does it); a test holds the file equal to the package on
every day, and days outside the table are asked of the package itself.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from market.time import NEW_YORK, new_york_ns

EXCHANGE = "XNYS"
TABLE_FILE = Path(__file__).with_name("session_table.json")
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2040, 12, 31)

_DAY = timedelta(days=1)
_SATURDAY = 5


class SessionTimes(NamedTuple):
    """One session: open and close in ns UTC."""

    date: date
    open_ns: int
    close_ns: int
    is_early_close: bool


class Hours(msgspec.Struct, frozen=True, array_like=True):
    """The hours of a day that has others than the usual ones, on New York's clocks."""

    open: time
    close: time
    is_early_close: bool


USUAL = Hours(time(9, 30), time(16, 0), is_early_close=False)


class SessionTable(msgspec.Struct, frozen=True, kw_only=True):
    """What differs from the usual week between `first_day` and `last_day`, both inclusive."""

    made_by: str
    first_day: date
    last_day: date
    closed: tuple[date, ...]
    hours: dict[date, Hours]

    def covers(self, start: date, end: date) -> bool:
        """Return whether the table knows every day from `start` to `end`."""
        return self.first_day <= start and end <= self.last_day

    def sessions(self, start: date, end: date) -> Iterator[SessionTimes]:
        """Yield the sessions from `start` to `end`, both inclusive and covered, in order of time."""
        closed = frozenset(self.closed)
        day = start
        while day <= end:
            if day.weekday() < _SATURDAY and day not in closed:
                hours = self.hours.get(day, USUAL)
                opens_ns, closes_ns = new_york_ns(day, hours.open), new_york_ns(day, hours.close)
                yield SessionTimes(day, opens_ns, closes_ns, hours.is_early_close)
            day += _DAY


@functools.cache
def session_table() -> SessionTable:
    """Return the table that comes with the package."""
    return msgspec.json.decode(TABLE_FILE.read_bytes(), type=SessionTable)


def sessions_of_the_package(start: date, end: date) -> list[SessionTimes]:
    """Return the sessions from `start` to `end`, both inclusive, as `exchange_calendars` has them."""
    import exchange_calendars

    padding = timedelta(days=14)  # the package needs at least one session between its bounds
    calendar = exchange_calendars.get_calendar(
        EXCHANGE, start=(start - padding).isoformat(), end=(end + padding).isoformat()
    )
    days = calendar.schedule.loc[start.isoformat() : end.isoformat()]
    early = set(calendar.early_closes)
    opens_ns = days["open"].dt.as_unit("ns").astype("int64").tolist()
    closes_ns = days["close"].dt.as_unit("ns").astype("int64").tolist()
    return [
        SessionTimes(day.date(), open_ns, close_ns, day in early)
        for day, open_ns, close_ns in zip(days.index, opens_ns, closes_ns, strict=True)
    ]


def made_table() -> SessionTable:
    """Return the table as the installed `exchange_calendars` makes it."""
    import exchange_calendars

    sessions = {session.date: session for session in sessions_of_the_package(FIRST_DAY, LAST_DAY)}
    weekdays = [
        day
        for number in range((LAST_DAY - FIRST_DAY).days + 1)
        if (day := FIRST_DAY + number * _DAY).weekday() < _SATURDAY
    ]
    hours = {day: _hours(session) for day, session in sessions.items()}
    return SessionTable(
        made_by=f"exchange_calendars {exchange_calendars.__version__}",
        first_day=FIRST_DAY,
        last_day=LAST_DAY,
        closed=tuple(day for day in weekdays if day not in sessions),
        hours={day: each for day, each in hours.items() if each != USUAL},
    )


def _hours(session: SessionTimes) -> Hours:
    opens, closes = (_wall_clock(ts_ns) for ts_ns in (session.open_ns, session.close_ns))
    return Hours(opens, closes, is_early_close=session.is_early_close)


def _wall_clock(ts_ns: int) -> time:
    return datetime.fromtimestamp(ts_ns // 1_000_000_000, NEW_YORK).time()


if __name__ == "__main__":
    TABLE_FILE.write_bytes(msgspec.json.format(msgspec.json.encode(made_table()), indent=1) + b"\n")
