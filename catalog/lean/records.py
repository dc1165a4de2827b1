"""From checked rows of a Lean file to the columns of the catalog; pure, a block at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.columns import (
    Aggressor,
    BarColumns,
    Int64Array,
    QuoteColumns,
    TradeColumns,
    prices_from_ten_thousandths,
    sizes_from_integers,
)
from catalog.headerless_rows import Rows


class Scale(Protocol):
    """What is done to prices (1/10,000 USD) and sizes (shares) of the days given (days since 1970)."""

    def prices(self, values: Int64Array, days: Int64Array) -> Int64Array:
        """Return the prices to write."""

    def sizes(self, values: Int64Array, days: Int64Array) -> Int64Array:
        """Return the sizes to write."""


class Raw:
    """Prices and sizes as they were traded."""

    def prices(self, values: Int64Array, days: Int64Array) -> Int64Array:  # noqa: ARG002
        """Return `values`."""
        return values

    def sizes(self, values: Int64Array, days: Int64Array) -> Int64Array:  # noqa: ARG002
        """Return `values`."""
        return values


@dataclass(frozen=True, slots=True)
class Times:
    """Of the rows to write: New York day (days since 1970), event time (ns UTC), `ts_init`."""

    days: Int64Array
    ts_event: Int64Array
    ts_init: Int64Array

    def at(self, index: Int64Array | slice) -> Times:
        """Return the times of some rows."""
        return Times(self.days[index], self.ts_event[index], self.ts_init[index])


@dataclass(frozen=True, slots=True)
class Quotes:
    """Two-sided quotes: `row` is the index in the block; prices in 1/10,000 USD, shares."""

    row: Int64Array
    bid_price: Int64Array
    bid_size: Int64Array
    ask_price: Int64Array
    ask_size: Int64Array


class QuoteSides:
    """Puts the one-sided rows of a tick quote file together, across blocks.

    A row sets bid or ask (or both); a price of 0 means that the side is as before.
    """

    def __init__(self) -> None:
        self._bid: tuple[int, int] | None = None
        self._ask: tuple[int, int] | None = None

    def follow(self, rows: Rows) -> Quotes:
        """Return the quote after each row from which on both sides are known."""
        bid_price, bid_size, bid_from = _carried(rows["bid_price"], rows["bid_size"], self._bid)
        ask_price, ask_size, ask_from = _carried(rows["ask_price"], rows["ask_size"], self._ask)
        if bid_from < len(rows):
            self._bid = (int(bid_price[-1]), int(bid_size[-1]))
        if ask_from < len(rows):
            self._ask = (int(ask_price[-1]), int(ask_size[-1]))
        known = slice(max(bid_from, ask_from), None)
        row = np.arange(len(rows), dtype=np.int64)[known]
        return Quotes(row, bid_price[known], bid_size[known], ask_price[known], ask_size[known])


def closing_quotes(rows: Rows) -> Quotes:
    """Return the closing bid and ask of quote bars that have both sides, and the sizes there."""
    row = np.arange(len(rows), dtype=np.int64)
    return Quotes(row, rows["bid_close"], rows["bid_size"], rows["ask_close"], rows["ask_size"])


def quote_columns(quotes: Quotes, times: Times, scale: Scale) -> QuoteColumns:
    """Return quotes as columns; `times` are those of the quotes."""
    return QuoteColumns(
        ts_event=times.ts_event,
        ts_init=times.ts_init,
        bid_price=_prices(quotes.bid_price, times, scale),
        ask_price=_prices(quotes.ask_price, times, scale),
        bid_size=sizes_from_integers(scale.sizes(quotes.bid_size, times.days)),
        ask_size=sizes_from_integers(scale.sizes(quotes.ask_size, times.days)),
    )


def trade_columns(rows: Rows, times: Times, scale: Scale, *, id_prefix: str) -> TradeColumns:
    """Return tick trades as columns; the tape does not tell the aggressor. Ids read `<prefix>-<line>`."""
    shares = np.maximum(
        scale.sizes(rows["size"], times.days), 1
    )  # a reverse split leaves no trade of nothing
    return TradeColumns(
        ts_event=times.ts_event,
        ts_init=times.ts_init,
        price=_prices(rows["price"], times, scale),
        size=sizes_from_integers(shares),
        aggressor_side=np.full(len(rows), Aggressor.NONE, dtype=np.uint8),
        trade_id=pc.binary_join_element_wise(id_prefix, pa.array(rows.lines).cast(pa.string()), "-"),
    )


def bar_columns(rows: Rows, times: Times, scale: Scale, *, side: str | None) -> BarColumns:
    """Return bars as columns: trades (`side` None), or bid or ask with the last size as volume."""
    prefix, volume = ("", "volume") if side is None else (f"{side}_", f"{side}_size")
    return BarColumns(
        ts_event=times.ts_event,
        ts_init=times.ts_init,
        open=_prices(rows[f"{prefix}open"], times, scale),
        high=_prices(rows[f"{prefix}high"], times, scale),
        low=_prices(rows[f"{prefix}low"], times, scale),
        close=_prices(rows[f"{prefix}close"], times, scale),
        volume=sizes_from_integers(scale.sizes(rows[volume], times.days)),
    )


def _prices(values: Int64Array, times: Times, scale: Scale) -> pa.Decimal128Array:
    return prices_from_ten_thousandths(np.maximum(scale.prices(values, times.days), 1))


def _carried(
    price: Int64Array, size: Int64Array, before: tuple[int, int] | None
) -> tuple[Int64Array, Int64Array, int]:
    """Return price and size carried over rows with price 0, and from which row on they are known."""
    index = np.where(price > 0, np.arange(len(price), dtype=np.int64), -1)
    np.maximum.accumulate(index, out=index)
    carried_price, carried_size = price[index], size[index]
    unset = int(np.searchsorted(index, 0))  # rows before the first one that sets the side
    if before is None:
        return carried_price, carried_size, unset
    carried_price[:unset], carried_size[:unset] = before
    return carried_price, carried_size, 0
