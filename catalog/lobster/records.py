"""From a block of messages, and what it does to the book, to the columns of the catalog.

One event clock runs over all records of an instrument and day. Every delta has a reading of its own; trade
and quote of a message share the reading of its last delta, and their lanes lie above the deltas' lane: so in
a replay a message's deltas come first, then its trade, then its quote, then the next message.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.columns import (
    DeltaAction,
    DeltaColumns,
    DeltaFlag,
    DeltaSide,
    Int64Array,
    QuoteColumns,
    TradeColumns,
    prices_from_ten_thousandths,
    sizes_from_integers,
)
from catalog.lanes import event_clock
from catalog.lobster.book import LevelChanges, Levels
from catalog.lobster.messages import Trades
from catalog.lobster.top import Top


@dataclass(frozen=True, slots=True)
class Deltas:
    """Book deltas of a block, in order: `row` is the index of the message, price in 1/10,000 USD, shares."""

    row: Int64Array
    action: Int64Array
    side: Int64Array
    price: Int64Array
    size: Int64Array
    flags: Int64Array

    def __len__(self) -> int:
        return len(self.row)

    def followed_by(self, other: Deltas) -> Deltas:
        """Return these deltas and then those of `other`."""
        pairs = ((getattr(self, name), getattr(other, name)) for name in Deltas.__slots__)
        return Deltas(*(np.concatenate(pair) for pair in pairs))


def deltas_of(changes: LevelChanges) -> Deltas:
    """Return one delta for each change; the last one of a message completes the event."""
    action = np.select(
        [changes.before == 0, changes.after == 0], [DeltaAction.ADD, DeltaAction.DELETE], DeltaAction.UPDATE
    )
    is_last = np.ones(len(changes), dtype=bool)
    is_last[:-1] = changes.row[1:] != changes.row[:-1]
    side = np.where(changes.side == 1, DeltaSide.BUY, DeltaSide.SELL)
    flags = np.where(is_last, DeltaFlag.LAST, 0)
    return Deltas(changes.row, action, side, changes.price, changes.after, flags)


def snapshot_of(levels: Levels) -> Deltas:
    """Return a clearing of the book and one addition for each level, as one event of the first message."""
    count = len(levels.price) + 1
    zero = np.zeros(1, dtype=np.int64)
    action = np.full(count, DeltaAction.ADD, dtype=np.int64)
    action[0] = DeltaAction.CLEAR
    flags = np.full(count, DeltaFlag.SNAPSHOT, dtype=np.int64)
    flags[-1] |= DeltaFlag.LAST
    side = np.where(levels.side == 1, DeltaSide.BUY, DeltaSide.SELL)
    return Deltas(
        row=np.zeros(count, dtype=np.int64),
        action=action,
        side=np.concatenate((zero, side)),
        price=np.concatenate((zero, levels.price)),
        size=np.concatenate((zero, levels.size)),
        flags=flags,
    )


class MessageClock:
    """Clock readings of the messages of one block, and of each of its deltas.

    `ts_event` are the messages' times in ns UTC; `delta_rows` the message index of each delta, ascending;
    `after` the last reading of the block before.
    """

    def __init__(self, ts_event: Int64Array, delta_rows: Int64Array, *, after: int) -> None:
        deltas = np.bincount(delta_rows, minlength=len(ts_event))
        slots = np.maximum(deltas, 1)
        ends = np.cumsum(slots)
        readings = event_clock(np.repeat(ts_event, slots), after=after)
        first_delta = np.cumsum(deltas) - deltas
        place = np.arange(len(delta_rows)) - first_delta[delta_rows]
        self.ts_event = ts_event
        self.of_message: Int64Array = readings[ends - 1]
        self.of_delta: Int64Array = readings[(ends - slots)[delta_rows] + place]

    @property
    def last(self) -> int:
        """The last reading."""
        return int(self.of_message[-1])


def delta_columns(deltas: Deltas, clock: MessageClock, *, lines: Int64Array, lane: int) -> DeltaColumns:
    """Return the deltas as columns; their sequence number is the line of the message."""
    return DeltaColumns(
        ts_event=clock.ts_event[deltas.row],
        ts_init=clock.of_delta + lane,
        action=deltas.action.astype(np.uint8),
        side=deltas.side.astype(np.uint8),
        price=prices_from_ten_thousandths(deltas.price),
        size=sizes_from_integers(deltas.size),
        order_id=np.zeros(len(deltas), dtype=np.uint64),
        flags=deltas.flags.astype(np.uint8),
        sequence=lines[deltas.row].astype(np.uint64),
    )


def trade_columns(trades: Trades, clock: MessageClock, *, ids: pa.StringArray, lane: int) -> TradeColumns:
    """Return the trades as columns."""
    return TradeColumns(
        ts_event=clock.ts_event[trades.row],
        ts_init=clock.of_message[trades.row] + lane,
        price=prices_from_ten_thousandths(trades.price),
        size=sizes_from_integers(trades.size),
        aggressor_side=trades.aggressor,
        trade_id=ids,
    )


def quote_columns(top: Top, rows: Int64Array, clock: MessageClock, *, lane: int) -> QuoteColumns:
    """Return the top of the book after the messages of `rows` as columns."""
    quotes = top.at(rows)
    return QuoteColumns(
        ts_event=clock.ts_event[rows],
        ts_init=clock.of_message[rows] + lane,
        bid_price=prices_from_ten_thousandths(quotes.bid_price),
        ask_price=prices_from_ten_thousandths(quotes.ask_price),
        bid_size=sizes_from_integers(quotes.bid_size),
        ask_size=sizes_from_integers(quotes.ask_size),
    )


def trade_ids(prefix: str, lines: Int64Array) -> pa.StringArray:
    """Return ids like `20120621-17`: unique for an instrument, and they lead back to the line."""
    return pc.binary_join_element_wise(pa.scalar(prefix), pa.array(lines).cast(pa.string()), "-")
