"""Implied volatility over moneyness and expiry, read off the quoted strikes out of the money."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from market.option_chain import OptionChain
from market.pricing.scaled_erfc import Array
from market.volatility import Smile
from scanner.expiries import Expiries

MONEYNESS = (0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 1.0, 1.025, 1.05, 1.075, 1.1, 1.15, 1.2, 1.3)
"""Strike over price of the underlying, of the columns."""


@dataclass(frozen=True, kw_only=True, eq=False)
class VolatilitySurface:
    """Volatilities (fractions a year) of shape `(expiries, moneyness)`; NaN where none is quoted."""

    underlying: str
    underlying_price: float
    moneyness: Array
    expiries: tuple[date, ...]
    dte: tuple[int, ...]
    iv: Array


def volatility_surface(chain: OptionChain, moneyness: tuple[float, ...] = MONEYNESS) -> VolatilitySurface:
    """Return the surface of a priced chain; expiries without a volatility are left out.

    Between two strikes the volatility is interpolated in the logarithm of the strike, never beyond them and
    never across a gap (`market.volatility.Smile.joins`).
    """
    expiries = Expiries.of(chain)
    columns = np.asarray(moneyness, dtype=np.float64)
    rows = [_smile_at(chain.of_expiry(int(chain.expiry_ns[first])), columns) for first in expiries.first_row]
    kept = [number for number, row in enumerate(rows) if not np.isnan(row).all()]
    return VolatilitySurface(
        underlying=chain.underlying,
        underlying_price=chain.underlying_price,
        moneyness=columns,
        expiries=tuple(expiries.dates[number] for number in kept),
        dte=tuple(int(expiries.dte[number]) for number in kept),
        iv=np.array([rows[number] for number in kept]).reshape(len(kept), columns.size),
    )


def _smile_at(chain: OptionChain, columns: Array) -> Array:
    """Return the volatilities of one expiry; strikes below the price by puts, the others by calls."""
    spot = chain.underlying_price
    outside: NDArray[np.bool_] = (chain.is_call == (chain.strike >= spot)) & ~np.isnan(chain.iv)
    if np.isnan(spot) or not outside.any():
        return np.full(columns.size, np.nan)
    strikes = chain.strike[outside]
    smile = Smile(strikes, chain.iv[outside], np.unique(chain.strike), float(chain.years[0]))
    depth, wanted = np.log(strikes / spot), np.log(columns)
    above = np.minimum(np.searchsorted(depth, wanted), strikes.size - 1)
    below = np.where(depth[above] == wanted, above, np.maximum(above - 1, 0))
    found = np.interp(wanted, depth, smile.iv, left=np.nan, right=np.nan)
    return np.where(smile.joins(below, above), found, np.nan)
