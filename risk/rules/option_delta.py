"""Delta of one underlying, in shares, held and working."""

from __future__ import annotations

from risk.counted import counted
from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule, option_limits, unknown
from risk.snapshot import Snapshot


def check(intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when the underlying's delta could exceed the limit, or is unknown."""
    limit = option_limits(limits).max_delta_shares_per_underlying
    risk = snapshot.option_risk
    if risk is None or risk.delta_shares is None:
        return unknown("the underlying's delta", counted(limit, "share"))
    if abs(risk.delta_shares) <= limit:
        return None
    value = f"delta of {intent.terms.symbol} {risk.delta_shares:.1f} shares"
    return Breach(value, counted(limit, "share"), "Trade something that offsets it.")


RULE = Rule(
    name="option_delta",
    guards="a directional bet that grew unseen",
    limit_keys=("options.max_delta_shares_per_underlying",),
    check=check,
    applies_to="options",
)
