"""Where prices come from: what a feed of live prices and a store of past ones must offer.

A price in a feed or an array is an integer in 1/10,000 USD (`TEN_THOUSANDTHS` to the dollar), a size an
integer of shares or contracts: exact, small, and fast to compare.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

TEN_THOUSANDTHS = 10_000
MISSING = 0
"""A side of a quote that is not there."""

IntArray = npt.NDArray[np.int64]


@lru_cache(maxsize=262_144)
def price_of(ten_thousandths: int) -> Decimal | None:
    """Return a feed's price in USD, with two decimals where they suffice, None for `MISSING`."""
    if ten_thousandths == MISSING:
        return None
    places = 2 if ten_thousandths % 100 == 0 else 4
    return Decimal(ten_thousandths // 100 if places == 2 else ten_thousandths).scaleb(-places)


@lru_cache(maxsize=65_536)
def size_of(units: int) -> Decimal:
    """Return a feed's size."""
    return Decimal(units)


class FeedSink(Protocol):
    """What a feed tells the market; times are market nanoseconds, in order."""

    def feed_quote(self, con_id: int, bid: int, ask: int, bid_size: int, ask_size: int, ts_ns: int) -> None:
        """Replace the top of a book."""

    def feed_trade(self, con_id: int, price: int, size: int, ts_ns: int) -> None:
        """Report a trade; an index has trades of size 0."""

    def feed_level(self, con_id: int, is_bid: bool, price: int, size: int, *, is_last: bool) -> None:
        """Set the size at a price of the recorded book (0: gone); `is_last` ends one event of the book."""

    def feed_clear(self, con_id: int) -> None:
        """Empty the recorded book."""


class Feed(Protocol):
    """Live prices in the order of market time."""

    def next_ns(self) -> int | None:
        """Return the market time of the next event, None when there is none left."""

    def run(self, sink: FeedSink, until_ns: int) -> None:
        """Tell `sink` every event up to and including `until_ns`."""


@dataclass(frozen=True, slots=True)
class QuoteArrays:
    """Past quotes in order of time, arrays of one length; `MISSING` prices stand for an empty side."""

    ts_ns: IntArray
    bid: IntArray
    ask: IntArray
    bid_size: IntArray
    ask_size: IntArray


@dataclass(frozen=True, slots=True)
class TradeArrays:
    """Past trades in order of time, arrays of one length."""

    ts_ns: IntArray
    price: IntArray
    size: IntArray


class PriceHistory(Protocol):
    """Past prices of stocks and indexes, consistent with what the feed says when it is their time."""

    def earliest_ns(self, con_id: int) -> int | None:
        """Return the time of the first price, None for a listing without any."""

    def quotes(self, con_id: int, start_ns: int, end_ns: int) -> QuoteArrays:
        """Return the quotes in `[start_ns, end_ns)`."""

    def trades(self, con_id: int, start_ns: int, end_ns: int) -> TradeArrays:
        """Return the trades in `[start_ns, end_ns)`."""

    def quote_at(self, con_id: int, market_ns: int) -> tuple[int, int, int, int] | None:
        """Return bid, ask, bid size and ask size in force at `market_ns`, None before the first quote."""

    def ticks_between(self, con_id: int, start_ns: int, end_ns: int) -> int:
        """Return about how many quotes lie between two times, to decide between ticks and samples."""

    def samples(self, con_id: int, ts_ns: IntArray) -> IntArray:
        """Return the mid prices in force at rising times; `MISSING` before the first quote."""

    def volatility(self, con_id: int, ts_ns: IntArray) -> npt.NDArray[np.float64]:
        """Return the implied volatility (a year) of options on a listing at times, for model prices."""
