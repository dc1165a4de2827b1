"""When a strategy may trade inside a session: open ramp, no-trade windows, close cut-off, flat.

`SessionRules` is the profile's `[session]` section, in minutes and New York wall-clock times.
`SessionWindow` is one session under these rules, in ns UTC: daylight saving and early closes are
resolved once a day, so that `phase` is a few integer comparisons and can be asked at every tick.
"""

from __future__ import annotations

import re
from datetime import time
from enum import StrEnum
from itertools import pairwise

import msgspec

from market.calendar import Session
from market.time import NS_PER_MINUTE, new_york_ns

TIME_ZONE = "America/New_York"
REGULAR_SESSION_MINUTES = 390
"""09:30 to 16:00 New York."""

_WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


class SessionPhase(StrEnum):
    """What the clock permits: entries in TRADING alone; exits in every phase but CLOSED."""

    CLOSED = "closed"
    OPEN_RAMP = "open_ramp"
    TRADING = "trading"
    NO_TRADE = "no_trade"
    CLOSE_CUTOFF = "close_cutoff"
    FLATTEN = "flatten"


class SessionRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules of a trading day, counted from the session's actual open and close.

    Minutes are whole. `no_trade_windows` are New York times such as `"12:00-13:00"`, start inclusive,
    end exclusive. Raises `ValueError` (a `ValidationError` with the path on decode) for values out of
    bounds and for rules that leave no time to trade.
    """

    open_ramp_minutes: int
    entry_cutoff_minutes_before_close: int
    flat_minutes_before_close: int
    no_trade_windows: tuple[str, ...] = ()
    time_zone: str = TIME_ZONE

    def __post_init__(self) -> None:
        _require_minutes("open_ramp_minutes", self.open_ramp_minutes, at_least=0)
        _require_minutes("flat_minutes_before_close", self.flat_minutes_before_close, at_least=1)
        _require_minutes(
            "entry_cutoff_minutes_before_close",
            self.entry_cutoff_minutes_before_close,
            at_least=self.flat_minutes_before_close,
        )
        if self.open_ramp_minutes + self.entry_cutoff_minutes_before_close >= REGULAR_SESSION_MINUTES:
            raise ValueError(
                f"open_ramp_minutes ({self.open_ramp_minutes}) and entry_cutoff_minutes_before_close "
                f"({self.entry_cutoff_minutes_before_close}) leave nothing of a session of "
                f"{REGULAR_SESSION_MINUTES} minutes. Lower one of them."
            )
        if self.time_zone != TIME_ZONE:
            raise ValueError(f"time_zone is {self.time_zone!r}, allowed: {TIME_ZONE!r}")
        _require_disjoint(self.no_trade_windows)


def _require_minutes(name: str, value: int, *, at_least: int) -> None:
    if not at_least <= value < REGULAR_SESSION_MINUTES:
        raise ValueError(f"{name} is {value}, allowed: {at_least} to {REGULAR_SESSION_MINUTES - 1}")


def _require_disjoint(windows: tuple[str, ...]) -> None:
    spans = sorted((*parse_window(text), text) for text in windows)
    for (_, end, earlier), (start, _, later) in pairwise(spans):
        if start < end:
            raise ValueError(f"no_trade_windows {earlier!r} and {later!r} overlap. Join them into one.")


def parse_window(text: str) -> tuple[time, time]:
    """Return start and end of a window such as `"12:00-13:00"`; raises `ValueError` if it is not one."""
    match = _WINDOW.fullmatch(text)
    if match is None:
        raise ValueError(
            f"no_trade_windows has {text!r}, allowed: 'HH:MM-HH:MM' in New York, e.g. '12:00-13:00'"
        )
    start_hour, start_minute, end_hour, end_minute = map(int, match.groups())
    start, end = time(start_hour, start_minute), time(end_hour, end_minute)
    if start >= end:
        raise ValueError(f"no_trade_windows has {text!r}, which ends before it begins. Swap its times.")
    return start, end


class SessionWindow(msgspec.Struct, frozen=True, kw_only=True):
    """One session under the rules: instants in ns UTC, each the first of its phase.

    On an early close everything that counts from the close moves with it; where ramp and cut-off
    meet, the cut-off wins, so a very short session may have no TRADING at all.
    """

    open_ns: int
    ramp_end_ns: int
    cutoff_ns: int
    flat_ns: int
    close_ns: int
    no_trade_ns: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, session: Session, rules: SessionRules) -> SessionWindow:
        """Return the window of `session` under `rules`."""
        spans = sorted(parse_window(text) for text in rules.no_trade_windows)
        return cls(
            open_ns=session.open_ns,
            ramp_end_ns=session.open_ns + rules.open_ramp_minutes * NS_PER_MINUTE,
            cutoff_ns=session.close_ns - rules.entry_cutoff_minutes_before_close * NS_PER_MINUTE,
            flat_ns=session.close_ns - rules.flat_minutes_before_close * NS_PER_MINUTE,
            close_ns=session.close_ns,
            no_trade_ns=tuple(
                (new_york_ns(session.date, start), new_york_ns(session.date, end)) for start, end in spans
            ),
        )

    def phase(self, now_ns: int) -> SessionPhase:
        """Return the phase at `now_ns` (ns UTC); a few comparisons, no allocation."""
        if now_ns >= self.cutoff_ns:
            return self._phase_after_cutoff(now_ns)
        if now_ns < self.ramp_end_ns:
            return _CLOSED if now_ns < self.open_ns else _OPEN_RAMP
        for start_ns, end_ns in self.no_trade_ns:
            if start_ns <= now_ns < end_ns:
                return _NO_TRADE
        return _TRADING

    def _phase_after_cutoff(self, now_ns: int) -> SessionPhase:
        if now_ns >= self.close_ns or now_ns < self.open_ns:
            return _CLOSED
        return _FLATTEN if now_ns >= self.flat_ns else _CLOSE_CUTOFF

    def changes_ns(self, now_ns: int) -> int | None:
        """Return the next instant (ns UTC) at which the phase may change; None after the last."""
        instants = (self.open_ns, self.ramp_end_ns, self.cutoff_ns, self.flat_ns, self.close_ns)
        pauses = (instant_ns for span in self.no_trade_ns for instant_ns in span)
        return min((instant for instant in (*instants, *pauses) if instant > now_ns), default=None)

    def entries_allowed(self, now_ns: int) -> bool:
        """Whether a position may be opened at `now_ns` (ns UTC): in phase TRADING alone."""
        return self.phase(now_ns) is _TRADING


# Looked up at every tick: a module constant costs half of an attribute of the enum.
_CLOSED = SessionPhase.CLOSED
_OPEN_RAMP = SessionPhase.OPEN_RAMP
_TRADING = SessionPhase.TRADING
_NO_TRADE = SessionPhase.NO_TRADE
_CLOSE_CUTOFF = SessionPhase.CLOSE_CUTOFF
_FLATTEN = SessionPhase.FLATTEN
