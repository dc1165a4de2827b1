"""Whether, at what price and for how much an order trades now: pure rules of quotes and prints.

An order that meets a price on arrival takes it at that price. One that rests trades at its own limit:
`touch` when the market reaches the limit, `through` only beyond it, `queue` once what was displayed
before it at the limit has traded (a market that moves to the limit's other side empties the queue).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from adapters.tws_simulator.interfaces import Quote
from adapters.tws_simulator.orders.settings import FillRule

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Interest:
    """An order as the market sees it; `limit` None trades at any price.

    `queue_ahead` is what was displayed at the limit before the order, None while that is not known.
    """

    is_buy: bool
    limit: Decimal | None
    is_resting: bool = False
    queue_ahead: Decimal | None = None


def price_at_quote(interest: Interest, quote: Quote, rule: FillRule) -> Decimal | None:
    """Return the price at which the order trades against `quote`, None when it does not."""
    offered = quote.ask if interest.is_buy else quote.bid
    if offered is None:
        return None
    if interest.limit is None:
        return offered
    if not interest.is_resting:
        return offered if _reaches(interest, offered) else None
    reached = _passes(interest, offered) if rule == "through" else _reaches(interest, offered)
    return interest.limit if reached else None


def size_at_print(
    interest: Interest, price: Decimal, size: Decimal, rule: FillRule
) -> tuple[Decimal, Decimal]:
    """Return how much of a trade in the market goes to a resting order, and the queue left before it."""
    queue = interest.queue_ahead or ZERO
    if interest.limit is None or not interest.is_resting or not _reaches(interest, price):
        return ZERO, queue
    if _passes(interest, price):
        return size, ZERO
    if rule == "through":
        return ZERO, queue
    if rule == "touch":
        return size, queue
    return max(size - queue, ZERO), max(queue - size, ZERO)


def queue_on_resting(interest: Interest, quote: Quote) -> Decimal | None:
    """Return the queue before an order at its limit: displayed size at it, 0 inside the spread.

    None while the limit lies behind the best price: what is displayed there is not known yet.
    """
    best, size = (quote.bid, quote.bid_size) if interest.is_buy else (quote.ask, quote.ask_size)
    if interest.limit is None or best is None:
        return ZERO
    if best == interest.limit:
        return ZERO if size is None else size
    is_inside = best < interest.limit if interest.is_buy else best > interest.limit
    return ZERO if is_inside else None


def _reaches(interest: Interest, price: Decimal) -> bool:
    assert interest.limit is not None, "a market order reaches every price"
    return price <= interest.limit if interest.is_buy else price >= interest.limit


def _passes(interest: Interest, price: Decimal) -> bool:
    assert interest.limit is not None, "a market order passes every price"
    return price < interest.limit if interest.is_buy else price > interest.limit
