"""American options by the binomial tree of Leisen and Reimer, over arrays, with cash dividends.

Leisen and Reimer (1996) choose the tree so that the strike lies in the middle of its last nodes, which makes
it converge smoothly. What it misses of the European value is known exactly and taken off (control variate,
Hull and White 1988), and two trees are extrapolated to endless steps. Cash dividends follow the escrowed
model (Hull, Options, Futures, and Other Derivatives, chapter on binomial trees): the share is the present
value of its dividends, which is certain, plus a remainder that has the volatility.

Accuracy at the default 101 steps, held by tests against QuantLib: within 1.5 cents of 100 USD of spot without
dividends (0.1 cents in the mean square), within 3 cents with three cash dividends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from market.pricing import european
from market.pricing.european import EuropeanOptions, Greeks
from market.pricing.scaled_erfc import Array

STEPS = 101
"""Steps of the tree; odd, as Leisen and Reimer require."""

DEVIATION_MAX = 25.0
"""Largest volatility times root of years on a tree: 2,500 % over a year. Beyond, its nodes overflow: NaN."""

BLOCK = 128
_SURE = 25.0  # standard deviations beyond which an outcome is certain, and the tree a line
_SAME = 1e-12  # of the share's price: nodes no further apart are one
_VOLATILITY_BUMP, _RATE_BUMP = 1e-3, 1e-4


class CashDividends(NamedTuple):
    """Dividends to come, shape `(m,)`: years of 365 days to each ex-dividend instant; USD a share."""

    years: Array
    amounts: Array


NO_DIVIDENDS = CashDividends(np.empty(0), np.empty(0))


class _Tree(NamedTuple):
    """What the tree says of each contract, shape `(n,)`, by the control variate."""

    value: Array
    delta: Array
    gamma: Array


def early_exercise_matters(
    options: EuropeanOptions, dividends: CashDividends = NO_DIVIDENDS
) -> NDArray[np.bool_]:
    """Whether exercising early can be worth more than waiting, shape `(n,)`; if not, the option is European.

    A call waits without dividends, yield and negative rate; a put without a positive rate and negative yield.
    """
    paid = options.years >= (dividends.years[0] if dividends.years.size else np.inf)
    for_call = paid | (options.dividend_yield > 0) | (options.rate < 0)
    for_put = (options.rate > 0) | (options.dividend_yield < 0)
    matters: NDArray[np.bool_] = np.where(options.is_call, for_call, for_put)
    return matters


def price(
    options: EuropeanOptions,
    volatility: ArrayLike,
    *,
    dividends: CashDividends = NO_DIVIDENDS,
    steps: int = STEPS,
) -> Array:
    """Return American prices at `volatility`, shape `(n,)`, USD a share.

    NaN as in `european.price`, for an infinite volatility, and above `DEVIATION_MAX` where early exercise
    matters.
    """
    return _valued(options, _each(options, volatility), dividends, steps).value


def greeks(
    options: EuropeanOptions,
    volatility: ArrayLike,
    *,
    dividends: CashDividends = NO_DIVIDENDS,
    steps: int = STEPS,
) -> Greeks:
    """Return American greeks, units as in `market.pricing.european`, each of shape `(n,)`.

    Delta and gamma are the tree's, theta follows from them by the pricing equation (0 where exercise is due),
    vega and rho are central differences.
    """
    sigma = _each(options, volatility)
    here = _valued(options, sigma, dividends, steps)
    bump = np.maximum(sigma * _VOLATILITY_BUMP, 1e-6)
    raised, lowered = (_valued(options, sigma + sign * bump, dividends, steps).value for sign in (1, -1))
    dearer, cheaper = (
        _valued(_at_rate(options, sign * _RATE_BUMP), sigma, dividends, steps).value for sign in (1, -1)
    )
    return Greeks(
        delta=here.delta,
        gamma=here.gamma,
        vega=(raised - lowered) / (2 * bump) * 0.01,
        theta=_theta(options, sigma, here, dividends),
        rho=(dearer - cheaper) / (2 * _RATE_BUMP) * 0.01,
    )


def present_values(options: EuropeanOptions, dividends: CashDividends) -> Array:
    """Return the present value of the dividends until expiry, shape `(n,)`, USD a share."""
    total = np.zeros(len(options))
    for years, amount in zip(dividends.years, dividends.amounts, strict=True):
        total += np.where(options.years >= years, amount * np.exp(-options.rate * years), 0.0)
    return total


def without_dividends(options: EuropeanOptions, dividends: CashDividends) -> EuropeanOptions:
    """Return `options` on the share less the present value of its dividends (the model's remainder)."""
    spot = options.spot - present_values(options, dividends)
    return EuropeanOptions(
        spot, options.strike, options.years, options.rate, options.dividend_yield, options.is_call
    )


def _each(options: EuropeanOptions, volatility: ArrayLike) -> Array:
    given = np.asarray(volatility, dtype=np.float64)
    return np.broadcast_to(np.where(np.isinf(given), np.nan, given), (len(options),))


def _at_rate(options: EuropeanOptions, change: float) -> EuropeanOptions:
    rate = options.rate + change
    return EuropeanOptions(
        options.spot, options.strike, options.years, rate, options.dividend_yield, options.is_call
    )


def _valued(options: EuropeanOptions, sigma: Array, dividends: CashDividends, steps: int) -> _Tree:
    """European value and greeks, replaced by the tree's where early exercise matters."""
    bare = without_dividends(options, dividends)
    exact = european.greeks(bare, sigma)
    result = _Tree(european.price(bare, sigma), exact.delta.copy(), exact.gamma.copy())
    matters = early_exercise_matters(options, dividends) & (options.years > 0) & (sigma > 0)
    is_too_wide = matters & (sigma * np.sqrt(np.maximum(options.years, 0.0)) > DEVIATION_MAX)
    on_tree = matters & ~is_too_wide & (bare.spot > 0)
    for rows, its_steps in _blocks(options, np.flatnonzero(on_tree), dividends, steps):
        with np.errstate(under="ignore", over="ignore"):  # far nodes at volatilities of hundreds of percent
            premium = _premium(bare.take(rows), sigma[rows], dividends, its_steps)
        for whole, added in zip(result, premium, strict=True):
            whole[rows] += added
    for whole in result:
        whole[is_too_wide] = np.nan
    np.minimum(result.value, _most(options), out=result.value)
    due = _exercise_value(options)
    exercised = ~(result.value > due) & ~np.isnan(result.value)
    result.value[exercised] = due[exercised]
    result.delta[exercised] = np.where(options.is_call, 1.0, -1.0)[exercised] * (due > 0)[exercised]
    result.gamma[exercised] = 0.0
    return result


def _blocks(
    options: EuropeanOptions, rows: NDArray[np.intp], dividends: CashDividends, steps: int
) -> Iterator[tuple[NDArray[np.intp], tuple[int, int]]]:
    """Yield rows to work on together and the steps of their two trees; with dividends, expiry by expiry."""
    half = steps // 2
    half += 1 - half % 2
    groups = [(rows, (half, steps))]
    if dividends.years.size:
        expiries = np.unique(options.years[rows])
        groups = [
            (
                rows[options.years[rows] == years],
                (_aligned(half, float(years), dividends), _aligned(steps, float(years), dividends)),
            )
            for years in expiries
        ]
    for group, its_steps in groups:
        for start in range(0, group.size, BLOCK):
            yield group[start : start + BLOCK], its_steps


def _aligned(steps: int, years: float, dividends: CashDividends) -> int:
    """Return the odd number from `steps` on whose tree has steps closest to the ex-dividend instants.

    A call gives up as much time value as passes between its last step before the dividend and the dividend.
    """
    paid = dividends.years[dividends.years <= years] / years
    if not paid.size:
        return steps
    candidates = np.arange(steps, steps + max(20, steps // 2), 2)
    position = np.outer(candidates, paid)
    miss = np.abs(position - np.round(position)).max(axis=1) / candidates
    return int(candidates[np.argmin(miss)])


def _premium(
    options: EuropeanOptions, sigma: Array, dividends: CashDividends, steps: tuple[int, int]
) -> _Tree:
    """What early exercise adds to value, delta and gamma: two trees, extrapolated to endless steps.

    Exercise at the steps alone is worth less than at any time, in proportion to the length of a step.
    """
    (coarse, coarse_plain), (fine, fine_plain) = (_grow(options, sigma, dividends, each) for each in steps)
    weight = steps[1] / (steps[1] - steps[0])
    rows = zip(fine, fine_plain, coarse, coarse_plain, strict=True)
    return _Tree(*(weight * (a - b) - (weight - 1.0) * (c - d) for a, b, c, d in rows))


def _exercise_value(options: EuropeanOptions) -> Array:
    ahead = options.spot - options.strike
    return np.maximum(np.where(options.is_call, ahead, -ahead), 0.0)


def _most(options: EuropeanOptions) -> Array:
    """What no option is worth more than: the share, or the strike, at the best time to get it."""
    yearly = np.where(options.is_call, options.dividend_yield, options.rate)
    most: Array = np.where(options.is_call, options.spot, options.strike)
    return most * np.exp(np.maximum(-yearly * options.years, 0.0))


def _grow(
    options: EuropeanOptions, sigma: Array, dividends: CashDividends, steps: int
) -> tuple[_Tree, _Tree]:
    """Roll both values back through one tree; node arrays have the shape `(nodes, n)`."""
    up, down, chance = _branches(options, sigma, steps)
    discount = np.exp(-options.rate * options.years / steps)
    rise, fall = discount * chance, discount * (1.0 - chance)
    sign = np.where(options.is_call, 1.0, -1.0)
    due = _exercise_terms(options, dividends, steps)
    nodes = np.arange(steps + 1)[:, None]
    share = options.spot * np.exp(nodes * np.log(up) + (steps - nodes) * np.log(down))
    plain = np.maximum(sign * (share - options.strike), 0.0)
    american = plain.copy()
    saved: list[tuple[Array, Array, Array]] = []
    for step in range(steps - 1, -1, -1):
        share = share[:-1] / down
        plain = rise * plain[1:] + fall * plain[:-1]
        american = rise * american[1:] + fall * american[:-1]
        np.maximum(american, sign * (share - due[step]), out=american)
        if step <= 2:
            saved.append((share, american, plain))
    two, one, root = saved
    return _read(two, one, root, of=1), _read(two, one, root, of=2)


def _exercise_terms(options: EuropeanOptions, dividends: CashDividends, steps: int) -> Array:
    """What the share less its dividends is exchanged for at each step: strike less dividends to come,
    `(steps, n)`.

    A call is best exercised just before a dividend and a put just after: the step nearest to the dividend
    stands
    for that instant, with the interest in between.
    """
    step = options.years / steps
    times = np.arange(steps)[:, None] * step
    strike = np.broadcast_to(options.strike, times.shape).copy()
    escrowed = np.zeros_like(times)
    for years, amount in zip(dividends.years, dividends.amounts, strict=True):
        within = years <= options.years
        wait = years - times
        nearest = within & (wait > -0.5 * step) & (wait <= 0.5 * step)
        to_come = np.where(nearest, options.is_call, within & (wait > 0))
        interest = np.exp(-options.rate * wait)
        escrowed += np.where(to_come, amount * interest, 0.0)
        strike = np.where(nearest, options.strike * interest, strike)
    terms: Array = strike - escrowed
    return terms


def _branches(options: EuropeanOptions, sigma: Array, steps: int) -> tuple[Array, Array, Array]:
    """Return up and down factors and the chance of up (Leisen, Reimer; inversion 2 of Peizer, Pratt)."""
    deviation = sigma * np.sqrt(options.years)
    carry = options.rate - options.dividend_yield
    d1 = (np.log(options.spot / options.strike) + carry * options.years) / deviation + 0.5 * deviation
    d2 = d1 - deviation
    d1, d2 = np.clip(d1, -_SURE, _SURE), np.clip(d2, -_SURE, _SURE)
    growth = np.exp(carry * options.years / steps)
    chance = _inverted(d2, steps)
    return (
        growth * _inverted(d1, steps) / chance,
        growth * _inverted(-d1, steps) / _inverted(-d2, steps),
        chance,
    )


def _inverted(z: Array, steps: int) -> Array:
    """Binomial chance whose distribution function at the middle is N(z); keeps its digits near 0."""
    square = np.square(z / (steps + 1 / 3 + 0.1 / (steps + 1))) * (steps + 1 / 6)
    root = np.sqrt(-np.expm1(-square))
    return np.where(z < 0, 0.5 * np.exp(-square) / (1.0 + root), 0.5 + 0.5 * root)


def _read(two: tuple[Array, ...], one: tuple[Array, ...], root: tuple[Array, ...], *, of: int) -> _Tree:
    """Value at the root, delta after one step, gamma after two, of the values numbered `of`."""
    delta = _slope(one[of][1] - one[of][0], one[0][1] - one[0][0], root[0][0])
    upper = _slope(two[of][2] - two[of][1], two[0][2] - two[0][1], root[0][0])
    lower = _slope(two[of][1] - two[of][0], two[0][1] - two[0][0], root[0][0])
    gamma = _slope(upper - lower, 0.5 * (two[0][2] - two[0][0]), root[0][0])
    return _Tree(root[of][0], delta, gamma)


def _slope(rise: Array, run: Array, share: Array) -> Array:
    """Return `rise / run`, 0 where the tree is a line: its nodes differ by rounding alone."""
    is_line = run <= _SAME * share
    slope: Array = np.where(is_line, 0.0, rise / np.where(is_line, 1.0, run))
    return slope


def _theta(options: EuropeanOptions, sigma: Array, tree: _Tree, dividends: CashDividends) -> Array:
    """Theta by the pricing equation at a fixed share price, USD a calendar day.

    Without a dividend before expiry it is never above 0, for who has more time can do all that one with less
    can; beside the price from which exercise is due the equation alone would say otherwise.
    """
    escrowed = present_values(options, dividends)
    bare = options.spot - escrowed
    growth = (options.rate - options.dividend_yield) * bare + options.rate * escrowed
    yearly = options.rate * tree.value - growth * tree.delta - 0.5 * np.square(sigma * bare) * tree.gamma
    yearly = np.where(escrowed > 0, yearly, np.minimum(yearly, 0.0))
    waiting = (tree.value > _exercise_value(options)) & (options.years > 0)
    return np.where(np.isnan(tree.value), np.nan, np.where(waiting, yearly, 0.0)) / european.DAYS_PER_YEAR
