"""Instants as integer nanoseconds UTC, and the wall clock of New York.

Every timestamp of the project is an `int` of nanoseconds since 1970-01-01T00:00Z (`*_ns`). Text and
`datetime` become one here, exactly, and only with a stated time zone: a time without a zone is
refused, because guessing moves a trade by hours.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from market.errors import DataError

NS_PER_MS = 1_000_000
NS_PER_SECOND = 1_000_000_000
NS_PER_MINUTE = 60 * NS_PER_SECOND

NEW_YORK = ZoneInfo("America/New_York")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FRACTION = re.compile(r"(?<=\d)[.,](\d+)")


def to_ns(instant: datetime | str) -> int:
    """Return `instant` in nanoseconds UTC, exact to the nanosecond.

    Text is ISO 8601 with a zone: `2013-10-07T09:30:00.123456789-04:00`, or `Z` for UTC. Raises
    `DataError` for text that is not, and for a time without a zone.
    """
    if isinstance(instant, str):
        return _parse_instant(instant)
    if instant.tzinfo is None:
        raise DataError(f"Time {instant.isoformat()} has no time zone. State one, e.g. datetime.UTC.")
    return (instant - _EPOCH) // _MICROSECOND * 1_000


def _parse_instant(text: str) -> int:
    fraction = _FRACTION.search(text)
    digits = fraction.group(1) if fraction else ""
    if len(digits) > 9:
        raise DataError(f"Time {text!r} is finer than a nanosecond. Give at most 9 decimals.")
    whole = text if fraction is None else text[: fraction.start()] + text[fraction.end() :]
    try:
        moment = datetime.fromisoformat(whole)
    except ValueError:
        raise DataError(
            f"{text!r} is not a time. Write ISO 8601 with a zone, e.g. 2013-10-07T09:30:00-04:00."
        ) from None
    if moment.tzinfo is None:
        raise DataError(f"Time {text!r} has no time zone. Add one: Z for UTC, or -04:00.")
    return to_ns(moment) + int(digits.ljust(9, "0"))


def parse_date(text: str) -> date:
    """Return the date written as `2013-10-07`; raises `DataError` for anything else."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:  # fromisoformat also reads 20131007 and 2013-W41-1
        raise DataError(f"{text!r} is not a date. Write year-month-day, e.g. 2013-10-07.")
    return day


def new_york_ns(day: date, wall_clock: time) -> int:
    """Return the instant, in ns UTC, at which New York's clocks show `wall_clock` on `day`.

    Of a time that the clocks show twice (autumn) the first is meant; one that they skip (spring) is
    read with the offset that held before the change.
    """
    return to_ns(datetime.combine(day, wall_clock, tzinfo=NEW_YORK))


def new_york_midnight_ns(day: date) -> int:
    """Return the instant, in ns UTC, at which `day` begins in New York."""
    return new_york_ns(day, time.min)


def new_york_date(ts_ns: int) -> date:
    """Return the calendar date in New York at `ts_ns` (ns UTC)."""
    return _in_new_york(ts_ns).date()


def format_new_york(ts_ns: int, *, places: int = 3) -> str:
    """Return `ts_ns` for a reader: `2013-10-07 09:30:00.123 EDT`, cut (not rounded) to `places` 0 to 9."""
    moment = _in_new_york(ts_ns)
    fraction = f".{ts_ns % NS_PER_SECOND:09d}"[: places + 1] if places else ""
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} {moment.tzname()}"


def format_utc(ts_ns: int) -> str:
    """Return `ts_ns` as ISO 8601 with every nanosecond: `2013-10-07T13:30:00.123456789Z`."""
    moment = _EPOCH + timedelta(seconds=ts_ns // NS_PER_SECOND)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ts_ns % NS_PER_SECOND:09d}Z"


def _in_new_york(ts_ns: int) -> datetime:
    return (_EPOCH + timedelta(seconds=ts_ns // NS_PER_SECOND)).astimezone(NEW_YORK)
