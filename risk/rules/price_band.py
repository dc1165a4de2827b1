"""Bid and ask of the stock against the band: the bid not below it, the ask not above it."""

from __future__ import annotations

from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule, unknown
from risk.snapshot import Snapshot


def check(_intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when the bid is below or the ask above the band."""
    quote = snapshot.quote
    if quote is not None and limits.min_price_usd <= quote.bid and quote.ask <= limits.max_price_usd:
        return None
    limit = f"{limits.min_price_usd} to {limits.max_price_usd} USD"
    if quote is None:
        return unknown("the quote", limit)
    return Breach(f"bid {quote.bid} / ask {quote.ask} USD", limit, "Trade symbols inside the band.")


RULE = Rule(
    name="price_band",
    guards="stocks outside the tested band",
    limit_keys=("min_price_usd", "max_price_usd"),
    check=check,
    applies_to="stocks",
)
