"""Implied volatility of American options: safeguarded Newton steps on the tree, from the European one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from market.pricing import american, european
from market.pricing.american import NO_DIVIDENDS, STEPS, CashDividends
from market.pricing.european import EuropeanOptions
from market.pricing.implied_volatility import ImpliedVolatility, Reason
from market.pricing.implied_volatility import implied_volatility as european_volatility
from market.pricing.scaled_erfc import Array

TOLERANCE = 1e-8
"""Width, as a fraction a year, to which a volatility is found."""

_LOWEST, _HIGHEST = 1e-3, 10.0
_BELOW_DEVIATION_MAX = american.DEVIATION_MAX * (1.0 - 1e-9)
_STEPS_MAX = 80
_GUESS = 0.3


def implied_volatility(
    options: EuropeanOptions,
    price: ArrayLike,
    *,
    dividends: CashDividends = NO_DIVIDENDS,
    steps: int = STEPS,
) -> ImpliedVolatility:
    """Return the volatilities at which American `options` are worth `price`, shape `(n,)`.

    They lie between 0.001 and 10 a year. NaN with a reason where there is none: a price that exercise alone
    pays has `NOT_ABOVE_INTRINSIC`. Contracts that are never exercised early are solved in closed form, the
    others by at most 80 trees.
    """
    prices = np.broadcast_to(np.asarray(price, dtype=np.float64), (len(options),)).astype(np.float64)
    bare = american.without_dividends(options, dividends)
    found = european_volatility(bare, prices)
    volatility, reason = found.volatility.copy(), found.reason.copy()
    rows = np.flatnonzero(
        american.early_exercise_matters(options, dividends)
        & (reason != Reason.BAD_INPUT)
        & (reason != Reason.EXPIRED)
        & (bare.spot > 0)
    )
    if rows.size:
        guess = np.where(reason[rows] == Reason.OK, volatility[rows], _GUESS)
        volatility[rows], reason[rows] = _solve(options.take(rows), prices[rows], guess, dividends, steps)
    return ImpliedVolatility(volatility, reason)


def _solve(
    options: EuropeanOptions, target: Array, guess: Array, dividends: CashDividends, steps: int
) -> tuple[Array, NDArray[np.uint8]]:
    low = np.full_like(target, _LOWEST)
    high = np.minimum(_HIGHEST, _BELOW_DEVIATION_MAX / np.sqrt(options.years))
    reason = np.full(target.shape, Reason.OK, dtype=np.uint8)
    least = american.price(options, low, dividends=dividends, steps=steps)
    most = american.price(options, high, dividends=dividends, steps=steps)
    reason[~(target > least)] = Reason.NOT_ABOVE_INTRINSIC
    reason[~(target < most)] = Reason.NOT_BELOW_MAXIMUM
    sigma = np.clip(guess, low, high)
    bare = american.without_dividends(options, dividends)
    open_rows = np.flatnonzero(reason == Reason.OK)
    for _ in range(_STEPS_MAX):
        if not open_rows.size:
            break
        part, here = options.take(open_rows), sigma[open_rows]
        miss = american.price(part, here, dividends=dividends, steps=steps) - target[open_rows]
        slope = 100.0 * european.greeks(bare.take(open_rows), here).vega
        high[open_rows] = np.where(miss > 0, here, high[open_rows])
        low[open_rows] = np.where(miss > 0, low[open_rows], here)
        with np.errstate(divide="ignore", invalid="ignore"):
            following = here - miss / slope
        inside = (following > low[open_rows]) & (following < high[open_rows])
        following = np.where(inside, following, 0.5 * (low[open_rows] + high[open_rows]))
        sigma[open_rows] = following
        open_rows = open_rows[np.abs(following - here) > TOLERANCE]
    return np.where(reason == Reason.OK, sigma, np.nan), reason
