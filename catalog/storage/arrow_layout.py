"""Nautilus' own Parquet layout, written straight from Arrow buffers instead of through objects.

The layout is that of `nautilus_trader` 1.231 in high precision; `tests/catalog` hold it against what
Nautilus itself writes. Reading needs an unmodified `ParquetDataCatalog` and nothing else.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from catalog.columns import KIND_OF_COLUMNS, Columns, DataKind
from market.instruments import EQUITY_PRICE_PRECISION

SIZE_PRECISION = 0
"""Decimals of every size: equities trade in whole shares."""

_FOLDERS = {
    DataKind.DELTA: "order_book_deltas",
    DataKind.TRADE: "trade_tick",
    DataKind.QUOTE: "quote_tick",
    DataKind.BAR: "bar",
    DataKind.GREEKS: "option_greeks",
    DataKind.CHAIN: "custom_option_chain_snapshot",
    DataKind.RATE: "rates",
    DataKind.LEVEL: "volatility",
    DataKind.DIVIDEND: "dividends",
}
_RAW = pa.binary(16)
_FIELDS: dict[DataKind, dict[str, pa.DataType]] = {
    DataKind.DELTA: {
        "action": pa.uint8(),
        "side": pa.uint8(),
        "price": _RAW,
        "size": _RAW,
        "order_id": pa.uint64(),
        "flags": pa.uint8(),
        "sequence": pa.uint64(),
    },
    DataKind.TRADE: {"price": _RAW, "size": _RAW, "aggressor_side": pa.uint8(), "trade_id": pa.string()},
    DataKind.QUOTE: {"bid_price": _RAW, "ask_price": _RAW, "bid_size": _RAW, "ask_size": _RAW},
    DataKind.BAR: {"open": _RAW, "high": _RAW, "low": _RAW, "close": _RAW, "volume": _RAW},
    DataKind.GREEKS: {
        "instrument_id": pa.string(),
        **dict.fromkeys(("delta", "gamma", "vega", "theta", "rho"), pa.float64()),
        **dict.fromkeys(("mark_iv", "bid_iv", "ask_iv", "underlying_price", "open_interest"), pa.float64()),
    },
    DataKind.CHAIN: {
        "instrument_id": pa.string(),
        "underlying_price": pa.float64(),
        "contracts": pa.binary(),
        "market": pa.binary(),
        "type": pa.string(),
    },
    DataKind.RATE: {"tenors": pa.list_(pa.float64()), "rates": pa.list_(pa.float64())},
    DataKind.LEVEL: dict.fromkeys(("open", "high", "low", "close"), pa.float64()),
    DataKind.DIVIDEND: {"ex_ns": pa.uint64(), "amount": pa.float64()},
}
_AFTER_TIMES = {DataKind.GREEKS: {"convention": pa.string()}}
_NULLABLE = frozenset(("mark_iv", "bid_iv", "ask_iv", "underlying_price", "open_interest"))
_TIMES = {"ts_event": pa.uint64(), "ts_init": pa.uint64()}
_REPEATING = (
    *("bid_size", "ask_size", "size", "aggressor_side", "action", "side", "flags"),
    *("instrument_id", "type", "contracts", "convention"),
)
_ENCODINGS = dict.fromkeys((*_TIMES, "order_id", "sequence"), "DELTA_BINARY_PACKED") | {
    "trade_id": "DELTA_BYTE_ARRAY"
}


def stream_folder(kind: DataKind, identifier: str) -> str:
    """Return the folder of a stream below the catalog's root, e.g. `data/quote_tick/BAC.SMART`.

    `identifier` is an instrument id, for bars a bar type.
    """
    top = "series" if kind.is_series else "data"
    return f"{top}/{_FOLDERS[kind]}/{identifier.replace('/', '')}"


def file_name(start_ns: int, end_ns: int) -> str:
    """Return Nautilus' name of a file whose first and last `ts_init` are given."""
    return f"{_file_time(start_ns)}_{_file_time(end_ns)}.parquet"


@lru_cache(maxsize=65_536)  # an ingest of many files asks for the same names again and again
def file_range(name: str) -> tuple[int, int]:
    """Return the first and last `ts_init` (ns) in a file's name; raises `ValueError` for other names."""
    start, separator, end = name.removesuffix(".parquet").partition("_")
    if not separator:
        raise ValueError(f"{name!r} is not <start>_<end>.parquet")
    return _ns_of_file_time(start), _ns_of_file_time(end)


def stream_schema(
    kind: DataKind,
    instrument_id: str,
    bar_type: str | None = None,
    *,
    price_precision: int = EQUITY_PRICE_PRECISION,
) -> pa.Schema:
    """Return the schema, with the metadata without which Nautilus' reader ends the process."""
    if kind is DataKind.CHAIN:  # as Nautilus' `customdataclass_pyo3` writes it
        times = dict.fromkeys(_TIMES, pa.int64())
        return pa.schema({**_FIELDS[kind], **times})
    metadata = {
        "instrument_id": instrument_id,
        "price_precision": str(price_precision),
        "size_precision": str(SIZE_PRECISION),
    }
    if kind is DataKind.GREEKS:
        metadata = {"instrument_id": instrument_id, "type": "OptionGreeks"}
    if bar_type is not None:
        metadata = {"bar_type": bar_type, **metadata}
    fields = {**_FIELDS[kind], **_TIMES, **_AFTER_TIMES.get(kind, {})}
    return pa.schema(
        [pa.field(name, type_, nullable=name in _NULLABLE) for name, type_ in fields.items()], metadata
    )


def record_batch(columns: Columns, schema: pa.Schema) -> pa.RecordBatch:
    """Return `columns` in the order and types of `schema`; prices and sizes are not copied.

    Raises `ValueError` when columns differ in length or hold nulls.
    """
    arrays = [_as_stored(getattr(columns, field.name), field.type) for field in schema]
    for field, array in zip(schema, arrays, strict=True):
        if len(array) != len(columns) or (array.null_count and not field.nullable):
            raise ValueError(
                f"{field.name} has {len(array)} rows, {array.null_count} nulls; expected {len(columns)}, 0"
            )
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def parquet_options(kind: DataKind) -> dict[str, Any]:
    """Return the `ParquetWriter` options for a kind.

    Times are delta-packed and the only columns with statistics (readers prune by `ts_init`). Sizes and
    small numbers repeat, so dictionaries make them smaller in no more time; prices would take longer.
    """
    names = {**_FIELDS[kind], **_TIMES, **_AFTER_TIMES.get(kind, {})}
    return {
        "compression": "zstd" if kind is DataKind.CHAIN else "snappy",
        "use_dictionary": [name for name in _REPEATING if name in names],
        "column_encoding": {name: encoding for name, encoding in _ENCODINGS.items() if name in names},
        "write_statistics": list(_TIMES),
    }


COLUMNS_OF_KIND: dict[DataKind, type[Columns]] = {kind: columns for columns, kind in KIND_OF_COLUMNS.items()}


def _as_stored(values: pa.Array | npt.NDArray[Any], stored: pa.DataType) -> pa.Array:
    if isinstance(values, np.ndarray):
        # Times are int64 in NumPy and never negative: the same bits as uint64.
        is_time = values.dtype == "int64" and pa.types.is_unsigned_integer(stored)
        return pa.array(values.view("uint64") if is_time else values, type=stored)
    if not pa.types.is_fixed_size_binary(stored) or values.null_count:
        return values
    buffers = [None, values.buffers()[1]]
    return pa.FixedSizeBinaryArray.from_buffers(stored, len(values), buffers, 0, values.offset)


def _file_time(ns: int) -> str:
    seconds, nanoseconds = divmod(ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H-%M-%S}-{nanoseconds:09d}Z"


def _ns_of_file_time(text: str) -> int:
    moment, _, nanoseconds = text.removesuffix("Z").rpartition("-")
    seconds = datetime.strptime(moment, "%Y-%m-%dT%H-%M-%S").replace(tzinfo=UTC)
    return int(seconds.timestamp()) * 1_000_000_000 + int(nanoseconds)
