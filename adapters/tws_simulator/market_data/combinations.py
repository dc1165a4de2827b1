"""Quotes of combinations (BAG): each leg at the side that it would trade on.

Modelled, not captured: TWS quotes a combination from its legs and shows the size that all legs can do; a
spread's own book on an exchange is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from adapters.tws_simulator.interfaces import Listing, Quote

SignedLegs = Sequence[tuple[Listing, int]]
QuoteOf = Callable[[int], Quote | None]


def combination_quote(legs: SignedLegs, quote_of: QuoteOf) -> Quote | None:
    """Return the quote per unit of the combination, None when a leg was never quoted.

    `legs` have signed ratios. Buying the combination pays the ask of bought legs and gets the bid of sold
    ones; a side is None when a leg has no price there. A leg without a bid can still be sold at 0 in no
    market, so it leaves that side empty.
    """
    quotes = [(quote_of(listing.con_id), ratio) for listing, ratio in legs]
    if any(quote is None for quote, _ in quotes):
        return None
    present = [(quote, ratio) for quote, ratio in quotes if quote is not None]
    ask, ask_size = _side(present, is_buying=True)
    bid, bid_size = _side(present, is_buying=False)
    return Quote(
        bid=bid,
        ask=ask,
        bid_size=bid_size,
        ask_size=ask_size,
        ts_ns=max(quote.ts_ns for quote, _ in present),
    )


def _side(quotes: list[tuple[Quote, int]], *, is_buying: bool) -> tuple[Decimal | None, Decimal | None]:
    total, units = Decimal(0), []
    for quote, ratio in quotes:
        takes_ask = (ratio > 0) == is_buying
        price = quote.ask if takes_ask else quote.bid
        size = quote.ask_size if takes_ask else quote.bid_size
        if price is None:
            return None, None
        total += price * ratio
        units.append((size or Decimal(0)) // abs(ratio))
    return total, min(units)
