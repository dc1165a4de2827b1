"""What changes between order book rows, applied in order, gives the next row, whatever the rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.headerless_rows import Rows
from catalog.lobster.rows import BookFile, BookRows, changes_between, contradicting_additions
from market.errors import DataError

LEVELS = 3
NO_ASK, NO_BID = 9_999_999_999, -9_999_999_999

SIDE = st.dictionaries(st.integers(100, 108), st.integers(1, 3), max_size=LEVELS)


def row(bids: dict[int, int], asks: dict[int, int]) -> list[int]:
    cells: list[int] = []
    best_asks, best_bids = sorted(asks.items()), sorted(bids.items(), reverse=True)
    for level in range(LEVELS):
        cells += best_asks[level] if level < len(best_asks) else (NO_ASK, 0)
        cells += best_bids[level] if level < len(best_bids) else (NO_BID, 0)
    return cells


def as_sides(rows: BookRows, at: int) -> dict[tuple[int, int], int]:
    levels = rows.levels(at)
    keys = zip(levels.side.tolist(), levels.price.tolist(), strict=True)
    return dict(zip(keys, levels.size.tolist(), strict=True))


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(SIDE, SIDE), min_size=2, max_size=12))
def test_changes_lead_from_row_to_row(books: list[tuple[dict[int, int], dict[int, int]]]) -> None:
    rows = BookRows(np.array([row(bids, asks) for bids, asks in books], dtype=np.int64))
    changes = changes_between(rows.at(slice(0, 1)), rows.at(slice(1, None)))
    held = as_sides(rows, 0)
    for at in range(1, len(rows)):
        here = np.flatnonzero(changes.row == at - 1)
        assert (np.diff(changes.after[here] > 0) >= 0).all()  # deletions come first
        for index in here.tolist():
            level = (int(changes.side[index]), int(changes.price[index]))
            assert held.get(level, 0) == changes.before[index] != changes.after[index]
            held[level] = int(changes.after[index])
        held = {level: size for level, size in held.items() if size}
        assert held == as_sides(rows, at)


def test_a_level_that_drops_out_of_sight_is_deleted() -> None:
    before = BookRows(np.array([row({99: 1, 98: 1, 97: 1}, {101: 1})]))
    after = BookRows(np.array([row({100: 5, 99: 1, 98: 1}, {101: 1})]))
    changes = changes_between(before, after)
    assert changes.price.tolist() == [97, 100]
    assert changes.after.tolist() == [0, 5]


def write_rows(path: Path, count: int) -> Path:
    lines = [",".join(map(str, row({100: number}, {101: number}))) for number in range(1, count + 1)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_gives_the_rows_of_the_lines_asked_for(tmp_path: Path) -> None:
    book = BookFile(write_rows(tmp_path / "book.csv", 20), LEVELS)
    for lines in ([1, 2, 3], [5, 9], [10], [12, 20]):
        assert book.rows_at(np.array(lines)).top().bid_size.tolist() == lines


def test_refuses_to_end_before_the_messages(tmp_path: Path) -> None:
    book = BookFile(write_rows(tmp_path / "book.csv", 20), LEVELS)
    with pytest.raises(DataError, match=r"book\.csv ends before line 21"):
        book.rows_at(np.array([21]))


def test_refuses_a_bad_row_because_rows_belong_to_lines(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "book.csv", 20)
    path.write_text(path.read_text().replace("\n101,7,", "\n101,seven,"))
    with pytest.raises(DataError, match=r"book\.csv line 7 ask_size_1: 'seven' is not a whole number"):
        BookFile(path, LEVELS).rows_at(np.array([1]))


def test_refuses_rows_of_another_number_of_levels(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a LOBSTER order book of 2 levels file"):
        BookFile(write_rows(tmp_path / "book.csv", 20), 2).rows_at(np.array([1]))


@pytest.mark.parametrize(
    ("price", "size", "side", "contradicts"),
    [
        (100, 5, 1, False),
        (100, 6, 1, True),  # the level holds less than was added
        (99, 1, 1, True),  # it should be shown between 100 and 98
        (95, 1, 1, False),  # beyond the last level shown
        (102, 1, -1, True),  # the asks show fewer levels than they could, so it should be among them
    ],
)
def test_finds_additions_that_the_rows_contradict(
    price: int, size: int, side: int, contradicts: bool
) -> None:
    shown = BookRows(np.array([row({100: 5, 98: 1, 96: 1}, {101: 1})]))
    message = Rows(
        np.array([1]),
        {
            "type": np.array([1]),
            "price": np.array([price]),
            "size": np.array([size]),
            "direction": np.array([side]),
        },
    )
    assert contradicting_additions(message, shown)[1].tolist() == [contradicts]
