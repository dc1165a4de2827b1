"""American values against published ones: papers, textbooks, and Interactive Brokers' model of SPY."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from market.pricing import american, european
from market.pricing.american import CashDividends
from market.pricing.american_volatility import implied_volatility
from market.pricing.european import EuropeanOptions, years_until
from market.pricing.scaled_erfc import Array
from market.time import to_ns

# Broadie and Detemple (1996), table 1, true values: calls on 80 to 120 with strike 100 and half a year to go.
BROADIE_DETEMPLE = {
    (0.03, 0.07, 0.2): (0.219, 1.386, 4.783, 11.098, 20.000),
    (0.03, 0.07, 0.4): (2.689, 5.722, 10.239, 16.181, 23.360),
    (0.00, 0.07, 0.3): (1.037, 3.123, 7.035, 12.955, 20.717),
    (0.07, 0.03, 0.3): (1.664, 4.495, 9.251, 15.798, 23.706),
}
# Longstaff and Schwartz (2001), table 1, finite differences: puts with strike 40 at 6 %.
LONGSTAFF_SCHWARTZ = [
    (36.0, 0.2, 1.0, 4.478),
    (36.0, 0.2, 2.0, 4.840),
    (36.0, 0.4, 1.0, 7.101),
    (40.0, 0.2, 1.0, 2.314),
    (44.0, 0.2, 1.0, 1.110),
    (44.0, 0.4, 2.0, 5.647),
]


@pytest.mark.parametrize("terms", BROADIE_DETEMPLE)
def test_calls_with_a_yield_are_those_of_broadie_and_detemple(terms: tuple[float, float, float]) -> None:
    rate, dividend_yield, volatility = terms
    options = EuropeanOptions.of(
        spot=[80.0, 90.0, 100.0, 110.0, 120.0],
        strike=100.0,
        years=0.5,
        rate=rate,
        dividend_yield=dividend_yield,
        is_call=True,
    )
    assert american.price(options, volatility) == pytest.approx(BROADIE_DETEMPLE[terms], abs=4e-3)


@pytest.mark.parametrize(("spot", "volatility", "years", "value"), LONGSTAFF_SCHWARTZ)
def test_puts_are_those_of_longstaff_and_schwartz(
    spot: float, volatility: float, years: float, value: float
) -> None:
    options = EuropeanOptions.of(spot=spot, strike=40.0, years=years, rate=0.06, is_call=False)
    # Theirs can be exercised 50 times a year, ours at any time: that is worth up to a cent more.
    assert american.price(options, volatility)[0] == pytest.approx(value, abs=0.01)


def test_hulls_call_with_two_dividends() -> None:
    """Options, Futures, and Other Derivatives, on Black's approximation: European 3.67, American 3.72."""
    options = EuropeanOptions.of(spot=40.0, strike=40.0, years=0.5, rate=0.09, is_call=True)
    dividends = CashDividends(np.array([2 / 12, 5 / 12]), np.array([0.50, 0.50]))
    bare = american.without_dividends(options, dividends)
    assert european.price(bare, 0.30)[0] == pytest.approx(3.67, abs=0.005)
    assert american.price(options, 0.30, dividends=dividends)[0] == pytest.approx(3.72, abs=0.01)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["barone_adesi_whaley", "bjerksund_stensland"])
def test_approximations_lie_within_their_own_error(real_data: Path, name: str) -> None:
    rows = _read(real_data / "reference_values" / f"american_{name}_approx.csv")
    assert len(rows) == {"barone_adesi_whaley": 37, "bjerksund_stensland": 8}[name]
    columns = ("spot", "strike", "t", "r", "q", "vol", "value")
    spot, strike, years, rate, dividend_yield, volatility, value = (
        np.array([float(row[key]) for row in rows]) for key in columns
    )
    options = EuropeanOptions.of(
        spot=spot,
        strike=strike,
        years=years,
        rate=rate,
        dividend_yield=dividend_yield,
        is_call=[row["right"] == "C" for row in rows],
    )
    found = american.price(options, volatility)
    usual = volatility < 1.0
    assert found[usual] == pytest.approx(value[usual], abs=0.08)  # the data README's figure
    assert np.all(found > value - 0.08)  # of a volatility of 1,000 % the approximation is a lower bound only


class IbModel(NamedTuple):
    """What TWS sent as its model's values, a row a moment, each of shape `(n,)`."""

    options: EuropeanOptions
    price: Array
    iv: Array
    delta: Array
    gamma: Array
    vega: Array
    theta: Array


IB_RATE = 0.0545
"""The one thing fitted, continuously compounded; the Federal Reserve's target was 5.25 to 5.50 % that day."""

_IB_COLUMNS = ("undPrice", "price", "impliedVol", "delta", "gamma", "vega", "theta")


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _ib_rows(folder: Path) -> Iterator[tuple[float, float, bool, list[float]]]:
    """Yield strike, years to 16:00 New York of the expiry, whether a call, and the model's columns."""
    for path in sorted(folder.glob("SPY*.csv")):
        day = datetime.strptime(path.stem[3:9], "%y%m%d").date()  # noqa: DTZ007 - a date has no zone
        expiry_ns = to_ns(f"{day.isoformat()}T16:00:00-04:00")
        for row in _read(path):
            moment = datetime.strptime(row[""], "%Y%m%d %H:%M:%S.%f").isoformat()  # noqa: DTZ007
            years = float(years_until(expiry_ns, to_ns(f"{moment}+00:00")))
            values = [float(row[f"model_{name}"]) for name in _IB_COLUMNS]
            yield float(path.stem[10:]) / 1000, years, path.stem[9] == "C", values


@pytest.fixture(scope="module")
def ib(real_data: Path) -> IbModel:
    rows = list(_ib_rows(real_data / "ib_model_greeks_spy_2023"))
    assert len(rows) == 240
    values = np.array([row[3] for row in rows]).T
    options = EuropeanOptions.of(
        spot=values[0],
        strike=[row[0] for row in rows],
        years=[row[1] for row in rows],
        rate=IB_RATE,
        is_call=[row[2] for row in rows],
    )
    return IbModel(options, *values[1:])


@pytest.mark.real_data
def test_prices_are_interactive_brokers_within_two_cents(ib: IbModel) -> None:
    error = american.price(ib.options, ib.iv) - ib.price
    assert np.abs(error).max() < 0.02
    assert np.sqrt(np.mean(error**2)) < 0.01
    # Deep puts show that IB's model exercises early: the European value misses by more than a dollar.
    assert np.abs(european.price(ib.options, ib.iv) - ib.price).max() > 1.0


@pytest.mark.real_data
def test_greeks_are_interactive_brokers(ib: IbModel) -> None:
    found = american.greeks(ib.options, ib.iv)
    assert found.delta == pytest.approx(ib.delta, abs=0.002)
    clear = np.abs(ib.delta) < 0.95  # beside the price where exercise is due, gamma jumps
    assert found.gamma[clear] == pytest.approx(ib.gamma[clear], abs=5e-4)
    assert found.theta[clear] == pytest.approx(ib.theta[clear], abs=2e-3)
    assert found.theta == pytest.approx(ib.theta, abs=0.01)


@pytest.mark.real_data
def test_interactive_brokers_vega_is_the_change_for_a_whole_point(ib: IbModel) -> None:
    step = american.price(ib.options, ib.iv + 0.01) - american.price(ib.options, ib.iv)
    assert step == pytest.approx(ib.vega, abs=0.02)
    assert np.sqrt(np.mean((step - ib.vega) ** 2)) < 0.006
    slope = american.greeks(ib.options, ib.iv).vega
    middle = (np.abs(ib.delta) > 0.35) & (np.abs(ib.delta) < 0.65)  # where slope and step are one
    assert slope[middle] == pytest.approx(ib.vega[middle], abs=0.006)


@pytest.mark.real_data
def test_volatilities_are_interactive_brokers_where_the_price_depends_on_them(ib: IbModel) -> None:
    found = implied_volatility(ib.options, ib.price).volatility
    sensitive = ib.vega > 0.1
    assert sensitive.sum() > 120
    assert found[sensitive] == pytest.approx(ib.iv[sensitive], abs=1e-3)
