"""Chance and its building blocks for the synthetic market: seeded streams, slow noise, hysteresis."""

from __future__ import annotations

from datetime import date
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

Part = Literal[
    "market", "halts", "volatility", "price", "events", "spread", "sizes", "trades", "depth", "overnight"
]
_PARTS: tuple[Part, ...] = get_args(Part)  # the position of a part is in its seed: append only


def generator(seed: int, day: date, symbol: str, part: Part) -> np.random.Generator:
    """Return the generator of one `part` of one symbol's day.

    Each part draws from a stream of its own, so that a change in one (more depth, other sizes)
    leaves the others as they were. The market's own streams have the empty symbol.
    """
    name = list(symbol.encode())
    return np.random.default_rng([seed, day.toordinal(), _PARTS.index(part), len(name), *name])


def slow_noise(rng: np.random.Generator, count: int, *, memory: float) -> FloatArray:
    """Return a stationary Gaussian AR(1) series of unit variance, `(count,)`.

    `memory` is the number of steps (at least 1) after which the correlation has fallen to 1/e.
    """
    import pandas

    keep = np.exp(-1.0 / memory)
    shocks = rng.standard_normal(count)
    # The weighted mean is y[i] = keep * y[i-1] + (1 - keep) * x[i]: scale x so that y has unit variance.
    shocks[1:] *= np.sqrt((1 + keep) / (1 - keep))
    return np.asarray(pandas.Series(shocks).ewm(alpha=1 - keep, adjust=False).mean(), dtype=np.float64)


def round_with_hysteresis(values: FloatArray, *, reach: float) -> Int64Array:
    """Return whole numbers that follow `values` and change only when they are more than `reach` away.

    The closed form of `s[i] = clip(s[i-1], ceil(v[i] - reach), floor(v[i] + reach))`, which moves
    as little as it must; it starts at the nearest whole number. `reach` is from 0.5 (plain
    rounding) to below 1.
    """
    if not 0.5 <= reach < 1.0:
        raise ValueError(f"reach is {reach}, it must be at least 0.5 and below 1")
    low = np.ceil(values - reach).astype(np.int64)
    high = np.maximum(np.floor(values + reach).astype(np.int64), low)
    # With reach below 1, `high - low` is 0 or 1. The state is known where the allowed band has moved
    # wholly above or below the one before it, or is a single number; elsewhere it stays as it was.
    known = high == low
    result = low.copy()
    known[1:] |= low[1:] >= high[:-1]
    falls = np.zeros_like(known)
    falls[1:] = high[1:] <= low[:-1]
    result[falls] = high[falls]
    known |= falls
    if len(known):
        known[0] = True
        result[0] = np.clip(np.rint(values[0]), low[0], high[0])
    return result[last_true(known)]


def last_true(flags: BoolArray) -> Int64Array:
    """Return for each position the latest one, up to itself, where `flags` holds (-1 before the first)."""
    return np.maximum.accumulate(np.where(flags, np.arange(len(flags)), -1))
