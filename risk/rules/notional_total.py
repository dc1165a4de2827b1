"""Value of all stocks together, held and working, whether long or short."""

from __future__ import annotations

from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule, unknown
from risk.snapshot import Snapshot


def check(_intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when the book's held and working value could exceed the limit."""
    limit = limits.max_notional_usd_total
    value = snapshot.total_value_after_usd
    if value is None:
        return unknown("the book's value", f"{limit} USD")
    if value <= limit:
        return None
    held = f"{value:.2f} USD held and working in all symbols, this order counted"
    return Breach(held, f"{limit} USD", "Close or cancel something first.")


RULE = Rule(
    name="notional_total",
    guards="size of the whole book",
    limit_keys=("max_notional_usd_total",),
    check=check,
    applies_to="stocks",
)
