"""Money and prices as a reader and a spreadsheet want them: exact to six decimals, without idle zeros."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

PLACES = 6
"""Decimals that averages are rounded to; prices have four, so sums of money are exact."""

_STEP = Decimal(1).scaleb(-PLACES)


def amount(value: Decimal) -> str:
    """Return an amount of money or a price with at least two decimals, and no zeros beyond them."""
    text = f"{value:f}"
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"


def rounded(value: Decimal) -> Decimal:
    """Return `value` to `PLACES` decimals, ties to even, written as `amount` has it."""
    return Decimal(amount(value.quantize(_STEP, rounding=ROUND_HALF_EVEN)))
