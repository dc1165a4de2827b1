"""Whether the profile has limits for options at all: without `[risk.options]` no option order passes."""

from __future__ import annotations

from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule
from risk.snapshot import Snapshot


def check(intent: OrderIntent, _snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when the profile has no limits for options."""
    if limits.options is not None:
        return None
    value = f"an order of {intent.terms.instrument_id}"
    return Breach(value, "no [risk.options] in the profile", "Add it to trade options.")


RULE = Rule(
    name="options_allowed",
    guards="options that nobody set limits for",
    limit_keys=(),
    check=check,
    applies_to="options",
    other_keys=("risk.options",),
)
