from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.pricing.probability import probability_above, probability_between

levels = st.floats(0.01, 1e4)


@given(levels, levels, st.floats(0.01, 3), st.floats(1e-4, 3))
def test_falls_with_the_level_and_stays_a_probability(
    low: float, high: float, volatility: float, years: float
) -> None:
    low, high = sorted((low, high))
    above = [
        float(probability_above(level, forward=100.0, volatility=volatility, years=years))
        for level in (low, high)
    ]
    assert 0 <= above[1] <= above[0] <= 1
    between = float(probability_between(low, high, forward=100.0, volatility=volatility, years=years))
    assert between == pytest.approx(above[0] - above[1])


def test_equals_the_share_of_simulated_prices() -> None:
    chance = np.random.default_rng(5)
    volatility, years = 0.4, 0.5
    deviation = volatility * np.sqrt(years)
    prices = 100 * np.exp(deviation * chance.standard_normal(400_000) - 0.5 * deviation**2)
    found = probability_above([80.0, 100.0, 120.0], forward=100.0, volatility=volatility, years=years)
    assert found == pytest.approx([np.mean(prices > level) for level in (80, 100, 120)], abs=0.003)


def test_without_time_it_is_certain_and_the_level_itself_is_not_above() -> None:
    found = probability_above([99.0, 100.0, 101.0, 0.0, -5.0], forward=100.0, volatility=0.2, years=0.0)
    assert found.tolist() == [1.0, 0.0, 0.0, 1.0, 1.0]


def test_what_is_not_known_has_no_probability() -> None:
    assert np.isnan(probability_above(np.nan, forward=100.0, volatility=0.2, years=1.0))
    assert np.isnan(probability_above(90.0, forward=100.0, volatility=np.nan, years=1.0))
