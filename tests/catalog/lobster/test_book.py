"""The vectorised book equals a loop over messages, whatever the messages and however they are cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.headerless_rows import Rows
from catalog.lobster.book import (
    LevelChanges,
    Levels,
    MessageBook,
    accept_in_order,
    running_sums,
    stable_order,
)
from catalog.lobster.top import Top, changed_rows, highest_covering, top_of_book
from tests.catalog.lobster.naive_book import Change, Message, NaiveBook

# Few ids, prices and sizes, so that orders are reused, overdrawn and taken from the seed all the time.
MESSAGES = st.lists(
    st.tuples(
        st.integers(1, 5),
        st.integers(1, 5),
        st.integers(1, 6),
        st.integers(100, 103),
        st.sampled_from((1, -1)),
    ),
    max_size=60,
)
SEEDS = st.dictionaries(
    st.tuples(st.sampled_from((1, -1)), st.integers(100, 104)), st.integers(1, 12), max_size=8
)
COLUMNS = ("type", "order_id", "size", "price", "direction")


def rows_of(messages: list[Message]) -> Rows:
    table = np.array(messages, dtype=np.int64).reshape(-1, 5)
    return Rows(np.arange(1, len(messages) + 1), {name: table[:, at] for at, name in enumerate(COLUMNS)})


def levels_of(seed: dict[tuple[int, int], int]) -> Levels:
    table = np.array([(side, price, size) for (side, price), size in seed.items()], dtype=np.int64).reshape(
        -1, 3
    )
    return Levels(table[:, 0], table[:, 1], table[:, 2])


def as_tuples(changes: LevelChanges) -> list[Change]:
    columns = (changes.row, changes.side, changes.price, changes.before, changes.after)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def as_dict(levels: Levels) -> dict[tuple[int, int], int]:
    keys = zip(levels.side.tolist(), levels.price.tolist(), strict=True)
    return dict(zip(keys, levels.size.tolist(), strict=True))


@settings(deadline=None, max_examples=400)
@given(SEEDS, MESSAGES, st.integers(1, 60))
def test_equals_a_loop_over_messages(
    seed: dict[tuple[int, int], int], messages: list[Message], cut: int
) -> None:
    naive, book = NaiveBook.seeded(seed), MessageBook(levels_of(seed))
    expected = [change for at, message in enumerate(messages) if (change := naive.apply(at, message))]
    found: list[Change] = []
    for begin in range(0, len(messages), cut):
        found += as_tuples(book.apply(rows_of(messages[begin : begin + cut])).moved_by(begin))
    assert found == expected
    assert book.ignored == naive.ignored
    assert as_dict(book.levels()) == naive.open_levels()


@settings(deadline=None, max_examples=300)
@given(SEEDS, MESSAGES, st.integers(1, 60))
def test_top_after_each_message_equals_a_loop(
    seed: dict[tuple[int, int], int], messages: list[Message], cut: int
) -> None:
    naive, book = NaiveBook.seeded(seed), MessageBook(levels_of(seed))
    for begin in range(0, len(messages), cut):
        block = messages[begin : begin + cut]
        start = book.levels()
        top = top_of_book(start, book.apply(rows_of(block)), len(block))
        for at, message in enumerate(block):
            naive.apply(at, message)
            found = (top.bid_price[at], top.bid_size[at], top.ask_price[at], top.ask_size[at])
            assert found == naive.top()


def test_ignores_reductions_of_orders_it_never_saw_without_a_seed() -> None:
    book = MessageBook()
    changes = book.apply(
        rows_of([(3, 7, 100, 5_000_000, 1), (1, 8, 10, 5_000_000, 1), (4, 7, 5, 5_000_000, 1)])
    )
    assert as_tuples(changes) == [(1, 1, 5_000_000, 0, 10)]
    assert book.ignored == 2


def test_takes_reductions_of_unknown_orders_from_the_seed_only_while_it_lasts() -> None:
    book = MessageBook(levels_of({(1, 100): 30}))
    changes = book.apply(rows_of([(3, 1, 20, 100, 1), (3, 2, 20, 100, 1), (4, 3, 10, 100, 1)]))
    assert as_tuples(changes) == [(0, 1, 100, 30, 10), (2, 1, 100, 10, 0)]
    assert book.ignored == 1


def test_does_not_take_the_shares_of_a_known_order_for_another() -> None:
    book = MessageBook()
    book.apply(rows_of([(1, 1, 50, 100, 1)]))
    assert as_tuples(book.apply(rows_of([(3, 2, 50, 100, 1)]))) == []
    assert as_dict(book.levels()) == {(1, 100): 50}


def test_holds_orders_with_ids_of_any_size() -> None:
    ids = (2**62, 2**62 + 1)
    book = MessageBook()
    book.apply(rows_of([(1, ids[0], 5, 100, 1), (1, ids[1], 7, 100, 1)]))
    book.apply(rows_of([(3, ids[0], 5, 100, 1)]))
    assert as_dict(book.levels()) == {(1, 100): 7}


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-5, 9)), max_size=50))
def test_accepts_changes_like_a_till_that_never_goes_below_zero(changes: list[tuple[int, int]]) -> None:
    table = np.array(changes, dtype=np.int64).reshape(-1, 2)
    held: dict[int, int] = {}
    expected = []
    for group, change in changes:
        fits = held.get(group, 0) + change >= 0
        held[group] = held.get(group, 0) + change * fits
        expected.append(fits)
    assert accept_in_order(table[:, 0], table[:, 1]).tolist() == expected


@given(st.lists(st.integers(0, 2**62), max_size=40))
def test_orders_stably_for_small_and_huge_codes(codes: list[int]) -> None:
    for values in (codes, [code % 5 for code in codes]):
        array = np.array(values, dtype=np.int64)
        assert stable_order(array).tolist() == np.argsort(array, kind="stable").tolist()


def test_sums_start_anew_with_each_group() -> None:
    groups, values = np.array([0, 0, 3, 3, 3, 9]), np.array([1, 2, 10, 20, 30, 5])
    assert running_sums(groups, values).tolist() == [1, 3, 10, 30, 60, 5]


@given(
    st.lists(st.tuples(st.integers(0, 39), st.integers(1, 40), st.integers(0, 9)), max_size=30),
    st.integers(1, 40),
)
def test_the_highest_interval_wins(intervals: list[tuple[int, int, int]], length: int) -> None:
    inside = [(start, min(start + size, length), value) for start, size, value in intervals if start < length]
    starts, ends, values = (np.array([one[at] for one in inside], dtype=np.int64) for at in range(3))
    expected = [
        max((value for start, end, value in inside if start <= at < end), default=-1) for at in range(length)
    ]
    assert highest_covering(starts, ends, values, length).tolist() == expected


def top(*rows: tuple[int, int, int, int]) -> Top:
    table = np.array(rows, dtype=np.int64)
    return Top(table[:, 0], table[:, 1], table[:, 2], table[:, 3])


@pytest.mark.parametrize(
    ("before", "expected"),
    [(None, [0, 2, 4, 6]), (top((99, 1, 101, 1)), [2, 4, 6]), (top((99, 2, 101, 1)), [0, 2, 4, 6])],
)
def test_quotes_only_changes_of_two_sided_books(before: Top | None, expected: list[int]) -> None:
    tops = top(
        (99, 1, 101, 1),
        (99, 1, 101, 1),
        (99, 5, 101, 1),
        (0, 0, 101, 1),  # no bid: no quote
        (98, 5, 101, 1),
        (98, 5, -1, 0),  # no ask, then the quote as before: no quote either
        (98, 5, 102, 1),
    )
    assert changed_rows(tops, before).tolist() == expected
