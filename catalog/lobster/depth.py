"""How messages move the book of a day: by the order book rows beside them, by themselves, or not at all."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from catalog.headerless_rows import Rows
from catalog.lobster.book import LevelChanges, Levels, MessageBook
from catalog.lobster.files import LobsterDay, count_rows
from catalog.lobster.records import Deltas, deltas_of, snapshot_of
from catalog.lobster.rows import BookFile, BookRows, changes_between, contradicting_additions
from catalog.lobster.top import Top, top_of_book
from market.errors import DataError

CHECKED_ROWS = 1_000
CONTRADICTED_FRACTION_MAX = 0.01
"""Additions among the first rows that an order book file may contradict before it is held to be another's."""
_BOOK_CELLS = 2_000_000  # integers of order book rows held at once
_BLOCK_ROWS = 262_144

_NOTHING = np.empty(0, dtype=np.int64)
_NO_CHANGES = LevelChanges(_NOTHING, _NOTHING, _NOTHING, _NOTHING, _NOTHING)
_NO_LEVELS = Levels(_NOTHING, _NOTHING, _NOTHING)


class Depth(Protocol):
    """The book of one day, moved block by block."""

    block_rows: int
    """Messages to give at once, which bounds memory."""

    def follow(self, rows: Rows) -> tuple[Deltas, Top | None]:
        """Return the deltas of these messages, and the top of the book after each one where it is known."""

    def notes(self) -> list[str]:
        """Return what the person who ingests should know of this book."""


class RowsDepth:
    """A row for every message: the book always is what the row shows, to the depth that it shows."""

    def __init__(self, book: BookFile, levels: int) -> None:
        self._book = book
        self._has_depth = levels > 1
        self._before: BookRows | None = None
        self.block_rows = max(1, _BOOK_CELLS // (4 * levels))

    def follow(self, rows: Rows) -> tuple[Deltas, Top]:
        """Return what changes from row to row; level 1 alone gives no deltas."""
        after = self._book.rows_at(rows.lines)
        if not self._has_depth:
            return deltas_of(_NO_CHANGES), after.top()
        if self._before is None:
            first, rest = after.at(slice(0, 1)), after.at(slice(1, None))
            changes = changes_between(first, rest).moved_by(1)
            deltas = snapshot_of(after.levels(0)).followed_by(deltas_of(changes))
        else:
            deltas = deltas_of(changes_between(self._before, after))
        self._before = after.at(slice(-1, None)).copy()
        return deltas, after.top()

    def notes(self) -> list[str]:
        """Say where the book comes from."""
        if self._has_depth:
            return ["book deltas follow the order book rows"]
        return ["one level: quotes and trades, no book deltas"]


class MessagesDepth:
    """The book as the messages make it, from a seed (the book after the first message) or from nothing.

    With `tops`, a file of level 1 for every message, quotes come from there and the book is compared with it.
    """

    def __init__(self, seed: BookFile | None, tops: BookFile | None) -> None:
        self._seed = seed
        self._tops = tops
        self._book: MessageBook | None = None
        self._disagreements = 0
        self.block_rows = _BLOCK_ROWS

    def follow(self, rows: Rows) -> tuple[Deltas, Top]:
        """Return one delta for each message that changes the book, before the first one a snapshot."""
        snapshot = None
        start = _NO_LEVELS
        rows_before = 0
        if self._book is None:
            if self._seed is not None:
                start = self._seed.rows_at(rows.lines[:1]).levels(0)
                rows_before = 1  # the seed is the book after the first message
            self._book = MessageBook(start)
            snapshot = snapshot_of(start)
        levels = self._book.levels()
        changes = self._book.apply(rows.part(rows_before, len(rows))).moved_by(rows_before)
        deltas = deltas_of(changes)
        top = top_of_book(levels, changes, len(rows))
        return (snapshot.followed_by(deltas) if snapshot else deltas), self._compared(rows, top)

    def notes(self) -> list[str]:
        """Say where the book comes from and what it does not know."""
        origin = "the first order book row and the messages" if self._seed else "the messages, starting empty"
        notes = [f"book deltas follow {origin}"]
        if self._book is not None and self._book.ignored:
            notes.append(f"{self._book.ignored} reductions ignored: their orders were never shown")
        if self._tops:
            notes.append(
                f"the book's best bid and offer differ from the bbo file {self._disagreements} times"
            )
        return notes

    def _compared(self, rows: Rows, top: Top) -> Top:
        if self._tops is None:
            return top
        stated = self._tops.rows_at(rows.lines).top()
        self._disagreements += int((~stated.agrees_with(top)).sum())
        return stated


class NoDepth:
    """Messages of level 1 without a book: trades only."""

    block_rows = _BLOCK_ROWS

    def follow(self, rows: Rows) -> tuple[Deltas, None]:  # noqa: ARG002
        """Return no deltas and no top."""
        return deltas_of(_NO_CHANGES), None

    def notes(self) -> list[str]:
        """Say what is missing."""
        return ["level 1 without an order book file: trades only"]


def depth_of(day: LobsterDay) -> Depth:
    """Return how the book of a day is made, by the files that it has.

    Raises `DataError` when the order book or bbo file cannot belong to the messages.
    """
    if day.book is None and day.levels == 1:
        return NoDepth()
    messages = count_rows(day.messages.path)
    if day.book is None:
        return MessagesDepth(None, _tops(day, messages))
    rows = count_rows(day.book.path)
    if rows > messages or (rows < messages and day.levels == 1):
        raise _misfit(day, day.book.path.name, f"it has {rows} rows for {messages} messages")
    book = BookFile(day.book.path, day.levels)
    return RowsDepth(book, day.levels) if rows == messages else MessagesDepth(book, _tops(day, messages))


def require_belongs(day: LobsterDay, first_rows: Rows) -> None:
    """Raise `DataError` when the first order book rows contradict the first messages: they are another's."""
    if day.book is None:
        return
    available = min(CHECKED_ROWS, count_rows(day.book.path, enough=CHECKED_ROWS))
    messages = first_rows.where(first_rows.lines <= available)
    if not len(messages):
        return
    checked, contradicted = contradicting_additions(
        messages, BookFile(day.book.path, day.levels).rows_at(messages.lines)
    )
    if contradicted.sum() > CONTRADICTED_FRACTION_MAX * checked.sum():
        line = int(messages.lines[contradicted][0])
        counts = f"{int(contradicted.sum())} of the first {int(checked.sum())}"
        wrong = f"{counts} additions are not in it, e.g. line {line}"
        raise _misfit(day, day.book.path.name, wrong)


def _tops(day: LobsterDay, messages: int) -> BookFile | None:
    if day.bbo is None:
        return None
    rows = count_rows(day.bbo.path)
    if rows != messages:
        raise _misfit(day, day.bbo.path.name, f"it has {rows} rows for {messages} messages")
    return BookFile(day.bbo.path, 1)


def _misfit(day: LobsterDay, name: str, why: str) -> DataError:
    return DataError(
        f"{name} does not belong to {day.messages.path.name}: {why}. Fetch both again, or move it away to "
        "ingest the messages without it."
    )
