"""Condors by compiled loops: fills the kernel's inputs from wings, and reads back what it found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from market.pricing.scaled_erfc import Array
from scanner.compiled import filters_of, terms_of
from scanner.criteria import Range, RankTerm, Structure
from scanner.positions import Condors, Verticals, at

_GREEKS = ("delta", "gamma", "theta", "vega")
_MEANS = frozenset({"expected_value_usd", "expected_return"})


class Wings(NamedTuple):
    """The wings of one right, and the kernels' table of their legs."""

    block: Verticals
    columns: Array


def compiled_condors(
    structure: Structure,
    puts: Wings,
    calls: Wings,
    runs: NDArray[np.int64],
    ranges: Mapping[str, Range],
    ranking: tuple[tuple[RankTerm, ...], Array],
) -> tuple[Condors, list[int]]:
    """Return the positions that may be among the best, and how many were sound and passed each filter.

    `runs` are first and end of the call wings that fit each put wing; `ranking` the terms and the best scores
    so far, ascending.
    """
    from scanner.numba_condors import scan_condors

    terms, best = ranking
    wanted = {*ranges, *(term.by for term in terms)}
    puts_at, calls_at, counts = scan_condors(
        (_wing_columns(puts.block, wanted), _wing_columns(calls.block, wanted)),
        (puts.columns, calls.columns),
        runs,
        puts.block.spot,
        filters_of(structure, ranges),
        terms_of(terms),
        best,
    )
    return Condors(structure, puts.block.take(puts_at), calls.block.take(calls_at)), counts.tolist()


def _wing_columns(wings: Verticals, wanted: set[str]) -> Array:
    from scanner import numba_condors as row

    columns = np.zeros((row.WING_COLUMNS, len(wings.net)))
    columns[row.NET] = wings.net
    columns[row.SPAN] = wings.width
    columns[row.STRIKE] = at(wings.table.strike, wings.first)
    columns[row.BID_ASKS] = wings.bid_ask * wings.width
    columns[row.YEARS_LEFT] = wings.years
    columns[row.SHARES] = wings.multiplier
    columns[row.FIRST_LEG] = np.asarray(wings.first)
    if wanted & _MEANS:
        columns[row.MEAN] = wings.expected
    for place, name in enumerate(_GREEKS):
        if name in wanted:
            columns[row.GREEKS + place] = wings.greek(name)
    return columns
