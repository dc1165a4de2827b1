"""Worst loss at expiry of all options, held and working."""

from __future__ import annotations

from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule, option_limits, unknown
from risk.snapshot import Snapshot


def check(_intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when all underlyings together could lose more than the limit."""
    limit = option_limits(limits).max_loss_usd_total
    risk = snapshot.option_risk
    if risk is None or risk.total_loss_usd is None:
        return unknown("the options' worst loss", f"{limit} USD")
    if risk.total_loss_usd <= limit:
        return None
    value = f"worst loss at expiry of all options {risk.total_loss_usd:.2f} USD"
    return Breach(value, f"{limit} USD", "Close or cancel something first.")


RULE = Rule(
    name="option_loss_total",
    guards="size of the whole options book",
    limit_keys=("options.max_loss_usd_total",),
    check=check,
    applies_to="options",
)
