"""A pause of one symbol or of everything. A person sets it (`PauseSymbol`, `PauseAll`, a flattening) or the
trigger `loss_per_trade`; it lasts, over restarts too, until `ResumeSymbol` or, of everything, `Resume`.
"""

from __future__ import annotations

from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule
from risk.snapshot import Snapshot


def check(_intent: OrderIntent, snapshot: Snapshot, _limits: RiskLimits) -> Breach | None:
    """Return a breach when the symbol or everything is paused."""
    if snapshot.pause is None:
        return None
    advice = "Resume it when the reason is gone; see docs/runbooks/running.md."
    return Breach(f"paused: {snapshot.pause}", "not paused", advice)


RULE = Rule(
    name="trading_paused",
    guards="trading against a person's order to stop",
    limit_keys=(),
    check=check,
)
