"""Rank, percentile, realised volatility, term structure, skew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import DataError
from market.option_chain_pricing import PricingInputs, priced
from market.rates import RateCurve
from market.volatility import (
    Skew,
    TermStructure,
    at_the_money_iv,
    constant_maturity_iv,
    range_volatility,
    realised_volatility,
    rolling_realised_volatility,
    skew,
    term_structure,
    volatility_rank,
)
from tests.market.chains import RATE, VOLATILITY, priced_at

INPUTS = PricingInputs(rates=RateCurve.flat(RATE))


@given(st.lists(st.floats(5, 90), min_size=2, max_size=400))
def test_rank_and_percentile_equal_plain_counts(values: list[float]) -> None:
    found = volatility_rank(values)
    window = values[-252:]
    below = sum(1 for value in window if value < values[-1])
    assert found.percentile_fraction == pytest.approx(below / len(window))
    if max(window) > min(window):
        assert found.rank_fraction == pytest.approx((values[-1] - min(window)) / (max(window) - min(window)))
        assert 0 <= found.rank_fraction <= 1
    else:
        assert np.isnan(found.rank_fraction)
    assert found.days == len(window)


def test_a_rank_needs_two_values() -> None:
    with pytest.raises(DataError, match="there are 1"):
        volatility_rank([20.0, float("nan")])


def test_realised_volatility_is_that_of_the_walk() -> None:
    returns = np.random.default_rng(7).normal(0, 0.20 / np.sqrt(252), 20_000)
    closes = 100 * np.exp(np.cumsum(returns))
    assert realised_volatility(closes) == pytest.approx(0.20, rel=0.02)
    assert np.isnan(realised_volatility([1.0, 2.0]))


def test_rolling_windows_equal_their_parts() -> None:
    closes = np.exp(np.random.default_rng(3).normal(0, 0.02, 60).cumsum())
    rolling = rolling_realised_volatility(closes, 20)
    assert np.isnan(rolling[:20]).all()
    for last in (20, 33, 59):
        assert rolling[last] == pytest.approx(realised_volatility(closes[last - 20 : last + 1]))
    with pytest.raises(DataError, match="window of 1"):
        rolling_realised_volatility(closes, 1)


def test_range_volatility_is_parkinsons() -> None:
    ranges = np.array([0.01, 0.02, 0.015])
    expected = np.sqrt(252 * np.mean(ranges**2) / (4 * np.log(2)))
    assert range_volatility(np.exp(ranges), np.ones(3)) == pytest.approx(expected)


def test_a_flat_surface_has_its_volatility_everywhere_and_no_skew() -> None:
    chain = priced(priced_at(), INPUTS)
    structure = term_structure(chain, INPUTS)
    assert structure.atm_iv == pytest.approx(VOLATILITY, abs=1e-6)
    for days in (1, 7, 20, 30, 60, 400):
        assert constant_maturity_iv(structure, days=days) == pytest.approx(VOLATILITY, abs=1e-6)
    found = skew(chain, int(chain.expiries[1]), INPUTS)
    assert found.risk_reversal == pytest.approx(0.0, abs=1e-6)
    assert found.butterfly == pytest.approx(0.0, abs=1e-6)


def test_constant_maturity_is_linear_in_total_variance() -> None:
    structure = TermStructure(np.array([1, 2, 3]), np.array([20, 40, 80]) / 365, np.array([0.2, 0.3, np.nan]))
    expected = np.sqrt((0.2**2 * 20 + 0.3**2 * 40) / 2 / 30)
    assert constant_maturity_iv(structure, days=30) == pytest.approx(expected)
    assert constant_maturity_iv(structure, days=60) == 0.3
    none = TermStructure(np.array([1]), np.array([0.1]), np.array([np.nan]))
    assert np.isnan(constant_maturity_iv(none))


def test_the_money_is_not_extrapolated() -> None:
    chain = priced(priced_at(), INPUTS)
    far = chain.take(chain.strike > 110)
    assert np.isnan(at_the_money_iv(far, int(far.expiries[0]), INPUTS))


def test_skew_measures() -> None:
    found = Skew(put_iv=0.30, call_iv=0.20, atm_iv=0.22)
    assert found.risk_reversal == pytest.approx(-0.10)
    assert found.butterfly == pytest.approx(0.03)
