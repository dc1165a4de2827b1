"""LOBSTER order book rows: the levels after each message, and what changes between two rows.

Columns are ask price, ask size, bid price, bid size of level 1, then of level 2, and so on; prices x 10,000.
A level that is not there has the price 9999999999 (ask) or -9999999999 (bid) and the size 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from catalog.columns import Int64Array
from catalog.headerless_rows import BoolArray, Layout, Rows, RowTally, opened, read_rows
from catalog.lobster.book import LevelChanges, Levels
from catalog.lobster.messages import MessageType
from catalog.lobster.top import Top
from market.errors import DataError

_PRICE_SPAN = 10**10 + 1  # above every price in 1/10,000 USD, the markers of absent levels included


@dataclass(frozen=True, slots=True)
class BookSide:
    """One side of consecutive rows: `prices` and `sizes`, shape `(n_rows, n_levels)`, best level first."""

    side: int
    prices: Int64Array
    sizes: Int64Array

    def at(self, rows: slice) -> BookSide:
        """Return consecutive rows of this side."""
        return BookSide(self.side, self.prices[rows], self.sizes[rows])


class BookRows:
    """Consecutive rows of an order book file; `cells` as in the file, shape `(n_rows, 4 * n_levels)`."""

    def __init__(self, cells: Int64Array) -> None:
        self.cells = cells
        self.asks = BookSide(-1, cells[:, 0::4], cells[:, 1::4])
        self.bids = BookSide(1, cells[:, 2::4], cells[:, 3::4])

    def __len__(self) -> int:
        return len(self.cells)

    def at(self, rows: slice) -> BookRows:
        """Return some of the rows, without copying."""
        return BookRows(self.cells[rows])

    def copy(self) -> BookRows:
        """Return a copy that does not keep the block alive which these rows are part of."""
        return BookRows(self.cells.copy())

    def top(self) -> Top:
        """Return level 1 of each row."""
        bids, asks = self.bids, self.asks
        return Top(bids.prices[:, 0], bids.sizes[:, 0], asks.prices[:, 0], asks.sizes[:, 0])

    def levels(self, row: int) -> Levels:
        """Return the levels that are there in one row, asks first."""
        sides = (self.asks, self.bids)
        prices = np.concatenate([side.prices[row] for side in sides])
        sizes = np.concatenate([side.sizes[row] for side in sides])
        side = np.repeat(np.array([-1, 1], dtype=np.int64), len(prices) // 2)
        there = sizes > 0
        return Levels(side[there], prices[there], sizes[there])


class BookFile:
    """Reads an order book file in step with its message file; a bad row is refused."""

    def __init__(self, path: Path, levels: int) -> None:
        self.path = path
        self._blocks = self._read(levels)
        self._cells = np.empty((0, 4 * levels), dtype=np.int64)
        self._first_line = 1

    def rows_at(self, lines: Int64Array) -> BookRows:
        """Return the rows that belong to the messages on `lines` (ascending, counted from 1).

        Lines before them are forgotten. Raises `DataError` when the file ends before.
        """
        last = int(lines[-1])
        parts = [self._cells]
        held_to = self._first_line + len(self._cells)
        while held_to <= last:
            block = next(self._blocks, None)
            if block is None:
                raise DataError(f"{self.path.name} ends before line {last} of its message file.")
            parts.append(np.stack(list(block.columns.values()), axis=1))
            held_to += len(block)
        cells = np.concatenate(parts) if len(parts) > 1 else self._cells
        rows = cells[lines - self._first_line]
        self._cells = cells[last + 1 - self._first_line :]
        self._first_line = last + 1
        return BookRows(rows)

    def _read(self, levels: int) -> Iterator[Rows]:
        layout = book_layout(levels)
        with opened(self.path) as stream:
            yield from read_rows(stream, layout, RowTally(layout.title, self._refuse))

    def _refuse(self, *, line: int, column: str, value: str, why: str) -> None:
        raise DataError(
            f"{self.path.name} line {line} {column}: {value!r} {why}. Order book rows belong to messages "
            "line by line, so none can be left out. Fetch the file again, or move it away."
        )


def book_layout(levels: int) -> Layout:
    """Return the layout of an order book file of so many levels."""
    names = tuple(
        f"{side}_{what}_{level}"
        for level in range(1, levels + 1)
        for side in ("ask", "bid")
        for what in ("price", "size")
    )
    return Layout(f"LOBSTER order book of {levels} levels", names, dict.fromkeys(names, pa.int64()))


def changes_between(before: BookRows, rows: BookRows) -> LevelChanges:
    """Return the level changes that lead from row to row; `before` is the one row before `rows`.

    Within a message deletions come first. A level that leaves the rows' depth is deleted, one that enters it
    is added, so that the book is always what the row shows.
    """
    both = BookRows(np.concatenate((before.cells, rows.cells)))
    asks, bids = _side_changes(both.asks), _side_changes(both.bids)
    merged = [np.concatenate(pair) for pair in zip(asks, bids, strict=True)]
    row, side, price, old, new = merged
    order = np.lexsort((price, new > 0, row))
    return LevelChanges(row[order], side[order], price[order], old[order], new[order])


def _side_changes(book: BookSide) -> tuple[Int64Array, Int64Array, Int64Array, Int64Array, Int64Array]:
    """Return (row, side, price, before, after) of one side's changes."""
    old, new = book.at(slice(None, -1)), book.at(slice(1, None))
    old_index, new_index = _unmatched(old, new)
    old_row, old_price, old_size = old_index[0], old.prices[old_index], old.sizes[old_index]
    new_row, new_price, new_size = new_index[0], new.prices[new_index], new.sizes[new_index]
    old_key, new_key = old_row * _PRICE_SPAN + old_price, new_row * _PRICE_SPAN + new_price
    _, in_old, in_new = np.intersect1d(old_key, new_key, assume_unique=True, return_indices=True)
    before = np.zeros(len(new_row), dtype=np.int64)
    before[in_new] = old_size[in_old]
    gone = np.ones(len(old_row), dtype=bool)
    gone[in_old] = False
    row = np.concatenate((new_row, old_row[gone]))
    price = np.concatenate((new_price, old_price[gone]))
    was = np.concatenate((before, old_size[gone]))
    now = np.concatenate((new_size, np.zeros(int(gone.sum()), dtype=np.int64)))
    differs = was != now
    side = np.full(int(differs.sum()), book.side, dtype=np.int64)
    return row[differs], side, price[differs], was[differs], now[differs]


def _unmatched(old: BookSide, new: BookSide) -> tuple[tuple[Int64Array, ...], tuple[Int64Array, ...]]:
    """Return the cells of old and new rows whose price and size are not found one level around in the other.

    One message moves levels by one place, so what is left over is little; it is joined by price afterwards.
    """
    old_open, new_open = old.sizes > 0, new.sizes > 0
    for old_levels, new_levels in ((_ALL, _ALL), (_BUT_LAST, _BUT_FIRST), (_BUT_FIRST, _BUT_LAST)):
        same = old.prices[old_levels] == new.prices[new_levels]
        same &= old.sizes[old_levels] == new.sizes[new_levels]
        old_open[old_levels] &= ~same
        new_open[new_levels] &= ~same
    return np.nonzero(old_open), np.nonzero(new_open)


_ALL = (slice(None), slice(None))
_BUT_LAST = (slice(None), slice(None, -1))
_BUT_FIRST = (slice(None), slice(1, None))


def contradicting_additions(messages: Rows, rows: BookRows) -> tuple[BoolArray, BoolArray]:
    """Say which messages are additions that can be checked, and which of those their row contradicts.

    After an addition its level holds at least its shares, unless it lies beyond the last level shown.
    """
    is_add = messages["type"] == MessageType.ADD
    contradicts = np.zeros(len(messages), dtype=bool)
    for book in (rows.asks, rows.bids):
        here = is_add & (messages["direction"] == book.side)
        price, size = messages["price"][here, None], messages["size"][here, None]
        shown = ((book.prices[here] == price) & (book.sizes[here] >= size)).any(axis=1)
        worst = (book.prices[here] * book.side).min(axis=1)
        beyond = (price[:, 0] * book.side < worst) & (book.sizes[here] > 0).all(axis=1)
        contradicts[here] = ~shown & ~beyond
    return is_add, contradicts
