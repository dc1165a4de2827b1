from __future__ import annotations

import math

import numpy as np
import pytest

from market.pricing.scaled_erfc import LOWEST, scaled_erfc, scaled_erfc_above


def _reference(z: float) -> float:
    if z < 25:
        return math.exp(z * z) * math.erfc(z)
    inverse = 1 / (z * z)  # asymptotic series (Abramowitz and Stegun 7.1.23), exact to rounding from 25 on
    series = 1 - inverse / 2 * (1 - 3 * inverse / 2 * (1 - 5 * inverse / 2 * (1 - 7 * inverse / 2)))
    return series / (z * math.sqrt(math.pi))


def test_is_within_two_parts_in_a_million_million_everywhere_above_the_lowest() -> None:
    z = np.concatenate([np.linspace(LOWEST, 25, 20_001), np.geomspace(25, 1e8, 500)])
    expected = np.array([_reference(float(v)) for v in z])
    # exp(z^2) of the reference itself has a relative error of z^2 rounding errors
    tolerance = 2e-12 + np.minimum(z * z, 625) * 3e-16
    assert np.all(np.abs(scaled_erfc_above(z) / expected - 1) < tolerance)


def test_reflects_below_the_lowest_and_overflows_to_infinity_only_where_it_must() -> None:
    z = np.array([-26.0, -10.0, -3.0, -1.61, -1.6, 0.0])
    expected = np.array([_reference(float(v)) for v in z])
    assert scaled_erfc(z) == pytest.approx(expected, rel=2e-12)
    assert scaled_erfc(np.array([-40.0])) == np.inf


def test_at_zero_it_is_one() -> None:
    assert scaled_erfc(np.zeros(1)) == pytest.approx(1.0, rel=2e-12)
