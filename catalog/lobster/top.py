"""Best bid and offer: after every message of a block, and where they change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalog.columns import Int64Array
from catalog.headerless_rows import BoolArray
from catalog.lobster.book import LevelChanges, Levels, stable_order


@dataclass(frozen=True, slots=True)
class Top:
    """Best bid and offer after each message of a block: prices in 1/10,000 USD, shares.

    A side that has no order has size 0.
    """

    bid_price: Int64Array
    bid_size: Int64Array
    ask_price: Int64Array
    ask_size: Int64Array

    def __len__(self) -> int:
        return len(self.bid_price)

    def at(self, rows: Int64Array | slice) -> Top:
        """Return the values of `rows` only."""
        return Top(self.bid_price[rows], self.bid_size[rows], self.ask_price[rows], self.ask_size[rows])

    def is_two_sided(self) -> BoolArray:
        """Say where both sides have an order."""
        return (self.bid_size > 0) & (self.ask_size > 0)

    def agrees_with(self, other: Top) -> BoolArray:
        """Say where prices and sizes are the same; prices of empty sides do not matter."""
        same_bid = (self.bid_price == other.bid_price) | (self.bid_size == 0)
        same_ask = (self.ask_price == other.ask_price) | (self.ask_size == 0)
        return same_bid & same_ask & (self.bid_size == other.bid_size) & (self.ask_size == other.ask_size)


def top_of_book(start: Levels, changes: LevelChanges, message_count: int) -> Top:
    """Return the top after each of `message_count` messages, given the levels before them."""
    bid_price, bid_size = _best(start, changes, message_count, side=1)
    ask_price, ask_size = _best(start, changes, message_count, side=-1)
    return Top(bid_price, bid_size, ask_price, ask_size)


def changed_rows(top: Top, before: Top | None) -> Int64Array:
    """Return the rows in which both sides have an order and something differs from the last such row.

    `before` is the last two-sided top of the block before, of length 1, or None.
    """
    rows = np.flatnonzero(top.is_two_sided())
    if not len(rows):
        return rows
    differs = np.ones(len(rows), dtype=bool)
    quotes = top.at(rows)
    differs[1:] = ~quotes.at(slice(1, None)).agrees_with(quotes.at(slice(None, -1)))
    if before is not None:
        differs[0] = not quotes.at(slice(0, 1)).agrees_with(before)[0]
    return rows[differs]


def _best(
    start: Levels, changes: LevelChanges, message_count: int, *, side: int
) -> tuple[Int64Array, Int64Array]:
    """Return best price and its size of one side after each message; size 0 where there is none.

    A level is there from a message to a message; the best one at a message is the highest (for asks the
    lowest) that is there.
    """
    old, new = start.side == side, changes.side == side
    ordered = np.concatenate((start.price[old], changes.price[new])) * side  # the best is the largest
    row = np.concatenate((np.zeros(int(old.sum()), dtype=np.int64), changes.row[new]))
    size = np.concatenate((start.size[old], changes.after[new]))
    prices, level = np.unique(ordered, return_inverse=True)
    order = stable_order(level)
    level, row, size = level[order], row[order], size[order]
    until = np.full(len(row), message_count, dtype=np.int64)  # each state lasts until the next of its level
    until[:-1] = np.where(level[1:] == level[:-1], row[1:], message_count)
    there = (size > 0) & (until > row)
    best = highest_covering(row[there], until[there], level[there], message_count)
    # Within a level states are in order of time: the one in force is the last that began by the message.
    began = level * message_count + row
    state = np.searchsorted(began, best * message_count + np.arange(message_count), side="right") - 1
    has_level = best >= 0
    price = np.where(has_level, prices[best] * side if len(prices) else 0, 0)
    return price, np.where(has_level, size[state] if len(size) else 0, 0)


def highest_covering(start: Int64Array, end: Int64Array, value: Int64Array, length: int) -> Int64Array:
    """Return for each position below `length` the highest `value` of the intervals over it, -1 where none is.

    Intervals `[start, end)` are not empty. Each is painted as two overlapping runs of a power of two; runs
    are then halved down to single positions: n log n, without a loop over intervals.
    """
    paint = np.full(length, -1, dtype=np.int64)
    if not len(start):
        return paint
    exponent = np.frexp((end - start).astype(np.float64))[1] - 1  # floor(log2), exact for lengths below 2**53
    for power in range(int(exponent.max()), -1, -1):
        here = exponent == power
        np.maximum.at(paint, start[here], value[here])
        np.maximum.at(paint, end[here] - (1 << power), value[here])
        half = (1 << power) >> 1
        if half:
            shifted = paint[: length - half].copy()
            np.maximum(paint[half:], shifted, out=paint[half:])
    return paint
