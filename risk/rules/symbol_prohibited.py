"""The symbol (of options the underlying) against the prohibited list, which wins over the whitelist."""

from __future__ import annotations

from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule
from risk.snapshot import Snapshot


def check(intent: OrderIntent, _snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when the symbol is prohibited."""
    symbol = intent.terms.symbol
    if symbol not in limits.prohibited_symbols:
        return None
    return Breach(symbol, "not in risk.prohibited_symbols", "Remove it from the strategy.")


RULE = Rule(
    name="symbol_prohibited",
    guards="symbols that must never be traded",
    limit_keys=("prohibited_symbols",),
    check=check,
)
