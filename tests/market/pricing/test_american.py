from __future__ import annotations

import warnings

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - its documentation's name
from hypothesis import given, settings
from hypothesis import strategies as st

from market.pricing import american, european
from market.pricing.american import CashDividends
from market.pricing.american_volatility import implied_volatility
from market.pricing.european import EuropeanOptions
from market.pricing.implied_volatility import Reason

TODAY = ql.Date(2, 1, 2020)
THREE_DIVIDENDS = CashDividends(np.array([30, 120, 300]) / 365, np.array([1.0, 1.0, 1.2]))


def _random(seed: int, n: int, *, with_yield: bool = True) -> tuple[EuropeanOptions, np.ndarray, np.ndarray]:
    """n options on a share of 100 USD, their lives in days, and volatilities from 8 to 80 %."""
    chance = np.random.default_rng(seed)
    days = chance.integers(2, 500, n)
    options = EuropeanOptions.of(
        spot=100.0,
        strike=chance.uniform(70, 140, n),
        years=days / 365,
        rate=chance.uniform(0.001, 0.08, n),
        dividend_yield=chance.uniform(0, 0.06, n) if with_yield else 0.0,
        is_call=chance.random(n) < 0.5,
    )
    return options, days, chance.uniform(0.08, 0.8, n)


def _quantlib(
    options: EuropeanOptions, days: np.ndarray, volatility: np.ndarray, *, dividends: bool
) -> np.ndarray:
    ql.Settings.instance().evaluationDate = TODAY
    count = ql.Actual365Fixed()
    values = []
    for i in range(len(options)):
        kind = ql.Option.Call if options.is_call[i] else ql.Option.Put
        exercise = ql.AmericanExercise(TODAY, TODAY + int(days[i]))
        option = ql.VanillaOption(ql.PlainVanillaPayoff(kind, float(options.strike[i])), exercise)
        process = ql.BlackScholesMertonProcess(
            ql.QuoteHandle(ql.SimpleQuote(float(options.spot[i]))),
            ql.YieldTermStructureHandle(ql.FlatForward(TODAY, float(options.dividend_yield[i]), count)),
            ql.YieldTermStructureHandle(ql.FlatForward(TODAY, float(options.rate[i]), count)),
            ql.BlackVolTermStructureHandle(
                ql.BlackConstantVol(TODAY, ql.NullCalendar(), float(volatility[i]), count)
            ),
        )
        option.setPricingEngine(_engine(process, dividends=dividends))
        values.append(option.NPV())
    return np.array(values)


def _engine(process: object, *, dividends: bool) -> object:
    if not dividends:
        return ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.highPrecisionScheme())
    dates = [TODAY + 30, TODAY + 120, TODAY + 300]
    paid = ql.DividendVector(dates, THREE_DIVIDENDS.amounts.tolist())
    escrowed = ql.FdBlackScholesVanillaEngine.Escrowed
    scheme = ql.FdmSchemeDesc.Douglas()
    return ql.FdBlackScholesVanillaEngine(process, paid, 200, 400, 0, scheme, False, -1e300, escrowed)


def test_prices_are_quantlibs_without_dividends() -> None:
    options, days, volatility = _random(1, 300)
    error = american.price(options, volatility) - _quantlib(options, days, volatility, dividends=False)
    assert np.abs(error).max() < 0.015
    assert np.sqrt(np.mean(error**2)) < 0.0015


def test_prices_are_quantlibs_with_cash_dividends() -> None:
    options, days, volatility = _random(2, 120, with_yield=False)
    found = american.price(options, volatility, dividends=THREE_DIVIDENDS)
    error = found - _quantlib(options, days, volatility, dividends=True)
    assert np.abs(error).max() < 0.03
    assert np.sqrt(np.mean(error**2)) < 0.005


def test_more_steps_come_closer() -> None:
    options, days, volatility = _random(3, 60)
    exact = _quantlib(options, days, volatility, dividends=False)
    coarse, fine = (american.price(options, volatility, steps=steps) - exact for steps in (51, 201))
    assert np.sqrt(np.mean(fine**2)) < 0.5 * np.sqrt(np.mean(coarse**2))


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_is_worth_at_least_exercise_now_and_the_european_option(seed: int) -> None:
    options, _, volatility = _random(seed, 20)
    value = american.price(options, volatility)
    ahead = np.where(options.is_call, 1, -1) * (options.spot - options.strike)
    assert np.all(value >= np.maximum(ahead, 0) - 1e-12)
    assert np.all(value >= european.price(options, volatility) - 0.005)


def test_a_call_without_dividends_is_european_to_the_last_digit() -> None:
    options = EuropeanOptions.of(spot=100.0, strike=[90.0, 110.0], years=0.5, rate=0.05, is_call=True)
    assert not american.early_exercise_matters(options).any()
    assert american.price(options, 0.3).tolist() == european.price(options, 0.3).tolist()


def test_a_dividend_after_expiry_changes_nothing() -> None:
    options = EuropeanOptions.of(spot=100.0, strike=95.0, years=0.25, rate=0.03, is_call=[True, False])
    later = CashDividends(np.array([0.26]), np.array([5.0]))
    assert american.price(options, 0.3, dividends=later).tolist() == american.price(options, 0.3).tolist()


def test_a_deep_call_before_a_large_dividend_is_worth_exercise() -> None:
    options = EuropeanOptions.of(spot=100.0, strike=50.0, years=10 / 365, rate=0.01, is_call=True)
    tomorrow = CashDividends(np.array([1 / 365]), np.array([5.0]))
    assert american.price(options, 0.2, dividends=tomorrow)[0] == pytest.approx(50.0, abs=0.01)


@pytest.mark.parametrize("dividends", [american.NO_DIVIDENDS, THREE_DIVIDENDS])
def test_greeks_equal_differences_of_prices(dividends: CashDividends) -> None:
    options = EuropeanOptions.of(
        spot=100.0, strike=[90.0, 100.0, 110.0] * 2, years=0.9, rate=0.05, is_call=[True] * 3 + [False] * 3
    )
    found = american.greeks(options, 0.3, dividends=dividends)
    h = 4.0  # wide: the second difference of a tree's prices carries their error over h squared
    values = [
        american.price(
            EuropeanOptions.of(
                spot=100.0 + move, strike=options.strike, years=0.9, rate=0.05, is_call=options.is_call
            ),
            0.3,
            dividends=dividends,
        )
        for move in (-h, 0.0, h)
    ]
    assert found.delta == pytest.approx((values[2] - values[0]) / (2 * h), abs=5e-3)
    assert found.gamma == pytest.approx((values[2] - 2 * values[1] + values[0]) / h**2, abs=1e-3)
    assert np.all(found.vega > 0)
    assert np.all(found.theta < 0)


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_volatility_round_trips_where_the_price_is_above_exercise(seed: int) -> None:
    options, _, volatility = _random(seed, 15)
    value = american.price(options, volatility)
    found = implied_volatility(options, value)
    clear = value - american.price(options, 1e-3) > 0.02  # else volatility adds nothing to be found
    assert clear.any()
    assert np.all(found.reason[clear] == Reason.OK)
    repriced = american.price(options.take(clear), found.volatility[clear])
    assert repriced == pytest.approx(value[clear], abs=1e-5)


def test_a_price_that_exercise_alone_pays_has_no_volatility() -> None:
    options = EuropeanOptions.of(spot=80.0, strike=100.0, years=0.5, rate=0.05, is_call=False)
    found = implied_volatility(options, 20.0)
    assert found.reason[0] == Reason.NOT_ABOVE_INTRINSIC
    assert np.isnan(found.volatility[0])
    assert implied_volatility(options, 100.0).reason[0] == Reason.NOT_BELOW_MAXIMUM
    assert implied_volatility(options, 0.0).reason[0] == Reason.BAD_INPUT


@settings(max_examples=60)
@given(st.floats(1e-6, 1e6), st.floats(1e-8, 40.0), st.floats(-0.02, 0.15), st.floats(0, 0.1), st.booleans())
def test_prices_stay_within_their_bounds_and_warn_of_nothing_at_any_volatility(
    volatility: float, years: float, rate: float, dividend_yield: float, has_dividends: bool
) -> None:
    strikes = np.array([1e-3, 50.0, 100.0, 200.0, 1e6] * 2)
    options = EuropeanOptions.of(
        spot=100.0,
        strike=strikes,
        years=years,
        rate=rate,
        dividend_yield=dividend_yield,
        is_call=[True] * 5 + [False] * 5,
    )
    dividends = THREE_DIVIDENDS if has_dividends else american.NO_DIVIDENDS
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value = american.price(options, volatility, dividends=dividends)
        found = american.greeks(options, volatility, dividends=dividends)
    ahead = np.where(options.is_call, 1, -1) * (options.spot - options.strike)
    is_known = ~np.isnan(value)
    is_narrow = volatility * np.sqrt(years) < american.DEVIATION_MAX
    assert is_known.all() if is_narrow else np.isnan(found.delta[~is_known]).all()
    assert np.all(value[is_known] >= np.maximum(ahead, 0)[is_known])
    most = np.where(options.is_call, 100.0, strikes * np.exp(max(-rate * years, 0.0)))
    assert np.all(value[is_known] <= most[is_known] * (1 + 1e-12))


@pytest.mark.parametrize("volatility", [26.0, 1e6, np.inf, np.nan])
def test_a_volatility_that_no_tree_can_hold_gives_no_number(volatility: float) -> None:
    options = EuropeanOptions.of(spot=100.0, strike=100.0, years=1.0, rate=0.05, is_call=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(american.price(options, volatility)).all()
        assert all(np.isnan(greek).all() for greek in american.greeks(options, volatility))


def test_the_volatility_of_a_century_is_looked_for_where_a_tree_can_hold_it() -> None:
    options = EuropeanOptions.of(spot=100.0, strike=100.0, years=100.0, rate=0.01, is_call=False)
    found = implied_volatility(options, american.price(options, 0.4))
    assert found.reason[0] == Reason.OK
    assert found.volatility[0] == pytest.approx(0.4, abs=1e-4)
