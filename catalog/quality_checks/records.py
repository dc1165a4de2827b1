"""Checks of single records and of neighbours: arrays in, one boolean a record out.

Prices in USD and sizes in shares are float64 of shape `(n,)`, decoded from fixed point: equal stored
values are equal floats. Zero stands for "none" in quotes, as Nautilus has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from catalog.reading.blocks import FloatArray, Int64Array

BoolArray = npt.NDArray[np.bool_]

PRICE_MAX = 1e9
SIZE_MAX = 1e13
"""Beyond these a value is Nautilus' mark for "undefined", or read from the wrong column."""

_SUB_PENNY_BELOW = 1.0  # USD; under it US exchanges quote in 0.0001
_TICK_TOLERANCE = 1e-6


def goes_backwards(times: Int64Array) -> BoolArray:
    """Return where a time is before that of the record before."""
    return _with_first(times[1:] < times[:-1])


def is_shared(times: Int64Array) -> BoolArray:
    """Return where a time equals that of the record before."""
    return _with_first(times[1:] == times[:-1])


def repeats_previous(columns: Sequence[npt.NDArray[Any]]) -> BoolArray:
    """Return where a record equals the one before in all `columns`, each `(n,)`."""
    same = np.ones(max(len(columns[0]) - 1, 0), dtype=np.bool_)
    for values in columns:
        same &= values[1:] == values[:-1]
    return _with_first(same)


def repeats_an_id(ids: pa.Array) -> BoolArray:
    """Return where an id occurred before, anywhere in `ids`."""
    codes = ids.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    is_repeated = np.ones(len(codes), dtype=np.bool_)
    is_repeated[np.unique(codes, return_index=True)[1]] = False
    return is_repeated


def is_crossed(bid: FloatArray, ask: FloatArray) -> BoolArray:
    """Return where both sides are there and the bid is above the offer."""
    return is_two_sided(bid, ask) & (bid > ask)


def is_locked(bid: FloatArray, ask: FloatArray) -> BoolArray:
    """Return where both sides are there and bid and offer are equal."""
    return is_two_sided(bid, ask) & (bid == ask)


def is_one_sided(bid: FloatArray, ask: FloatArray, bid_size: FloatArray, ask_size: FloatArray) -> BoolArray:
    """Return where a side has no price or no size."""
    return (bid == 0) | (ask == 0) | (bid_size == 0) | (ask_size == 0)


def is_two_sided(bid: FloatArray, ask: FloatArray) -> BoolArray:
    """Return where both sides have a defined price."""
    return is_price(bid) & is_price(ask)


def is_stub(bid: FloatArray, ask: FloatArray, *, spread_fraction: float) -> BoolArray:
    """Return where the spread is more than `spread_fraction` of the mid."""
    return is_two_sided(bid, ask) & (ask - bid > spread_fraction * (ask + bid) / 2)


def is_off_tick(price: FloatArray, *, increment: float) -> BoolArray:
    """Return where a price of 1 USD or more is no multiple of `increment`."""
    ticks = price / increment
    return is_price(price) & (price >= _SUB_PENNY_BELOW) & (np.abs(ticks - np.rint(ticks)) > _TICK_TOLERANCE)


def is_price(price: FloatArray) -> BoolArray:
    """Return where a price is defined and positive."""
    return (price > 0) & (price < PRICE_MAX)


def is_size(size: FloatArray) -> BoolArray:
    """Return where a size is defined and not negative."""
    return (size >= 0) & (size < SIZE_MAX)


def is_impossible_bar(open_: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray) -> BoolArray:
    """Return where the high is not the highest, or the low not the lowest, of the four prices."""
    return (high < np.maximum(open_, close)) | (low > np.minimum(open_, close)) | (high < low)


def _with_first(rest: BoolArray) -> BoolArray:
    """Put False before `rest`: the first record has none before it."""
    return np.concatenate([np.zeros(1, dtype=np.bool_), rest])
