"""Impossible messages are rejected by name; executions and halts are read as the exchange means them."""

from __future__ import annotations

import numpy as np
import pytest

from catalog.columns import Aggressor
from catalog.headerless_rows import Rows, RowTally
from catalog.lobster.messages import halts_of, possible_messages, trades_of
from market.errors import DataError

COLUMNS = ("time", "type", "order_id", "size", "price", "direction")
GOOD = (10, 1, 1, 100, 5_000_000, 1)
Row = tuple[int, int, int, int, int, int]


class Rejects(list[tuple[int, str, str, str]]):
    def __call__(self, *, line: int, column: str, value: str, why: str) -> None:
        self.append((line, column, value, why))


def rows_of(*messages: Row) -> Rows:
    table = np.array(messages, dtype=np.int64)
    return Rows(np.arange(1, len(messages) + 1), {name: table[:, at] for at, name in enumerate(COLUMNS)})


def checked(rows: Rows, rejects: Rejects, *, after_ns: int = 0) -> Rows:
    tally = RowTally("test", rejects)
    tally.take(rows=10)
    return possible_messages(rows, after_ns=after_ns, tally=tally)


@pytest.mark.parametrize(
    ("bad", "column"),
    [
        ((10, 0, 1, 100, 5_000_000, 1), "type"),
        ((10, 8, 1, 100, 5_000_000, 1), "type"),
        ((-1, 1, 1, 100, 5_000_000, 1), "time"),
        ((86_400 * 10**9, 1, 1, 100, 5_000_000, 1), "time"),
        ((10, 1, 1, 0, 5_000_000, 1), "size"),
        ((10, 4, 1, 100, 0, 1), "price"),
        ((10, 1, 1, 100, 5_000_000, 0), "direction"),
        ((10, 7, 0, 0, 2, -1), "price"),
        ((9, 1, 1, 100, 5_000_000, 1), "time"),
    ],
)
def test_rejects_an_impossible_message_once(bad: Row, column: str) -> None:
    rejects = Rejects()
    kept = checked(rows_of(GOOD, bad, GOOD), rejects)
    assert kept.lines.tolist() == [1, 3]
    assert [(line, name) for line, name, *_ in rejects] == [(2, column)]


@pytest.mark.parametrize("halt", [(10, 7, 0, 0, -1, -1), (10, 7, 0, 0, 0, -1), (10, 7, 0, 0, 1, -1)])
def test_keeps_halts_whose_price_is_a_state(halt: Row) -> None:
    assert len(checked(rows_of(GOOD, halt), Rejects())) == 2


def test_rejects_a_message_before_the_last_one_of_the_block_before() -> None:
    rejects = Rejects()
    assert len(checked(rows_of(GOOD), rejects, after_ns=11)) == 0
    assert rejects[0][1] == "time"


def test_refuses_a_file_that_is_not_in_order_of_time() -> None:
    times = [(time, 1, 1, 100, 5_000_000, 1) for time in (50, 40, 30, 20)]
    with pytest.raises(DataError, match="3 of 4 messages go back in time, first line 2"):
        checked(rows_of(*times), Rejects())


def test_the_aggressor_is_the_other_side_of_the_resting_order() -> None:
    trades = trades_of(
        rows_of(
            GOOD, (10, 4, 1, 5, 100, 1), (10, 5, 0, 6, 101, -1), (10, 6, -1, 7, 102, -1), (10, 3, 1, 1, 1, 1)
        )
    )
    assert trades.row.tolist() == [1, 2, 3]
    assert trades.size.tolist() == [5, 6, 7]
    assert trades.aggressor.tolist() == [Aggressor.SELLER, Aggressor.BUYER, Aggressor.NONE]


def test_a_halt_lasts_until_trading_resumes_even_over_blocks() -> None:
    ended, since = halts_of(rows_of((10, 7, 0, 0, -1, -1), (20, 7, 0, 0, 0, -1)), None)
    assert (ended, since) == ([], 10)
    ended, since = halts_of(rows_of((30, 7, 0, 0, 1, -1), (40, 7, 0, 0, -1, -1)), since)
    assert (ended, since) == ([(10, 30)], 40)


def test_trading_that_resumes_without_a_halt_is_none() -> None:
    assert halts_of(rows_of((10, 7, 0, 0, 1, -1)), None) == ([], None)
