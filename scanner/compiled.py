"""Verticals by compiled loops: fills the kernel's inputs from a leg table, and reads back what it found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from market.errors import ConfigError
from market.pricing.scaled_erfc import Array
from scanner.contracts import PRICE_TOLERANCE, Mask
from scanner.criteria import VERTICALS, PositionFilter, Range, RankTerm, Structure
from scanner.legs import LegTable
from scanner.position_filters import deviate_of
from scanner.positions import Verticals

_METRICS = {name: number for number, name in enumerate(PositionFilter.__struct_fields__)}
NUMBA_MISSING = (
    "The engine 'numba' needs the package numba, which is not installed. "
    "Run `uv sync --extra numba`, or use the engine 'numpy'."
)
_PROBABILITY = "probability_of_profit"
_NEEDS_MEANS = frozenset({"expected_value_usd", "expected_return"})
_NEEDS_GREEKS = ("delta", "gamma", "theta", "vega")


class Found(NamedTuple):
    """Pairs that may be among the best, and how many pairs were narrow, sound, and passed each filter."""

    block: Verticals
    narrow: int
    left: list[int]
    columns: Array
    """The kernels' table of the legs, as `table_columns` filled it."""


def compiled_pairs(
    structure: Structure,
    table: LegTable,
    roles: tuple[Mask, Mask],
    ranges: Mapping[str, Range],
    widths: Range,
    ranking: tuple[tuple[RankTerm, ...], Array],
) -> Found:
    """Return what `scan_pairs` finds; `ranking` are the terms and the best scores so far, ascending.

    Raises `ConfigError` where numba is missing.
    """
    terms, best = ranking
    return _found(
        structure,
        (table, roles),
        table_columns(table, {*ranges, *(term.by for term in terms)}),
        widths,
        (filters_of(structure, ranges), terms_of(terms), best),
    )


def compiled_wings(structure: Structure, table: LegTable, roles: tuple[Mask, Mask], widths: Range) -> Found:
    """Return all sound pairs, for condors. Raises as `compiled_pairs`."""
    nothing = (filters_of(structure, {}), np.empty((0, 4)), np.full(1, -np.inf))
    return _found(structure, (table, roles), table_columns(table, set()), widths, nothing)


def _found(
    structure: Structure,
    legs: tuple[LegTable, tuple[Mask, Mask]],
    columns: Array,
    widths: Range,
    wanted: tuple[Array, Array, Array],
) -> Found:
    from scanner.numba_verticals import scan_pairs

    table, (first_ok, second_ok) = legs
    size, low = len(table), max(widths.low - PRICE_TOLERANCE, PRICE_TOLERANCE)
    high = widths.high + PRICE_TOLERANCE
    options = np.array(
        [structure.is_credit, table.is_call, low, high, table.spot, shares_of(table)], dtype=np.float64
    )
    first, second, counts = scan_pairs(columns, first_ok[:size], second_ok[:size], options, *wanted)
    left = counts.tolist()
    return Found(Verticals(structure, table, first, second), left[0], left[1:], columns)


def table_columns(table: LegTable, wanted: set[str]) -> Array:
    """Return the rows of the kernels' table that the metrics in `wanted` need; the others are 0."""
    try:
        from scanner import numba_smile as row
    except ImportError as error:
        raise ConfigError(NUMBA_MISSING) from error
    size = len(table)
    columns = np.zeros((row.COLUMNS, size))
    given = {
        row.SELL: table.sell,
        row.BUY: table.buy,
        row.LEVEL: table.level,
        row.BID_ASK: table.bid_ask,
        row.DEVIATE: table.deviate,
        row.DEPTH: table.smile.depth,
        row.YEARS: table.years,
        row.MULTIPLIER: table.multiplier,
        row.AFTER: _after(table),
    }
    given |= {row.DELTA + n: table.greek(name) for n, name in enumerate(_NEEDS_GREEKS) if name in wanted}
    if wanted & _NEEDS_MEANS:
        given[row.PAID] = table.paid()
    for place, values in given.items():
        columns[place] = values[:size]
    return columns


def shares_of(table: LegTable) -> float:
    """Return the shares of a contract, 0 where contracts differ."""
    shares = table.multiplier
    return float(shares[0]) if (shares == shares[0]).all() else 0.0


def _after(table: LegTable) -> NDArray[np.intp]:
    """Return how many legs of its expiry stand after each leg."""
    segment = table.smile.segment
    ends = np.append(np.flatnonzero(np.diff(segment)), len(table) - 1)
    return ends[segment] - np.arange(len(table))


def filters_of(structure: Structure, ranges: Mapping[str, Range]) -> Array:
    """Return metric, low and high of each range; of verticals' probability as normal deviates."""
    rows = []
    for name, allowed in ranges.items():
        low, high = allowed.low, allowed.high
        if name == _PROBABILITY and structure in VERTICALS:
            low, high = deviate_of(low), deviate_of(high)
            low, high = (low, high) if structure.is_credit else (-high, -low)
        rows.append((_METRICS[name], low - PRICE_TOLERANCE, high + PRICE_TOLERANCE))
    return np.array(rows, dtype=np.float64).reshape(len(rows), 3)


def terms_of(terms: tuple[RankTerm, ...]) -> Array:
    """Return metric, worst, 1 / (best - worst) and weight of each term."""
    total = sum(term.weight for term in terms)
    return np.array(
        [
            (_METRICS[term.by], term.worst, 1.0 / (term.best - term.worst), term.weight / total)
            for term in terms
        ]
    )
