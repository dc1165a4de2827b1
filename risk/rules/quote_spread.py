"""Width of the quote: stocks in basis points of the mid, options and spreads in USD."""

from __future__ import annotations

from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule, option_limits, unknown
from risk.snapshot import Snapshot


def check(intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when the quote is missing, unsound or too wide."""
    quote = snapshot.quote
    is_stock = intent.terms.kind == "stock"
    limit = f"{limits.max_spread_bps} bps" if is_stock else f"{option_limits(limits).max_spread_usd} USD"
    if quote is None:
        return unknown("the quote", limit)
    width = quote.ask - quote.bid
    if not quote.is_sound:
        return Breach(f"unsound quote {quote.bid} / {quote.ask}", limit, "Wait for a two-sided quote.")
    if is_stock and width * 20_000 <= limits.max_spread_bps * (quote.bid + quote.ask):
        return None
    if not is_stock and width <= option_limits(limits).max_spread_usd:
        return None
    return Breach(f"{width} USD wide at {quote.bid} / {quote.ask}", limit, "Wait for a narrower quote.")


RULE = Rule(
    name="quote_spread",
    guards="paying the spread of an illiquid instrument",
    limit_keys=("max_spread_bps", "options.max_spread_usd"),
    check=check,
)
