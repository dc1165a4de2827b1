"""Worst loss at expiry of everything on one underlying, held and working."""

from __future__ import annotations

from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule, option_limits, unknown
from risk.snapshot import Snapshot


def check(intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when the underlying could lose more than the limit."""
    limit = option_limits(limits).max_loss_usd_per_underlying
    risk = snapshot.option_risk
    if risk is None or risk.underlying_loss_usd is None:
        return unknown("the underlying's worst loss", f"{limit} USD")
    if risk.underlying_loss_usd <= limit:
        return None
    value = f"worst loss at expiry of all options on {intent.terms.symbol} {risk.underlying_loss_usd:.2f} USD"
    return Breach(value, f"{limit} USD", "Close or cancel some of it first.")


RULE = Rule(
    name="option_loss_per_underlying",
    guards="concentration in one underlying",
    limit_keys=("options.max_loss_usd_per_underlying",),
    check=check,
    applies_to="options",
)
