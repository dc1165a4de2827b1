"""From one state of a book to the next by TWS's operations: insert, update and delete of rows by position.

Rows are told apart by price and exchange. An insert moves the rows below it down, a delete moves them up,
as IB documents; a client that applies them in order has the source's rows after each event.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from adapters.tws_simulator.market_data.books import Row


class Operation(IntEnum):
    """TWS's numbers of depth operations."""

    INSERT = 0
    UPDATE = 1
    DELETE = 2


class RowChange(NamedTuple):
    """One operation on one side; a delete carries no row's price in TWS, so `row` is the one that goes."""

    operation: Operation
    position: int
    row: Row


def row_changes(before: list[Row], after: list[Row], rows: int) -> list[RowChange]:
    """Return the operations that turn `before` into `after`, both at most `rows` long.

    Deletes come first, from the bottom up, so that no list is ever longer than `rows`; then inserts and
    updates from the top down.
    """
    kept = {(row.price, row.exchange) for row in after}
    working = list(before)
    changes = []
    for position in range(len(working) - 1, -1, -1):
        row = working[position]
        if (row.price, row.exchange) not in kept:
            changes.append(RowChange(Operation.DELETE, position, row))
            del working[position]
    for position, row in enumerate(after[:rows]):
        is_there = position < len(working) and _is_same_level(working[position], row)
        if not is_there:
            changes.append(RowChange(Operation.INSERT, position, row))
            working.insert(position, row)
        elif working[position].size != row.size:
            changes.append(RowChange(Operation.UPDATE, position, row))
            working[position] = row
    return changes


def _is_same_level(one: Row, other: Row) -> bool:
    return one.price == other.price and one.exchange == other.exchange
