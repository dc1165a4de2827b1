"""The symbol (of options the underlying) against the whitelist: the universe, or the list in the limits."""

from __future__ import annotations

from risk.counted import counted
from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule
from risk.snapshot import Snapshot


def check(intent: OrderIntent, snapshot: Snapshot, _limits: RiskLimits) -> Breach | None:
    """Return a breach when the symbol is not on the whitelist."""
    symbol = intent.terms.symbol
    if symbol in snapshot.allowed_symbols:
        return None
    limit = f"the {counted(len(snapshot.allowed_symbols), 'symbol')} of risk.allowed_symbols"
    return Breach(symbol, limit, "Add the symbol to the profile if it is meant to trade.")


RULE = Rule(
    name="symbol_allowed",
    guards="symbols nobody meant to trade",
    limit_keys=("allowed_symbols",),
    check=check,
)
