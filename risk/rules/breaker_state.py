"""The breaker: only RUNNING lets an order add risk. Its triggers and persons move it; a start begins in
SAFE_MODE until positions and orders are reconciled.
"""

from __future__ import annotations

from market.time import format_new_york
from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule
from risk.snapshot import Snapshot


def check(_intent: OrderIntent, snapshot: Snapshot, _limits: RiskLimits) -> Breach | None:
    """Return a breach when the breaker is in SAFE_MODE or HALT; it says since when, by whom and why."""
    breaker = snapshot.breaker
    if breaker.state == "RUNNING":
        return None
    since = format_new_york(breaker.changed_at_ns, places=0)
    value = f"{breaker.state} since {since} by {breaker.changed_by} ({breaker.reason})"
    if breaker.state == "SAFE_MODE":
        value += f", causes: {', '.join(breaker.causes)}"
    runbook = f"docs/runbooks/{breaker.state.lower().replace('_', '-')}.md"
    return Breach(value, "RUNNING", f"Only cancels and closing orders pass; see {runbook}.")


RULE = Rule(
    name="breaker_state",
    guards="trading while something is wrong",
    limit_keys=(),
    check=check,
)
