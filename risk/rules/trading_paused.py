"""A pause by an operator or a trigger, of one symbol or of everything."""

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
    return Breach(f"paused by {snapshot.pause}", "not paused", "Resume it when the reason is gone.")


RULE = Rule(
    name="trading_paused",
    guards="trading against a person's order to stop",
    limit_keys=(),
    check=check,
)
