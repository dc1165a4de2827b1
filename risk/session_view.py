"""What the clock says of the trading day: the phase, the day's times, and when positions may be opened."""

from __future__ import annotations

import msgspec

from market.session_windows import SessionWindow


class TradingDay(msgspec.Struct, frozen=True):
    """Open and close of the session of the day, ns UTC."""

    open_ns: int
    close_ns: int


class SessionView(msgspec.Struct, frozen=True):
    """The clock's permission: the phase (None: unknown), whether entries are allowed, the day's times.

    `window` are the day's phases under the profile's `[session]`; None without a session.
    """

    phase: str | None
    entries_allowed: bool
    day: TradingDay | None
    window: SessionWindow | None = None
