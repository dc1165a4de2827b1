"""A short option needs a long one of its right, size and at least its life; no setting allows less."""

from __future__ import annotations

from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule, unknown
from risk.snapshot import Snapshot


def check(_intent: OrderIntent, snapshot: Snapshot, _limits: RiskLimits) -> Breach | None:
    """Return a breach when a short option would lack a long one of its right, count and expiry."""
    risk = snapshot.option_risk
    if risk is None:
        return unknown("the options' risk", "defined risk")
    if risk.has_defined_risk:
        return None
    advice = "Buy the covering leg in the same order, or sell once it has filled."
    value = f"undefined risk, nothing covers short {', '.join(risk.uncovered)}"
    return Breach(value, "every short option covered", advice)


RULE = Rule(
    name="option_defined_risk",
    guards="an unbounded loss",
    limit_keys=(),
    check=check,
    applies_to="options",
)
