"""Worst loss at expiry of one order's whole quantity; of a covered leg sent alone, with what covers it."""

from __future__ import annotations

from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule, option_limits, unknown
from risk.snapshot import Snapshot


def check(_intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when the order alone could lose more than one order may."""
    limit = option_limits(limits).max_loss_usd_per_spread
    risk = snapshot.option_risk
    if risk is None or risk.order_loss_usd is None:
        return unknown("the order's worst loss", f"{limit} USD")
    if risk.order_loss_usd <= limit:
        return None
    value = f"worst loss at expiry of the whole order {risk.order_loss_usd:.2f} USD"
    return Breach(value, f"{limit} USD", "Trade a narrower spread or fewer.")


RULE = Rule(
    name="option_loss_per_spread",
    guards="one spread that is too large",
    limit_keys=("options.max_loss_usd_per_spread",),
    check=check,
    applies_to="options",
)
