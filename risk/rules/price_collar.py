"""Price collar: an order may be worse than the mid and than the last trade by so much and no more.

Only the losing direction counts: a buy above, a sell below. A resting order on the other side of the
market costs nothing and passes. A market order is judged at the quote it would take.
"""

from __future__ import annotations

from decimal import Decimal

from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule, option_limits, unknown
from risk.snapshot import Quote, Snapshot

_BPS = 10_000


def check(intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when the price is too far beyond the mid or the last trade, or the mid is unknown."""
    quote = snapshot.quote
    if quote is None:
        return unknown("the quote", "a price near the mid")
    price = _worst_price(intent, quote)
    if intent.terms.kind != "stock":
        return _beyond_usd(intent, price - quote.mid, option_limits(limits).max_price_from_mid_usd)
    breach = _beyond_bps(intent, price, reference=quote.mid, name="mid", limit=limits.max_price_from_mid_bps)
    if breach is None and snapshot.last_price is not None:
        last, limit = snapshot.last_price, limits.max_price_from_last_bps
        breach = _beyond_bps(intent, price, reference=last, name="last trade", limit=limit)
    return breach


def _worst_price(intent: OrderIntent, quote: Quote) -> Decimal:
    if intent.price is not None:
        return intent.price
    return quote.ask if intent.side == "buy" else quote.bid


def _beyond_bps(
    intent: OrderIntent, price: Decimal, *, reference: Decimal, name: str, limit: int
) -> Breach | None:
    if (price - reference) * intent.sign * _BPS <= limit * reference:
        return None
    value = f"{intent.side} at {price} against {name} {reference}"
    return Breach(value, f"{limit} bps", "Price the order nearer to the market.")


def _beyond_usd(intent: OrderIntent, beyond: Decimal, limit: Decimal) -> Breach | None:
    if beyond * intent.sign <= limit:
        return None
    return Breach(f"{abs(beyond)} USD beyond the mid", f"{limit} USD", "Price it nearer to the market.")


RULE = Rule(
    name="price_collar",
    guards="a mistyped price, and a quote that lies",
    limit_keys=("max_price_from_mid_bps", "max_price_from_last_bps", "options.max_price_from_mid_usd"),
    check=check,
)
