"""The underlying's own volatility day by day: implied, at the money, of constant maturity."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from catalog.option_chains import chain_at, snapshot_times
from catalog.pricing_inputs import inputs_at
from market.option_chain import OptionChain
from market.option_chain_pricing import PricingInputs, priced, with_underlying_price
from market.pricing.scaled_erfc import Array
from market.time import new_york_date
from market.volatility import RANK_DAYS, constant_maturity_iv, term_structure

MATURITY_DAYS = 30.0
_STRIKES_AROUND = 0.10
"""Strikes up to this fraction from the money are priced: enough for what lies at the money."""


class VolatilityHistory(NamedTuple):
    """A value a day: instants of the snapshots, ns UTC, and volatilities (fractions a year; NaN unknown)."""

    ts_ns: NDArray[np.int64]
    iv: Array


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
    values = [
        _at_the_money(chain_at(root, symbol, ts_ns), inputs_at(root, ts_ns, rate=rate).inputs, maturity_days)
        for ts_ns in chosen
    ]
    return VolatilityHistory(np.array(chosen, dtype=np.int64), np.array(values, dtype=np.float64))


def _at_the_money(chain: OptionChain, inputs: PricingInputs, maturity_days: float) -> float:
    known = with_underlying_price(chain, inputs.rates)
    if np.isnan(known.underlying_price):
        return float("nan")
    away = np.abs(known.strike / known.underlying_price - 1.0)
    near = known.take(away <= _STRIKES_AROUND)
    around = near.take(np.isin(near.expiry_ns, _expiries_around(near, maturity_days)))
    ready = priced(around, inputs) if around.is_two_sided.any() else around
    return constant_maturity_iv(term_structure(ready, inputs), days=maturity_days)


def _expiries_around(chain: OptionChain, maturity_days: float) -> NDArray[np.int64]:
    """Return the two expiries at or before the maturity and the two after it; the others need no pricing."""
    days = np.array([float(chain.of_expiry(int(ns)).years[0]) * 365.0 for ns in chain.expiries])
    before = chain.expiries[days <= maturity_days][-2:]
    after = chain.expiries[days > maturity_days][:2]
    return np.concatenate([before, after])
