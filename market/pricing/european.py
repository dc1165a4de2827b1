"""European options by Black, Scholes and Merton: inputs, price and greeks over arrays.

Everything is computed on the side that is out of the money and carried over by parity, with the scaled
complementary error function in place of the normal distribution: no digits are lost far from the money.

Units: prices in USD a share; `vega` USD per volatility point (0.01), `theta` USD per calendar day, `rho` USD
per 0.01 of the rate; volatility and rates as fractions a year (0.20 is 20 %), continuously compounded.
Source: Haug, The Complete Guide to Option Pricing Formulas (2nd ed.), chapters 1 and 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from market.pricing.scaled_erfc import Array, scaled_erfc

DAYS_PER_YEAR = 365.0
SECONDS_PER_YEAR = DAYS_PER_YEAR * 86_400.0
NS_PER_YEAR = SECONDS_PER_YEAR * 1e9

ROOT_HALF = 0.7071067811865476
INVERSE_ROOT_TWO_PI = 0.3989422804014327
_SMALLEST = 1e-300


@dataclass(frozen=True)
class EuropeanOptions:
    """n contracts as broadcast float arrays of shape `(n,)`; `of` accepts scalars and lists.

    `years` is time to settlement in years of 365 days (see `years_until`). With a forward as spot and
    `dividend_yield` equal to `rate` these are options on futures (Black 1976).
    """

    spot: Array
    strike: Array
    years: Array
    rate: Array
    dividend_yield: Array
    is_call: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        *,
        spot: ArrayLike,
        strike: ArrayLike,
        years: ArrayLike,
        is_call: ArrayLike,
        rate: ArrayLike = 0.0,
        dividend_yield: ArrayLike = 0.0,
    ) -> EuropeanOptions:
        """Broadcast the inputs to one shape `(n,)`."""
        numbers = [np.asarray(a, dtype=np.float64) for a in (spot, strike, years, rate, dividend_yield)]
        calls = np.asarray(is_call, dtype=np.bool_)
        shape = np.broadcast_shapes(calls.shape, *(a.shape for a in numbers))
        size = shape or (1,)
        spots, strikes, times, rates, yields = (np.broadcast_to(a, size).ravel() for a in numbers)
        return cls(spots, strikes, times, rates, yields, np.broadcast_to(calls, size).ravel())

    def __len__(self) -> int:
        return int(self.spot.size)

    def take(self, where: NDArray[np.bool_] | NDArray[np.intp] | slice) -> EuropeanOptions:
        """Return the contracts that an index, mask or slice selects."""
        return EuropeanOptions(
            self.spot[where],
            self.strike[where],
            self.years[where],
            self.rate[where],
            self.dividend_yield[where],
            self.is_call[where],
        )


class Greeks(NamedTuple):
    """Sensitivities of one share's option, each of shape `(n,)`; units in the module's docstring."""

    delta: Array
    gamma: Array
    vega: Array
    theta: Array
    rho: Array


class Carry(NamedTuple):
    """What price and greeks share: discount factors and log-moneyness, each of shape `(n,)`."""

    discount: Array
    """exp(-rate * years)"""
    yield_discount: Array
    """exp(-dividend_yield * years)"""
    forward: Array
    log_moneyness: Array
    """ln(forward / strike)"""


def years_until(expiry_ns: ArrayLike, now_ns: int) -> Array:
    """Return years of 365 days from `now_ns` to `expiry_ns` (ns UTC), to the nanosecond, never below 0."""
    left = np.asarray(expiry_ns, dtype=np.int64) - np.int64(now_ns)
    return np.maximum(left, 0) / NS_PER_YEAR


def carry_of(options: EuropeanOptions) -> Carry:
    """Return discount factors, forward and log-moneyness of `options`."""
    discount = np.exp(-options.rate * options.years)
    yield_discount = np.exp(-options.dividend_yield * options.years)
    forward = options.spot * yield_discount
    with np.errstate(divide="ignore", invalid="ignore"):
        forward /= discount
        return Carry(discount, yield_discount, forward, np.log(forward / options.strike))


def price(options: EuropeanOptions, volatility: ArrayLike) -> Array:
    """Return the prices at `volatility`, shape `(n,)`, USD a share; the parity value without time.

    NaN where an input is not a number, or strike, spot, years or volatility is negative.
    """
    carry = carry_of(options)
    deviation = _deviation(options, volatility)
    premium = carry.discount * _otm_premium(carry, options.strike, deviation)
    intrinsic = np.where(options.is_call, carry.forward - options.strike, options.strike - carry.forward)
    return premium + carry.discount * np.maximum(intrinsic, 0.0)


def _deviation(options: EuropeanOptions, volatility: ArrayLike) -> Array:
    """Standard deviation of the logarithm of the price at expiry, at least a number that can divide."""
    with np.errstate(invalid="ignore"):
        raw = np.asarray(volatility, dtype=np.float64) * np.sqrt(options.years)
    usable = (raw >= 0) & (options.spot > 0) & (options.strike > 0)
    return np.where(usable, np.maximum(raw, _SMALLEST), np.nan)


def _otm_premium(carry: Carry, strike: Array, deviation: Array) -> Array:
    """Undiscounted Black price of the side that is out of the money."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        h = np.minimum(np.abs(carry.log_moneyness) / deviation, 1e100)
        t = 0.5 * deviation
        near, far = (h - t) * ROOT_HALF, (h + t) * ROOT_HALF
        scale = np.exp(-0.5 * (h * h + t * t))
        return np.sqrt(carry.forward * strike) * _scaled_difference(near, far, scale)


def _scaled_difference(near: Array, far: Array, scale: Array) -> Array:
    """Half of scale * (erfcx(near) - erfcx(far)); where erfcx would overflow, through its reflection."""
    low = near < -5.0
    safe = 0.5 * scale * (scaled_erfc(np.where(low, 0.0, near)) - scaled_erfc(far))
    if not low.any():
        return safe
    # There scale * erfcx(near) / 2 is exp(-h t) less its own mirror image, and stays finite.
    reach = np.exp(-0.5 * (far * far - near * near))
    reflected = reach - 0.5 * scale * (scaled_erfc(np.where(low, -near, 0.0)) + scaled_erfc(far))
    return np.where(low, reflected, safe)


def greeks(options: EuropeanOptions, volatility: ArrayLike) -> Greeks:
    """Return the greeks at `volatility`, each of shape `(n,)`; NaN where `price` is NaN."""
    carry = carry_of(options)
    deviation = _deviation(options, volatility)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        ratio = np.clip(carry.log_moneyness / deviation, -1e100, 1e100)
        d1 = ratio + 0.5 * deviation
        d2 = ratio - 0.5 * deviation
        density = INVERSE_ROOT_TWO_PI * np.exp(-0.5 * d1 * d1)
    return greeks_from(options, carry, deviation, Normals(cumulative(d1), cumulative(d2), density))


class Normals(NamedTuple):
    """N(d1), N(d2) and the normal density at d1, each of shape `(n,)`."""

    n1: Array
    n2: Array
    density: Array


def greeks_from(options: EuropeanOptions, carry: Carry, deviation: Array, normals: Normals) -> Greeks:
    """Return the greeks where the normal distribution at d1 and d2 is known already."""
    put = (~options.is_call).astype(np.float64)
    n1, n2 = normals.n1 - put, normals.n2 - put
    root_years = np.sqrt(options.years)
    carried_spot = options.spot * carry.yield_discount
    discounted_strike = options.strike * carry.discount
    with np.errstate(divide="ignore", invalid="ignore"):
        sensitivity = carried_spot * normals.density
        gamma = carry.yield_discount * normals.density / (options.spot * deviation)
        decay = sensitivity * deviation
        decay *= 0.5 / np.maximum(options.years, _SMALLEST)
    theta = options.dividend_yield * carried_spot * n1 - options.rate * discounted_strike * n2 - decay
    return Greeks(
        delta=carry.yield_discount * n1,
        gamma=gamma,
        vega=sensitivity * root_years * 0.01,
        theta=theta * (1.0 / DAYS_PER_YEAR),
        rho=discounted_strike * options.years * n2 * 0.01,
    )


def cumulative(d: Array) -> Array:
    """Standard normal distribution function, relative error below 2e-12 in both tails; shape of `d`."""
    below = -np.abs(d)
    with np.errstate(under="ignore", over="ignore"):
        tail = 0.5 * np.exp(-0.5 * below * below) * scaled_erfc(below * -ROOT_HALF)
    return np.where(d < 0, tail, 1.0 - tail)
