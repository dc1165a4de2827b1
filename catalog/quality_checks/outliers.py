"""Prices far from what stands before and after them, and jumps from one day to the next.

A price is an outlier when it is far from the median of the prices before it and from that of those
after it: a lasting move, however fast, agrees with one of the two. Only prices of the same day count,
so that the first print after a split is compared with what follows and not with the day before.
The bands are those of the exchanges' limit up/limit down plan: 10 % from 3 USD, twice that from 0.75.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalog.quality_checks.records import BoolArray
from catalog.reading.blocks import FloatArray, Int64Array

NEIGHBOURS = 11
"""Prices on either side whose median a price is compared with."""

_BANDS = ((3.0, 1.0), (0.75, 2.0), (0.0, 7.5))  # from this price in USD on, so many times the fraction


@dataclass(frozen=True, slots=True)
class LocalPrices:
    """For each record the prices around it on its day, `(n,)`; NaN where there is none."""

    before: FloatArray
    """Median of the prices before it."""
    after: FloatArray
    previous: FloatArray
    """The one price before it."""
    following: FloatArray


def local_prices(reference: FloatArray, day: Int64Array) -> LocalPrices:
    """Return the typical prices around each of `reference`, within the same `day`.

    Near the edge of a day the nearest neighbour stands in for the median of several.
    """
    count = len(reference)
    median = _sliding_median(reference)
    before, after = np.full(count, np.nan), np.full(count, np.nan)
    if len(median):
        before[NEIGHBOURS:] = median[: count - NEIGHBOURS]
        after[: count - NEIGHBOURS] = median[1:]
        before[NEIGHBOURS:][day[NEIGHBOURS:] != day[:-NEIGHBOURS]] = np.nan
        after[:-NEIGHBOURS][day[:-NEIGHBOURS] != day[NEIGHBOURS:]] = np.nan
    previous, following = np.full(count, np.nan), np.full(count, np.nan)
    same = day[1:] == day[:-1]
    previous[1:][same] = reference[:-1][same]
    following[:-1][same] = reference[1:][same]
    return LocalPrices(
        before=_first_known(before, previous, following),
        after=_first_known(after, following, previous),
        previous=previous,
        following=following,
    )


def is_outlier(
    price: FloatArray,
    around: LocalPrices,
    *,
    fraction: float,
    usual_move: FloatArray,
    stands_alone: bool = False,
) -> BoolArray:
    """Return where `price` is further than the band from the typical prices before and after it.

    `fraction` is the band from 3 USD on; where `usual_move` (fractions, `(n,)`) is wider, it is the band.
    With `stands_alone` it must be as far from both neighbours, too: a rise that lasts for a few bars is
    none. A record without neighbours on its day is never an outlier.
    """
    others = [around.before, around.after]
    if stands_alone:
        others += [around.previous, around.following]
    nearest = np.fmin.reduce([np.abs(price - other) / other for other in others])
    level = _first_known(around.after, around.before)
    factor = np.select([level >= floor for floor, _ in _BANDS], [times for _, times in _BANDS], np.nan)
    return nearest > np.maximum(fraction * factor, usual_move)


def local_moves(reference: FloatArray) -> FloatArray:
    """Return the median relative change from record to record around each of `reference`, `(n,)`."""
    if len(reference) < 2:
        return np.zeros(len(reference))
    moves = np.abs(np.diff(reference)) / reference[:-1]
    medians = _sliding_median(moves)
    if not len(medians):
        return np.full(len(reference), np.median(moves))
    centre = np.arange(len(reference)) - NEIGHBOURS // 2
    return np.asarray(medians[np.clip(centre, 0, len(medians) - 1)], dtype=np.float64)


def overnight_jumps(
    reference: FloatArray, day: Int64Array, *, fraction: float
) -> tuple[Int64Array, FloatArray]:
    """Return where a day starts more than `fraction` away from the end of the day before, and the ratio.

    Both ends are the median of several prices where the day has as many.
    """
    starts = np.flatnonzero(day[1:] != day[:-1]) + 1
    median = _sliding_median(reference)
    ratios = np.ones(len(starts))
    for position, start in enumerate(starts.tolist()):
        left, right = reference[start - 1], reference[start]
        if start >= NEIGHBOURS and day[start - NEIGHBOURS] == day[start - 1]:
            left = median[start - NEIGHBOURS]
        if start + NEIGHBOURS <= len(day) and day[start + NEIGHBOURS - 1] == day[start]:
            right = median[start]
        ratios[position] = right / left
    is_jump = np.maximum(ratios, 1 / ratios) > 1 + fraction
    return starts[is_jump], ratios[is_jump]


def can_hold_outliers(price: FloatArray, *, fraction: float) -> bool:
    """Say whether prices differ by more than `fraction` at all: a cheap test that spares the rest."""
    return len(price) > 1 and float(price.max()) > float(price.min()) * (1 + fraction)


def _sliding_median(values: FloatArray) -> FloatArray:
    """Return the median of each `NEIGHBOURS` consecutive values, `(n - NEIGHBOURS + 1,)` or empty."""
    if len(values) < NEIGHBOURS:
        return np.empty(0)
    windows = np.lib.stride_tricks.sliding_window_view(values, NEIGHBOURS)
    return np.asarray(np.median(windows, axis=1), dtype=np.float64)


def _first_known(*candidates: FloatArray) -> FloatArray:
    result = candidates[-1]
    for values in reversed(candidates[:-1]):
        result = np.where(np.isnan(values), result, values)
    return result
