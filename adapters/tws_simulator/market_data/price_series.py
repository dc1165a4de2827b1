"""The past of a listing as one series of values, of the kind that a request shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from adapters.tws_simulator.interfaces import Listing
from adapters.tws_simulator.market_data.history_request import SECOND_NS
from adapters.tws_simulator.market_data.option_model import RATE, expiry_ns
from adapters.tws_simulator.market_data.prices import MarketPrices
from adapters.tws_simulator.market_data.source import TEN_THOUSANDTHS, IntArray, PriceHistory
from market.pricing.european import EuropeanOptions, price

NOT_TRADED = -1
"""What TWS sends as volume, average and count of bars that are not of trades (captured for EUR.USD)."""

TICKS_MAX = 200_000
"""Above this many ticks a synthetic past is sampled: highs and lows are then a little less extreme."""

SAMPLES_MAX = 60_000
OPTION_SAMPLES_MAX = 5_000
SAMPLED_TRADE_SIZE = 350
VOLATILITY_WINDOW_DAYS = 30
VOLATILITY_SAMPLES_MAX = 2_000
DAY_NS = 86_400 * SECOND_NS

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Series:
    """Values in order of time. `low` and `high` are the same array but for BID_ASK (bid and ask).

    `size` is None where nothing trades. `is_carried`: a value is in force until the next one.
    `is_averaged`: bars open with the mean of `low` and close with the mean of `high`.
    """

    ts_ns: IntArray
    low: FloatArray
    high: FloatArray
    size: IntArray | None = None
    is_carried: bool = True
    is_averaged: bool = False


def price_series(
    prices: MarketPrices, listing: Listing, kind: str, start_ns: int, end_ns: int
) -> Series | None:
    """Return the series of `kind` in `[start_ns, end_ns)`, None when the market has no past of it."""
    history = prices.history
    source_id = listing.underlying_con_id if listing.is_option else listing.con_id
    if history is None or source_id is None or start_ns >= end_ns:
        return None
    earliest = history.earliest_ns(source_id)
    if earliest is None or earliest >= end_ns:
        return None
    start_ns = max(start_ns, earliest)
    if kind == "OPTION_IMPLIED_VOLATILITY":
        times = _grid(start_ns, end_ns, VOLATILITY_SAMPLES_MAX)
        values = history.volatility(listing.con_id, times)
        return Series(times, values, values)
    if kind == "HISTORICAL_VOLATILITY":
        return _realized_volatility(history, listing.con_id, start_ns, end_ns)
    if listing.is_option:
        return _option_series(prices, listing, kind, start_ns, end_ns)
    if history.ticks_between(listing.con_id, start_ns, end_ns) > TICKS_MAX:
        return _sampled(history, listing, kind, start_ns, end_ns)
    return _ticks(history, listing.con_id, kind, start_ns, end_ns)


def _ticks(history: PriceHistory, con_id: int, kind: str, start_ns: int, end_ns: int) -> Series:
    if kind in {"TRADES", "ADJUSTED_LAST"}:
        trades = history.trades(con_id, start_ns, end_ns)
        values = trades.price / TEN_THOUSANDTHS
        return Series(trades.ts_ns, values, values, trades.size, is_carried=False)
    quotes = history.quotes(con_id, start_ns - SECOND_NS, end_ns)
    whole = (quotes.bid > 0) & (quotes.ask > 0)
    bid, ask = quotes.bid[whole] / TEN_THOUSANDTHS, quotes.ask[whole] / TEN_THOUSANDTHS
    return _quote_series(quotes.ts_ns[whole], bid, ask, kind)


def _quote_series(ts_ns: IntArray, bid: FloatArray, ask: FloatArray, kind: str) -> Series:
    if kind == "BID_ASK":
        return Series(ts_ns, bid, ask, is_averaged=True)
    values = {"BID": bid, "ASK": ask, "MIDPOINT": (bid + ask) / 2}[kind]
    return Series(ts_ns, values, values)


def _sampled(history: PriceHistory, listing: Listing, kind: str, start_ns: int, end_ns: int) -> Series:
    times = _grid(start_ns, end_ns, SAMPLES_MAX)
    mids = history.samples(listing.con_id, times)
    cents = np.round(mids / TEN_THOUSANDTHS, 2)
    if kind in {"TRADES", "ADJUSTED_LAST"}:
        ticks = history.ticks_between(listing.con_id, start_ns, end_ns)
        each = max(1, ticks // len(times)) * SAMPLED_TRADE_SIZE // 4 if listing.security_type == "STK" else 0
        return Series(times, cents, cents, np.full(len(times), each, dtype=np.int64), is_carried=False)
    return _quote_series(times, cents - 0.01, cents + 0.01, kind)


def _option_series(
    prices: MarketPrices, option: Listing, kind: str, start_ns: int, end_ns: int
) -> Series | None:
    """Model values along the underlying's past; an option's past trades are its mids, of one contract."""
    assert prices.history is not None
    assert option.underlying_con_id is not None
    assert option.strike is not None
    times = _grid(start_ns, end_ns, OPTION_SAMPLES_MAX)
    expires_ns = expiry_ns(option, prices.universe.hours)
    times = times[times < expires_ns]
    if not len(times):
        return None
    spots = prices.history.samples(option.underlying_con_id, times) / TEN_THOUSANDTHS
    contracts = EuropeanOptions.of(
        spot=np.maximum(spots, 0.01),
        strike=float(option.strike),
        years=(expires_ns - times) / (365.0 * DAY_NS),
        is_call=option.right == "C",
        rate=RATE,
    )
    mids = np.round(price(contracts, prices.history.volatility(option.underlying_con_id, times)), 2)
    mids = np.maximum(mids, 0.01)
    if kind in {"TRADES", "ADJUSTED_LAST"}:
        return Series(times, mids, mids, np.ones(len(times), dtype=np.int64), is_carried=False)
    return _quote_series(times, np.maximum(mids - 0.05, 0.0), mids + 0.05, kind)


def _realized_volatility(history: PriceHistory, con_id: int, start_ns: int, end_ns: int) -> Series:
    """The standard deviation of daily log returns over 30 days, a year, at a grid of times."""
    times = _grid(start_ns, end_ns, VOLATILITY_SAMPLES_MAX)
    back = np.arange(VOLATILITY_WINDOW_DAYS, -1, -1, dtype=np.int64) * DAY_NS
    moments = (times[:, None] - back[None, :]).ravel()
    order = np.argsort(moments, kind="stable")
    mids = np.empty(len(moments))
    mids[order] = history.samples(con_id, moments[order])
    with np.errstate(divide="ignore", invalid="ignore"):
        returns = np.diff(np.log(mids.reshape(len(times), -1)), axis=1)
    known = np.isfinite(returns).all(axis=1)
    values = np.round(returns.std(axis=1) * np.sqrt(365.0), 6)
    return Series(times[known], values[known], values[known])


def _grid(start_ns: int, end_ns: int, count_max: int) -> IntArray:
    """Return times from `start_ns` on, whole seconds apart, at most `count_max` of them."""
    seconds = max(1, -(-(end_ns - start_ns) // (SECOND_NS * count_max)))
    return np.arange(start_ns, end_ns, seconds * SECOND_NS, dtype=np.int64)
