"""Value of one stock order at its limit or trigger price, of a market order at the quote it would take."""

from __future__ import annotations

from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule, unknown
from risk.snapshot import Snapshot


def check(_intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when the order is worth more than one order may be."""
    limit = limits.max_notional_usd_per_order
    value = snapshot.order_value_usd
    if value is None:
        return unknown("the order's value", f"{limit} USD")
    if value <= limit:
        return None
    return Breach(f"an order of {value:.2f} USD", f"{limit} USD", "Send a smaller order.")


RULE = Rule(
    name="notional_per_order",
    guards="a mistyped quantity or price",
    limit_keys=("max_notional_usd_per_order",),
    check=check,
    applies_to="stocks",
)
