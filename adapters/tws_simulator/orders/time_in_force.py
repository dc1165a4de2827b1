"""How long an order works: pure functions of its terms and the trading calendar's instants."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from market.time import NEW_YORK, new_york_date, new_york_ns, to_ns

SessionOn = Callable[[int], "tuple[int, int] | None"]
"""Regular open and close of the New York day of an instant, None on a day without trading."""

EXTENDED_CLOSE = time(20, 0)
DAYS_AHEAD_MAX = 10
"""The longest closure of US exchanges since 1933 was shorter."""

_LOCAL = re.compile(r"(\d{8})(?:[ -](\d{1,2}:\d{2}:\d{2})(?: +(\S+))?)?$")


def parse_order_time(text: str) -> int:
    """Return the instant of "20260105 16:00:00 US/Eastern", "20260105-21:00:00" (UTC) or "20260105".

    Without a zone New York is meant, TWS's own; a date alone ends with that day. Raises `ValueError`.
    """
    found = _LOCAL.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no time such as 20260105 16:00:00 US/Eastern")
    day, clock, zone = found.groups()
    moment = datetime.strptime(f"{day} {clock or '23:59:59'}", "%Y%m%d %H:%M:%S")  # noqa: DTZ007
    if clock and text.strip()[8] == "-":
        return to_ns(moment.replace(tzinfo=UTC))
    try:
        return to_ns(moment.replace(tzinfo=ZoneInfo(zone) if zone else NEW_YORK))
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{zone!r} is no time zone, e.g. US/Eastern") from None


def session_to_come(now_ns: int, session_on: SessionOn) -> tuple[int, int] | None:
    """Return open and close of the session that runs now or comes next."""
    day = new_york_date(now_ns)
    for ahead in range(DAYS_AHEAD_MAX):
        session = session_on(new_york_ns(day + timedelta(days=ahead), time(12, 0)))
        if session is not None and session[1] > now_ns:
            return session
    return None


def day_end_ns(now_ns: int, session_on: SessionOn, *, is_extended: bool) -> int | None:
    """Return when a DAY order placed now ends: the close, or 20:00 when it works outside hours."""
    session = session_to_come(now_ns, session_on)
    if session is None:
        return None
    extended_ns = new_york_ns(new_york_date(session[1]), EXTENDED_CLOSE)
    if not is_extended:
        return session[1]
    if extended_ns > now_ns:
        return extended_ns
    return session[1]
