"""The breaker: only RUNNING lets an order add risk."""

from __future__ import annotations

from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule
from risk.snapshot import Snapshot


def check(_intent: OrderIntent, snapshot: Snapshot, _limits: RiskLimits) -> Breach | None:
    """Return a breach when the breaker is in SAFE_MODE or HALT."""
    state = snapshot.breaker
    if state == "RUNNING":
        return None
    return Breach(state, "RUNNING", "Only cancels and closing orders pass; see the runbook of this state.")


RULE = Rule(
    name="breaker_state",
    guards="trading while something is wrong",
    limit_keys=(),
    check=check,
)
