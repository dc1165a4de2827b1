"""Hand-made markets of one day, so that a test can say which quote an order must meet.

Times are milliseconds after 10:00 New York on `DAY`, prices USD as text or float, sizes shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from catalog.columns import (
    Aggressor,
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
from catalog.lanes import event_clock
from catalog.manifest import SourceDescription
from catalog.store import CatalogStore
from market.instruments import EquitySpec, instrument_id
from market.time import NS_PER_MS, new_york_ns

DAY = date(2013, 10, 7)
START_NS = new_york_ns(DAY, time(10, 0))

Quote = tuple[int, float, float, int, int]
"""Milliseconds, bid, ask, bid size, ask size."""
Trade = tuple[int, float, int, Aggressor]
"""Milliseconds, price, size, aggressor."""
Level = tuple[int, DeltaAction, DeltaSide, float, int]
"""Milliseconds, action, side, price, size of one delta; each delta is an event of its own."""


def write_market(
    root: Path,
    *,
    symbol: str = "ZVZZT",
    quotes: Sequence[Quote] = (),
    trades: Sequence[Trade] = (),
    deltas: Sequence[Level] = (),
    start_ns: int = START_NS,
) -> Path:
    """Write a catalog (or add to it) and return its folder; `ts_init` is a few microseconds late."""
    store = CatalogStore(root)
    name = instrument_id(symbol)
    source = SourceDescription(kind="csv", path="hand-made", sha256=f"{symbol}-{start_ns}")
    with store.ingest(source) as ingest:
        ingest.add_instrument(EquitySpec(symbol=symbol))
        if deltas:
            clock = _clock(deltas, start_ns, ingest.lane(DataKind.DELTA, name))
            ingest.write(DataKind.DELTA, name, _delta_columns(deltas, clock))
        if trades:
            clock = _clock(trades, start_ns, ingest.lane(DataKind.TRADE, name))
            ingest.write(DataKind.TRADE, name, _trade_columns(trades, clock))
        if quotes:
            clock = _clock(quotes, start_ns, ingest.lane(DataKind.QUOTE, name))
            ingest.write(DataKind.QUOTE, name, _quote_columns(quotes, clock))
    return root


def steady_quotes(
    *, seconds: int, bid: float = 9.00, ask: float = 9.01, size: int = 1_000, every_ms: int = 100
) -> list[Quote]:
    """Return a market that does not move."""
    return [(at, bid, ask, size, size) for at in range(0, seconds * 1_000, every_ms)]


def _clock(rows: Sequence[Quote | Trade | Level], start_ns: int, lane: int) -> npt.NDArray[np.int64]:
    times = np.array([start_ns + row[0] * NS_PER_MS for row in rows], dtype=np.int64)
    return event_clock(times) + lane


def _prices(values: Sequence[float]) -> pa.Decimal128Array:
    return prices_from_ten_thousandths(np.array([round(value * 10_000) for value in values]))


def _sizes(values: Sequence[int]) -> pa.Decimal128Array:
    return sizes_from_integers(np.array(values))


def _quote_columns(quotes: Sequence[Quote], times: npt.NDArray[np.int64]) -> QuoteColumns:
    return QuoteColumns(
        ts_event=times,
        ts_init=times,
        bid_price=_prices([row[1] for row in quotes]),
        ask_price=_prices([row[2] for row in quotes]),
        bid_size=_sizes([row[3] for row in quotes]),
        ask_size=_sizes([row[4] for row in quotes]),
    )


def _trade_columns(trades: Sequence[Trade], times: npt.NDArray[np.int64]) -> TradeColumns:
    return TradeColumns(
        ts_event=times,
        ts_init=times,
        price=_prices([row[1] for row in trades]),
        size=_sizes([row[2] for row in trades]),
        aggressor_side=np.array([row[3] for row in trades], dtype=np.uint8),
        trade_id=pa.array([str(index) for index in range(len(trades))]),
    )


def _delta_columns(deltas: Sequence[Level], times: npt.NDArray[np.int64]) -> DeltaColumns:
    count = len(deltas)
    return DeltaColumns(
        ts_event=times,
        ts_init=times,
        action=np.array([row[1] for row in deltas], dtype=np.uint8),
        side=np.array([row[2] for row in deltas], dtype=np.uint8),
        price=_prices([row[3] for row in deltas]),
        size=_sizes([row[4] for row in deltas]),
        order_id=np.zeros(count, dtype=np.uint64),
        flags=np.full(count, DeltaFlag.LAST, dtype=np.uint8),
        sequence=np.arange(1, count + 1, dtype=np.uint64),
    )
