"""The properties that make the synthetic market look like one, and the ones it must not have."""

from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

from catalog.columns import Aggressor
from catalog.synthetic.chance import FloatArray, generator
from catalog.synthetic.price import price_path, sample_price
from catalog.synthetic_market import LOW_PRICED_STOCKS, SyntheticDay, SyntheticMarketSpec, synthetic_days
from market.calendar import TradingCalendar
from market.time import NS_PER_SECOND

FORTNIGHT = SyntheticMarketSpec(
    start=date(2025, 3, 3), end=date(2025, 3, 14), depth_levels=0, halt_probability=0.0
)


@pytest.fixture(scope="module")
def days() -> list[SyntheticDay]:
    return list(synthetic_days(FORTNIGHT))


def test_activity_is_u_shaped(days: list[SyntheticDay]) -> None:
    seconds = np.concatenate([(day.quotes.ts_event - day.session.open_ns) / NS_PER_SECOND for day in days])
    by_half_hour = np.histogram(seconds, bins=13, range=(0, 23_400))[0]
    assert by_half_hour[0] > 1.5 * by_half_hour[6]
    assert by_half_hour[12] > 1.5 * by_half_hour[6]


def test_the_number_of_quotes_and_the_mean_spread_are_about_what_the_spec_says(
    days: list[SyntheticDay],
) -> None:
    for stock in LOW_PRICED_STOCKS:
        mine = [day for day in days if day.symbol == stock.symbol]
        assert np.mean([len(day.quotes) for day in mine]) == pytest.approx(stock.quote_updates_day, rel=0.2)
        assert np.mean([_mean_spread(day) for day in mine]) == pytest.approx(stock.spread_cents, rel=0.25)


def test_spreads_are_widest_at_the_open_and_grow_with_volatility(days: list[SyntheticDay]) -> None:
    wide = [day for day in days if day.symbol == "ZVZZT"]
    by_half_hour = np.array([_sampled(day)[1].reshape(13, -1).mean(axis=1) for day in wide])
    assert by_half_hour.mean(axis=0)[0] > 1.1 * by_half_hour.mean(axis=0)[6]
    correlations = []
    for day in wide:
        mid, spread = _sampled(day)
        minutes = np.diff(mid[::30]) ** 2
        volatility = minutes[:779].reshape(41, 19).mean(axis=1)
        correlations.append(np.corrcoef(volatility, spread[::30][:779].reshape(41, 19).mean(axis=1))[0, 1])
    assert np.mean(correlations) > 0.3


def test_displayed_imbalance_foretells_the_next_move_and_can_be_switched_off(
    days: list[SyntheticDay],
) -> None:
    informed = [_foretelling(day) for day in days]
    blind = [
        _foretelling(day)
        for day in synthetic_days(msgspec.structs.replace(FORTNIGHT, imbalance_information=0.0))
    ]
    assert np.mean(informed) > 0.25
    assert min(informed) > 0.1
    assert abs(np.mean(blind)) < 0.02


@pytest.mark.real_data
def test_what_is_planted_is_less_than_what_bac_showed(real_data: Path, days: list[SyntheticDay]) -> None:
    bid, bid_size, ask, ask_size = _recorded_quotes(real_data / "lean/equity/usa/tick/bac/20131007_quote.zip")
    recorded = _next_move_correlation((bid + ask) / 2, (bid_size - ask_size) / (bid_size + ask_size))
    assert recorded == pytest.approx(0.433, abs=0.005)
    assert np.mean([_foretelling(day) for day in days]) < recorded


def test_buyers_come_before_rises_and_sellers_before_falls(days: list[SyntheticDay]) -> None:
    shares = []
    for day in days:
        mid = (day.quotes.bid + day.quotes.ask) / 2
        ahead = np.minimum(day.trades.event + 500, len(mid) - 1)
        move = np.sign(mid[ahead] - mid[day.trades.event - 1])
        for aggressor, sign in ((Aggressor.BUYER, 1), (Aggressor.SELLER, -1)):
            mine = (day.trades.aggressor == aggressor) & (move != 0)
            shares.append((move[mine] == sign).mean())
    assert np.mean(shares) > 0.52


def test_taking_the_spread_on_imbalance_alone_loses_money(days: list[SyntheticDay]) -> None:
    """No free money: crossing the spread on an extreme imbalance and back a minute later costs."""
    profits = []
    for day in days:
        quotes = day.quotes
        imbalance = (quotes.bid_size - quotes.ask_size) / (quotes.bid_size + quotes.ask_size)
        later = np.searchsorted(quotes.ts_event, quotes.ts_event + 60 * NS_PER_SECOND)
        entries = np.flatnonzero((later < len(quotes)) & (imbalance > 0.8))
        profits.append(np.mean(quotes.bid[later[entries]] - quotes.ask[entries]))
    assert np.mean(profits) < -0.3


def test_the_efficient_price_has_the_volatility_it_should_and_no_momentum() -> None:
    returns = _efficient_log_returns(symbol="ZBZZT", n_days=120)
    assert returns.sum(axis=1).std() == pytest.approx(0.028, rel=0.2)
    assert abs(returns.sum(axis=1).mean()) < 3 * 0.028 / np.sqrt(120)
    one_lag = [np.corrcoef(day[:-1], day[1:])[0, 1] for day in returns]
    assert abs(np.mean(one_lag)) < 4 / np.sqrt(returns.size)


def test_returns_have_fat_tails_and_volatility_clusters() -> None:
    returns = _efficient_log_returns(symbol="ZBZZT", n_days=60)[:, 10:200]  # away from the open
    standardised = returns / returns.std()
    assert np.mean(standardised**4) > 3.5
    clustering = [np.corrcoef(np.abs(day[:-1]), np.abs(day[1:]))[0, 1] for day in returns]
    assert np.mean(clustering) > 0.05


def test_stocks_move_together_as_their_betas_say() -> None:
    first, second = (_efficient_log_returns(symbol=symbol, n_days=60) for symbol in ("ZAZZT", "ZVZZT"))
    market = 0.010
    expected = (1.0 * market / 0.022) * (1.5 * market / 0.045)
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] == pytest.approx(expected, abs=0.05)


def test_jumps_come_as_often_as_the_spec_says() -> None:
    spec = msgspec.structs.replace(FORTNIGHT, jumps_per_day=4.0)
    session = TradingCalendar(spec.start, spec.start).session_on(spec.start)
    assert session is not None
    counts = [
        len(
            price_path(
                msgspec.structs.replace(spec, seed=seed), LOW_PRICED_STOCKS[0],
                session=session, opening_price=9.4, halts=(),
            ).jump_seconds
        )
        for seed in range(300)
    ]  # fmt: skip
    assert np.mean(counts) == pytest.approx(4.0, abs=4 * 2 / np.sqrt(300))


def _efficient_log_returns(*, symbol: str, n_days: int) -> FloatArray:
    """Return 1-minute log returns without jumps, `(n_days, 390)`: one session under `n_days` seeds."""
    stock = next(stock for stock in LOW_PRICED_STOCKS if stock.symbol == symbol)
    session = TradingCalendar(FORTNIGHT.start, FORTNIGHT.start).session_on(FORTNIGHT.start)
    assert session is not None
    rows = []
    for seed in range(n_days):
        spec = msgspec.structs.replace(FORTNIGHT, seed=seed, jumps_per_day=0.0)
        path = price_path(spec, stock, session=session, opening_price=stock.price_usd, halts=())
        rng = generator(seed, session.date, symbol, "price")
        at_minutes = np.arange(0, 23_401, 60, dtype=np.float64)
        rows.append(np.diff(np.log(sample_price(path, rng, at_minutes))))
    return np.array(rows)


def _sampled(day: SyntheticDay) -> tuple[FloatArray, FloatArray]:
    """Return mid and spread in cents at each second of the session, `(23400,)`."""
    quotes = day.quotes
    at = day.session.open_ns + np.arange(23_400) * NS_PER_SECOND
    latest = np.searchsorted(quotes.ts_event, at, side="right") - 1
    return ((quotes.bid + quotes.ask) / 2)[latest], (quotes.ask - quotes.bid)[latest].astype(np.float64)


def _mean_spread(day: SyntheticDay) -> float:
    return float(_sampled(day)[1].mean())


def _foretelling(day: SyntheticDay) -> float:
    quotes = day.quotes
    imbalance = (quotes.bid_size - quotes.ask_size) / (quotes.bid_size + quotes.ask_size)
    return _next_move_correlation((quotes.bid + quotes.ask) / 2, imbalance)


def _next_move_correlation(mid: FloatArray, imbalance: FloatArray) -> float:
    """Correlate the imbalance of each quote with the direction of the next move of the mid."""
    moves = np.flatnonzero(np.diff(mid))
    following = np.searchsorted(moves, np.arange(len(mid)))
    known = following < len(moves)
    direction = np.sign(np.diff(mid)[moves[following[known]]])
    return float(np.corrcoef(direction, imbalance[known])[0, 1])


def _recorded_quotes(path: Path) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return bid, bid size, ask, ask size of a Lean tick file's regular session, carried forward."""
    with zipfile.ZipFile(path) as archive:
        rows = pd.read_csv(archive.open(archive.namelist()[0]), header=None, usecols=range(5))
    rows.columns = pd.Index(["ms", "bid", "bid_size", "ask", "ask_size"])
    rows = rows[(rows.ms >= 34_200_000) & (rows.ms < 57_600_000)]
    for side in ("bid", "ask"):
        absent = rows[side] == 0
        for column in (side, f"{side}_size"):
            rows[column] = rows[column].astype("float64").mask(absent).ffill()
    rows = rows.dropna()
    bid, bid_size, ask, ask_size = (rows[name].to_numpy() for name in ("bid", "bid_size", "ask", "ask_size"))
    return bid, bid_size, ask, ask_size
