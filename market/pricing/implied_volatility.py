"""Implied volatility of European options over arrays, with the greeks at it in the same pass.

The price is normalised (Jaeckel, "Let's be rational", 2015): undiscounted, out of the money, over sqrt(F K).
The first guess inverts Bachelier's formula, a function of one variable, by a rational function, and adds
lognormal corrections; it is within 0.1 % for total deviations (volatility times root of time) below 1.2. One
Householder step of fourth order in the logarithm of the price leaves a relative error below 5e-11. Where the
step was larger than 0.2 % (large deviations, prices at the edge of arbitrage) a bracketed iteration finishes.

A price that no volatility explains has NaN and a reason, never a number.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from market.errors import ConfigError
from market.pricing.european import (
    INVERSE_ROOT_TWO_PI,
    ROOT_HALF,
    Carry,
    EuropeanOptions,
    Greeks,
    Normals,
    carry_of,
    greeks_from,
)
from market.pricing.scaled_erfc import LOWEST, Array, polynomial, scaled_erfc, scaled_erfc_above

Engine = Literal["numpy", "numba"]
_BlockSolver = Callable[[EuropeanOptions, Array, Array], tuple[NDArray[np.uint8], NDArray[np.bool_]]]

BLOCK = 8192
"""Contracts worked on at once: a block's scratch arrays stay in the processor's second cache."""

GUESS_NUMERATOR = (
    0.15918107680874416,
    0.17397817973380764,
    0.08859597913790752,
    0.021408793875374338,
    0.005526766309288438,
)
GUESS_DENOMINATOR = (
    1.0,
    0.09741324946999223,
    0.03456016761001021,
    0.0027950474580379476,
)
"""((price + |x|) / deviation)^2 of Bachelier's formula, as a rational function of log(1 + |x| / price)."""

GUESS_FIRST, GUESS_SECOND, GUESS_BEND = 9.8, 0.117, 10.0
"""Lognormal corrections of the guess s, fitted to s below 1.2: s (1 + s^2 / (24 + 9.8 h^2) (1 + ...))."""

SETTLED = 2e-3  # relative size of a fourth-order step that leaves an error below 5e-11
_EXACT = 1e-6  # the same for the last digit
_STEPS_MAX = 100
ROOT_HALF_PI = 1.2533141373155003
_DEVIATION_MAX = 40.0  # sigma sqrt(T); beyond it the price is its maximum to the last digit


class Reason(IntEnum):
    """Why an implied volatility is absent; `OK` where it is not."""

    OK = 0
    BAD_INPUT = 1
    """Spot, strike, time, rate or price is not a usable number (NaN, infinite, or not above 0)."""
    EXPIRED = 2
    """No time is left."""
    NOT_ABOVE_INTRINSIC = 3
    """The price is at or below the value of immediate certainty (parity); no volatility gives it."""
    NOT_BELOW_MAXIMUM = 4
    """The price is at or above what infinite volatility gives: discounted spot (call) or strike (put)."""
    NO_DIGITS = 5
    """The price is so small against the spot that floating point leaves no volatility in it."""


class ImpliedVolatility(NamedTuple):
    """Volatilities (fractions a year) and `Reason`s, shape `(n,)`; NaN exactly where the reason is not OK."""

    volatility: Array
    reason: NDArray[np.uint8]


class PricedOptions(NamedTuple):
    """Implied volatility, reason and greeks, each of shape `(n,)`; NaN exactly where the reason is not OK."""

    volatility: Array
    reason: NDArray[np.uint8]
    greeks: Greeks


def implied_volatility(
    options: EuropeanOptions, price: ArrayLike, *, engine: Engine = "numpy"
) -> ImpliedVolatility:
    """Return the volatilities at which `options` are worth `price` (USD a share, shape `(n,)` or scalar)."""
    priced = volatility_and_greeks(options, price, engine=engine)
    return ImpliedVolatility(priced.volatility, priced.reason)


def volatility_and_greeks(
    options: EuropeanOptions, price: ArrayLike, *, engine: Engine = "numpy"
) -> PricedOptions:
    """Return implied volatilities and the greeks at them, in one pass.

    `engine="numba"` gives the same numbers several times faster; raises `ConfigError` where numba is missing.
    """
    n = len(options)
    prices = np.broadcast_to(np.asarray(price, dtype=np.float64), (n,))
    numbers = np.empty((6, n))
    reason = np.empty(n, dtype=np.uint8)
    unsettled = np.empty(n, dtype=np.bool_)
    solve = _solver(engine)
    with np.errstate(all="ignore"):
        for start in range(0, n, BLOCK):
            part = slice(start, start + BLOCK)
            reason[part], unsettled[part] = solve(options.take(part), prices[part], numbers[:, part])
        rest = np.flatnonzero(unsettled)
        if rest.size:
            numbers[:, rest] = _solve_bracketed(_normalise(options.take(rest), prices[rest]))
    sound = np.isfinite(numbers).all(axis=0) & (numbers[0] > 0)
    reason[(reason == Reason.OK) & ~sound] = Reason.NO_DIGITS
    numbers[:, reason != Reason.OK] = np.nan
    return PricedOptions(numbers[0], reason, Greeks(*numbers[1:]))


def _solver(engine: Engine) -> _BlockSolver:
    if engine == "numpy":
        return _solve_block
    try:
        from market.pricing.numba_kernels import solve_block
    except ImportError as error:
        raise ConfigError(
            "Pricing engine 'numba' needs the package numba, which is not installed. "
            "Run `uv sync --extra numba`, or use the engine 'numpy'."
        ) from error
    return solve_block


def _solve_block(
    options: EuropeanOptions, price: Array, numbers: Array
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """One step from the guess; write volatility and greeks, return reasons and what needs more steps."""
    normalised = _normalise(options, price)
    guess = _first_guess(normalised.beta, normalised.x)
    step = _step(guess, normalised.x, np.log(normalised.beta))
    _write(normalised, guess, step, numbers)
    return normalised.reason, ~(np.abs(step.change) <= SETTLED * guess)


class _Normalised(NamedTuple):
    """One block: the options, and their prices out of the money and without units, each of shape `(n,)`."""

    options: EuropeanOptions
    carry: Carry
    call: Array
    """undiscounted price of the call of the same strike, by parity"""
    x: Array
    """|ln(forward / strike)|"""
    beta: Array
    """undiscounted price out of the money, over sqrt(forward * strike)"""
    reason: NDArray[np.uint8]


def _normalise(options: EuropeanOptions, price: Array) -> _Normalised:
    carry = carry_of(options)
    ahead = carry.forward - options.strike
    undiscounted = price / carry.discount
    # Not by way of the call: a put far out of the money would lose its digits.
    premium = undiscounted - np.maximum(np.where(options.is_call, ahead, -ahead), 0.0)
    call = premium + np.maximum(ahead, 0.0)
    x = np.abs(carry.log_moneyness)
    beta = premium / np.sqrt(carry.forward * options.strike)
    reason = _reasons(options, undiscounted, beta, np.exp(-0.5 * x))
    bad = reason != Reason.OK
    if bad.any():  # a number that solves, so that the rest of the block is not disturbed
        beta, x = np.where(bad, 0.1, beta), np.where(bad, 0.0, x)
    return _Normalised(options, carry, call, x, beta, reason)


def _write(normalised: _Normalised, deviation: Array, step: _Step, numbers: Array) -> None:
    """Write volatility and greeks after `step` into the rows of `numbers`, shape `(6, n)`."""
    options, carry = normalised.options, normalised.carry
    after = deviation + step.change
    np.divide(after, np.sqrt(options.years), out=numbers[0])
    normals = _normals_after(normalised, deviation, step)
    for row, greek in zip(numbers[1:], greeks_from(options, carry, after, normals), strict=True):
        row[:] = greek


def _reasons(
    options: EuropeanOptions, undiscounted: Array, beta: Array, beta_max: Array
) -> NDArray[np.uint8]:
    reason = np.full(beta.shape, Reason.OK, dtype=np.uint8)
    usable = (undiscounted > 0) & (options.spot > 0) & (options.strike > 0)
    usable &= np.isfinite(undiscounted + beta)
    solvable = usable & (beta > 0) & (beta < beta_max) & (options.years > 0)
    if not solvable.all():
        reason[~(beta < beta_max)] = Reason.NOT_BELOW_MAXIMUM
        reason[~(beta > 0)] = Reason.NOT_ABOVE_INTRINSIC
        reason[~(options.years > 0)] = Reason.EXPIRED
        reason[~usable] = Reason.BAD_INPUT
    return reason


def _first_guess(beta: Array, x: Array) -> Array:
    logarithm = np.log1p(x / beta)
    square = polynomial(logarithm, GUESS_NUMERATOR)
    square /= polynomial(logarithm, GUESS_DENOMINATOR)
    guess = (beta + x) / np.sqrt(square)
    h2 = np.square(x / guess)
    square = guess * guess
    correction = square * (GUESS_SECOND * square + 1.0 + GUESS_BEND * h2)
    correction /= (24.0 + GUESS_FIRST * h2) * (1.0 + GUESS_BEND * h2)
    guess += guess * correction
    return np.minimum(guess, -2.0 * LOWEST)


class _Step(NamedTuple):
    """One Householder step, and the erfcx before it, each of shape `(n,)`."""

    change: Array
    erfcx_near: Array
    erfcx_far: Array


def _step(deviation: Array, x: Array, log_beta: Array, *, anywhere: bool = False) -> _Step:
    """Householder step towards log(price) = log_beta; `anywhere` lifts the lower bound of erfcx."""
    n = deviation.size
    h = x / deviation
    t = 0.5 * deviation
    arguments = np.empty((2, n))
    np.subtract(h, t, out=arguments[0])
    np.add(h, t, out=arguments[1])
    arguments *= ROOT_HALF
    flat = arguments.reshape(-1)
    values = scaled_erfc(flat) if anywhere else scaled_erfc_above(flat)
    near, far = values[:n], values[n:]
    difference = near - far
    h2 = h * h
    t2 = t * t
    miss = np.log(0.5 * difference)
    miss -= 0.5 * (h2 + t2)
    miss -= log_beta
    slope = (2.0 * INVERSE_ROOT_TWO_PI) / difference  # vega over price
    inverse = 1.0 / deviation
    bend = (h2 - t2) * inverse  # second over first derivative of the price
    second = bend - slope
    third = bend * (bend - 3.0 * slope)
    third += 2.0 * slope * slope
    third -= 3.0 * h2 * inverse * inverse
    third -= 0.25
    newton = miss / slope
    newton *= -1.0
    numerator = 1.0 + 0.5 * second * newton
    denominator = 1.0 + newton * (second + newton * third * (1.0 / 6.0))
    return _Step(newton * (numerator / denominator), near, far)


def _normals_after(normalised: _Normalised, deviation: Array, step: _Step) -> Normals:
    """Normal distribution after the step: at d1 by third-order expansion, at d2 from the price itself."""
    carry = normalised.carry
    ratio = carry.log_moneyness / deviation
    d1 = ratio + 0.5 * deviation
    density = INVERSE_ROOT_TWO_PI * np.exp(-0.5 * d1 * d1)
    below = carry.log_moneyness <= 0
    tail = ROOT_HALF_PI * density * np.where(below, step.erfcx_near, step.erfcx_far)
    n1 = np.where(below, tail, 1.0 - tail)
    change = step.change * (0.5 - ratio / (deviation + step.change))
    n1 += density * change * _tail_series(d1, change)
    density *= np.exp(-change * (d1 + 0.5 * change))
    n2 = (carry.forward * n1 - normalised.call) / normalised.options.strike
    return Normals(n1, n2, density)


def _tail_series(d: Array, change: Array) -> Array:
    """(N(d + change) - N(d)) / (density(d) change) to third order."""
    series: Array = 1.0 - change * (0.5 * d + (1.0 / 6.0) * change * (1.0 - d * d))
    return series


def _solve_bracketed(normalised: _Normalised) -> Array:
    """Solve what one step has not settled; return volatility and greeks, shape `(6, n)`."""
    numbers = np.empty((6, normalised.x.size))
    x, log_beta = normalised.x, np.log(normalised.beta)
    deviation = _bracketed(_first_guess(normalised.beta, x), x, log_beta)
    _write(normalised, deviation, _step(deviation, x, log_beta, anywhere=True), numbers)
    return numbers


def _bracketed(guess: Array, x: Array, log_beta: Array) -> Array:
    """Householder steps that must stay in a bracket, else bisection; shape of `guess`."""
    low, high = np.zeros_like(guess), np.full_like(guess, _DEVIATION_MAX)
    deviation = np.where((guess > 0) & (guess < _DEVIATION_MAX), guess, 1.0)
    for _ in range(_STEPS_MAX):
        step = _step(deviation, x, log_beta, anywhere=True)
        # The first-order step and the miss have opposite signs, whatever the higher orders do.
        too_high = _miss(deviation, x, log_beta, step) > 0
        high = np.where(too_high, deviation, high)
        low = np.where(too_high, low, deviation)
        following = deviation + step.change
        following = np.where((following > low) & (following < high), following, 0.5 * (low + high))
        settled = np.abs(following - deviation) <= _EXACT * deviation
        deviation = following
        if settled.all():
            break
    return deviation


def _miss(deviation: Array, x: Array, log_beta: Array, step: _Step) -> Array:
    h, t = x / deviation, 0.5 * deviation
    miss: Array = np.log(0.5 * (step.erfcx_near - step.erfcx_far)) - 0.5 * (h * h + t * t) - log_beta
    return miss
