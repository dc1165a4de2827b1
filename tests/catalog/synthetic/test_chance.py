from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.synthetic.chance import Part, generator, last_true, round_with_hysteresis, slow_noise

DAY = date(2025, 3, 3)

# A grid finer than any reach, so that limits are met exactly and floats do not blur them.
values = st.lists(st.integers(-400, 400).map(lambda n: n / 64), min_size=1, max_size=60)
reaches = st.integers(32, 63).map(lambda n: n / 64)


@given(values, reaches)
def test_hysteresis_moves_as_little_as_the_reach_allows(series: list[float], reach: float) -> None:
    expected = []
    state = float(np.rint(series[0]))
    for value in series:
        state = min(max(state, np.ceil(value - reach)), np.floor(value + reach))
        expected.append(state)
    assert round_with_hysteresis(np.array(series), reach=reach).tolist() == expected


@pytest.mark.parametrize("reach", [0.49, 1.0])
def test_hysteresis_refuses_a_reach_that_leaves_no_or_many_numbers(reach: float) -> None:
    with pytest.raises(ValueError, match=str(reach)):
        round_with_hysteresis(np.array([1.0]), reach=reach)


def test_slow_noise_has_unit_variance_and_the_stated_memory() -> None:
    series = slow_noise(np.random.default_rng(1), 400_000, memory=20.0)
    assert series.std() == pytest.approx(1.0, abs=0.05)
    assert np.corrcoef(series[:-20], series[20:])[0, 1] == pytest.approx(np.exp(-1), abs=0.05)


def test_slow_noise_starts_as_it_goes_on() -> None:
    first = [slow_noise(np.random.default_rng(seed), 2, memory=500.0)[0] for seed in range(2_000)]
    assert np.std(first) == pytest.approx(1.0, abs=0.06)


def test_equal_keys_give_equal_streams_and_any_other_key_another() -> None:
    keys: list[tuple[int, date, str, Part]] = [
        (7, DAY, "ZAZZT", "price"),
        (8, DAY, "ZAZZT", "price"),
        (7, date(2025, 3, 4), "ZAZZT", "price"),
        (7, DAY, "ZAZZ", "price"),
        (7, DAY, "", "price"),
        (7, DAY, "ZAZZT", "sizes"),
    ]
    draws = [generator(*key).integers(0, 2**62) for key in keys]
    assert len(set(draws)) == len(keys)
    assert [generator(*key).integers(0, 2**62) for key in keys] == draws


@given(st.lists(st.booleans(), max_size=40))
def test_last_true_is_the_latest_position_that_holds(flags: list[bool]) -> None:
    expected = [max((j for j in range(i + 1) if flags[j]), default=-1) for i in range(len(flags))]
    assert last_true(np.array(flags, dtype=np.bool_)).tolist() == expected
