"""A random path that is a function of time: any moment of it costs the same, and nothing is stored.

The path is a sum of smooth noises, each twice as coarse in amplitude and four times in time as the one
before: sampled at lag T it spreads like the square root of T, as prices do. Hashes of (seed, octave,
cell) are the values between which each noise interpolates (SplitMix64, Steele et al. 2014).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from adapters.tws_simulator.market_data.source import IntArray

FloatArray = npt.NDArray[np.float64]

FINEST_NS = 1_000_000_000
OCTAVES = 13
"""From 1 second to 194 days."""

TRADING_SECONDS_PER_YEAR = 252 * 6.5 * 3600
CALENDAR_SECONDS_PER_YEAR = 365 * 86_400
SESSION_SECONDS = 6.5 * 3600

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_SCALE = 2.0**-63
_SHARE = 1.05
"""Brings daily closes to the volatility asked for: 0.25 asked gave 0.25 a year over 40 paths of 400 days."""


def hashed(key: int | npt.NDArray[np.uint64], counter: IntArray) -> npt.NDArray[np.uint64]:
    """Return well mixed 64-bit numbers for counters under a key (an int, or an array that broadcasts)."""
    keys = np.asarray(key, dtype=np.uint64)
    with np.errstate(over="ignore"):
        z = keys + counter.astype(np.uint64) * _GOLDEN
        z = (z ^ (z >> np.uint64(30))) * _MIX_1
        z = (z ^ (z >> np.uint64(27))) * _MIX_2
        return z ^ (z >> np.uint64(31))


def key_of(*parts: int) -> int:
    """Return the 64-bit key that belongs to a tuple of numbers."""
    key = np.zeros(1, dtype=np.uint64)
    for part in parts:
        key = hashed(key ^ np.uint64(part & 0xFFFF_FFFF_FFFF_FFFF), np.ones(1, dtype=np.int64))
    return int(key[0])


def path(key: int, ts_ns: IntArray, volatility: float) -> FloatArray:
    """Return the path's log deviation at times (ns), for a volatility a year (0.25 is 25 %)."""
    total = np.zeros(len(ts_ns))
    for octave in range(OCTAVES):
        cell_ns = FINEST_NS * 4**octave
        cell, inside = np.divmod(ts_ns, cell_ns)
        position = inside / cell_ns
        weight = position * position * (3.0 - 2.0 * position)
        octave_key = (key + octave * 0x632BE59BD9B4E019) & 0xFFFF_FFFF_FFFF_FFFF
        before, after = _neighbours(octave_key, cell)
        total += amplitude(octave, volatility) * (before + (after - before) * weight)
    return total


def amplitude(octave: int, volatility: float) -> float:
    """Return the largest deviation of one octave: trading time within a session, calendar time beyond."""
    seconds = FINEST_NS / 1e9 * 4**octave
    year = TRADING_SECONDS_PER_YEAR if seconds <= SESSION_SECONDS else CALENDAR_SECONDS_PER_YEAR
    return _SHARE * volatility * math.sqrt(seconds / year)


def _neighbours(key: int, cell: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the values at each cell and at the next one; close together, cells share their hashes."""
    first = int(cell.min()) if len(cell) else 0
    span = int(cell.max()) - first + 2 if len(cell) else 0
    if span > len(cell):
        return _unit(key, cell), _unit(key, cell + 1)
    values = _unit(key, np.arange(first, first + span, dtype=np.int64))
    places = cell - first
    return values[places], values[places + 1]


def _unit(key: int, cell: IntArray) -> FloatArray:
    unit: FloatArray = hashed(key, cell).view(np.int64).astype(np.float64)
    unit *= _SCALE
    return unit
