"""Pricing a chain: volatilities come back, reasons are named, missing prices follow from parity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from market.dividends import DividendSchedule
from market.option_chain import AMERICAN, CROSSED, NO_TWO_SIDED_QUOTE, NOT_PRICED
from market.option_chain_pricing import (
    PricingInputs,
    dividend_yields,
    implied_forward,
    priced,
    with_underlying_price,
)
from market.pricing import american, european
from market.pricing.european import EuropeanOptions
from market.pricing.implied_volatility import Reason
from market.rates import RateCurve
from tests.market.chains import NOW_NS, RATE, SPOT, VOLATILITY, YIELD, priced_at

INPUTS = PricingInputs(rates=RateCurve.flat(RATE))


def test_european_volatility_and_dividend_yield_come_back_from_the_quotes_alone() -> None:
    chain = priced(priced_at(), INPUTS)
    solved = chain.iv_reason == Reason.OK
    assert solved.mean() > 0.9
    # Far from the money a price has few digits of volatility in it.
    near = solved & (np.abs(chain.delta) > 0.001) & (np.abs(chain.delta) < 0.999)
    assert chain.iv[near] == pytest.approx(VOLATILITY, abs=1e-7)
    assert dividend_yields(chain, INPUTS) == pytest.approx(YIELD, abs=1e-9)


def test_greeks_equal_those_of_the_model_at_the_volatility() -> None:
    chain = priced(priced_at(), INPUTS)
    near = (chain.iv_reason == Reason.OK) & (np.abs(chain.delta) > 0.01) & (np.abs(chain.delta) < 0.99)
    model = european.greeks(
        EuropeanOptions.of(
            spot=SPOT,
            strike=chain.strike,
            years=chain.years,
            rate=RATE,
            dividend_yield=YIELD,
            is_call=chain.is_call,
        ),
        VOLATILITY,
    )
    for name in ("delta", "gamma", "vega", "theta", "rho"):
        assert getattr(chain, name)[near] == pytest.approx(getattr(model, name)[near], rel=1e-5, abs=1e-7)


def test_american_contracts_are_priced_on_trees_with_their_dividends() -> None:
    chain = priced_at(style=AMERICAN)
    dividends = DividendSchedule.of([(NOW_NS + 20 * 86_400 * 10**9, 0.50)])
    inputs = PricingInputs(rates=RateCurve.flat(RATE), dividends=dividends)
    cash = american.CashDividends(dividends.years_from(NOW_NS), np.array(dividends.amounts))
    options = EuropeanOptions.of(
        spot=SPOT, strike=chain.strike, years=chain.years, rate=RATE, is_call=chain.is_call
    )
    price = american.price(options, VOLATILITY, dividends=cash)
    found = priced(chain.with_columns({"bid": price, "ask": price}), inputs)
    middle = np.abs(chain.strike - SPOT) <= 6
    assert found.iv[middle] == pytest.approx(VOLATILITY, abs=1e-6)
    without = priced(chain.with_columns({"bid": price, "ask": price}), INPUTS)
    assert np.nanmax(np.abs(without.iv[middle] - VOLATILITY)) > 0.005


def test_dividends_that_are_known_are_not_counted_twice_in_european_contracts() -> None:
    dividends = DividendSchedule.of([(NOW_NS + 20 * 86_400 * 10**9, 0.80)])
    inputs = PricingInputs(rates=RateCurve.flat(RATE), dividends=dividends)
    chain = priced_at()
    years = chain.years
    cash = american.CashDividends(dividends.years_from(NOW_NS), np.array(dividends.amounts))
    whole = EuropeanOptions.of(spot=SPOT, strike=chain.strike, years=years, rate=RATE, is_call=chain.is_call)
    value = european.price(american.without_dividends(whole, cash), VOLATILITY)
    found = priced(chain.with_columns({"bid": value, "ask": value}), inputs)
    near = (np.abs(chain.strike - SPOT) <= 6) & (found.iv_reason == Reason.OK)
    assert near.sum() > 20
    assert found.iv[near] == pytest.approx(VOLATILITY, abs=1e-7)
    assert dividend_yields(found, inputs) == pytest.approx(0.0, abs=1e-9)
    hidden = replace(found, underlying_price=float("nan"))
    late = hidden.take(hidden.expiry_ns > NOW_NS + 20 * 86_400 * 10**9)
    assert with_underlying_price(late, inputs).underlying_price == pytest.approx(SPOT, rel=1e-9)


def test_every_missing_volatility_has_a_reason() -> None:
    chain = priced_at()
    assert set(chain.iv_reason.tolist()) == {NOT_PRICED}
    bid, ask = chain.bid.copy(), chain.ask.copy()
    bid[50] = 0.0
    bid[51], ask[51] = 5.0, 4.0
    chain = chain.with_columns({"bid": bid, "ask": ask})
    found = priced(chain, INPUTS)
    assert found.iv_reason[50] == NO_TWO_SIDED_QUOTE
    assert found.iv_reason[51] == CROSSED
    assert np.isnan(found.iv[[50, 51]]).all()
    assert (np.isnan(found.iv) == (found.iv_reason != Reason.OK)).all()
    assert np.isnan(found.delta[np.isnan(found.iv)]).all()


def test_an_expired_contract_has_no_volatility() -> None:
    late = replace(priced_at(days=(7,)), ts_ns=NOW_NS + 8 * 86_400 * 10**9)
    assert set(priced(late, INPUTS).iv_reason.tolist()) <= {Reason.EXPIRED, NO_TWO_SIDED_QUOTE}


def test_the_forward_is_the_one_that_parity_implies() -> None:
    part = priced_at(days=(91,))
    years = float(part.years[0])
    assert implied_forward(part, INPUTS.rates) == pytest.approx(
        SPOT * np.exp((RATE - YIELD) * years), rel=1e-12
    )
    assert np.isnan(implied_forward(part.take(part.is_call), INPUTS.rates))


def test_an_unknown_underlying_is_taken_from_the_nearest_expiry() -> None:
    unknown = replace(priced_at(), underlying_price=float("nan"))
    found = with_underlying_price(unknown, INPUTS)
    assert found.underlying_price == pytest.approx(SPOT * np.exp(-YIELD * float(unknown.years[0])), rel=1e-9)
    assert priced(unknown, INPUTS).underlying_price == found.underlying_price
    calls = unknown.take(unknown.is_call)
    assert np.isnan(with_underlying_price(calls, INPUTS).underlying_price)


def test_a_known_underlying_is_kept() -> None:
    assert with_underlying_price(priced_at(), INPUTS).underlying_price == SPOT
