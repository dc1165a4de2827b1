"""Features of the order book's best levels."""

from __future__ import annotations

from collections.abc import Sequence


def book_imbalance(bid_sizes: Sequence[float], ask_sizes: Sequence[float], n: int) -> float | None:
    """Return (bids - asks) / (bids + asks) over the sizes of the `n` best levels, in [-1, 1].

    Sizes in shares, best level first; of a shorter side all levels count. None when a side is empty: an
    absent side is missing data, not infinite pressure.
    """
    bids = sum(bid_sizes[:n])
    asks = sum(ask_sizes[:n])
    if not (bids > 0 and asks > 0):
        return None
    return (bids - asks) / (bids + asks)


def book_microprice(
    bids: Sequence[tuple[float, float]], asks: Sequence[tuple[float, float]], n: int
) -> float | None:
    """Return the microprice of the `n` best levels in USD.

    Each side's average price is weighted by the other side's size; with n = 1 it is the level-1
    microprice. `bids` and `asks` hold (price, size), best first. None when a side is empty.
    """
    bid_size, bid_turnover = _depth(bids[:n])
    ask_size, ask_turnover = _depth(asks[:n])
    if not (bid_size > 0 and ask_size > 0):
        return None
    bid_price, ask_price = bid_turnover / bid_size, ask_turnover / ask_size
    return (bid_price * ask_size + ask_price * bid_size) / (bid_size + ask_size)


def _depth(levels: Sequence[tuple[float, float]]) -> tuple[float, float]:
    size = turnover = 0.0
    for price, level_size in levels:
        size += level_size
        turnover += price * level_size
    return size, turnover
