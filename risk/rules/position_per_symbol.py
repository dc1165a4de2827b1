"""Shares of one symbol, held and working, long or short, whichever could be more."""

from __future__ import annotations

from risk.counted import counted
from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule
from risk.snapshot import Snapshot


def check(intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when held and working shares could exceed the limit, long or short."""
    limit = limits.max_position_shares_per_symbol
    worst = snapshot.exposure_after[intent.terms.instrument_id].worst
    if worst <= limit:
        return None
    value = f"{counted(worst, 'share')} held and working, this order counted"
    return Breach(value, counted(limit, "share"), "Close or cancel some of it first.")


RULE = Rule(
    name="position_per_symbol",
    guards="concentration in one symbol",
    limit_keys=("max_position_shares_per_symbol",),
    check=check,
    applies_to="stocks",
)
