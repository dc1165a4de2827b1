"""Columns of every kind for tests of the catalog, and the same records as Nautilus' own objects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from catalog.columns import (
    BarColumns,
    Columns,
    DataKind,
    DeltaColumns,
    Int64Array,
    QuoteColumns,
    TradeColumns,
    prices_from_ten_thousandths,
    sizes_from_integers,
    trade_ids_from,
)
from catalog.lanes import event_clock
from catalog.manifest import SourceDescription
from catalog.storage.ingest import Ingest
from catalog.store import CatalogStore
from market.instruments import EquitySpec, instrument_id

BAC = "BAC.SMART"
MINUTE_BARS = "BAC.SMART-1-MINUTE-LAST-EXTERNAL"
OPEN_NS = 1_381_152_600_000_000_000  # 2013-10-07 09:30 in New York


def source(name: str = "a", **options: str) -> SourceDescription:
    """Return the description of a source whose content is `name`."""
    return SourceDescription(kind="csv", path=f"{name}.csv", sha256=name * 8, options=options)


def quotes(times: Sequence[int], *, lane: int, after: int = 0, price: int = 139_000) -> QuoteColumns:
    """Return quotes at `times` (ns), one cent wide, that move by the row."""
    ts_event = np.array(times, np.int64)
    row = np.arange(len(times))
    return QuoteColumns(
        ts_event=ts_event,
        ts_init=event_clock(ts_event, after=after) + lane,
        bid_price=prices_from_ten_thousandths(price + row),
        ask_price=prices_from_ten_thousandths(price + 100 + row),
        bid_size=sizes_from_integers(100 + row),
        ask_size=sizes_from_integers(200 + row),
    )


def write_quotes(
    store: CatalogStore, times: Sequence[int], *, name: str = "a", symbol: str = "BAC", **ingest_options: Any
) -> Ingest:
    """Ingest quotes of one symbol at `times` from the source `name`."""
    with store.ingest(source(name), **ingest_options) as ingest:
        if not ingest.unchanged:
            add_quotes(ingest, times, symbol=symbol)
    return ingest


def ingest_with(store: CatalogStore, *steps: Callable[[Ingest], None], name: str = "a") -> Ingest:
    """Ingest the source `name` by calling `steps` one after the other."""
    with store.ingest(source(name)) as ingest:
        for step in steps:
            step(ingest)
    return ingest


def add_quotes(ingest: Ingest, times: Sequence[int], *, symbol: str = "BAC") -> None:
    """Write quotes of one symbol at `times` into an open ingest."""
    ingest.add_instrument(EquitySpec(symbol=symbol))
    instrument = instrument_id(symbol)
    lane = ingest.lane(DataKind.QUOTE, instrument)
    ingest.write(DataKind.QUOTE, instrument, quotes(times, lane=lane))


def columns_of(kind: DataKind, clock: Int64Array, lane: int, values: Sequence[int]) -> Columns:
    """Return a record of `kind` per clock reading; prices and sizes come from `values` (1 to 10**9)."""
    number = np.array(values, np.int64)
    times: dict[str, Int64Array] = {"ts_event": clock - 7, "ts_init": clock + lane}
    price, size = prices_from_ten_thousandths(number), sizes_from_integers(number)
    cycle = (number % 3).astype(np.uint8)
    if kind is DataKind.QUOTE:
        ask = prices_from_ten_thousandths(number + 100)
        return QuoteColumns(**times, bid_price=price, ask_price=ask, bid_size=size, ask_size=size)
    if kind is DataKind.TRADE:
        ids = trade_ids_from(times["ts_init"])
        return TradeColumns(**times, price=price, size=size, aggressor_side=cycle, trade_id=ids)
    if kind is DataKind.BAR:
        high = prices_from_ten_thousandths(number + 5)
        return BarColumns(**times, open=price, high=high, low=price, close=high, volume=size)
    side = np.where(cycle == 0, 1, cycle).astype(np.uint8)
    unsigned = number.astype(np.uint64)
    flags = np.full(len(number), 128, np.uint8)
    return DeltaColumns(
        **times,
        action=(cycle + 1).astype(np.uint8),
        side=side,
        price=price,
        size=size,
        order_id=unsigned,
        flags=flags,
        sequence=unsigned,
    )


def nautilus_objects(kind: DataKind, columns: Any) -> list[Any]:
    """Return the records of `columns` (of BAC) built one by one as Nautilus objects."""
    from nautilus_trader.model import data, enums, identifiers, objects

    instrument = identifiers.InstrumentId.from_str(BAC)

    def price(value: Decimal) -> Any:
        return objects.Price(value, 4)

    def size(value: Decimal) -> Any:
        return objects.Quantity(value, 0)

    def build(row: dict[str, Any]) -> Any:
        times = (row["ts_event"], row["ts_init"])
        if kind is DataKind.QUOTE:
            prices, sizes = (row["bid_price"], row["ask_price"]), (row["bid_size"], row["ask_size"])
            return data.QuoteTick(instrument, *map(price, prices), *map(size, sizes), *times)
        if kind is DataKind.TRADE:
            side = enums.AggressorSide(row["aggressor_side"])
            trade_id = identifiers.TradeId(row["trade_id"])
            return data.TradeTick(instrument, price(row["price"]), size(row["size"]), side, trade_id, *times)
        if kind is DataKind.BAR:
            bar_type = data.BarType.from_str(MINUTE_BARS)
            corners = (row["open"], row["high"], row["low"], row["close"])
            return data.Bar(bar_type, *map(price, corners), size(row["volume"]), *times)
        order = data.BookOrder(
            enums.OrderSide(row["side"]), price(row["price"]), size(row["size"]), row["order_id"]
        )
        action = enums.BookAction(row["action"])
        return data.OrderBookDelta(instrument, action, order, row["flags"], row["sequence"], *times)

    return [build(row) for row in _rows(columns)]


def _rows(columns: Any) -> list[dict[str, Any]]:
    values = {name: getattr(columns, name) for name in columns.__slots__}
    lists = {
        name: value.to_pylist() if isinstance(value, pa.Array) else value.tolist()
        for name, value in values.items()
    }
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def snapshot(root: Path) -> dict[str, bytes]:
    """Return every visible file of a catalog with its content (the work folder is nobody's business)."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".ingest" not in path.parts
    }
