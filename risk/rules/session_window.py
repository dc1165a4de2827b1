"""Session windows: nothing opens before the ramp ends, in no-trade windows or near the close."""

from __future__ import annotations

from market.time import format_new_york
from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule, unknown
from risk.session_view import SessionView
from risk.snapshot import Snapshot


def check(_intent: OrderIntent, snapshot: Snapshot, _limits: RiskLimits) -> Breach | None:
    """Return a breach when the clock permits no entries, or the session is unknown."""
    session = snapshot.session
    if session.entries_allowed:
        return None
    if session.phase is None:
        return unknown("the session", "phase trading")
    value = f"phase {session.phase} at {format_new_york(snapshot.now_ns, places=0)}"
    return Breach(value, f"phase trading{_times(session)}", "Open positions inside the session window only.")


def _times(session: SessionView) -> str:
    """Return when positions may be opened today, as a bracket; nothing without a session."""
    window = session.window
    if window is None:
        return ""
    times = f"{_clock(window.ramp_end_ns)} to {_clock(window.cutoff_ns)}"
    pauses = [f"{_clock(start_ns)} to {_clock(end_ns)}" for start_ns, end_ns in window.no_trade_ns]
    return f" ({times}{' but not ' if pauses else ''}{', '.join(pauses)})"


def _clock(ts_ns: int) -> str:
    """Return the time of day in New York: `15:30:00`."""
    return format_new_york(ts_ns, places=0).split()[1]


RULE = Rule(
    name="session_window",
    guards="trading when nobody watches",
    limit_keys=(),
    check=check,
    other_keys=(
        "session.open_ramp_minutes",
        "session.no_trade_windows",
        "session.entry_cutoff_minutes_before_close",
    ),
)
