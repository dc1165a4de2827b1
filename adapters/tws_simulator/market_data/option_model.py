"""Options priced by a model on their underlying's price: quotes, and the greeks that TWS sends with them.

Quotes are what a market maker would show around the European value at a volatility with skew and smile;
American exercise, dividends and the term structure of rates are left out (`RATE` is flat). Greeks follow
IB's units as captured for SPY (2023): vega per volatility point, theta per calendar day.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from adapters.tws_simulator.contracts.market_rules import RULES
from adapters.tws_simulator.contracts.trading_hours import TradingHours
from adapters.tws_simulator.interfaces import Listing
from adapters.tws_simulator.market_data.source import TEN_THOUSANDTHS
from market.pricing.european import EuropeanOptions, greeks, price, years_until
from market.pricing.implied_volatility import implied_volatility
from market.time import parse_date

RATE = 0.04
SKEW = -0.20
SMILE = 0.06
DISTANCE_MAX = 3.0
"""Standard deviations from the money beyond which the volatility stays."""
VOLATILITY_MIN = 0.03
SPREAD_FRACTION = 0.02
SPREAD_MIN_USD = 0.02

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class OptionQuotes(NamedTuple):
    """Quotes of options: prices in 1/10,000 USD (0 for no bid), sizes in contracts."""

    bid: IntArray
    ask: IntArray
    bid_size: IntArray
    ask_size: IntArray


class OptionGreeks(NamedTuple):
    """What `TickOptionComputation` carries; NaN where it cannot be computed."""

    implied_volatility: float
    delta: float
    gamma: float
    vega: float
    theta: float
    price: float


class OptionBook:
    """The options of one underlying as arrays, in the order given."""

    def __init__(self, options: Sequence[Listing], hours: TradingHours) -> None:
        self.con_ids = [option.con_id for option in options]
        self.strike = np.array([float(option.strike or 0) for option in options])
        self.is_call = np.array([option.right == "C" for option in options], dtype=np.bool_)
        self.expiry_ns = np.array([expiry_ns(option, hours) for option in options], dtype=np.int64)
        rule = RULES[options[0].market_rule_ids[0]] if options else ()
        self._edges = [(int(low * TEN_THOUSANDTHS), int(step * TEN_THOUSANDTHS)) for low, step in rule]
        seeds = np.array([con_id % 997 for con_id in self.con_ids], dtype=np.int64)
        self._bid_size, self._ask_size = 1 + seeds % 40, 1 + seeds * 7 % 40

    def __len__(self) -> int:
        return len(self.con_ids)

    def volatilities(self, spot: float, base: float, market_ns: int) -> FloatArray:
        """Return each option's model volatility for an at-the-money volatility `base`."""
        years = np.maximum(years_until(self.expiry_ns, market_ns), 1 / 365)
        distance = np.clip(
            np.log(self.strike / spot) / (max(base, 0.01) * np.sqrt(years)), -DISTANCE_MAX, DISTANCE_MAX
        )
        bent = base * (1 + (SKEW * distance + SMILE * distance * distance) * 0.5)
        return np.asarray(np.maximum(bent, VOLATILITY_MIN))

    def options_at(self, spot: float, market_ns: int) -> EuropeanOptions:
        """Return the contracts as the pricing functions take them."""
        return EuropeanOptions.of(
            spot=spot,
            strike=self.strike,
            years=years_until(self.expiry_ns, market_ns),
            is_call=self.is_call,
            rate=RATE,
        )

    def quotes(self, spot: float, base: float, market_ns: int) -> OptionQuotes:
        """Return what a market maker shows; an expired option shows nothing (all 0)."""
        values = price(self.options_at(spot, market_ns), self.volatilities(spot, base, market_ns))
        half = np.maximum(values * SPREAD_FRACTION, SPREAD_MIN_USD) / 2
        bids = self._on_grid(np.maximum(values - half, 0.0), is_up=False)
        asks = np.maximum(self._on_grid(values + half, is_up=True), bids + self._step(bids))
        is_alive = self.expiry_ns > market_ns
        bids, asks = np.where(is_alive, bids, 0), np.where(is_alive, asks, 0)
        return OptionQuotes(bids, asks, np.where(bids, self._bid_size, 0), np.where(asks, self._ask_size, 0))

    def computations(
        self, chosen: IntArray, premiums: FloatArray, spot: float, *, base: float, market_ns: int
    ) -> list[OptionGreeks]:
        """Return greeks of the chosen options (indices) at premiums in USD; a NaN premium means the model's.

        The volatility is NaN where no volatility explains the premium; then the greeks are NaN too.
        """
        options = self.options_at(spot, market_ns).take(chosen)
        model = self.volatilities(spot, base, market_ns)[chosen]
        is_model = np.isnan(premiums)
        implied = implied_volatility(options, np.where(is_model, 1.0, premiums)).volatility
        volatility = np.where(is_model, model, implied)
        values = np.where(is_model, price(options, model), premiums)
        found = greeks(options, volatility)
        columns = (volatility, found.delta, found.gamma, found.vega, found.theta, values)
        return [OptionGreeks(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]

    def calculation(self, spot: float, premium: float, volatility: float, market_ns: int) -> OptionGreeks:
        """Return the first option's greeks at a premium (USD) or, where that is NaN, at a volatility."""
        one = self.options_at(spot, market_ns).take(slice(0, 1))
        is_priced = np.isnan(premium)
        sigma = np.array([volatility]) if is_priced else implied_volatility(one, premium).volatility
        value = price(one, sigma) if is_priced else np.array([premium])
        found = greeks(one, sigma)
        return OptionGreeks(
            *(float(part[0]) for part in (sigma, found.delta, found.gamma, found.vega, found.theta, value))
        )

    def _step(self, prices: IntArray) -> IntArray:
        step = np.full(prices.shape, self._edges[0][1], dtype=np.int64)
        for low, size in self._edges:
            step = np.where(prices >= low, size, step)
        return step

    def _on_grid(self, usd: FloatArray, *, is_up: bool) -> IntArray:
        raw = np.rint(usd * TEN_THOUSANDTHS).astype(np.int64)
        step = self._step(raw)
        return (raw + step - 1) // step * step if is_up else raw // step * step


def expiry_ns(option: Listing, hours: TradingHours) -> int:
    """Return when an option stops: its last session's close, for morning settlement the open."""
    day = parse_date(f"{option.expiry[:4]}-{option.expiry[4:6]}-{option.expiry[6:]}")
    session = hours.regular_session(option, day)
    if session is None:
        raise ValueError(f"{option.local_symbol} expires on {day}, which has no session")
    return session[0] if option.settlement == "AM" else session[1]
