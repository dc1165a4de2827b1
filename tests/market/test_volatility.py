"""Rank, percentile, realised volatility, term structure, skew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import DataError
from market.option_chain import OptionChain
from market.option_chain_pricing import PricingInputs, priced
from market.rates import RateCurve
from market.volatility import (
    Skew,
    Smile,
    TermStructure,
    at_the_money_iv,
    constant_maturity_iv,
    range_volatility,
    realised_volatility,
    rolling_realised_volatility,
    skew,
    smile_at,
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


def without_volatility(low: float, high: float) -> OptionChain:
    """Return a priced chain whose contracts with strikes from `low` to `high` have neither quote nor IV."""
    chain = priced_at()
    inside = (chain.strike >= low) & (chain.strike <= high)
    absent = {name: np.where(inside, np.nan, getattr(chain, name)) for name in ("bid", "ask")}
    return priced(chain.with_columns(absent), INPUTS)


@pytest.mark.parametrize(
    ("low", "high", "is_known"),
    [(99, 101, True), (99, 103, True), (97, 103, False), (90, 110, False)],
    ids=["one strike", "two strikes", "four strikes", "eleven strikes"],
)
def test_the_money_is_not_read_across_a_gap_of_listed_strikes(
    low: float, high: float, is_known: bool
) -> None:
    chain = without_volatility(low, high)
    found = term_structure(chain, INPUTS).atm_iv
    assert np.isnan(found).tolist() == [not is_known] * 3
    if is_known:
        assert found == pytest.approx(VOLATILITY, abs=1e-6)


def test_two_strikes_beside_the_money_are_enough_however_far_apart_they_are_listed() -> None:
    chain = priced_at()
    listed = chain.take((chain.strike <= 86) | (chain.strike >= 114))
    found = term_structure(priced(listed, INPUTS), INPUTS).atm_iv
    assert found[1:] == pytest.approx(VOLATILITY, abs=1e-5)


def test_a_wing_is_not_read_across_a_gap_of_listed_strikes() -> None:
    whole, gap = without_volatility(0, 1), without_volatility(88, 98)
    expiry = int(whole.expiries[1])
    assert skew(whole, expiry, INPUTS).put_iv == pytest.approx(VOLATILITY, abs=1e-6)
    assert np.isnan(skew(gap, expiry, INPUTS).put_iv)
    assert skew(gap, expiry, INPUTS).call_iv == pytest.approx(VOLATILITY, abs=1e-6)


def test_a_smile_is_read_at_and_between_its_strikes_only() -> None:
    listed = np.array([90.0, 100.0, 110.0, 120.0, 130.0, 140.0])
    smile = Smile(np.array([90.0, 100.0, 140.0]), np.array([0.3, 0.2, 0.4]), listed, years=0.1)
    found = smile_at([89.0, 90.0, 95.0, 100.0, 120.0, 140.0, 141.0], smile)
    assert found == pytest.approx([np.nan, 0.3, 0.25, 0.2, np.nan, 0.4, np.nan], nan_ok=True)
    none = Smile(np.empty(0), np.empty(0), listed, years=0.1)
    assert np.isnan(smile_at(100.0, none))
    assert np.isnan(smile_at(np.nan, smile))


@pytest.mark.parametrize(
    ("width", "volatility", "is_known"),
    [(0.049, 0.2, True), (0.051, 0.2, False), (0.099, 2.0, True), (0.101, 2.0, False)],
    ids=["a quarter of a deviation", "more than that", "a tenth", "more than that at any volatility"],
)
def test_a_gap_is_read_across_while_it_is_narrow(width: float, volatility: float, is_known: bool) -> None:
    """A year to expiry, so that the volatility is the standard deviation; nine strikes lie in the gap."""
    ends = np.array([100.0, 100.0 * np.exp(width)])
    smile = Smile(ends, np.array([volatility, volatility + 0.1]), np.linspace(100.0, ends[1], 11), years=1.0)
    assert bool(np.isnan(smile_at(101.0, smile))) is not is_known
