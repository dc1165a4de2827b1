"""Reading a catalog's Parquet files by path, in Nautilus' layout (high precision), with pyarrow alone.

A price or size is 16 bytes, little-endian, value x 10^16. The folders are `data/<kind>/<id>/`, the
files `<first>_<last>.parquet` by `ts_init`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from adapters.tws_simulator.market_data.source import IntArray
from market.errors import DataError

BATCH_ROWS = 32_768
QUOTES, TRADES, DELTAS, EQUITIES = "quote_tick", "trade_tick", "order_book_deltas", "equity"

_PRICE_SHIFT, _PRICE_DIVISOR = np.uint64(12), np.uint64(5**12)
_SIZE_SHIFT, _SIZE_DIVISOR = np.uint64(16), np.uint64(5**16)

COLUMNS = {
    QUOTES: ("ts_event", "ts_init", "bid_price", "ask_price", "bid_size", "ask_size"),
    TRADES: ("ts_event", "ts_init", "price", "size"),
    DELTAS: ("ts_event", "ts_init", "action", "side", "price", "size", "flags"),
}


def files_between(root: Path, kind: str, identifier: str, start_ns: int, end_ns: int) -> list[Path]:
    """Return the files of a stream that overlap `[start_ns, end_ns)`, oldest first."""
    found = []
    for path in sorted((root / "data" / kind / identifier).glob("*.parquet")):
        first_ns, last_ns = file_range(path)
        if first_ns < end_ns and last_ns >= start_ns:
            found.append(path)
    return found


def file_range(path: Path) -> tuple[int, int]:
    """Return the first and last `ts_init` in a file's name; raises `DataError` for another name."""
    first, separator, last = path.stem.partition("_")
    if not separator:
        raise DataError(f"{path} is not named <start>_<end>.parquet. Is this a Nautilus catalog?")
    return _ns_of(first), _ns_of(last)


def batches(path: Path, kind: str, start_ns: int, end_ns: int) -> Iterator[dict[str, IntArray]]:
    """Yield a file's rows with `ts_init` in `[start_ns, end_ns)` as arrays by column, in batches.

    Prices are integers in 1/10,000 USD, sizes whole. Raises `DataError` for values of 8 bytes.
    """
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=list(COLUMNS[kind])):
            columns = {name: _integers(name, batch.column(name), path) for name in COLUMNS[kind]}
            inside = (columns["ts_init"] >= start_ns) & (columns["ts_init"] < end_ns)
            if inside.all():
                yield columns
            elif inside.any():
                yield {name: values[inside] for name, values in columns.items()}


def equity_facts(root: Path, identifier: str) -> tuple[str, str]:
    """Return symbol and ISIN ("" for none) of an equity of the catalog."""
    for path in sorted((root / "data" / EQUITIES / identifier).glob("*.parquet")):
        row: dict[str, Any] = pq.read_table(path, columns=["raw_symbol", "isin"]).slice(0, 1).to_pylist()[0]
        return row["raw_symbol"], row["isin"] or ""
    raise DataError(f"The catalog at {root} has no equity {identifier}.")


def _integers(name: str, column: pa.Array, path: Path) -> IntArray:
    if name in {"ts_event", "ts_init", "action", "side", "flags"}:
        return np.asarray(column.to_numpy(zero_copy_only=False)).astype(np.int64)
    if column.type != pa.binary(16):
        raise DataError(
            f"{path}: {name} is {column.type}, not 16 bytes. Write the catalog with high-precision Nautilus."
        )
    words = np.frombuffer(column.buffers()[1], dtype=np.uint64).reshape(-1, 2)
    words = words[column.offset : column.offset + len(column)]
    is_price = "size" not in name
    shift, divisor = (_PRICE_SHIFT, _PRICE_DIVISOR) if is_price else (_SIZE_SHIFT, _SIZE_DIVISOR)
    # value = units * 2^shift * 5^shift: the shift brings bits of the high word in, the rest divides.
    joined = (words[:, 0] >> shift) | (words[:, 1] << (np.uint64(64) - shift))
    return np.asarray((joined // divisor).astype(np.int64))


def _ns_of(text: str) -> int:
    moment, _, nanoseconds = text.removesuffix("Z").rpartition("-")
    try:
        seconds = datetime.strptime(moment, "%Y-%m-%dT%H-%M-%S").replace(tzinfo=UTC)
    except ValueError:
        raise DataError(f"{text} is no time of a catalog's file name. Is this a Nautilus catalog?") from None
    return int(seconds.timestamp()) * 1_000_000_000 + int(nanoseconds)
