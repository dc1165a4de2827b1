"""The records of stored streams, read in blocks of NumPy arrays.

Memory is bounded by the block, whatever the size of the file. Each block repeats the last rows of the
one before as context, so that checks can compare neighbours without state of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from catalog.reading.streams import StoredFile, StoredStream

FloatArray = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]

BLOCK_ROWS = 131_072
CONTEXT_ROWS = 64
"""Rows of the block before that each block repeats."""

_FIXED_POINT_ONE = {16: 1e16, 8: 1e9}  # raw value of 1 by width in bytes: high and standard precision


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Consecutive records of one stream; the first `context` rows were in the block before.

    `columns` holds prices and sizes as float64 (USD, shares) and codes as integers, by Nautilus' names.
    """

    ts_event: Int64Array
    ts_init: Int64Array
    columns: dict[str, npt.NDArray[Any]]
    trade_ids: pa.Array | None
    context: int
    is_last: bool

    def __len__(self) -> int:
        return len(self.ts_init)


def read_blocks(
    stream: StoredStream,
    *,
    from_ns: int | None = None,
    to_ns: int | None = None,
    on_problem: Callable[[StoredFile, str], None] | None = None,
    columns: Sequence[str] | None = None,
) -> Iterator[Block]:
    """Yield the records of `stream` whose `ts_init` is in [from_ns, to_ns), in the order of the files.

    `columns` are those that are wanted, the times among them; by default all. A file that cannot be read
    is left out from where it is damaged; `on_problem` is told, or, without it, the error is raised.
    """
    context = None
    pending: _Rows | None = None
    for rows in _rows_of_stream(stream, from_ns=from_ns, to_ns=to_ns, on_problem=on_problem, columns=columns):
        if pending is not None:
            yield pending.block(context, is_last=False)
            context = pending.tail(context)
        pending = rows
    if pending is not None:
        yield pending.block(context, is_last=True)


def read_batches(
    stream: StoredStream,
    *,
    rows: int,
    from_ns: int | None = None,
    to_ns: int | None = None,
    on_problem: Callable[[StoredFile, str], None] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield the records of `stream` as they are stored, `rows` at a time; the rest as `read_blocks`."""
    for file in stream.files:
        try:
            with pq.ParquetFile(file.path) as parquet:
                if not _is_outside(file, from_ns, to_ns):
                    for batch in parquet.iter_batches(batch_size=rows):
                        inside = batch.filter(pa.array(_keep(_times(batch, "ts_init"), from_ns, to_ns)))
                        if inside.num_rows:
                            yield inside
        except (OSError, pa.ArrowException) as error:
            if on_problem is None:
                raise
            on_problem(file, " ".join(str(error).split()))


def _times(batch: pa.RecordBatch, name: str) -> Int64Array:
    return batch[name].to_numpy(zero_copy_only=False).astype(np.int64)


def _keep(ts_init: Int64Array, from_ns: int | None, to_ns: int | None) -> npt.NDArray[np.bool_]:
    keep = np.ones(len(ts_init), dtype=np.bool_)
    if from_ns is not None:
        keep &= ts_init >= from_ns
    if to_ns is not None:
        keep &= ts_init < to_ns
    return keep


@dataclass(frozen=True, slots=True)
class _Rows:
    columns: dict[str, npt.NDArray[Any]]
    trade_ids: pa.Array | None

    def tail(self, context: _Rows | None) -> _Rows:
        """Return the last rows of what `block` yields, to go before the next block."""
        joined = self._after(context)
        length = len(joined.columns["ts_init"])
        start = max(0, length - CONTEXT_ROWS)
        ids = joined.trade_ids[start:] if joined.trade_ids is not None else None
        return _Rows({name: values[start:].copy() for name, values in joined.columns.items()}, ids)

    def block(self, context: _Rows | None, *, is_last: bool) -> Block:
        joined = self._after(context)
        columns = dict(joined.columns)
        return Block(
            ts_event=columns.pop("ts_event"),
            ts_init=columns.pop("ts_init"),
            columns=columns,
            trade_ids=joined.trade_ids,
            context=len(context.columns["ts_init"]) if context is not None else 0,
            is_last=is_last,
        )

    def _after(self, context: _Rows | None) -> _Rows:
        if context is None:
            return self
        columns = {
            name: np.concatenate([context.columns[name], values]) for name, values in self.columns.items()
        }
        ids = None
        if self.trade_ids is not None:
            ids = pa.concat_arrays([context.trade_ids, self.trade_ids])
        return _Rows(columns, ids)


class TimesInRow:
    """Makes blocks of the times of batches, each with the last row of the one before as context.

    `columns` are integer columns that count as content, none by default.
    """

    def __init__(self, columns: tuple[str, ...] = ()) -> None:
        self._names = ("ts_event", "ts_init", *columns)
        self._last: dict[str, int] = {}

    def block(self, batch: pa.RecordBatch) -> Block:
        """Return the times of the next batch, which is not empty."""
        columns = {name: _times(batch, name) for name in self._names}
        if self._last:
            columns = {name: np.insert(values, 0, self._last[name]) for name, values in columns.items()}
        context = 1 if self._last else 0
        self._last = {name: int(values[-1]) for name, values in columns.items()}
        return Block(
            ts_event=columns.pop("ts_event"),
            ts_init=columns.pop("ts_init"),
            columns=dict(columns),
            trade_ids=None,
            context=context,
            is_last=False,
        )


def _rows_of_stream(
    stream: StoredStream,
    *,
    from_ns: int | None,
    to_ns: int | None,
    on_problem: Callable[[StoredFile, str], None] | None,
    columns: Sequence[str] | None,
) -> Iterator[_Rows]:
    for file in stream.files:
        try:
            with pq.ParquetFile(file.path) as parquet:
                if not _is_outside(file, from_ns, to_ns):
                    for batch in parquet.iter_batches(batch_size=BLOCK_ROWS, columns=columns):
                        rows = _rows_of_batch(batch, from_ns=from_ns, to_ns=to_ns)
                        if len(rows.columns["ts_init"]):
                            yield rows
        except (OSError, pa.ArrowException) as error:
            if on_problem is None:
                raise
            on_problem(file, " ".join(str(error).split()))


def _is_outside(file: StoredFile, from_ns: int | None, to_ns: int | None) -> bool:
    if file.first_ns is None or file.last_ns is None:
        return False
    return (from_ns is not None and file.last_ns < from_ns) or (to_ns is not None and file.first_ns >= to_ns)


def _rows_of_batch(batch: pa.RecordBatch, *, from_ns: int | None, to_ns: int | None) -> _Rows:
    columns: dict[str, npt.NDArray[Any]] = {}
    trade_ids = None
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        if name == "trade_id":
            trade_ids = array.cast(pa.string())
        elif pa.types.is_fixed_size_binary(array.type):
            columns[name] = _decode(array)
        else:
            values = array.to_numpy(zero_copy_only=False)
            columns[name] = values.astype(np.int64) if values.dtype.kind in "iu" else values
    if from_ns is None and to_ns is None:
        return _Rows(columns, trade_ids)
    keep = _keep(columns["ts_init"], from_ns, to_ns)
    ids = trade_ids.filter(pa.array(keep)) if trade_ids is not None else None
    return _Rows({name: values[keep] for name, values in columns.items()}, ids)


def _decode(array: pa.FixedSizeBinaryArray) -> FloatArray:
    """Return Nautilus' fixed-point values as float64; equal raw values give equal floats."""
    width = array.type.byte_width
    one = _FIXED_POINT_ONE[width]
    raw = np.frombuffer(array.buffers()[1], dtype="<i8").reshape(-1, width // 8)
    words = raw[array.offset : array.offset + len(array)]
    low = words[:, 0]
    if width == 8:
        return np.asarray(low / one, dtype=np.float64)
    high = words[:, 1]
    return np.asarray((high * 2.0**64 + low.view(np.uint64)) / one, dtype=np.float64)
