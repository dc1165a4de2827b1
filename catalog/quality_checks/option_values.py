"""Volatilities and greeks that came with data: which cannot be, one boolean a contract; NaN is absent."""

from __future__ import annotations

import numpy as np

from catalog.quality_checks.records import BoolArray
from market.pricing.scaled_erfc import Array

_ROUNDING = 0.005  # vendors print deltas with two places


def iv_out_of_bounds(iv: Array, *, highest: float) -> BoolArray:
    """Return where a volatility (fraction a year) is not above 0, or above `highest`."""
    return ~np.isnan(iv) & ~((iv > 0) & (iv <= highest))


def greeks_out_of_bounds(delta: Array, gamma: Array, vega: Array, is_call: BoolArray) -> BoolArray:
    """Return where a delta has the wrong sign or is beyond 1, or where gamma or vega is negative."""
    sign = np.where(is_call, 1.0, -1.0)
    with np.errstate(invalid="ignore"):
        wrong = (sign * delta < -_ROUNDING) | (np.abs(delta) > 1.0 + _ROUNDING)
        found: BoolArray = wrong | (gamma < 0) | (vega < 0)
    return found
