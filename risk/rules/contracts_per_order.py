"""Contracts of one order in a single option, or spreads of one order in a combination."""

from __future__ import annotations

from risk.counted import counted
from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule, option_limits
from risk.snapshot import Snapshot


def check(intent: OrderIntent, _snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when the order has more contracts than one order may."""
    limit = option_limits(limits).max_contracts_per_order
    if intent.quantity <= limit:
        return None
    return Breach(counted(intent.quantity, "contract"), counted(limit, "contract"), "Send a smaller order.")


RULE = Rule(
    name="contracts_per_order",
    guards="a mistyped quantity",
    limit_keys=("options.max_contracts_per_order",),
    check=check,
    applies_to="options",
)
