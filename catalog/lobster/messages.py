"""LOBSTER messages: what a row means, which rows are possible, and the trades and halts among them.

Format (https://data.lobsterdata.com/info/DataStructure.php): seconds after New York midnight with up to nine
decimals, type, order id, size, price x 10,000, direction of the order (1 buy, -1 sell). No header.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import pyarrow as pa

from catalog.columns import Aggressor, Int64Array, UInt8Array
from catalog.headerless_rows import SECONDS_WITH_NANOSECONDS, Layout, Rows, RowTally
from market.errors import DataError

NS_PER_DAY = 86_400 * 10**9
LATE_FRACTION_MAX = 0.01
"""A block in which more rows go back in time is not a message file, which is in order of time."""


class MessageType(IntEnum):
    """The second column of a message."""

    ADD = 1
    REDUCE = 2  # partial cancellation
    DELETE = 3
    EXECUTE_VISIBLE = 4
    EXECUTE_HIDDEN = 5
    CROSS = 6
    HALT = 7


class HaltPrice(IntEnum):
    """The price column of a HALT message."""

    HALTED = -1
    QUOTING = 0
    TRADING = 1


MESSAGES = Layout(
    title="LOBSTER message",
    columns=("time", "type", "order_id", "size", "price", "direction"),
    types={
        "time": SECONDS_WITH_NANOSECONDS,
        **dict.fromkeys(("type", "order_id", "size", "price", "direction"), pa.int64()),
    },
)


@dataclass(frozen=True, slots=True)
class Trades:
    """Executions of a block: `row` is the index of the message; price in 1/10,000 USD, size in shares."""

    row: Int64Array
    price: Int64Array
    size: Int64Array
    aggressor: UInt8Array


def possible_messages(rows: Rows, *, after_ns: int, tally: RowTally) -> Rows:
    """Return the rows that can be true, in order of time; the others are reported.

    `after_ns` is the time (ns after midnight) of the last message before this block. Raises `DataError` when
    more than one row in a hundred goes back in time.
    """
    kinds = rows["type"]
    checks = [
        ("type", (kinds < MessageType.ADD) | (kinds > MessageType.HALT), "is not a message type from 1 to 7"),
        ("time", (rows["time"] < 0) | (rows["time"] >= NS_PER_DAY), "is not a time of day in seconds"),
        ("size", (rows["size"] <= 0) & (kinds < MessageType.HALT), "is not a positive number of shares"),
        ("price", (rows["price"] <= 0) & (kinds < MessageType.HALT), "is not a positive price"),
        ("price", (kinds == MessageType.HALT) & (np.abs(rows["price"]) > 1), "of a halt is not -1, 0 or 1"),
        (
            "direction",
            (np.abs(rows["direction"]) != 1) & (kinds <= MessageType.EXECUTE_HIDDEN),
            "is neither 1 (buy) nor -1 (sell)",
        ),
    ]
    rows = tally.good(rows, checks)
    time = rows["time"]
    latest = np.maximum.accumulate(np.concatenate(([after_ns], time)))[:-1]
    late = time < latest
    if late.sum() > max(1, LATE_FRACTION_MAX * len(rows)):
        first = int(np.flatnonzero(late)[0])
        raise DataError(
            f"{int(late.sum())} of {len(rows)} messages go back in time, first line {rows.lines[first]}. "
            "A LOBSTER message file is in order of time: fetch it again."
        )
    return tally.good(rows, [("time", late, "is earlier than the message before")])


def trades_of(rows: Rows) -> Trades:
    """Return the executions, visible and hidden, and the crosses of `rows`.

    The direction is that of the resting order: a buy order that is executed was hit by a seller. A cross
    (auction) has no aggressor.
    """
    kinds = rows["type"]
    index = np.flatnonzero((kinds >= MessageType.EXECUTE_VISIBLE) & (kinds <= MessageType.CROSS))
    hit = np.where(rows["direction"][index] == 1, Aggressor.SELLER, Aggressor.BUYER)
    aggressor = np.where(kinds[index] == MessageType.CROSS, Aggressor.NONE, hit)
    return Trades(index, rows["price"][index], rows["size"][index], aggressor.astype(np.uint8))


def halts_of(rows: Rows, halted_from_ns: int | None) -> tuple[list[tuple[int, int]], int | None]:
    """Return halts that ended within `rows` as (from, to), and since when one lasts, or None.

    Times in ns after midnight, as in the file. A halt lasts until trading resumes, not only quoting.
    """
    ended: list[tuple[int, int]] = []
    changes = rows.where(rows["type"] == MessageType.HALT)
    for time_ns, price in zip(changes["time"].tolist(), changes["price"].tolist(), strict=True):
        if price == HaltPrice.HALTED and halted_from_ns is None:
            halted_from_ns = time_ns
        elif price == HaltPrice.TRADING and halted_from_ns is not None:
            ended.append((halted_from_ns, time_ns))
            halted_from_ns = None
    return ended, halted_from_ns
