"""The market data of a recorded day as a strategy got it: in order of `ts_init`, messages whole."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from nautilus_trader.core.nautilus_pyo3 import DataBackendSession, drop_cvec_pycapsule
from nautilus_trader.model.data import (
    OptionGreeks,
    OrderBookDelta,
    OrderBookDeltas,
    QuoteTick,
    TradeTick,
    capsule_to_list,
)
from nautilus_trader.model.enums import RecordFlag
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from backtests.record_feed import CHUNK_SIZE

FOLDERS = {"order_book_deltas": OrderBookDelta, "trade_tick": TradeTick, "quote_tick": QuoteTick}
GREEKS_FOLDER = "option_greeks"
_LAST = int(RecordFlag.F_LAST)


def recorded_feed(run_dir: Path) -> Iterator[Any]:
    """Yield the records of `run_dir`; deltas come as the messages that they were recorded in."""
    catalog = ParquetDataCatalog(str(run_dir.resolve()))
    greeks: Sequence[Any] = ()
    if (run_dir / "data" / GREEKS_FOLDER).is_dir():
        greeks = sorted(catalog.query(OptionGreeks), key=lambda record: record.ts_init)
    ticks = _whole_messages(_ticks(catalog, run_dir))
    return heapq.merge(ticks, greeks, key=lambda record: record.ts_init)


def _ticks(catalog: Any, run_dir: Path) -> Iterator[Any]:
    session = DataBackendSession(chunk_size=CHUNK_SIZE)
    for folder, data_class in FOLDERS.items():
        files = sorted(str(path.resolve()) for path in (run_dir / "data" / folder).glob("*/*.parquet"))
        if files:
            session = catalog.backend_session(data_class, session=session, files=files)
    for capsule in session.to_query_result():
        records = capsule_to_list(capsule)
        drop_cvec_pycapsule(capsule)  # the list is a copy
        yield from records


def _whole_messages(records: Iterable[Any]) -> Iterator[Any]:
    """Join deltas up to the one that is flagged as its message's last; their stamps follow each other."""
    waiting: list[Any] = []
    for record in records:
        if type(record) is not OrderBookDelta:
            yield record
            continue
        waiting.append(record)
        if record.flags & _LAST:
            yield OrderBookDeltas(record.instrument_id, waiting)
            waiting = []
    if waiting:
        yield OrderBookDeltas(waiting[0].instrument_id, waiting)
