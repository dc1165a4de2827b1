"""Which market time a simulator starts with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from adapters.tws_simulator.clock import MarketClock
from adapters.tws_simulator.launch_settings import Launch
from market.errors import ConfigError

NEW_YORK = ZoneInfo("America/New_York")
NOW = "now"
START_HOUR = 10
"""New York's hour at which a session starts that is not now: after the opening's peculiarities."""

DAYS_BACK_MAX = 10
OPENING_SECONDS_BEFORE = 60
"""How long before the regular opening a recorded day starts."""

IsOpen = Callable[[int], bool]


def market_clock(
    launch: Launch, now_ns: int, *, is_open: IsOpen, recorded_open_ns: int | None
) -> MarketClock:
    """Return the clock that `launch` asks for; raises `ConfigError` on a start that is no time.

    `is_open(market_ns)` says whether the regular session runs; `recorded_open_ns` is the opening of
    the recorded day, None for the synthetic market.
    """
    if launch.start == NOW:
        start_ns = now_ns
    elif launch.start:
        start_ns = _parse(launch.start)
    elif recorded_open_ns is not None:
        start_ns = recorded_open_ns - OPENING_SECONDS_BEFORE * 1_000_000_000
    else:
        start_ns = now_ns if is_open(now_ns) else _last_session(now_ns, is_open)
    return MarketClock(now_ns, start_ns, launch.speed)


def new_york_text(market_ns: int) -> str:
    """Return a market time as people in New York read it, to the second."""
    return f"{datetime.fromtimestamp(market_ns // 1_000_000_000, NEW_YORK):%Y-%m-%d %H:%M:%S} New York"


def _parse(text: str) -> int:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f'start "{text}" is no time; write it as 2026-01-02T10:00 (New York)') from None
    aware = when if when.tzinfo else when.replace(tzinfo=NEW_YORK)
    return int(aware.astimezone(UTC).timestamp()) * 1_000_000_000


def _last_session(now_ns: int, is_open: IsOpen) -> int:
    today = datetime.fromtimestamp(now_ns // 1_000_000_000, NEW_YORK)
    for back in range(DAYS_BACK_MAX):
        day = (today - timedelta(days=back)).replace(hour=START_HOUR, minute=0, second=0, microsecond=0)
        start_ns = int(day.timestamp()) * 1_000_000_000
        if start_ns <= now_ns and is_open(start_ns):
            return start_ns
    return now_ns
