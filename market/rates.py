"""Interest rates of a day as a curve of zero rates, continuously compounded.

Pricing needs one rate for each expiry. A curve is known at its tenors; between them the logarithm of the
discount factor is interpolated linearly (constant forward rates), outside them the nearest rate holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from market.errors import DataError
from market.pricing.scaled_erfc import Array

RATE_LOWEST, RATE_HIGHEST = -0.10, 1.00
"""Rates a year, as fractions, that a curve accepts: 4.25 for 4.25 % is refused, write 0.0425."""

COUPONS_PER_YEAR = 2
"""US Treasury notes pay half-yearly."""

_BISECTIONS = 60


@dataclass(frozen=True)
class RateCurve:
    """Zero rates (fractions a year, continuously compounded) at ascending tenors in years of 365 days.

    Raises `DataError` for tenors that do not ascend from above 0 and rates that are no fractions a year.
    """

    tenors: tuple[float, ...]
    rates: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.tenors or len(self.tenors) != len(self.rates):
            raise DataError(f"A curve needs as many rates as tenors; {len(self.tenors)}, {len(self.rates)}.")
        if self.tenors[0] <= 0 or any(b <= a for a, b in zip(self.tenors, self.tenors[1:], strict=False)):
            raise DataError(f"Tenors must ascend from above 0 years; they are {self.tenors}.")
        _require_rates(self.rates)

    @classmethod
    def flat(cls, rate: float) -> RateCurve:
        """Return the curve of one rate, a fraction a year, continuously compounded."""
        return cls((1.0,), (float(rate),))

    @classmethod
    def of_par_yields(cls, yields: Mapping[float, float]) -> RateCurve:
        """Return the zero curve of Treasury par yields `{years: fraction a year}`; NaN is left out.

        Bootstrapped: to half a year a yield is simple interest of a bill (bond-equivalent), beyond it the
        coupon of a half-yearly bond worth 100. Raises `DataError` without a single yield.
        """
        known = {years: rate for years, rate in sorted(yields.items()) if not np.isnan(rate)}
        if not known:
            raise DataError("No par yield is known; a curve needs one at least.")
        _require_rates(tuple(known.values()))
        tenors: list[float] = []
        zeros: list[float] = []
        for years, rate in known.items():
            zeros.append(_zero_of_par(tenors, zeros, years, rate))
            tenors.append(years)
        return cls(tuple(tenors), tuple(zeros))

    def zero_rates(self, years: ArrayLike) -> Array:
        """Return the rate for each time in years, shape of `years`."""
        return _interpolated(np.array(self.tenors), np.array(self.rates), years)

    def discounts(self, years: ArrayLike) -> Array:
        """Return what 1 USD in `years` is worth now, shape of `years`."""
        return np.exp(-self.zero_rates(years) * np.asarray(years, dtype=np.float64))


def continuous(rate: ArrayLike, *, per_year: float) -> Array:
    """Return the continuously compounded rate of one compounded `per_year` times a year."""
    return per_year * np.log1p(np.asarray(rate, dtype=np.float64) / per_year)


def _interpolated(tenors: Array, rates: Array, years: ArrayLike) -> Array:
    wanted = np.asarray(years, dtype=np.float64)
    inside = np.clip(wanted, tenors[0], tenors[-1])
    result: Array = np.interp(inside, tenors, rates * tenors) / inside
    return result


def _zero_of_par(tenors: list[float], zeros: list[float], years: float, par: float) -> float:
    """Return the zero rate at `years` that prices its bond at par, given the curve before it."""
    if years <= 1.0 / COUPONS_PER_YEAR + 1e-9:
        return float(np.log1p(par * years) / years)
    count = round(years * COUPONS_PER_YEAR)
    times = years - np.arange(count)[::-1] / COUPONS_PER_YEAR
    low, high = 2 * RATE_LOWEST, 2 * RATE_HIGHEST
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        points, rates = np.array([*tenors, years]), np.array([*zeros, middle])
        discounts = np.exp(-_interpolated(points, rates, times) * times)
        worth = par / COUPONS_PER_YEAR * float(discounts.sum()) + float(discounts[-1])
        low, high = (middle, high) if worth > 1.0 else (low, middle)
    return 0.5 * (low + high)


def _require_rates(rates: tuple[float, ...]) -> None:
    for rate in rates:
        if not RATE_LOWEST <= rate <= RATE_HIGHEST:
            raise DataError(
                f"Rate {rate} is outside {RATE_LOWEST} to {RATE_HIGHEST} a year. Write 4.25 % as 0.0425."
            )
