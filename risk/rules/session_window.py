"""Session windows: nothing opens before the ramp ends, in no-trade windows or near the close."""

from __future__ import annotations

from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule, unknown
from risk.snapshot import Snapshot


def check(_intent: OrderIntent, snapshot: Snapshot, _limits: RiskLimits) -> Breach | None:
    """Return a breach when the clock permits no entries, or the session is unknown."""
    if snapshot.entries_allowed:
        return None
    phase = "the session" if snapshot.session_phase is None else snapshot.session_phase
    if snapshot.session_phase is None:
        return unknown(phase, "trading phase")
    return Breach(f"phase {phase}", "phase trading", "Open positions inside the session window only.")


RULE = Rule(
    name="session_window",
    guards="trading when nobody watches",
    limit_keys=(),
    check=check,
)
