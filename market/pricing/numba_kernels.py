"""The solver of `market.pricing.implied_volatility` in compiled loops; imported only on request, needs numba.

The formulas are those of the NumPy version, term by term, and a test holds the results together. Logarithms
and exponentials stay NumPy calls between the loops: numba's scalar ones would keep the loops from being
vectorised, which costs more than fusing them gains.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from market.pricing import implied_volatility as plain
from market.pricing.european import DAYS_PER_YEAR, INVERSE_ROOT_TWO_PI, ROOT_HALF, EuropeanOptions
from market.pricing.scaled_erfc import COEFFICIENTS, LOWEST, SCALE, SHIFT, Array

BLOCK = 4096
_OK, _BAD_INPUT, _EXPIRED = int(plain.Reason.OK), int(plain.Reason.BAD_INPUT), int(plain.Reason.EXPIRED)
_LOW, _HIGH = int(plain.Reason.NOT_ABOVE_INTRINSIC), int(plain.Reason.NOT_BELOW_MAXIMUM)
_STAND_IN = 0.1
_LOG_STAND_IN = float(np.log(_STAND_IN))
_ERFCX = np.array(COEFFICIENTS[::-1])
_NUMERATOR, _DENOMINATOR = np.array(plain.GUESS_NUMERATOR[::-1]), np.array(plain.GUESS_DENOMINATOR[::-1])
_FIRST, _SECOND, _BEND = plain.GUESS_FIRST, plain.GUESS_SECOND, plain.GUESS_BEND
_GUESS_MAX, _SETTLED = -2.0 * LOWEST, plain.SETTLED
_ROOT_HALF_PI = plain.ROOT_HALF_PI

# Rows of the inputs and of the scratch array, so that a kernel takes arrays and not twenty arguments.
_PRICE, _SPOT, _STRIKE, _YEARS, _RATE, _YIELD, _DISCOUNT, _CARRIED = range(8)
_LOG_MONEYNESS, _LOG_BETA, _BETA, _CALL, _X, _ODDS, _GUESS, _NEAR, _FAR, _HALF = range(10)
_CHANGE, _D1, _MOVED, _TAIL = _ODDS, _X, _FAR, _NEAR  # what has served makes room
_ROWS = 10

_compile = njit(cache=True, fastmath={"contract", "nsz", "arcp"}, error_model="numpy")


def solve_block(
    options: EuropeanOptions, price: Array, numbers: Array
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Write volatility and greeks into `numbers`, shape `(6, n)`; return reasons and what is unsettled."""
    n = len(options)
    reason = np.empty(n, dtype=np.uint8)
    unsettled = np.empty(n, dtype=np.bool_)
    inputs, rows, exponents = np.empty((8, n)), np.empty((_ROWS, n)), np.empty((2, n))
    given = (price, options.spot, options.strike, options.years, options.rate, options.dividend_yield)
    for row, values in zip(inputs, given, strict=False):
        row[:] = values
    np.exp(-inputs[_RATE] * inputs[_YEARS], out=inputs[_DISCOUNT])
    np.exp(-inputs[_YIELD] * inputs[_YEARS], out=inputs[_CARRIED])
    _normalise(inputs, options.is_call, rows)
    np.log(rows[: _LOG_BETA + 1], out=rows[: _LOG_BETA + 1])
    _judge(inputs, rows, reason)
    np.log1p(rows[_ODDS], out=rows[_ODDS])
    _first_guess(rows)
    np.log(rows[_HALF], out=rows[_HALF])
    _step(rows, exponents, unsettled)
    np.exp(exponents, out=exponents)
    _greeks(inputs, options.is_call, rows, exponents, numbers)
    return reason, unsettled


@_compile
def _normalise(inputs, is_call, rows):  # type: ignore[no-untyped-def]
    for i in range(is_call.size):
        discount, strike = inputs[_DISCOUNT, i], inputs[_STRIKE, i]
        forward = inputs[_SPOT, i] * inputs[_CARRIED, i] / discount
        ahead = forward - strike
        inside = ahead if is_call[i] else -ahead
        premium = inputs[_PRICE, i] / discount - (inside if inside > 0.0 else 0.0)
        beta = premium / np.sqrt(forward * strike)
        rows[_CALL, i] = premium + (ahead if ahead > 0.0 else 0.0)
        rows[_BETA, i] = beta
        rows[_LOG_BETA, i] = beta
        rows[_LOG_MONEYNESS, i] = forward / strike


@_compile
def _judge(inputs, rows, reason):  # type: ignore[no-untyped-def]
    for i in range(reason.size):
        price, spot, strike = inputs[_PRICE, i], inputs[_SPOT, i], inputs[_STRIKE, i]
        beta, away = rows[_BETA, i], abs(rows[_LOG_MONEYNESS, i])
        sum_of_all = price + beta
        verdict = _OK if rows[_LOG_BETA, i] < -0.5 * away else _HIGH
        verdict = verdict if beta > 0.0 else _LOW
        verdict = verdict if inputs[_YEARS, i] > 0.0 else _EXPIRED
        usable = (price > 0.0) & (spot > 0.0) & (strike > 0.0) & (sum_of_all - sum_of_all == 0.0)
        verdict = verdict if usable else _BAD_INPUT
        reason[i] = verdict
        fine = verdict == _OK
        beta = beta if fine else _STAND_IN
        away = away if fine else 0.0
        rows[_BETA, i] = beta
        rows[_X, i] = away
        rows[_LOG_BETA, i] = rows[_LOG_BETA, i] if fine else _LOG_STAND_IN
        rows[_ODDS, i] = away / beta


@_compile
def _first_guess(rows):  # type: ignore[no-untyped-def]
    for i in range(rows.shape[1]):
        y, x = rows[_ODDS, i], rows[_X, i]
        top, bottom = _NUMERATOR[0], _DENOMINATOR[0]
        for k in range(1, _NUMERATOR.size):
            top = top * y + _NUMERATOR[k]
        for k in range(1, _DENOMINATOR.size):
            bottom = bottom * y + _DENOMINATOR[k]
        guess = (rows[_BETA, i] + x) / np.sqrt(top / bottom)
        h2 = (x / guess) * (x / guess)
        square = guess * guess
        correction = square * (_SECOND * square + 1.0 + _BEND * h2)
        guess += guess * (correction / ((24.0 + _FIRST * h2) * (1.0 + _BEND * h2)))
        guess = guess if guess < _GUESS_MAX else _GUESS_MAX
        h, t = x / guess, 0.5 * guess
        u = 1.0 / ((h - t) * ROOT_HALF + SHIFT)
        v = 1.0 / ((h + t) * ROOT_HALF + SHIFT)
        p, q = SCALE * u - 1.0, SCALE * v - 1.0
        a, b = _ERFCX[0], _ERFCX[0]
        for k in range(1, _ERFCX.size):
            a = a * p + _ERFCX[k]
            b = b * q + _ERFCX[k]
        rows[_GUESS, i] = guess
        rows[_NEAR, i] = a * u
        rows[_FAR, i] = b * v
        rows[_HALF, i] = 0.5 * (a * u - b * v)


@_compile
def _step(rows, exponents, unsettled):  # type: ignore[no-untyped-def]
    for i in range(unsettled.size):
        guess, near, far = rows[_GUESS, i], rows[_NEAR, i], rows[_FAR, i]
        log_moneyness = rows[_LOG_MONEYNESS, i]
        inverse = 1.0 / guess
        h = rows[_X, i] * inverse
        h2, t2 = h * h, 0.25 * guess * guess
        miss = rows[_HALF, i] - 0.5 * (h2 + t2) - rows[_LOG_BETA, i]
        slope = (2.0 * INVERSE_ROOT_TWO_PI) / (near - far)
        bend = (h2 - t2) * inverse
        second = bend - slope
        third = bend * (bend - 3.0 * slope) + 2.0 * slope * slope - 3.0 * h2 * inverse * inverse - 0.25
        newton = -miss / slope
        change = newton * (1.0 + 0.5 * second * newton)
        change /= 1.0 + newton * (second + newton * third * (1.0 / 6.0))
        ratio = log_moneyness * inverse
        d1 = ratio + 0.5 * guess
        moved = change * (0.5 - ratio / (guess + change))
        rows[_TAIL, i] = near if log_moneyness <= 0.0 else far
        rows[_MOVED, i] = moved
        rows[_CHANGE, i] = change
        rows[_D1, i] = d1
        exponents[0, i] = -0.5 * d1 * d1
        exponents[1, i] = -moved * (d1 + 0.5 * moved)
        unsettled[i] = not abs(change) <= _SETTLED * guess


@_compile
def _greeks(inputs, is_call, rows, exponents, numbers):  # type: ignore[no-untyped-def]
    for i in range(is_call.size):
        spot, strike, years = inputs[_SPOT, i], inputs[_STRIKE, i], inputs[_YEARS, i]
        discount, carried = inputs[_DISCOUNT, i], inputs[_CARRIED, i]
        d1, moved = rows[_D1, i], rows[_MOVED, i]
        deviation = rows[_GUESS, i] + rows[_CHANGE, i]
        density = INVERSE_ROOT_TWO_PI * exponents[0, i]
        tail = _ROOT_HALF_PI * density * rows[_TAIL, i]
        n1 = tail if rows[_LOG_MONEYNESS, i] <= 0.0 else 1.0 - tail
        n1 += density * moved * (1.0 - moved * (0.5 * d1 + (1.0 / 6.0) * moved * (1.0 - d1 * d1)))
        density *= exponents[1, i]
        n2 = (spot * carried / discount * n1 - rows[_CALL, i]) / strike
        put = 0.0 if is_call[i] else 1.0
        n1, n2 = n1 - put, n2 - put
        root = np.sqrt(years)
        sensitivity = spot * carried * density
        decay = sensitivity * deviation * 0.5 / years
        drift = inputs[_YIELD, i] * spot * carried * n1 - inputs[_RATE, i] * strike * discount * n2
        numbers[0, i] = deviation / root
        numbers[1, i] = carried * n1
        numbers[2, i] = carried * density / (spot * deviation)
        numbers[3, i] = sensitivity * root * 0.01
        numbers[4, i] = (drift - decay) * (1.0 / DAYS_PER_YEAR)
        numbers[5, i] = strike * discount * years * n2 * 0.01
