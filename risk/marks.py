"""The last prices worth believing of what is held: what closing it in the session would bring.

Quotes lie: nobody bids for a moment, a market maker shows a price at which nobody trades, the book is
empty after the close. A loss read from such a quote would close a position for nothing, so a mark
follows only quotes of today's session with two sides that do not cross and are not absurdly far apart.
The side that another quote does show still bounds it: what is offered at 4.00 is worth no more.
"""

from __future__ import annotations

from decimal import Decimal

from risk.intent import Kind
from risk.snapshot import Quote, Touch

ZERO = Decimal(0)
WIDEST_STOCK, WIDEST_OPTION = 2, 10
"""A bid whose ask is more than this many times as high is a stub, not a price."""


class Mark(Touch, frozen=True, gc=False):
    """Bid and ask in USD a share; when their quote was made, and when one was last seen (ns UTC, or 0)."""

    made_ns: int
    seen_ns: int


def mark_at(price: Decimal, now_ns: int = 0) -> Mark:
    """Return the mark of what was traded at a price."""
    return Mark(price, price, now_ns, now_ns)


def follow(mark: Mark | None, quote: Quote, kind: Kind, now_ns: int) -> Mark | None:
    """Return the mark after a look at a quote of the session; None while no price was ever known.

    An option without a bid may just be worthless; it counts as seen, and as worth its ask at most.
    """
    bid = quote.bid if quote.bid_size > 0 and quote.bid > ZERO else None
    ask = quote.ask if quote.ask_size > 0 and quote.ask > ZERO else None
    if bid is not None and ask is not None:
        if bid > ask:
            return mark
        if ask <= bid * (WIDEST_STOCK if kind == "stock" else WIDEST_OPTION):
            return Mark(bid, ask, quote.ts_ns, now_ns)
    has_no_bidder = kind == "option" and bid is None and ask is not None
    if mark is None:
        return Mark(ZERO, ask, quote.ts_ns, now_ns) if has_no_bidder and ask is not None else None
    seen_ns = now_ns if has_no_bidder else mark.seen_ns
    return Mark(_within(mark.bid, bid, ask), _within(mark.ask, bid, ask), quote.ts_ns, seen_ns)


def _within(price: Decimal, bid: Decimal | None, ask: Decimal | None) -> Decimal:
    if bid is not None and price < bid:
        return bid
    return ask if ask is not None and price > ask else price
