"""Clean streams of one stock as plain arrays, to plant defects into, written in Nautilus' layout.

The store would refuse most of what is planted here, so files are written directly.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from catalog.columns import (
    BarColumns,
    Columns,
    DataKind,
    DeltaAction,
    DeltaColumns,
    DeltaFlag,
    DeltaSide,
    QuoteColumns,
    TradeColumns,
    prices_from_ten_thousandths,
    sizes_from_integers,
)
from catalog.instruments import write_equities
from catalog.manifest import HALTS_NAME, Halt
from catalog.storage.arrow_layout import file_name, record_batch, stream_folder, stream_schema
from market.instruments import EquitySpec
from market.time import NS_PER_SECOND, new_york_ns

SYMBOL = "ZVZZT"
INSTRUMENT = "ZVZZT.SMART"
DAY = date(2025, 3, 3)
MINUTE_BARS = f"{INSTRUMENT}-1-MINUTE-LAST-EXTERNAL"
DAILY_BARS = f"{INSTRUMENT}-1-DAY-LAST-EXTERNAL"
CENT = 100  # in 1/10,000 USD

Array = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Stream:
    """Records of one stream; `values` are integers by column name (prices in 1/10,000 USD)."""

    kind: DataKind
    ts_event: Array
    values: dict[str, Array]
    ts_init: Array | None = None
    bar_type: str | None = None
    price_precision: int = 4
    instrument_id: str = INSTRUMENT

    def changed(self, row: int | slice | list[int] | Array, **values: Any) -> Stream:
        """Return the stream with other values in the named columns at `row`."""
        columns = {name: array.copy() for name, array in self.values.items()}
        for name, value in values.items():
            columns[name][row] = value
        return replace(self, values=columns)

    def at(self, ts_event: Array) -> Stream:
        """Return the stream with other event times."""
        return replace(self, ts_event=ts_event)

    def rows(self, keep: Array) -> Stream:
        """Return the stream with the rows of an index array or mask."""
        ts_init = None if self.ts_init is None else self.ts_init[keep]
        columns = {name: array[keep] for name, array in self.values.items()}
        return replace(self, ts_event=self.ts_event[keep], values=columns, ts_init=ts_init)


def at_new_york(day: date, clock: time) -> int:
    """Return the time in ns UTC at which New York's clocks show `clock`."""
    return new_york_ns(day, clock)


def session_times(day: date = DAY, *, seconds: int = 10, until: time = time(16)) -> Array:
    """Return a time every `seconds` from the open to before `until`."""
    return np.arange(new_york_ns(day, time(9, 30)), new_york_ns(day, until), seconds * NS_PER_SECOND)


def clean_quotes(ts_event: Array | None = None) -> Stream:
    """Quotes at 5.00 / 5.01 whose sizes keep changing."""
    times = session_times() if ts_event is None else ts_event
    count = len(times)
    wobble = np.arange(count) % 7
    return Stream(
        kind=DataKind.QUOTE,
        ts_event=times,
        values={
            "bid_price": np.full(count, 500 * CENT),
            "ask_price": np.full(count, 501 * CENT),
            "bid_size": 1_000 + 100 * wobble,
            "ask_size": 2_000 - 100 * wobble,
        },
    )


def clean_trades(ts_event: Array | None = None) -> Stream:
    """Trades around 5.00 with sizes and ids of their own."""
    times = session_times() if ts_event is None else ts_event
    count = len(times)
    return Stream(
        kind=DataKind.TRADE,
        ts_event=times,
        values={
            "price": 500 * CENT + CENT * (np.arange(count) % 2),
            "size": 100 + np.arange(count) % 11,
            "aggressor_side": 1 + np.arange(count) % 2,
            "trade_id": np.arange(count),
        },
    )


def clean_bars(ts_event: Array | None = None, *, bar_type: str = MINUTE_BARS) -> Stream:
    """One-minute bars of a session, stamped at their close."""
    if ts_event is None:
        ts_event = session_times(seconds=60) + 60 * NS_PER_SECOND
    count = len(ts_event)
    return Stream(
        kind=DataKind.BAR,
        bar_type=bar_type,
        ts_event=ts_event,
        values={
            "open": np.full(count, 500 * CENT),
            "high": np.full(count, 502 * CENT),
            "low": np.full(count, 499 * CENT),
            "close": 500 * CENT + CENT * (np.arange(count) % 2),
            "volume": 1_000 + np.arange(count),
        },
    )


def clean_deltas(*, levels: int = 6, updates: int = 2_339) -> Stream:
    """A snapshot of `levels` levels a side around 5.00 / 5.01, then updates of sizes."""
    start = session_times()[0]
    rows: list[tuple[int, ...]] = [(start, DeltaAction.CLEAR, 0, 0, 0, DeltaFlag.SNAPSHOT)]
    for side, touch, step in ((DeltaSide.BUY, 500, -1), (DeltaSide.SELL, 501, 1)):
        rows += [
            (start, DeltaAction.ADD, side, touch + step * n, 500, DeltaFlag.SNAPSHOT) for n in range(levels)
        ]
    rows[-1] = (*rows[-1][:-1], DeltaFlag.SNAPSHOT | DeltaFlag.LAST)
    for n in range(1, updates + 1):
        side, price = ((DeltaSide.BUY, 500 - n % levels), (DeltaSide.SELL, 501 + n % levels))[n % 2]
        rows.append(
            (start + n * 10 * NS_PER_SECOND, DeltaAction.UPDATE, side, price, 100 + n, DeltaFlag.LAST)
        )
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    ts_event, action, sides, prices, sizes, flags = columns
    return Stream(
        kind=DataKind.DELTA,
        ts_event=ts_event,
        values={
            "action": action, "side": sides, "price": prices * CENT, "size": sizes, "flags": flags,
            "order_id": np.zeros(len(rows), dtype=np.int64), "sequence": np.arange(len(rows)),
        },
    )  # fmt: skip


@dataclass(kw_only=True)
class Planted:
    """A catalog of `streams`, each one file unless it is listed twice."""

    streams: list[Stream]
    halts: list[Halt] = field(default_factory=list)
    with_instrument: bool = True

    def write(self, root: Path) -> Path:
        """Write the catalog below `root` and return it."""
        (root / "data").mkdir(parents=True)
        if self.with_instrument:
            write_equities([EquitySpec(symbol=SYMBOL)], root)
        for stream in self.streams:
            write_stream(root, stream)
        if self.halts:
            (root / HALTS_NAME).write_bytes(msgspec.json.encode(self.halts))
        return root


def write_stream(root: Path, stream: Stream) -> Path:
    """Write one stream as one file in Nautilus' layout and return its path."""
    ts_init = (
        stream.ts_event + 1_000 + np.arange(len(stream.ts_event))
        if stream.ts_init is None
        else stream.ts_init
    )
    schema = stream_schema(stream.kind, stream.instrument_id, stream.bar_type)
    schema = schema.with_metadata(
        {**schema.metadata, b"price_precision": str(stream.price_precision).encode()}
    )
    batch = record_batch(_columns(stream, ts_init.astype(np.int64)), schema)
    folder = root / stream_folder(stream.kind, stream.bar_type or stream.instrument_id)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file_name(int(ts_init.min()), int(ts_init.max()))
    pq.write_table(pa.Table.from_batches([batch], schema), path, row_group_size=1_000)
    return path


def _columns(stream: Stream, ts_init: Array) -> Columns:
    prices = {"bid_price", "ask_price", "price", "open", "high", "low", "close"}
    sizes = {"bid_size", "ask_size", "size", "volume"}
    codes = {"aggressor_side", "action", "side", "flags"}
    columns: dict[str, Any] = {"ts_event": stream.ts_event.astype(np.int64), "ts_init": ts_init}
    for name, values in stream.values.items():
        if name in prices:
            columns[name] = prices_from_ten_thousandths(values)
        elif name in sizes:
            columns[name] = sizes_from_integers(values)
        elif name == "trade_id":
            columns[name] = pa.array(values).cast(pa.string())
        else:
            columns[name] = values.astype(np.uint8 if name in codes else np.uint64)
    made: dict[DataKind, type[Columns]] = {
        DataKind.QUOTE: QuoteColumns, DataKind.TRADE: TradeColumns,
        DataKind.BAR: BarColumns, DataKind.DELTA: DeltaColumns,
    }  # fmt: skip
    return made[stream.kind](**columns)
