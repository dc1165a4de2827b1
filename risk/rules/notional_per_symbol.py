"""Value of one stock, held and working, at the highest price in play: ask, limit or trigger."""

from __future__ import annotations

from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule, unknown
from risk.snapshot import Snapshot


def check(_intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when the symbol's held and working value could exceed the limit."""
    limit = limits.max_notional_usd_per_symbol
    value = snapshot.symbol_value_after_usd
    if value is None:
        return unknown("the symbol's value", f"{limit} USD")
    if value <= limit:
        return None
    held = f"{value:.2f} USD held and working, this order counted"
    return Breach(held, f"{limit} USD", "Close or cancel some of it first.")


RULE = Rule(
    name="notional_per_symbol",
    guards="concentration in one symbol",
    limit_keys=("max_notional_usd_per_symbol",),
    check=check,
    applies_to="stocks",
)
