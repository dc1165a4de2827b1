"""Records of a catalog in order of their arrival, a chunk at a time, into a running engine.

Nautilus' `BacktestNode.run` loads the same records through the same Rust session, but then formats the
name of every record's stream as text and, when not chunked, holds them all and sorts them: 1 us a record
and memory without bound. Here chunks go to `BacktestEngine.add_data_iterator`. Chunks end anywhere; no
two records share a `ts_init`, so their size changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nautilus_trader.core.nautilus_pyo3 import DataBackendSession, drop_cvec_pycapsule
from nautilus_trader.model.data import Bar, OrderBookDelta, QuoteTick, TradeTick, capsule_to_list
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from backtests.period import Selection
from catalog.columns import DataKind

if TYPE_CHECKING:
    from nautilus_trader.core.data import Data

CHUNK_SIZE = 50_000
"""Records held at a time unless a profile says otherwise: about 10 MB."""

DATA_CLASSES: dict[DataKind, type[Data]] = {
    DataKind.BAR: Bar,
    DataKind.DELTA: OrderBookDelta,
    DataKind.TRADE: TradeTick,
    DataKind.QUOTE: QuoteTick,
}


def record_feed(selection: Selection, *, chunk_size: int | None = None) -> Iterator[list[Data]]:
    """Yield the records of `selection`, ascending by `ts_init`, in lists of about `chunk_size`."""
    catalog = ParquetDataCatalog(str(selection.catalog.resolve()))
    session = DataBackendSession(chunk_size=chunk_size or CHUNK_SIZE)
    for kind in selection.kinds:
        files = [str(selection.catalog.resolve() / f.path) for f in selection.files if f.kind is kind]
        if files:
            session = catalog.backend_session(
                DATA_CLASSES[kind],
                start=selection.period.start_ns,
                end=selection.period.end_ns - 1,
                session=session,
                files=sorted(files),
            )
    for capsule in session.to_query_result():
        records = capsule_to_list(capsule)
        drop_cvec_pycapsule(capsule)  # the list is a copy
        yield records
