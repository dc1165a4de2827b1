"""Shares of one stock order, or what a modification would leave open."""

from __future__ import annotations

from risk.counted import counted
from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule
from risk.snapshot import Snapshot


def check(intent: OrderIntent, _snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when the order has more shares than one order may."""
    limit = limits.max_shares_per_order
    if intent.quantity <= limit:
        return None
    return Breach(counted(intent.quantity, "share"), counted(limit, "share"), "Send a smaller order.")


RULE = Rule(
    name="shares_per_order",
    guards="a mistyped quantity",
    limit_keys=("max_shares_per_order",),
    check=check,
    applies_to="stocks",
)
