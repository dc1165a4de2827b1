"""Best bid and offer sampled from a catalog's files: one row per second in which a quote came.

Read after the run, column by column, so that neither the engine's loop nor its memory pays for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from backtests.period import Selection
from catalog.columns import FIXED_POINT_SCALE, DataKind
from market.time import NS_PER_SECOND

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_COLUMNS = ["bid_price", "ask_price", "ts_init"]
_BATCH_ROWS = 262_144
_NOTHING: tuple[IntArray, FloatArray, FloatArray] = (
    np.empty(0, dtype=np.int64),
    np.empty(0),
    np.empty(0),
)


@dataclass(frozen=True, slots=True)
class QuoteSamples:
    """The last quote of each second: `ts_ns` is its time (ns UTC), prices in USD; shapes `(n,)`."""

    instrument_id: str
    ts_ns: IntArray
    bid: FloatArray
    ask: FloatArray

    @property
    def mid(self) -> FloatArray:
        """Half-way between bid and ask."""
        return (self.bid + self.ask) / 2.0


def sample_quotes(selection: Selection) -> list[QuoteSamples]:
    """Return the samples of every instrument of `selection`, in its order."""
    return [_sample(selection, name) for name in selection.instrument_ids]


def _sample(selection: Selection, instrument_id: str) -> QuoteSamples:
    files = sorted(
        (file.start_ns, selection.catalog / file.path)
        for file in selection.files
        if file.kind is DataKind.QUOTE and file.instrument_id == instrument_id
    )
    parts = [_NOTHING, *(part for _, path in files for part in _samples_of(path, selection))]
    ts_ns = np.concatenate([part[0] for part in parts])
    bid = np.concatenate([part[1] for part in parts])
    ask = np.concatenate([part[2] for part in parts])
    keep = _last_of_each_second(ts_ns)  # a second may span two batches
    return QuoteSamples(instrument_id, ts_ns[keep], bid[keep], ask[keep])


def _samples_of(path: Path, selection: Selection) -> Iterator[tuple[IntArray, FloatArray, FloatArray]]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=_COLUMNS):
            ts_ns = batch.column("ts_init").to_numpy().astype(np.int64)
            inside = (ts_ns >= selection.period.start_ns) & (ts_ns < selection.period.end_ns)
            keep = _last_of_each_second(ts_ns)
            keep = keep[inside[keep]]
            yield (
                ts_ns[keep],
                _prices(batch.column("bid_price"), keep),
                _prices(batch.column("ask_price"), keep),
            )


def _last_of_each_second(ts_ns: IntArray) -> npt.NDArray[np.intp]:
    """Return the index of the last row of each second; `ts_ns` is ascending."""
    if len(ts_ns) == 0:
        return np.empty(0, dtype=np.intp)
    second = ts_ns // NS_PER_SECOND
    return np.flatnonzero(np.append(second[1:] != second[:-1], True))


def _prices(column: pa.Array, keep: npt.NDArray[np.intp]) -> FloatArray:
    """Return Nautilus' 16-byte fixed-point prices at `keep` as floats."""
    words = np.frombuffer(column.buffers()[1], dtype=np.int64).reshape(-1, 2)[column.offset + keep]
    low = words[:, 0].view(np.uint64).astype(np.float64)
    return (words[:, 1].astype(np.float64) * 2.0**64 + low) / 10.0**FIXED_POINT_SCALE
