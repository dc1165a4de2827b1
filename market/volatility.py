"""How dear volatility is: rank and percentile, realised volatility, term structure, skew.

Volatilities are fractions a year (0.20) unless they are levels of an index (26.97); ranks, percentiles and
the like are fractions from 0 to 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from market.errors import DataError
from market.option_chain import OptionChain
from market.option_chain_pricing import PricingInputs, implied_forward
from market.pricing.scaled_erfc import Array

SESSIONS_PER_YEAR = 252
DAYS_PER_YEAR = 365.0
RANK_DAYS = 252
"""Sessions of the usual window of rank and percentile, the current one included."""
GAP_STRIKES_MAX = 2
"""Listed strikes without a volatility that a smile is always read across."""
GAP_DEVIATIONS_MAX = 0.25
"""Across more it is read while the strikes around lie no further apart, in standard deviations to expiry."""
GAP_FRACTION_MAX = 0.10
"""And never further apart than this fraction: a volatility that is far too high has wide deviations."""


type Places = NDArray[np.intp] | np.intp


class VolatilityRank(NamedTuple):
    """Where the current value stands in its history; `days` is how many values there were."""

    current: float
    low: float
    high: float
    rank_fraction: float
    """(current - low) / (high - low); NaN where all are equal."""
    percentile_fraction: float
    """Fraction of the values that lie below the current one."""
    days: int


class Skew(NamedTuple):
    """Of one expiry: implied volatilities at a delta and at the money."""

    put_iv: float
    call_iv: float
    atm_iv: float

    @property
    def risk_reversal(self) -> float:
        """Call less put: negative where downside protection is dearer."""
        return self.call_iv - self.put_iv

    @property
    def butterfly(self) -> float:
        """Mean of the wings above the money."""
        return 0.5 * (self.put_iv + self.call_iv) - self.atm_iv


class Smile(NamedTuple):
    """Volatilities of one expiry at ascending strikes, USD, and all strikes that are listed, ascending."""

    strikes: Array
    iv: Array
    listed: Array
    years: float

    @classmethod
    def of(cls, chain: OptionChain) -> Smile:
        """Return the smile of a chain of one expiry: at each strike the mean of put and call."""
        known = ~np.isnan(chain.iv)
        strikes, which = np.unique(chain.strike[known], return_inverse=True)
        iv = np.bincount(which, weights=chain.iv[known]) / np.bincount(which) if strikes.size else strikes
        years = float(chain.years[0]) if len(chain) else 0.0
        return cls(strikes, iv, np.unique(chain.strike), years)

    def joins(self, below: Places, above: Places) -> NDArray[np.bool_]:
        """Whether the smile may be read between the strikes at these positions (`smile_at` has the rule)."""
        low, high = self.strikes[below], self.strikes[above]
        missed = np.searchsorted(self.listed, high) - np.searchsorted(self.listed, low, "right")
        deviation = np.minimum(self.iv[below], self.iv[above]) * np.sqrt(self.years)
        width_max = np.minimum(GAP_DEVIATIONS_MAX * deviation, GAP_FRACTION_MAX)
        joined: NDArray[np.bool_] = (missed <= GAP_STRIKES_MAX) | (np.log(high / low) <= width_max)
        return joined


class TermStructure(NamedTuple):
    """At-the-money volatility by expiry, each of shape `(n_expiries,)`; NaN where it cannot be known."""

    expiry_ns: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    years: Array
    atm_iv: Array


def volatility_rank(values: ArrayLike, *, days: int = RANK_DAYS) -> VolatilityRank:
    """Return rank and percentile of the last of `values` among the last `days`, itself included.

    `values` are in order of time, NaN left out. Raises `DataError` without two values.
    """
    history = np.asarray(values, dtype=np.float64)
    known = history[~np.isnan(history)][-days:]
    if known.size < 2:
        raise DataError(f"A rank needs a history of at least 2 values; there are {known.size}.")
    current, low, high = float(known[-1]), float(known.min()), float(known.max())
    rank = (current - low) / (high - low) if high > low else float("nan")
    return VolatilityRank(current, low, high, rank, float(np.mean(known < current)), int(known.size))


def realised_volatility(closes: ArrayLike, *, per_year: float = SESSIONS_PER_YEAR) -> float:
    """Return the annualised standard deviation of logarithmic returns about their mean; NaN below 3."""
    prices = np.asarray(closes, dtype=np.float64)
    if prices.size < 3:
        return float("nan")
    return float(np.std(np.diff(np.log(prices)), ddof=1) * np.sqrt(per_year))


def range_volatility(high: ArrayLike, low: ArrayLike, *, per_year: float = SESSIONS_PER_YEAR) -> float:
    """Return the annualised volatility of highs and lows (Parkinson 1980); gaps overnight are missed."""
    ranges = np.log(np.asarray(high, dtype=np.float64) / np.asarray(low, dtype=np.float64))
    if not ranges.size:
        return float("nan")
    return float(np.sqrt(per_year * np.mean(np.square(ranges)) / (4.0 * np.log(2.0))))


def rolling_realised_volatility(
    closes: ArrayLike, window: int, *, per_year: float = SESSIONS_PER_YEAR
) -> Array:
    """Return `realised_volatility` of the last `window` returns at each close, shape `(n,)`; NaN at first."""
    prices = np.asarray(closes, dtype=np.float64)
    result = np.full(prices.shape, np.nan)
    if window < 2:
        raise DataError(f"A window of {window} returns has no deviation; take 2 or more.")
    returns = np.diff(np.log(prices))
    if returns.size >= window:
        views = np.lib.stride_tricks.sliding_window_view(returns, window)
        result[window:] = np.std(views, axis=1, ddof=1) * np.sqrt(per_year)
    return result


def at_the_money_iv(chain: OptionChain, expiry_ns: int, inputs: PricingInputs) -> float:
    """Return the volatility at the forward of a priced chain's expiry; NaN without volatilities around it.

    At each strike the mean of put and call (either, where one is missing), between the two strikes around
    the forward as `smile_at` reads it. The forward is that of put-call parity, without pairs the underlying's
    price.
    """
    part = chain.of_expiry(expiry_ns)
    forward = implied_forward(part, inputs.rates)
    if np.isnan(forward):
        forward = part.underlying_price
    return float(smile_at(forward, Smile.of(part)))


def smile_at(wanted: ArrayLike, smile: Smile) -> Array:
    """Return the volatility at `wanted` (USD), shape of `wanted`, linear between the strikes of `smile`.

    NaN beyond the strikes (nothing is extrapolated), and in a gap: between two strikes that have more than
    `GAP_STRIKES_MAX` listed ones between them and lie far apart (`GAP_DEVIATIONS_MAX`, `GAP_FRACTION_MAX`).
    """
    at = np.asarray(wanted, dtype=np.float64)
    if not smile.strikes.size:
        return np.full(at.shape, np.nan)
    above = np.minimum(np.searchsorted(smile.strikes, at), smile.strikes.size - 1)
    below = np.where(smile.strikes[above] == at, above, np.maximum(above - 1, 0))
    inside = np.interp(at, smile.strikes, smile.iv, left=np.nan, right=np.nan)
    return np.where(smile.joins(below, above), inside, np.nan)


def term_structure(chain: OptionChain, inputs: PricingInputs) -> TermStructure:
    """Return the at-the-money volatility of every expiry of a priced chain."""
    expiries = chain.expiries
    years = np.array([float(chain.of_expiry(int(ns)).years[0]) for ns in expiries])
    atm = np.array([at_the_money_iv(chain, int(ns), inputs) for ns in expiries])
    return TermStructure(expiries, years, atm)


def constant_maturity_iv(structure: TermStructure, *, days: float = 30.0) -> float:
    """Return the at-the-money volatility at `days` calendar days, linear in total variance between expiries.

    Where only one side has an expiry, that one's volatility holds; NaN without any.
    """
    known = ~np.isnan(structure.atm_iv) & (structure.years > 0)
    if not known.any():
        return float("nan")
    years, iv = structure.years[known], structure.atm_iv[known]
    wanted = days / DAYS_PER_YEAR
    if wanted <= years[0] or wanted >= years[-1]:
        return float(iv[0] if wanted <= years[0] else iv[-1])
    return float(np.sqrt(np.interp(wanted, years, np.square(iv) * years) / wanted))


def skew(chain: OptionChain, expiry_ns: int, inputs: PricingInputs, *, delta: float = 0.25) -> Skew:
    """Return the volatilities of put and call at `delta` (0 to 0.5) and at the money of a priced chain."""
    part = chain.of_expiry(expiry_ns)
    wings = [_iv_at_delta(part, delta, is_call=is_call) for is_call in (False, True)]
    return Skew(wings[0], wings[1], at_the_money_iv(chain, expiry_ns, inputs))


def _iv_at_delta(chain: OptionChain, delta: float, *, is_call: bool) -> float:
    right = chain.take(chain.is_call == is_call)
    known = np.flatnonzero(~np.isnan(right.iv) & ~np.isnan(right.delta))
    known = known[np.argsort(np.abs(right.delta[known]), kind="stable")]
    size = np.abs(right.delta[known])
    if not size.size or not size[0] <= delta <= size[-1]:
        return float("nan")
    above = int(np.searchsorted(size, delta))
    below = above if size[above] == delta else above - 1
    smile = Smile.of(right)
    ends = np.searchsorted(smile.strikes, np.sort(right.strike[known[[below, above]]]))
    return float(np.interp(delta, size, right.iv[known])) if smile.joins(*ends) else float("nan")
