"""Contracts of one option, held and working, long or short; a spread counts through its legs."""

from __future__ import annotations

from risk.counted import counted
from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule, option_limits
from risk.snapshot import Snapshot


def check(intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when held and working contracts of a leg could exceed the limit."""
    limit = option_limits(limits).max_contracts_per_leg
    for leg in intent.terms.components:
        worst = snapshot.exposure_after[leg.terms.instrument_id].worst
        if worst > limit:
            value = f"{counted(worst, 'contract')} of {leg.terms.instrument_id} held and working"
            return Breach(value, counted(limit, "contract"), "Close or cancel some of it first.")
    return None


RULE = Rule(
    name="contracts_per_leg",
    guards="piling into one option",
    limit_keys=("options.max_contracts_per_leg",),
    check=check,
    applies_to="options",
)
