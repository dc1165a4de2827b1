"""Which market time a simulator starts with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from market.errors import ConfigError

NEW_YORK = ZoneInfo("America/New_York")
NOW = "now"
START_HOUR = 10
"""New York's hour at which a session starts that is not now: after the opening's peculiarities."""

DAYS_BACK_MAX = 10
SECONDS_BEFORE_OPENING = 60
"""How long before the regular opening a recorded day starts."""

SECOND_NS = 1_000_000_000

IsOpen = Callable[[int], bool]


def synthetic_start_ns(start: str, *, now_ns: int, is_open: IsOpen) -> int | None:
    """Return when a synthetic market starts, None for now; raises `ConfigError` on a start that is no time.

    `start` as in `Launch`; `is_open(market_ns)` says whether the regular session runs.
    """
    if start == NOW:
        return None
    if start:
        return _parse(start)
    return None if is_open(now_ns) else _last_session(now_ns, is_open)


def recorded_start_ns(start: str, *, opening_ns: int) -> int:
    """Return when a recorded day starts: at `start`, else a minute before its opening."""
    if start == NOW:
        raise ConfigError('start "now" is not in a recorded day; leave it out, or give a time of that day')
    return _parse(start) if start else opening_ns - SECONDS_BEFORE_OPENING * SECOND_NS


def new_york_text(market_ns: int) -> str:
    """Return a market time as people in New York read it, to the second."""
    return f"{datetime.fromtimestamp(market_ns // SECOND_NS, NEW_YORK):%Y-%m-%d %H:%M:%S} New York"


def _parse(text: str) -> int:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f'start "{text}" is no time; write it as 2026-01-02T10:00 (New York)') from None
    aware = when if when.tzinfo else when.replace(tzinfo=NEW_YORK)
    return int(aware.astimezone(UTC).timestamp()) * SECOND_NS


def _last_session(now_ns: int, is_open: IsOpen) -> int | None:
    today = datetime.fromtimestamp(now_ns // SECOND_NS, NEW_YORK)
    for back in range(DAYS_BACK_MAX):
        day = (today - timedelta(days=back)).replace(hour=START_HOUR, minute=0, second=0, microsecond=0)
        start_ns = int(day.timestamp()) * SECOND_NS
        if start_ns <= now_ns and is_open(start_ns):
            return start_ns
    return None
