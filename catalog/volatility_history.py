"""How dear volatility is at a moment: an index's history, or the underlying's own at-the-money one."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from catalog.daily_series import levels_until
from catalog.option_chains import chain_at, snapshot_times
from catalog.pricing_inputs import inputs_at
from market.option_chain import OptionChain
from market.option_chain_pricing import (
    PAIRS_OF_PARITY,
    PricingInputs,
    implied_forward,
    priced,
    with_underlying_price,
)
from market.pricing.scaled_erfc import Array
from market.time import NS_PER_SECOND, new_york_date
from market.volatility import (
    RANK_DAYS,
    VolatilityRank,
    constant_maturity_iv,
    term_structure,
    volatility_rank,
)

MATURITY_DAYS = 30.0


RANK_DAYS_MIN = 20
"""Days that a rank needs at least; fewer say nothing."""
AGE_DAYS_MAX = 7
"""Days after which a history is over: its last value is not the current one."""
_DAY_NS = 86_400 * NS_PER_SECOND


class VolatilityPlace(NamedTuple):
    """Where volatility stands among `days` values of `source`; None where they are too few or too old."""

    rank: VolatilityRank | None
    days: int
    source: str


class VolatilityHistory(NamedTuple):
    """A value a day: instants of the snapshots, ns UTC, and volatilities (fractions a year; NaN unknown)."""

    ts_ns: NDArray[np.int64]
    iv: Array


def index_place(root: Path, name: str, at_ns: int) -> VolatilityPlace:
    """Return where a volatility index of the catalog stood at `at_ns` among its last 252 closes."""
    levels = levels_until(root, at_ns, name=name, days=RANK_DAYS)
    return _place(levels.ts_ns, levels.close, at_ns, source=f"index {name}")


def own_place(root: Path, symbol: str, at_ns: int, *, rate: float | None = None) -> VolatilityPlace:
    """Return where the underlying's own volatility stood at `at_ns` among that of its last 252 days."""
    history = iv_history(root, symbol, at_ns, rate=rate)
    known = ~np.isnan(history.iv)
    source = f"own at-the-money IV of {MATURITY_DAYS:.0f} days"
    return _place(history.ts_ns[known], history.iv[known], at_ns, source=source)


def _place(ts_ns: NDArray[np.int64], values: Array, at_ns: int, *, source: str) -> VolatilityPlace:
    is_current = values.size >= RANK_DAYS_MIN and int(ts_ns[-1]) >= at_ns - AGE_DAYS_MAX * _DAY_NS
    return VolatilityPlace(volatility_rank(values) if is_current else None, int(values.size), source)


def iv_history(
    root: Path,
    symbol: str,
    at_ns: int,
    *,
    days: int = RANK_DAYS,
    maturity_days: float = MATURITY_DAYS,
    rate: float | None = None,
) -> VolatilityHistory:
    """Return the volatility at the last snapshot of each of the last `days` New York dates until `at_ns`.

    Snapshots without quotes count with the vendor's volatilities. `market.volatility.volatility_rank` takes
    `iv`. Raises `NotFoundError` where the catalog has no chain of `symbol`.
    """
    times = snapshot_times(root, symbol, at_ns)
    last_of_day: dict[object, int] = {}
    for ts_ns in times.tolist():
        last_of_day[new_york_date(ts_ns)] = ts_ns
    chosen = sorted(last_of_day.values())[-days:]
    values = [_value_at(root, symbol, ts_ns, maturity_days=maturity_days, rate=rate) for ts_ns in chosen]
    return VolatilityHistory(np.array(chosen, dtype=np.int64), np.array(values, dtype=np.float64))


def _value_at(root: Path, symbol: str, ts_ns: int, *, maturity_days: float, rate: float | None) -> float:
    chain = chain_at(root, symbol, ts_ns)
    inputs = inputs_at(root, ts_ns, symbol=chain.underlying, rate=rate).inputs
    return _at_the_money(chain, inputs, maturity_days)


def _at_the_money(chain: OptionChain, inputs: PricingInputs, maturity_days: float) -> float:
    known = with_underlying_price(chain, inputs)
    if np.isnan(known.underlying_price):
        return float("nan")
    has_quotes = bool(known.is_two_sided.any())
    usable = known.is_two_sided if has_quotes else ~np.isnan(known.iv)
    expiries = _expiries_around(known.take(usable), maturity_days)
    parts = [_nearest(known, usable, expiry_ns, inputs) for expiry_ns in expiries.tolist()]
    around = known.take(np.concatenate([np.empty(0, dtype=np.int64), *parts]))
    ready = priced(around, inputs) if has_quotes else around
    return constant_maturity_iv(term_structure(ready, inputs), days=maturity_days)


def _nearest(
    chain: OptionChain, usable: NDArray[np.bool_], expiry_ns: int, inputs: PricingInputs
) -> NDArray[np.int64]:
    """Return the rows of an expiry that its volatility at the money depends on.

    Those are the usable strikes next to the forward, the usable pairs next to it, of which parity takes the
    forward, and what is listed between them and cannot be used: a gap of those is not read across.
    """
    rows = np.arange(len(chain))[chain.rows_of_expiry(expiry_ns)]
    part = chain.take(rows[usable[rows]])
    forward = implied_forward(part, inputs.rates)
    middle = chain.underlying_price if np.isnan(forward) else forward
    strikes, sides = np.unique(part.strike, return_counts=True)
    nearest = [_beside(middle, strikes, 1), _beside(middle, strikes[sides == 2], PAIRS_OF_PARITY)]
    chosen = np.concatenate(nearest)
    listed = chain.strike[rows]
    unusable = ~usable[rows] & (listed > chosen.min()) & (listed < chosen.max())
    return rows[np.isin(listed, chosen) | unusable]


def _beside(middle: float, strikes: Array, count: int) -> Array:
    """Return `count` ascending strikes on each side of `middle`."""
    place = int(np.searchsorted(strikes, middle))
    return strikes[max(0, place - count) : place + count]


def _expiries_around(chain: OptionChain, maturity_days: float) -> NDArray[np.int64]:
    """Return the two expiries at or before the maturity and the two after it; the others need no pricing."""
    days = np.array([float(chain.of_expiry(int(ns)).years[0]) * 365.0 for ns in chain.expiries])
    before = chain.expiries[days <= maturity_days][-2:]
    after = chain.expiries[days > maturity_days][:2]
    return np.concatenate([before, after])
