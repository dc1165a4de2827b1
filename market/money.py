"""Prices as `Decimal`: ticks, rounding to them, and the one way from a float to money."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Literal

from market.errors import DataError

Toward = Literal["down", "up", "nearest"]

SUB_DOLLAR_TICK = Decimal("0.0001")
DOLLAR_TICK = Decimal("0.01")

_ROUNDING = {"down": ROUND_FLOOR, "up": ROUND_CEILING, "nearest": ROUND_HALF_EVEN}


def tick_size(price: Decimal) -> Decimal:
    """Return the minimum increment, in USD, of a US stock order at `price` USD a share.

    Interactive Brokers' market rule 26 (and SEC Rule 612 of Regulation NMS behind it): 0.0001 below
    1 USD, 0.01 from 1 USD on. Raises `DataError` unless `price` is positive and finite.
    """
    if not (price.is_finite() and price > 0):
        raise DataError(f"Price {price} USD has no tick. A stock's price must be above 0.")
    return SUB_DOLLAR_TICK if price < 1 else DOLLAR_TICK


def round_to_tick(price: Decimal, *, tick: Decimal, toward: Toward) -> Decimal:
    """Return the multiple of `tick` next to `price`, with the decimals of `tick`.

    `down` is toward minus infinity and `up` toward plus infinity, also for negative spread prices;
    `nearest` takes the even multiple on a tie. Exact for prices of up to 28 digits.
    """
    if not (tick.is_finite() and tick > 0):
        raise DataError(f"Tick {tick} is not a price increment. It must be above 0.")
    if not price.is_finite():
        raise DataError(f"Price {price} cannot be rounded to a tick. It must be a finite number.")
    ticks = int((price / tick).to_integral_value(rounding=_ROUNDING[toward]))  # an int has no -0
    return tick * ticks


def to_decimal(value: float, places: int) -> Decimal:
    """Return `value` as a `Decimal` of exactly `places` decimals, ties to even.

    The shortest decimal that reads back as `value` is rounded, so 2.675 to 2 places gives 2.68 and not
    the 2.67 of its binary expansion. Raises `DataError` for NaN and infinities.
    """
    if not math.isfinite(value):
        raise DataError(f"{value} is not an amount. A price or an amount of money must be finite.")
    return Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
