"""Width of the quote: stocks in basis points of the mid, options and spreads in USD. A quote with a side
missing or crossed is refused too.
"""

from __future__ import annotations

from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import PART_OF_BPS, Rule, in_bps, option_limits, unknown
from risk.snapshot import TWO, Snapshot


def check(intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when the quote is missing, unsound or too wide."""
    quote = snapshot.quote
    is_stock = intent.terms.kind == "stock"
    if quote is not None and quote.is_sound:
        bid, ask = quote.bid, quote.ask
        if is_stock:  # twice the mid is bid plus ask
            is_narrow = (ask - bid) * TWO <= (bid + ask) * PART_OF_BPS[limits.max_spread_bps]
        else:
            is_narrow = ask - bid <= option_limits(limits).max_spread_usd
        if is_narrow:
            return None
    limit = f"{limits.max_spread_bps} bps" if is_stock else f"{option_limits(limits).max_spread_usd} USD"
    if quote is None:
        return unknown("the quote", limit)
    if not quote.is_sound:
        value = f"unsound quote: {quote.bid_size} at bid {quote.bid} / {quote.ask_size} at ask {quote.ask}"
        return Breach(value, limit, "Wait for a two-sided quote.")
    width = quote.ask - quote.bid
    measured = in_bps(width, quote.mid) if is_stock else f"{width} USD"
    return Breach(
        f"{measured} wide at bid {quote.bid} / ask {quote.ask}", limit, "Wait for a narrower quote."
    )


RULE = Rule(
    name="quote_spread",
    guards="paying the spread of an illiquid instrument",
    limit_keys=("max_spread_bps", "options.max_spread_usd"),
    check=check,
)
