"""When a stop, trailing or if-touched order starts to work: pure transitions of a small state.

IB's trigger methods: 0 default (trades for stocks, bid and ask for options and combinations), 1 double
bid/ask, 2 last, 3 double last, 4 bid/ask, 7 last or bid/ask, 8 midpoint. By bid and ask a stop to buy
looks at the bid and a stop to sell at the ask; if-touched orders look at the other side. "Double" takes
two observations in a row. While nothing has traded, bid and ask stand in for the last trade.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from adapters.tws_simulator.interfaces import Quote
from adapters.tws_simulator.orders.terms import STOPS, TOUCHED, TRAILING, OrderTerms

DOUBLE_BID_ASK, LAST, DOUBLE_LAST, BID_ASK, LAST_OR_BID_ASK, MIDPOINT = 1, 2, 3, 4, 7, 8
METHODS = frozenset({0, DOUBLE_BID_ASK, LAST, DOUBLE_LAST, BID_ASK, LAST_OR_BID_ASK, MIDPOINT})
TWICE = 2
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class TriggerState:
    """`stop` is the price that triggers now (None without one); `seen` observations beyond it in a row."""

    stop: Decimal | None
    is_triggered: bool
    seen: int = 0


def initial_trigger(terms: OrderTerms) -> TriggerState:
    """Return the state of a new order; orders without a trigger count as triggered."""
    if terms.order_type in TRAILING:
        return TriggerState(terms.trail_stop, is_triggered=False)
    if terms.order_type in STOPS | TOUCHED:
        return TriggerState(terms.aux, is_triggered=False)
    return TriggerState(None, is_triggered=True)


def trigger_method(terms: OrderTerms, *, is_stock: bool, stocks_trigger_on_quotes: bool) -> int:
    """Return the method that counts, the default resolved."""
    if terms.trigger_method:
        return terms.trigger_method
    return LAST if is_stock and not stocks_trigger_on_quotes else BID_ASK


def observe(state: TriggerState, terms: OrderTerms, quote: Quote, method: int) -> TriggerState:
    """Return the state after seeing `quote`."""
    if state.is_triggered:
        return state
    prices = _observed(terms, quote, method)
    if not prices:
        return state
    if terms.order_type in TRAILING:
        state = replace(state, stop=_trailed(state.stop, terms, prices[0]))
    if state.stop is None:
        return state
    if not any(_is_beyond(terms, price, state.stop) for price in prices):
        return replace(state, seen=0)
    needed = TWICE if method in {DOUBLE_BID_ASK, DOUBLE_LAST} else 1
    seen = state.seen + 1
    return replace(state, seen=seen, is_triggered=seen >= needed)


def triggered_limit(terms: OrderTerms, state: TriggerState) -> Decimal | None:
    """Return the limit an order works with: fixed, or trailing with its stop; None for a market order."""
    if terms.order_type != "TRAIL LIMIT" or terms.limit_offset is None or state.stop is None:
        return terms.limit
    # A trailing sale's limit lies below its stop by the offset, a purchase's above.
    return state.stop - terms.limit_offset if not terms.is_buy else state.stop + terms.limit_offset


def _observed(terms: OrderTerms, quote: Quote, method: int) -> list[Decimal]:
    looks_at_bid = terms.is_buy == (terms.order_type in STOPS)
    side = quote.bid if looks_at_bid else quote.ask
    if method == MIDPOINT:
        both = quote.bid is not None and quote.ask is not None
        candidates = [(quote.bid + quote.ask) / 2] if both else []  # type: ignore[operator]
    elif method in {LAST, DOUBLE_LAST}:
        candidates = [quote.last if quote.last is not None else side]
    elif method == LAST_OR_BID_ASK:
        candidates = [quote.last, side]
    else:
        candidates = [side]
    return [price for price in candidates if price is not None]


def _trailed(stop: Decimal | None, terms: OrderTerms, price: Decimal) -> Decimal:
    distance = terms.aux
    if terms.trailing_percent is not None:
        distance = price * terms.trailing_percent / HUNDRED
    assert distance is not None, "a trailing order without a distance is refused on arrival"
    candidate = price - distance if not terms.is_buy else price + distance
    if stop is None:
        return candidate
    return max(stop, candidate) if not terms.is_buy else min(stop, candidate)


def _is_beyond(terms: OrderTerms, price: Decimal, stop: Decimal) -> bool:
    rises = terms.is_buy == (terms.order_type in STOPS)
    return price >= stop if rises else price <= stop
