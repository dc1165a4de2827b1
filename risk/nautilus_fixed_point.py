"""Nautilus' fixed-point integers (`raw`) as the plain numbers that the rules compute with."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from nautilus_trader.model.objects import FIXED_SCALAR

SCALE = int(FIXED_SCALAR)
"""Units of Nautilus' fixed-point integers per share or USD."""
MAX_KEPT = 100_000
"""Converted values that one table keeps; when it is full it begins anew."""

_SCALE = Decimal(SCALE)


class FractionalQuantityError(ValueError):
    """A quantity that is not a whole number of shares or contracts."""


class Conversions[T](dict[int, T]):
    """What `convert` makes of a raw value, by `table[raw]`; the same few values are asked for again."""

    def __init__(self, convert: Callable[[int], T]) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, raw: int) -> T:
        if len(self) >= MAX_KEPT:
            self.clear()
        value = self[raw] = self._convert(raw)
        return value


def _whole(raw: int) -> int:
    units, rest = divmod(raw, SCALE)
    if rest:
        raise FractionalQuantityError(f"{Decimal(raw) / _SCALE} shares")
    return units


PRICE_OF_RAW = Conversions(lambda raw: Decimal(raw) / _SCALE)
"""A price as its `as_decimal` gives it."""
SIZE_OF_RAW = Conversions(lambda raw: raw // SCALE)
"""Whole shares or contracts of a size, rounded down."""
WHOLE_OF_RAW = Conversions(_whole)
"""Whole shares or contracts of an order; raises `FractionalQuantityError` for a part of one."""
