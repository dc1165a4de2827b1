"""Delta of one underlying, in shares, held and working: of options, and of stock where there are options."""

from __future__ import annotations

from risk.counted import counted
from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule, option_limits, unknown
from risk.snapshot import Snapshot


def check(intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when the underlying's delta could exceed the limit, or is unknown."""
    risk = snapshot.option_risk
    if intent.terms.kind == "stock" and (risk is None or limits.options is None):
        return None  # shares alone: there is no option whose delta they add to
    limit = option_limits(limits).max_delta_shares_per_underlying
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
)
