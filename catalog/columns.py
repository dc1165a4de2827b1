"""The records of a catalog as columns: what every ingest hands to the store.

Prices and sizes are `decimal128(38, 16)` arrays, because their little-endian 128-bit buffers are byte for
byte the fixed-point values that Nautilus stores (`value * 10**16`); writing them needs no conversion.
All arrays of one object have the same length and no nulls. Times are nanoseconds UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from market.errors import DataError

FIXED_POINT_SCALE = 16
"""Decimal places of Nautilus' 128-bit fixed point."""
FIXED_POINT = pa.decimal128(38, FIXED_POINT_SCALE)

ON_GRID_MAX = 9 * 10**8
"""The largest value that needs no closer look: 900 million USD or shares."""

Int64Array = npt.NDArray[np.int64]
UInt8Array = npt.NDArray[np.uint8]
Float64Array = npt.NDArray[np.float64]

_FLOAT_LIMIT = 9e10  # in units of 1e-8 it still is an int64
_HALF_PLACES = 8
_HALF_SCALE = 10**_HALF_PLACES  # 32-bit halves of an int64 times this still fit an int64
_WORD = 0xFFFF_FFFF


class DataKind(StrEnum):
    """A kind of record, in causal order: a delta precedes the trade and the quote that it leads to.

    `GREEKS` are an option's; a `CHAIN` record is a whole snapshot. `RATE`, `LEVEL` and `DIVIDEND` are series
    beside Nautilus' data: rate curves, the levels of a volatility index, and dividends as they were declared.
    """

    DELTA = "delta"
    TRADE = "trade"
    QUOTE = "quote"
    BAR = "bar"
    GREEKS = "greeks"
    CHAIN = "chain"
    RATE = "rate"
    LEVEL = "level"
    DIVIDEND = "dividend"

    @property
    def is_series(self) -> bool:
        """Whether the records are of no instrument, and no part of a replay."""
        return self in (DataKind.RATE, DataKind.LEVEL, DataKind.DIVIDEND)


class Aggressor(IntEnum):
    """Which side took liquidity; the numbers are Nautilus' `AggressorSide`."""

    NONE = 0
    BUYER = 1
    SELLER = 2


class DeltaAction(IntEnum):
    """What a delta does to the book; the numbers are Nautilus' `BookAction`."""

    ADD = 1
    UPDATE = 2
    DELETE = 3
    CLEAR = 4


class DeltaSide(IntEnum):
    """The side of the book; the numbers are Nautilus' `OrderSide` (a CLEAR has no side)."""

    NONE = 0
    BUY = 1
    SELL = 2


class DeltaFlag(IntEnum):
    """Bits of a delta's flags, as in Nautilus' `RecordFlag`."""

    LAST = 128  # last delta of one market event: the book is consistent again
    SNAPSHOT = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteColumns:
    """Best bid and offer: prices in USD, sizes in shares."""

    ts_event: Int64Array
    ts_init: Int64Array
    bid_price: pa.Decimal128Array
    ask_price: pa.Decimal128Array
    bid_size: pa.Decimal128Array
    ask_size: pa.Decimal128Array

    def __len__(self) -> int:
        return len(self.ts_init)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeColumns:
    """Prints: price in USD, size in shares, `Aggressor` numbers, ids of at most 36 ASCII characters."""

    ts_event: Int64Array
    ts_init: Int64Array
    price: pa.Decimal128Array
    size: pa.Decimal128Array
    aggressor_side: UInt8Array
    trade_id: pa.StringArray

    def __len__(self) -> int:
        return len(self.ts_init)


@dataclass(frozen=True, slots=True, kw_only=True)
class BarColumns:
    """Bars stamped with the time of their CLOSE, so that no strategy sees a bar before it is complete."""

    ts_event: Int64Array
    ts_init: Int64Array
    open: pa.Decimal128Array
    high: pa.Decimal128Array
    low: pa.Decimal128Array
    close: pa.Decimal128Array
    volume: pa.Decimal128Array

    def __len__(self) -> int:
        return len(self.ts_init)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaColumns:
    """Changes of an order book: `DeltaAction`, `DeltaSide` and `DeltaFlag` numbers, price in USD, shares."""

    ts_event: Int64Array
    ts_init: Int64Array
    action: UInt8Array
    side: UInt8Array
    price: pa.Decimal128Array
    size: pa.Decimal128Array
    order_id: npt.NDArray[np.uint64]
    flags: UInt8Array
    sequence: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.ts_init)


@dataclass(frozen=True, slots=True, kw_only=True)
class GreeksColumns:
    """Greeks of one option, units as in `market.option_chain`; `mark_iv` a fraction a year."""

    ts_event: Int64Array
    ts_init: Int64Array
    instrument_id: pa.Array
    delta: Float64Array
    gamma: Float64Array
    vega: Float64Array
    theta: Float64Array
    rho: Float64Array
    mark_iv: Float64Array
    bid_iv: pa.Array
    ask_iv: pa.Array
    underlying_price: pa.Array
    open_interest: pa.Array
    convention: pa.Array

    def __len__(self) -> int:
        return len(self.ts_init)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainColumns:
    """Chain snapshots, a row each: `contracts` and `market` are blobs of `catalog.option_chain_rows`."""

    ts_event: Int64Array
    ts_init: Int64Array
    instrument_id: pa.Array
    underlying_price: Float64Array
    contracts: pa.BinaryArray
    market: pa.BinaryArray
    type: pa.Array

    def __len__(self) -> int:
        return len(self.ts_init)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateColumns:
    """A curve a row: tenors in years and zero rates, fractions a year continuously compounded."""

    ts_event: Int64Array
    ts_init: Int64Array
    tenors: pa.ListArray
    rates: pa.ListArray

    def __len__(self) -> int:
        return len(self.ts_init)


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelColumns:
    """A day of an index of volatility a row, in points (26.97)."""

    ts_event: Int64Array
    ts_init: Int64Array
    open: Float64Array
    high: Float64Array
    low: Float64Array
    close: Float64Array

    def __len__(self) -> int:
        return len(self.ts_init)


@dataclass(frozen=True, slots=True, kw_only=True)
class DividendColumns:
    """A cash dividend a row: `ts_event` is when it was known, `ex_ns` the open of its ex-dividend session."""

    ts_event: Int64Array
    ts_init: Int64Array
    ex_ns: Int64Array
    amount: Float64Array
    """USD a share."""

    def __len__(self) -> int:
        return len(self.ts_init)


Columns = (
    QuoteColumns
    | TradeColumns
    | BarColumns
    | DeltaColumns
    | GreeksColumns
    | ChainColumns
    | RateColumns
    | LevelColumns
    | DividendColumns
)

KIND_OF_COLUMNS: dict[type[Columns], DataKind] = {
    DeltaColumns: DataKind.DELTA,
    TradeColumns: DataKind.TRADE,
    QuoteColumns: DataKind.QUOTE,
    BarColumns: DataKind.BAR,
    GreeksColumns: DataKind.GREEKS,
    ChainColumns: DataKind.CHAIN,
    RateColumns: DataKind.RATE,
    LevelColumns: DataKind.LEVEL,
    DividendColumns: DataKind.DIVIDEND,
}


def prices_from_ten_thousandths(values: npt.NDArray[np.integer[Any]]) -> pa.Decimal128Array:
    """Return prices in USD from integers in 1/10,000 USD (the unit of Lean and LOBSTER files).

    Raises `DataError` beyond 92 billion USD, which only a wrong unit reaches.
    """
    return _fixed_point(values, 10**4)


def fixed_point_from_floats(
    values: npt.NDArray[np.floating[Any]], *, places: int, is_rounding: bool = False
) -> tuple[pa.Decimal128Array, int | None]:
    """Return decimals from binary floats; if all are multiples of `10**-places`, also the lowest multiple.

    A float stands for the multiple that it is nearest to, if it is within a few units of its own last digit:
    exact for every price of up to four decimals, and 13.900000000000002 is 13.90. Other values keep eight
    decimals, so that a check finds them; with `is_rounding` they become the nearest multiple. NaN is null.
    `places` is 0 to 4; values are cut off at 9e10. None instead of the lowest multiple (counted in steps of
    `10**-places`) means that a value is no multiple, negative, above `ON_GRID_MAX` or null.
    """
    scaled = values.astype(np.float64, copy=False) * 10**places
    nearest = np.rint(scaled)
    with np.errstate(invalid="ignore"):  # infinity less infinity
        is_on_grid = np.abs(scaled - nearest) <= scaled * (16 * float(np.finfo(values.dtype).eps))
    if len(values) and is_on_grid.all() and nearest.max() <= ON_GRID_MAX * 10**places:  # false for NaN
        decimals = _fixed_point(nearest.astype(np.int64), 10 ** (_HALF_PLACES - places))
        return decimals, int(nearest.min())
    bounded = np.clip(np.nan_to_num(values.astype(np.float64)), -_FLOAT_LIMIT, _FLOAT_LIMIT)
    nearest = np.rint(bounded * 10**places) * 10 ** (_HALF_PLACES - places)
    integers = nearest if is_rounding else np.where(is_on_grid, nearest, np.rint(bounded * 10**_HALF_PLACES))
    decimals = _fixed_point(integers.astype(np.int64), 1)
    missing = np.isnan(values)
    if missing.any():
        decimals = pc.if_else(pa.array(missing), pa.scalar(None, FIXED_POINT), decimals)
    return decimals, None


def sizes_from_integers(values: npt.NDArray[np.integer[Any]]) -> pa.Decimal128Array:
    """Return sizes in shares from whole numbers; raises `DataError` beyond 92 billion shares."""
    return _fixed_point(values, _HALF_SCALE)


def trade_ids_from(ts_init: Int64Array) -> pa.StringArray:
    """Return ids for trades whose source names none: `ts_init` as text, unique over the whole catalog."""
    return pa.array(ts_init).cast(pa.string())


def stored_decimals(table: pa.Table, name: str) -> pa.Decimal128Array:
    """Return a stored column as decimals: the 16 bytes are Nautilus' raw value and Arrow's decimal alike."""
    column: Any = table.column(name).combine_chunks()
    return pa.Decimal128Array.from_buffers(
        FIXED_POINT, len(column), [None, column.buffers()[1]], 0, column.offset
    )


def fixed_point_words(values: pa.Decimal128Array) -> Int64Array:
    """Return the raw 128-bit values, without a copy, as `(n, 2)`: low word (read it as uint64), high word."""
    words = np.frombuffer(values.buffers()[1], dtype=np.int64).reshape(-1, 2)
    return words[values.offset : values.offset + len(values)]


def _fixed_point(values: npt.NDArray[np.integer[Any]], factor: int) -> pa.Decimal128Array:
    """Return `values * factor * 10**8` as 128-bit integers, i.e. decimals of scale 16."""
    integers = np.ascontiguousarray(values, dtype=np.int64)
    largest = max(int(integers.max(initial=0)), -int(integers.min(initial=0)))
    limit = (2**63 - 1) // factor
    if largest > limit:
        raise DataError(f"{largest} is beyond {limit}, the largest value a catalog can hold. Check the unit.")
    words = np.empty((len(integers), 2), dtype=np.int64)
    # The low word is the product modulo 2**64, which is what an int64 multiplication leaves.
    np.multiply(integers, np.int64(factor * _HALF_SCALE), out=words[:, 0])
    if largest <= limit // _HALF_SCALE:
        np.right_shift(words[:, 0], 63, out=words[:, 1])
    else:
        scaled = integers * factor
        carried = (scaled >> 32) * _HALF_SCALE + ((scaled & _WORD) * _HALF_SCALE >> 32)
        np.right_shift(carried, 32, out=words[:, 1])
    return pa.Decimal128Array.from_buffers(FIXED_POINT, len(integers), [None, pa.py_buffer(words)])
