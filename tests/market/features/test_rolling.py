"""The rolling sum is the sum of its window, whatever passed through it before."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.features.rolling import RollingSum

squares = st.one_of(st.just(0.0), st.floats(1e-12, 1e-2), st.floats(1e-12, 1e12))


@given(st.lists(squares, max_size=200), st.integers(1, 20))
def test_the_total_is_the_sum_of_the_last_values(values: list[float], size: int) -> None:
    rolling = RollingSum(size)
    for count, value in enumerate(values, 1):
        rolling.push(value)
        assert rolling.total == pytest.approx(math.fsum(values[max(0, count - size) : count]), rel=1e-14)
        assert rolling.is_full is (count >= size)


def test_a_huge_value_leaves_no_trace_once_it_left() -> None:
    rolling = RollingSum(3)
    for value in (1e20, 1e-20, 1e-20, 1e-20):
        rolling.push(value)
    assert rolling.total == pytest.approx(3e-20, rel=1e-15)


def test_clearing_empties_it() -> None:
    rolling = RollingSum(2)
    for _ in range(5):
        rolling.push(1.0)
    rolling.clear()
    assert (rolling.total, rolling.is_full) == (0.0, False)
    rolling.push(2.0)
    assert rolling.total == 2.0
