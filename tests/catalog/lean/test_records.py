"""One-sided quote rows are put together as a loop would; impossible rows are rejected by name."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.headerless_rows import Rows, RowTally
from catalog.lean.files import Content, LeanFile, Resolution
from catalog.lean.records import QuoteSides
from catalog.lean.rows import layout_of, possible_rows
from market.errors import DataError

Row = tuple[int, int, int, int]
SIDES = st.lists(st.tuples(*[st.integers(0, 3)] * 4).filter(lambda row: row[0] or row[2]), max_size=40)


class Rejects(list[tuple[int, str]]):
    def __call__(self, *, line: int, column: str, value: str, why: str) -> None:
        self.append((line, column))


def quote_rows(rows: list[Row]) -> Rows:
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    names = ("bid_price", "bid_size", "ask_price", "ask_size")
    return Rows(np.arange(1, len(rows) + 1), {name: table[:, at] for at, name in enumerate(names)})


def naive(rows: list[Row]) -> list[tuple[int, Row]]:
    bid: tuple[int, int] | None = None
    ask: tuple[int, int] | None = None
    quotes = []
    for at, (bid_price, bid_size, ask_price, ask_size) in enumerate(rows):
        bid = (bid_price, bid_size) if bid_price else bid
        ask = (ask_price, ask_size) if ask_price else ask
        if bid and ask:
            quotes.append((at, (*bid, *ask)))
    return quotes


@settings(deadline=None)
@given(SIDES, st.integers(1, 40))
def test_carries_sides_forward_like_a_loop_however_cut(rows: list[Row], cut: int) -> None:
    sides, found = QuoteSides(), []
    for begin in range(0, len(rows), cut):
        quotes = sides.follow(quote_rows(rows[begin : begin + cut]))
        columns = (quotes.bid_price, quotes.bid_size, quotes.ask_price, quotes.ask_size)
        values = zip(*(column.tolist() for column in columns), strict=True)
        found += list(zip((quotes.row + begin).tolist(), values, strict=True))
    assert found == naive(rows)


def lean_file(resolution: Resolution, content: Content) -> LeanFile:
    day = date(2013, 10, 7) if resolution.is_in_day_files else None
    return LeanFile(Path("file.zip"), resolution, content, "bac", day)


def checked(file: LeanFile, *lines: tuple[int, ...], after: int = -1) -> tuple[list[int], Rejects]:
    names = list(layout_of(file).types)
    table = np.array(lines, dtype=np.int64)
    rows = Rows(np.arange(1, len(lines) + 1), {name: table[:, at] for at, name in enumerate(names)})
    rejects = Rejects()
    tally = RowTally("test", rejects)
    tally.take(rows=10)
    return possible_rows(rows, file, after=after, tally=tally).lines.tolist(), rejects


TICK_TRADE = lean_file(Resolution.TICK, Content.TRADE)
TICK_QUOTE = lean_file(Resolution.TICK, Content.QUOTE)
TRADE_BAR = lean_file(Resolution.MINUTE, Content.TRADE)
QUOTE_BAR = lean_file(Resolution.MINUTE, Content.QUOTE)
DAILY_BAR = lean_file(Resolution.DAILY, Content.TRADE)


@pytest.mark.parametrize(
    ("file", "good", "bad", "column"),
    [
        (TICK_TRADE, (5, 100, 10, 0), (5, 0, 10, 0), "price"),
        (TICK_TRADE, (5, 100, 10, 0), (5, 100, 0, 0), "size"),
        (TICK_TRADE, (5, 100, 10, 0), (5, 100, 10, 1), "suspicious"),
        (TICK_TRADE, (5, 100, 10, 0), (5, 100, 10, 500), "suspicious"),
        (TICK_TRADE, (5, 100, 10, 0), (-1, 100, 10, 0), "time"),
        (TICK_TRADE, (5, 100, 10, 0), (86_400_000, 100, 10, 0), "time"),
        (TICK_TRADE, (5, 100, 10, 0), (4, 100, 10, 0), "time"),
        (TICK_QUOTE, (5, 100, 1, 0, 0, 0), (5, 0, 0, 0, 0, 0), "bid_price"),
        (TICK_QUOTE, (5, 100, 1, 0, 0, 0), (5, 0, 0, -1, 1, 0), "ask_price"),
        (TICK_QUOTE, (5, 100, 1, 0, 0, 0), (5, 100, -1, 0, 0, 0), "bid_size"),
        (TICK_QUOTE, (5, 100, 1, 0, 0, 0), (5, 100, 1, 0, 0, 1), "suspicious"),
        (TRADE_BAR, (5, 10, 12, 9, 11, 0), (6, 10, 10, 9, 11, 0), "high"),
        (TRADE_BAR, (5, 10, 12, 9, 11, 0), (6, 10, 12, 11, 11, 0), "low"),
        (TRADE_BAR, (5, 10, 12, 9, 11, 0), (6, 0, 0, 0, 0, 0), "open"),
        (TRADE_BAR, (5, 10, 12, 9, 11, 0), (6, 10, 12, 9, 11, -1), "volume"),
        (TRADE_BAR, (5, 10, 12, 9, 11, 0), (5, 10, 12, 9, 11, 0), "time"),
        (QUOTE_BAR, (5, 0, 0, 0, 0, 0, 9, 9, 9, 9, 1), (6, *[0] * 10), "bid_close"),
        (QUOTE_BAR, (5, 9, 9, 9, 9, 1, 0, 0, 0, 0, 0), (6, 9, 8, 9, 9, 1, 0, 0, 0, 0, 0), "bid_high"),
        (QUOTE_BAR, (5, 9, 9, 9, 9, 1, 0, 0, 0, 0, 0), (6, 9, 9, 9, 9, 1, 0, 5, 5, 5, 1), "ask_open"),
        (DAILY_BAR, (86_400, 10, 12, 9, 11, 0), (-86_400, 10, 12, 9, 11, 0), "time"),
        (DAILY_BAR, (86_400, 10, 12, 9, 11, 0), (50_000 * 86_400, 10, 12, 9, 11, 0), "time"),
        (DAILY_BAR, (86_400, 10, 12, 9, 11, 0), (2 * 86_400 + 60, 10, 12, 9, 11, 0), "time"),
    ],
)
def test_rejects_an_impossible_row_once(
    file: LeanFile, good: tuple[int, ...], bad: tuple[int, ...], column: str
) -> None:
    last = (good[0] + 86_400 * 5, *good[1:])
    assert checked(file, good, bad, last) == ([1, 3], [(2, column)])


def test_ticks_may_share_a_time_and_bars_may_not() -> None:
    tick, bar = (5, 100, 10, 0), (5, 10, 12, 9, 11, 0)
    assert checked(TICK_TRADE, tick, tick, after=5)[0] == [1, 2]
    assert checked(TRADE_BAR, bar, after=5)[1] == [(1, "time")]


def test_refuses_a_file_that_is_not_in_order_of_time() -> None:
    with pytest.raises(DataError, match="3 of 4 rows go back in time, first line 2"):
        checked(TICK_TRADE, *((time, 100, 10, 0) for time in (50, 40, 30, 20)))
