"""From Nautilus' records to the columns that a catalog stores: one batch per stream, exact.

Prices and sizes are copied as Nautilus' own 128-bit fixed-point values.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from nautilus_trader.model.data import (
    OptionGreeks,
    OrderBookDelta,
    OrderBookDeltas,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.model.enums import BookAction

from catalog.columns import (
    FIXED_POINT,
    Columns,
    DataKind,
    DeltaColumns,
    GreeksColumns,
    Int64Array,
    QuoteColumns,
    TradeColumns,
)
from catalog.storage.arrow_layout import stream_schema

KINDS: dict[type, DataKind] = {
    QuoteTick: DataKind.QUOTE,
    TradeTick: DataKind.TRADE,
    OrderBookDelta: DataKind.DELTA,
    OrderBookDeltas: DataKind.DELTA,
    OptionGreeks: DataKind.GREEKS,
}
"""What can be recorded."""

_SIDELESS = int(BookAction.CLEAR)


@dataclass(frozen=True, slots=True)
class StreamKey:
    """One stream as it is stored; the precisions of prices and sizes are part of a file's metadata."""

    kind: DataKind
    instrument_id: str
    price_precision: int
    size_precision: int

    def schema(self) -> pa.Schema:
        """Return the schema of the stream's files."""
        schema = stream_schema(self.kind, self.instrument_id, price_precision=self.price_precision)
        if self.kind is DataKind.GREEKS:
            return schema
        return schema.with_metadata({**schema.metadata, b"size_precision": b"%d" % self.size_precision})


class StreamSorter:
    """Sorts records by stream; remembers precisions, because a delta that clears the book has none."""

    def __init__(self) -> None:
        self._precisions: dict[str, tuple[int, int]] = {}
        self.last_ns = 0
        """`ts_init` of the last record sorted: what is not later was derived from a record, not received."""

    def by_stream(self, records: Iterable[Any]) -> dict[StreamKey, list[Any]]:
        """Return the records of each stream in order; messages of several deltas are taken apart."""
        streams: dict[tuple[type, Any], list[Any]] = {}
        for record in records:
            ts_init = record.ts_init
            if ts_init <= self.last_ns:
                continue
            self.last_ns = ts_init
            kind = type(record)
            if kind is OrderBookDeltas:
                streams.setdefault((OrderBookDelta, record.instrument_id), []).extend(record.deltas)
            else:
                streams.setdefault((kind, record.instrument_id), []).append(record)
        return {
            self._key(KINDS[kind], str(instrument_id), rows): rows
            for (kind, instrument_id), rows in streams.items()
        }

    def _key(self, kind: DataKind, instrument_id: str, rows: Sequence[Any]) -> StreamKey:
        found = _PRECISIONS[kind](rows)
        if found is None:
            found = self._precisions.get(instrument_id, (0, 0))
        elif kind is not DataKind.GREEKS:
            self._precisions[instrument_id] = found
        return StreamKey(kind, instrument_id, *found)


def columns_of(kind: DataKind, rows: Sequence[Any]) -> Columns:
    """Return the columns of one stream's records."""
    return _COLUMNS[kind](rows)


def _quote_columns(rows: Sequence[Any]) -> QuoteColumns:
    return QuoteColumns(
        **_times(rows),
        bid_price=_fixed([row.bid_price.raw for row in rows]),
        ask_price=_fixed([row.ask_price.raw for row in rows]),
        bid_size=_fixed([row.bid_size.raw for row in rows]),
        ask_size=_fixed([row.ask_size.raw for row in rows]),
    )


def _trade_columns(rows: Sequence[Any]) -> TradeColumns:
    return TradeColumns(
        **_times(rows),
        price=_fixed([row.price.raw for row in rows]),
        size=_fixed([row.size.raw for row in rows]),
        aggressor_side=np.array([int(row.aggressor_side) for row in rows], dtype=np.uint8),
        trade_id=pa.array([row.trade_id.value for row in rows], pa.string()),
    )


def _delta_columns(rows: Sequence[Any]) -> DeltaColumns:
    orders = [row.order for row in rows]
    return DeltaColumns(
        **_times(rows),
        action=np.array([int(row.action) for row in rows], dtype=np.uint8),
        side=np.array([0 if order is None else int(order.side) for order in orders], dtype=np.uint8),
        price=_fixed([0 if order is None else order.price.raw for order in orders]),
        size=_fixed([0 if order is None else order.size.raw for order in orders]),
        order_id=np.array([0 if order is None else order.order_id for order in orders], dtype=np.uint64),
        flags=np.array([row.flags for row in rows], dtype=np.uint8),
        sequence=np.array([row.sequence for row in rows], dtype=np.uint64),
    )


def _greeks_columns(rows: Sequence[Any]) -> GreeksColumns:
    def optional(name: str) -> pa.Array:
        return pa.array([getattr(row, name) for row in rows], pa.float64())

    def floats(name: str) -> Any:
        return np.array([getattr(row, name) for row in rows], dtype=np.float64)

    return GreeksColumns(
        **_times(rows),
        instrument_id=pa.array([str(row.instrument_id) for row in rows], pa.string()),
        delta=floats("delta"),
        gamma=floats("gamma"),
        vega=floats("vega"),
        theta=floats("theta"),
        rho=floats("rho"),
        mark_iv=optional("mark_iv"),
        bid_iv=optional("bid_iv"),
        ask_iv=optional("ask_iv"),
        underlying_price=optional("underlying_price"),
        open_interest=optional("open_interest"),
        convention=pa.array([row.convention.name for row in rows], pa.string()),
    )


def _times(rows: Sequence[Any]) -> dict[str, Int64Array]:
    return {
        "ts_event": np.array([row.ts_event for row in rows], dtype=np.int64),
        "ts_init": np.array([row.ts_init for row in rows], dtype=np.int64),
    }


def _fixed(raws: Sequence[int]) -> pa.Decimal128Array:
    """Return raw values, which may need more than 64 bits, as decimals that hold the same bytes."""
    time.sleep(0)  # between two columns the trading thread may have the interpreter
    try:
        low = np.array(raws, dtype=np.int64)
    except OverflowError:  # above 922 USD a raw value is longer than an int64
        joined = b"".join([raw.to_bytes(16, "little", signed=True) for raw in raws])
        return pa.Decimal128Array.from_buffers(FIXED_POINT, len(raws), [None, pa.py_buffer(joined)])
    words = np.empty((len(raws), 2), dtype=np.int64)
    words[:, 0] = low
    np.right_shift(low, 63, out=words[:, 1])
    return pa.Decimal128Array.from_buffers(FIXED_POINT, len(raws), [None, pa.py_buffer(words)])


def _quote_precisions(rows: Sequence[Any]) -> tuple[int, int] | None:
    return rows[0].bid_price.precision, rows[0].bid_size.precision


def _trade_precisions(rows: Sequence[Any]) -> tuple[int, int] | None:
    return rows[0].price.precision, rows[0].size.precision


def _delta_precisions(rows: Sequence[Any]) -> tuple[int, int] | None:
    for row in rows:
        if row.order is not None and int(row.action) != _SIDELESS:
            return row.order.price.precision, row.order.size.precision
    return None


def _no_precisions(_: Sequence[Any]) -> tuple[int, int] | None:
    return 0, 0


_PRECISIONS: dict[DataKind, Callable[[Sequence[Any]], tuple[int, int] | None]] = {
    DataKind.QUOTE: _quote_precisions,
    DataKind.TRADE: _trade_precisions,
    DataKind.DELTA: _delta_precisions,
    DataKind.GREEKS: _no_precisions,
}
_COLUMNS: dict[DataKind, Callable[[Sequence[Any]], Columns]] = {
    DataKind.QUOTE: _quote_columns,
    DataKind.TRADE: _trade_columns,
    DataKind.DELTA: _delta_columns,
    DataKind.GREEKS: _greeks_columns,
}
