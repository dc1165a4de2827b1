"""Vega of one underlying, in USD a volatility point, held and working."""

from __future__ import annotations

from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule, option_limits, unknown
from risk.snapshot import Snapshot


def check(intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when the underlying's vega could exceed the limit, or is unknown."""
    limit = option_limits(limits).max_vega_usd_per_underlying
    risk = snapshot.option_risk
    if risk is None or risk.vega_usd is None:
        return unknown("the underlying's vega", f"{limit} USD a point")
    if abs(risk.vega_usd) <= limit:
        return None
    value = f"vega of {intent.terms.symbol} {risk.vega_usd:.2f} USD a point"
    return Breach(value, f"{limit} USD a point", "Trade what offsets it.")


RULE = Rule(
    name="option_vega",
    guards="a volatility bet that grew unseen",
    limit_keys=("options.max_vega_usd_per_underlying",),
    check=check,
    applies_to="options",
)
