from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.pricing.european import EuropeanOptions, greeks, price, years_until

spots = st.floats(0.5, 5_000)
moneyness = st.floats(-1.5, 1.5)
lifetimes = st.floats(1e-5, 3.0)
volatilities = st.floats(0.02, 3.0)
rates = st.floats(-0.02, 0.15)
option = st.tuples(spots, moneyness, lifetimes, rates, rates)


def _pair(inputs: tuple[float, float, float, float, float]) -> EuropeanOptions:
    """A call and a put of the same terms."""
    spot, log_moneyness, years, rate, dividend_yield = inputs
    return EuropeanOptions.of(
        spot=spot,
        strike=spot * np.exp(-log_moneyness),
        years=years,
        rate=rate,
        dividend_yield=dividend_yield,
        is_call=[True, False],
    )


def _read(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def _options(row: dict[str, str]) -> EuropeanOptions:
    return EuropeanOptions.of(
        spot=float(row["spot"]),
        strike=float(row["strike"]),
        years=float(row["t"]),
        rate=float(row["r"]),
        dividend_yield=float(row["q"]),
        is_call=row["right"] == "C",
    )


@pytest.mark.real_data
def test_prices_equal_haugs_published_values(real_data: Path) -> None:
    rows = _read(real_data / "reference_values" / "haug1998_european_values.csv")
    assert len(rows) == 43
    for row in rows:
        found = price(_options(row), float(row["vol"]))[0]
        assert found == pytest.approx(float(row["value"]), abs=5.6e-5), row  # four printed decimals


@pytest.mark.real_data
def test_greeks_equal_haugs_published_values(real_data: Path) -> None:
    per_unit = {"delta": 1.0, "gamma": 1.0, "vega": 100.0, "theta": 365.0, "theta_per_day": 1.0, "rho": 100.0}
    names = {"theta_per_day": "theta"}
    rows = [
        row
        for row in _read(real_data / "reference_values" / "haug1998_greeks.csv")
        if row["greek"] in per_unit
    ]
    assert len(rows) == 9
    for row in rows:
        found = greeks(_options(row), float(row["vol"]))
        value = getattr(found, names.get(row["greek"], row["greek"]))[0] * per_unit[row["greek"]]
        assert value == pytest.approx(float(row["value"]), abs=5e-5), row


@given(option, volatilities)
def test_put_and_call_obey_parity(
    inputs: tuple[float, float, float, float, float], volatility: float
) -> None:
    both = _pair(inputs)
    call, put = price(both, volatility)
    forward_value = both.spot[0] * np.exp(-both.dividend_yield[0] * both.years[0])
    strike_value = both.strike[0] * np.exp(-both.rate[0] * both.years[0])
    assert call - put == pytest.approx(
        forward_value - strike_value, abs=1e-11 * (forward_value + strike_value)
    )
    assert 0 <= call <= forward_value * (1 + 1e-12)
    assert 0 <= put <= strike_value * (1 + 1e-12)


@given(option, volatilities)
def test_price_rises_with_volatility(
    inputs: tuple[float, float, float, float, float], volatility: float
) -> None:
    both = _pair(inputs)
    lower, higher = price(both, volatility), price(both, volatility * 1.01)
    assert np.all(higher >= lower - 1e-12 * both.spot)


@given(option, volatilities)
def test_greeks_equal_finite_differences(
    inputs: tuple[float, float, float, float, float], volatility: float
) -> None:
    both = _pair(inputs)
    found = greeks(both, volatility)
    deviation = volatility * float(np.sqrt(both.years[0]))
    h = 1e-4 * min(deviation, 1.0) * both.spot[0]
    up = price(_moved(both, spot=h), volatility)
    down = price(_moved(both, spot=-h), volatility)
    assert found.delta == pytest.approx((up - down) / (2 * h), abs=2e-6)
    v = 1e-5 * volatility
    slope = (price(both, volatility + v) - price(both, volatility - v)) / (2 * v)
    assert found.vega * 100 == pytest.approx(slope, rel=1e-4, abs=2e-6 * both.spot[0])
    r = 1e-5
    bend = (price(_moved(both, rate=r), volatility) - price(_moved(both, rate=-r), volatility)) / (2 * r)
    assert found.rho * 100 == pytest.approx(bend, rel=1e-4, abs=1e-5 * both.spot[0])


@given(option, volatilities)
def test_theta_obeys_the_black_scholes_equation(
    inputs: tuple[float, float, float, float, float], volatility: float
) -> None:
    both = _pair(inputs)
    found, values = greeks(both, volatility), price(both, volatility)
    drift = (both.rate - both.dividend_yield) * both.spot * found.delta
    diffusion = 0.5 * volatility**2 * both.spot**2 * found.gamma
    scale = np.abs(drift) + np.abs(diffusion) + values + both.spot * 1e-3
    assert np.all(np.abs(found.theta * 365 + drift + diffusion - both.rate * values) < 1e-9 * scale)


def _moved(options: EuropeanOptions, *, spot: float = 0.0, rate: float = 0.0) -> EuropeanOptions:
    return EuropeanOptions.of(
        spot=options.spot + spot,
        strike=options.strike,
        years=options.years,
        rate=options.rate + rate,
        dividend_yield=options.dividend_yield,
        is_call=options.is_call,
    )


def test_without_time_or_volatility_the_price_is_what_parity_leaves() -> None:
    expired = EuropeanOptions.of(spot=100.0, strike=[90.0, 110.0], years=0.0, is_call=[True, True])
    assert price(expired, 0.2).tolist() == pytest.approx([10.0, 0.0])
    certain = EuropeanOptions.of(spot=100.0, strike=90.0, years=1.0, rate=0.1, is_call=True)
    assert price(certain, 0.0)[0] == pytest.approx(100 - 90 * np.exp(-0.1))


def test_huge_deviations_reach_the_upper_bound_and_not_a_nan() -> None:
    options = EuropeanOptions.of(
        spot=100.0, strike=[50.0, 100.0, 5_000.0], years=4.0, is_call=[True, False, True]
    )
    assert price(options, 20.0).tolist() == pytest.approx([100.0, 100.0, 100.0])


@pytest.mark.parametrize(
    "change", [{"spot": np.nan}, {"spot": 0.0}, {"strike": -1.0}, {"years": -0.1}, {"years": np.nan}]
)
def test_input_that_means_nothing_gives_nan_and_never_a_number(change: dict[str, float]) -> None:
    inputs = {"spot": 100.0, "strike": 100.0, "years": 1.0} | change
    assert np.isnan(price(EuropeanOptions.of(is_call=True, **inputs), 0.2)[0])


def test_years_count_nanoseconds_and_never_fall_below_zero() -> None:
    day = 86_400 * 10**9
    assert years_until(365 * day, 0) == 1.0
    assert years_until(day // 2, 0) == pytest.approx(0.5 / 365)
    assert years_until(0, day) == 0.0
