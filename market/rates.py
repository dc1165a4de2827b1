"""Interest rates of a day as a curve of zero rates, continuously compounded.

Pricing needs one rate for each expiry. A curve is known at its tenors; between them the logarithm of the
discount factor is interpolated linearly (constant forward rates), outside them the nearest rate holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from market.errors import DataError
from market.pricing.scaled_erfc import Array

RATE_LOWEST, RATE_HIGHEST = -0.10, 1.00
"""Rates a year, as fractions, that a curve accepts: 4.25 for 4.25 % is refused, write 0.0425."""

COUPONS_PER_YEAR = 2
"""US Treasury notes pay half-yearly."""

_STEPS_MAX = 50
_STEP_SMALL, _STEP_CONVERGED = 1e-14, 1e-9


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
        zeros = zeros_of_par_yields(tuple(known), np.array([list(known.values())]))
        return cls(tuple(known), tuple(zeros[0].tolist()))

    def zero_rates(self, years: ArrayLike) -> Array:
        """Return the rate for each time in years, shape of `years`."""
        return _interpolated(np.array(self.tenors), np.array(self.rates), years)

    def discounts(self, years: ArrayLike) -> Array:
        """Return what 1 USD in `years` is worth now, shape of `years`."""
        return np.exp(-self.zero_rates(years) * np.asarray(years, dtype=np.float64))


def zeros_of_par_yields(tenors: Sequence[float], yields: Array) -> Array:
    """Return the zero rates of many days' par yields, both of shape `(n_days, n_tenors)`, tenors ascending.

    Bootstrapped as `RateCurve.of_par_yields` describes, all days at once. Where no rate prices a bond
    at par it is NaN.
    """
    growth = np.zeros((len(yields), len(tenors) + 1))  # minus the logarithm of the discount, first at 0 years
    knots = np.array([0.0, *tenors])
    for place, years in enumerate(tenors, start=1):
        par = yields[:, place - 1]
        if years <= 1.0 / COUPONS_PER_YEAR + 1e-9:
            growth[:, place] = np.log1p(par * years)
        else:
            growth[:, place] = _growth_of_bond(knots[: place + 1], growth[:, :place], par)
    return growth[:, 1:] / knots[1:]


def continuous(rate: ArrayLike, *, per_year: float) -> Array:
    """Return the continuously compounded rate of one compounded `per_year` times a year."""
    return per_year * np.log1p(np.asarray(rate, dtype=np.float64) / per_year)


def _interpolated(tenors: Array, rates: Array, years: ArrayLike) -> Array:
    wanted = np.asarray(years, dtype=np.float64)
    inside = np.clip(wanted, tenors[0], tenors[-1])
    result: Array = np.interp(inside, tenors, rates * tenors) / inside
    return result


def _growth_of_bond(knots: Array, growth: Array, par: Array) -> Array:
    """Return the growth until the last of `knots` that prices its bond at par, given those before it.

    Coupons until the knot before are known; the forward rate from there is found by Newton's steps. The price
    is convex and falls with the rate, so that they come from one side and cannot run away.
    """
    start, years = float(knots[-2]), float(knots[-1])
    times = years - np.arange(round(years * COUPONS_PER_YEAR))[::-1] / COUPONS_PER_YEAR
    coupon = par[:, None] / COUPONS_PER_YEAR
    early, spans = times[times <= start], times[times > start] - start
    shares = np.array([np.interp(early, knots[:-1], unit) for unit in np.eye(len(knots) - 1)])
    known = (coupon * np.exp(-(growth @ shares))).sum(axis=1)
    payments = np.exp(-growth[:, -1:]) * (coupon + (np.arange(spans.size) == spans.size - 1))
    forward = par.copy()
    for _ in range(_STEPS_MAX):
        worth = payments * np.exp(-forward[:, None] * spans)
        step = (known + worth.sum(axis=1) - 1.0) / (worth @ spans)
        forward = np.clip(forward + step, 4 * RATE_LOWEST, 4 * RATE_HIGHEST)
        if np.all(np.abs(step) < _STEP_SMALL):
            break
    result: Array = growth[:, -1] + forward * (years - start)
    return np.where(np.abs(step) < _STEP_CONVERGED, result, np.nan)


def _require_rates(rates: tuple[float, ...]) -> None:
    for rate in rates:
        if not RATE_LOWEST <= rate <= RATE_HIGHEST:
            raise DataError(
                f"Rate {rate} is outside {RATE_LOWEST} to {RATE_HIGHEST} a year. Write 4.25 % as 0.0425."
            )
