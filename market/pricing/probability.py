"""Probabilities of the price at expiry under the lognormal distribution that the options themselves imply.

They are risk-neutral: the drift is the carry (rate less dividend yield), not a forecast.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from market.pricing.european import cumulative
from market.pricing.scaled_erfc import Array


def probability_above(
    level: ArrayLike, *, forward: ArrayLike, volatility: ArrayLike, years: ArrayLike
) -> Array:
    """Return the probability that the price at expiry lies above `level` (USD a share), shape of the inputs.

    `forward` is the expected price at expiry. A level of 0 or less is always below; without time or
    volatility the price is the forward, and a forward exactly at the level is not above it. NaN where an
    input is NaN.
    """
    levels, forwards = np.asarray(level, dtype=np.float64), np.asarray(forward, dtype=np.float64)
    deviation = np.asarray(volatility, dtype=np.float64) * np.sqrt(np.asarray(years, dtype=np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        d2 = np.log(forwards / np.maximum(levels, 0.0)) / deviation - 0.5 * deviation
        certain = np.where(forwards > levels, 1.0, 0.0)
        known = ~(np.isnan(levels) | np.isnan(forwards) | np.isnan(deviation))
        result = np.where(deviation > 0, cumulative(np.clip(np.nan_to_num(d2), -40.0, 40.0)), certain)
    return np.where(known, np.where(levels <= 0, 1.0, result), np.nan)


def probability_between(
    low: ArrayLike, high: ArrayLike, *, forward: ArrayLike, volatility: ArrayLike, years: ArrayLike
) -> Array:
    """Return the probability that the price at expiry lies above `low` and not above `high`."""
    above_low = probability_above(low, forward=forward, volatility=volatility, years=years)
    return above_low - probability_above(high, forward=forward, volatility=volatility, years=years)
