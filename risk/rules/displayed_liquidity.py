"""Displayed shares or contracts on the side that the order would take: the ask of a buy, else the bid."""

from __future__ import annotations

from risk.counted import counted
from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule, option_limits, unknown
from risk.snapshot import Snapshot


def check(intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when too little is displayed on the side that the order takes."""
    is_stock, quote = intent.terms.kind == "stock", snapshot.quote
    limit = limits.min_displayed_shares if is_stock else option_limits(limits).min_displayed_contracts
    if quote is not None:
        displayed = quote.ask_size if intent.side == "buy" else quote.bid_size
        if displayed >= limit:
            return None
    unit = "share" if is_stock else "contract"
    allowed = f"at least {counted(limit, unit)}"
    if quote is None:
        return unknown("the quote", allowed)
    side = f"the ask {quote.ask}" if intent.side == "buy" else f"the bid {quote.bid}"
    value = f"{counted(displayed, unit)} displayed at {side}"
    return Breach(value, allowed, "Wait until more is displayed.")


RULE = Rule(
    name="displayed_liquidity",
    guards="trading where nobody quotes",
    limit_keys=("min_displayed_shares", "options.min_displayed_contracts"),
    check=check,
)
