"""Curves: bootstrapping, interpolation, bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import DataError
from market.rates import RateCurve, continuous, zeros_of_par_yields

YIELDS = {1 / 12: 0.01, 0.25: 0.011, 0.5: 0.012, 1.0: 0.015, 2.0: 0.018, 5.0: 0.022, 10.0: 0.025}


def par_price(curve: RateCurve, years: float, coupon: float) -> float:
    """Return the price of 1 USD of a half-yearly bond, by plain sums."""
    times = [years - 0.5 * k for k in range(round(2 * years))]
    return sum(coupon / 2 * float(curve.discounts(t)) for t in times) + float(curve.discounts(years))


@given(st.lists(st.floats(-0.01, 0.12), min_size=7, max_size=7))
def test_bonds_of_the_par_yields_are_worth_par(rates: list[float]) -> None:
    smooth = np.array(rates) * 0.1 + 0.03
    yields = dict(zip(YIELDS, smooth.tolist(), strict=True))
    curve = RateCurve.of_par_yields(yields)
    for years in (1.0, 2.0, 5.0, 10.0):
        assert par_price(curve, years, yields[years]) == pytest.approx(1.0, abs=1e-9)


def test_a_bill_is_simple_interest() -> None:
    curve = RateCurve.of_par_yields({0.25: 0.04})
    assert float(curve.discounts(0.25)) == pytest.approx(1 / 1.01)


def test_forward_rates_are_constant_between_tenors_and_the_ends_hold() -> None:
    curve = RateCurve((1.0, 3.0), (0.02, 0.04))
    forwards = -np.diff(np.log(curve.discounts([1.0, 1.5, 2.0, 2.5, 3.0]))) / 0.5
    assert forwards == pytest.approx(forwards[0])
    assert curve.zero_rates([0.001, 0.5, 9.0]).tolist() == [0.02, 0.02, 0.04]


def test_continuous_compounding_of_a_half_yearly_rate() -> None:
    assert float(np.exp(continuous(0.05, per_year=2))) == pytest.approx(1.025**2)


def test_unknown_yields_are_left_out() -> None:
    assert RateCurve.of_par_yields({0.5: 0.02, 1.0: float("nan")}).tenors == (0.5,)


@pytest.mark.parametrize(
    "make",
    [
        lambda: RateCurve((1.0,), (4.25,)),
        lambda: RateCurve((1.0, 1.0), (0.02, 0.02)),
        lambda: RateCurve((0.0,), (0.02,)),
        lambda: RateCurve((), ()),
        lambda: RateCurve((1.0,), (float("nan"),)),
        lambda: RateCurve.of_par_yields({1.0: float("nan")}),
    ],
)
def test_what_is_no_curve_is_refused(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError):
        make()


@given(st.lists(st.floats(-0.02, 0.15), min_size=1, max_size=20), st.floats(-0.01, 0.02))
def test_days_together_give_what_each_gives_alone(levels: list[float], slope: float) -> None:
    tenors = tuple(YIELDS)
    yields = np.array([[level + slope * np.log1p(years) for years in tenors] for level in levels])
    together = zeros_of_par_yields(tenors, yields)
    for row, zeros in zip(yields.tolist(), together, strict=True):
        alone = RateCurve.of_par_yields(dict(zip(tenors, row, strict=True)))
        assert zeros == pytest.approx(alone.rates, abs=1e-12)


def test_yields_that_no_rate_prices_make_no_curve() -> None:
    with pytest.raises(DataError, match="outside"):
        RateCurve.of_par_yields({10.0: 0.0, 10.5: 1.0})  # coupons worth 10 before it is repaid
