"""Synthetic chains for the scanner's tests and benchmarks: a smile, bid-ask widths, sizes; seeded."""

from __future__ import annotations

import numpy as np

from market.option_chain import OptionChain
from market.pricing.european import EuropeanOptions, price, years_until
from market.time import to_ns

NOW_NS = to_ns("2026-03-02T10:30:00-05:00")
DAY_NS = 86_400 * 10**9
RATE, DIVIDEND_YIELD = 0.03, 0.01


def synthetic_chain(
    *,
    symbol: str = "XYZ",
    expiries: int = 4,
    strikes: int = 21,
    step: float = 2.5,
    spot: float = 100.0,
    seed: int = 0,
    tick: float = 0.01,
) -> OptionChain:
    """A European chain of `2 * expiries * strikes` contracts around `spot`, quotes on the tick."""
    chance = np.random.default_rng(seed)
    days = 4 + 7 * np.arange(expiries)
    strike = spot + step * (np.arange(strikes) - strikes // 2)
    day, level, call = (a.ravel() for a in np.meshgrid(days, strike, [False, True], indexing="ij"))
    expiry_ns = NOW_NS + day.astype(np.int64) * DAY_NS + 5 * 3600 * 10**9 + 30 * 60 * 10**9
    years = years_until(expiry_ns, NOW_NS)
    moneyness = np.log(level / spot) / np.sqrt(years)
    volatility = np.maximum(0.22 - 0.06 * moneyness + 0.10 * moneyness**2, 0.05)
    volatility = np.minimum(volatility, 1.5) + chance.normal(0, 0.002, level.size)
    options = EuropeanOptions.of(
        spot=spot, strike=level, years=years, rate=RATE, dividend_yield=DIVIDEND_YIELD, is_call=call
    )
    value = price(options, volatility)
    half = np.maximum(tick, 0.01 * value + chance.uniform(0, 0.04, level.size))
    bid = np.maximum(np.round((value - half) / tick) * tick, 0.0)
    ask = np.round((value + half) / tick) * tick
    n = level.size
    names = [
        f"{symbol}{int(d):03d}{'C' if c else 'P'}{k:g}" for d, k, c in zip(day, level, call, strict=True)
    ]
    return OptionChain.of(
        underlying=symbol,
        ts_ns=NOW_NS,
        underlying_price=spot,
        columns={
            "contract": np.array(names, dtype=object),
            "expiry_ns": expiry_ns,
            "strike": level,
            "is_call": call,
            "style": np.full(n, "E"),
            "settlement": np.full(n, "PM"),
            "bid": bid,
            "ask": np.maximum(ask, bid + tick),
            "bid_size": chance.integers(1, 200, n).astype(float),
            "ask_size": chance.integers(1, 200, n).astype(float),
            "volume": chance.integers(0, 2_000, n).astype(float),
            "open_interest": chance.integers(0, 20_000, n).astype(float),
        },
    )
