"""Price collar: an order may be worse than the mid and than the last trade by so much and no more.

Only the losing direction counts: a buy above, a sell below. A resting order on the other side of the
market costs nothing and passes. A market order is judged at the quote it would take, a stop there or
at its trigger, whichever is worse. While no last trade is known, and for options always, the mid alone
is asked.
"""

from __future__ import annotations

from decimal import Decimal

from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import PART_OF_BPS, Rule, in_bps, option_limits, unknown
from risk.snapshot import Quote, Snapshot


def check(intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when the price is too far beyond the mid or the last trade, or the mid is unknown."""
    quote = snapshot.quote
    if quote is None:
        return unknown("the quote", "a price near the mid")
    price, mid = intent.limit_price, quote.mid
    if price is None:
        price = _worst_without_limit(intent, quote)
    if intent.terms.kind != "stock":
        return _beyond_usd(intent, price, mid, option_limits(limits).max_price_from_mid_usd)
    is_buy, last = intent.side == "buy", snapshot.last_price
    beyond = price - mid if is_buy else mid - price
    if beyond > mid * PART_OF_BPS[limits.max_price_from_mid_bps]:
        return _beyond_bps(intent, price, mid, f"mid {mid}", limits.max_price_from_mid_bps)
    if last is None:
        return None
    beyond = price - last if is_buy else last - price
    if beyond > last * PART_OF_BPS[limits.max_price_from_last_bps]:
        return _beyond_bps(intent, price, last, f"last trade {last}", limits.max_price_from_last_bps)
    return None


def _worst_without_limit(intent: OrderIntent, quote: Quote) -> Decimal:
    """Return the quote that the order would take, or its trigger where that is worse."""
    trigger = intent.trigger_price
    if intent.side == "buy":
        return quote.ask if trigger is None or trigger < quote.ask else trigger
    return quote.bid if trigger is None or trigger > quote.bid else trigger


def _beyond_bps(intent: OrderIntent, price: Decimal, reference: Decimal, name: str, limit_bps: int) -> Breach:
    beyond = in_bps(abs(price - reference), reference)
    value = f"{intent.side} at {price}, {beyond} beyond {name}"
    return Breach(value, f"{limit_bps} bps", "Price the order nearer to the market.")


def _beyond_usd(intent: OrderIntent, price: Decimal, mid: Decimal, limit: Decimal) -> Breach | None:
    beyond = price - mid if intent.side == "buy" else mid - price
    if beyond <= limit:
        return None
    value = f"{intent.side} at {price}, {beyond} USD beyond mid {mid}"
    return Breach(value, f"{limit} USD", "Price the order nearer to the market.")


RULE = Rule(
    name="price_collar",
    guards="a mistyped price, and a quote that lies",
    limit_keys=("max_price_from_mid_bps", "max_price_from_last_bps", "options.max_price_from_mid_usd"),
    check=check,
)
