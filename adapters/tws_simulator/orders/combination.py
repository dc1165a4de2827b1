"""Combinations: their legs, and the prices that legs trade at."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from adapters.tws_simulator.interfaces import Listing, Quote

NON_GUARANTEED = "NonGuaranteed"
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Leg:
    """What one unit of an order trades: `ratio` of a listing, with the order (`is_same_side`) or against.

    An order for a single listing has one leg of ratio 1 on its own side.
    """

    listing: Listing
    ratio: int
    is_same_side: bool

    def is_bought(self, order_is_buy: bool) -> bool:
        """Return whether an order of this side buys the leg."""
        return order_is_buy == self.is_same_side


@dataclass(frozen=True, slots=True)
class LegPrice:
    """A leg and the price per share that it trades at."""

    leg: Leg
    price: Decimal


def side_price(leg: Leg, quote: Quote | None, *, order_is_buy: bool) -> Decimal | None:
    """Return the price that a leg trades at against its quote, None without that side."""
    if quote is None:
        return None
    return quote.ask if leg.is_bought(order_is_buy) else quote.bid


def side_size(leg: Leg, quote: Quote | None, *, order_is_buy: bool) -> Decimal:
    """Return what a leg's quote displays on the side it trades against, 0 when unknown."""
    if quote is None:
        return ZERO
    size = quote.ask_size if leg.is_bought(order_is_buy) else quote.bid_size
    return ZERO if size is None else size


def net_price(prices: list[LegPrice]) -> Decimal:
    """Return the price of one unit: legs on the order's side count, legs against it are subtracted."""
    return sum((one.price * one.leg.ratio * (1 if one.leg.is_same_side else -1) for one in prices), ZERO)
