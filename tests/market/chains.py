"""Builders of option chains whose prices come from a known volatility."""

from __future__ import annotations

import numpy as np

from market.option_chain import AMERICAN, EUROPEAN, PHYSICAL, PM, OptionChain
from market.pricing import european
from market.pricing.european import EuropeanOptions, years_until

NOW_NS = 1_609_772_460_000_000_000
"""2021-01-04 10:01 New York."""
DAY_NS = 86_400 * 10**9
RATE, YIELD, VOLATILITY, SPOT = 0.03, 0.01, 0.25, 100.0


def priced_at(
    volatility: float = VOLATILITY,
    *,
    days: tuple[float, ...] = (7, 35, 91),
    style: str = EUROPEAN,
    half_width: float = 0.0,
) -> OptionChain:
    """Return strikes 80 to 120 with quotes `half_width` around their Black-Scholes-Merton prices."""
    strikes = np.arange(80.0, 121.0, 2.0)
    expiry, strike, call = (
        grid.ravel()
        for grid in np.meshgrid(
            [int(NOW_NS + d * DAY_NS) for d in days], strikes, [True, False], indexing="ij"
        )
    )
    options = EuropeanOptions.of(
        spot=SPOT,
        strike=strike,
        years=years_until(expiry, NOW_NS),
        rate=RATE,
        dividend_yield=YIELD if style == EUROPEAN else 0.0,
        is_call=call,
    )
    price = european.price(options, volatility)
    return OptionChain.of(
        underlying="TEST",
        ts_ns=NOW_NS,
        underlying_price=SPOT,
        columns={
            "contract": [f"T{number}" for number in range(len(strike))],
            "expiry_ns": expiry,
            "strike": strike,
            "is_call": call,
            "style": style,
            "settlement": PHYSICAL if style == AMERICAN else PM,
            "bid": price - half_width,
            "ask": price + half_width,
        },
    )
