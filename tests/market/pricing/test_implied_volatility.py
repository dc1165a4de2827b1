from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import ConfigError
from market.pricing.european import EuropeanOptions, greeks, price
from market.pricing.implied_volatility import BLOCK, Reason, implied_volatility, volatility_and_greeks


def _random(seed: int, n: int) -> tuple[EuropeanOptions, np.ndarray]:
    """Options from minutes to three years, 3 % to 300 % volatility, up to six deviations from the money."""
    chance = np.random.default_rng(seed)
    years = np.exp(chance.uniform(np.log(1e-5), np.log(3), n))
    volatility = np.exp(chance.uniform(np.log(0.03), np.log(3), n))
    log_moneyness = chance.uniform(-6, 6, n) * volatility * np.sqrt(years)
    options = EuropeanOptions.of(
        spot=chance.uniform(1, 5000, n),
        strike=1.0,
        years=years,
        rate=chance.uniform(-0.01, 0.1, n),
        dividend_yield=chance.uniform(0, 0.05, n),
        is_call=log_moneyness < 0,
    )
    return EuropeanOptions(
        options.spot,
        options.spot * np.exp(-log_moneyness),
        options.years,
        options.rate,
        options.dividend_yield,
        options.is_call,
    ), volatility


@given(st.integers(0, 2**32 - 1))
def test_volatility_round_trips_over_a_wide_domain(seed: int) -> None:
    options, volatility = _random(seed, 500)
    found = implied_volatility(options, price(options, volatility))
    assert np.all(found.reason == Reason.OK)
    assert found.volatility == pytest.approx(volatility, rel=1e-9, abs=1e-10)


@given(st.integers(0, 2**32 - 1))
def test_the_greeks_of_the_one_pass_are_those_at_the_volatility(seed: int) -> None:
    options, volatility = _random(seed, 300)
    found = volatility_and_greeks(options, price(options, volatility))
    expected = greeks(options, found.volatility)
    for name in ("delta", "gamma", "vega", "theta", "rho"):
        own, other = getattr(found.greeks, name), getattr(expected, name)
        assert own == pytest.approx(other, rel=1e-7, abs=1e-9 * max(1.0, float(np.max(np.abs(other))))), name


def test_deep_in_the_money_keeps_as_many_digits_as_the_price_has() -> None:
    options = EuropeanOptions.of(
        spot=100.0, strike=[60.0, 150.0], years=0.25, rate=0.03, is_call=[True, False]
    )
    values = price(options, 0.4)
    assert implied_volatility(options, values).volatility == pytest.approx([0.4, 0.4], abs=1e-9)


@pytest.mark.parametrize(
    ("change", "value", "reason"),
    [
        ({}, 5.0, Reason.OK),
        ({}, 0.0, Reason.BAD_INPUT),  # zero bid
        ({}, np.nan, Reason.BAD_INPUT),
        ({}, np.inf, Reason.BAD_INPUT),
        ({"spot": np.nan}, 5.0, Reason.BAD_INPUT),
        ({"strike": 0.0}, 5.0, Reason.BAD_INPUT),
        ({"years": 0.0}, 5.0, Reason.EXPIRED),
        ({"strike": 90.0}, 10.0, Reason.NOT_ABOVE_INTRINSIC),
        ({"strike": 90.0}, 9.0, Reason.NOT_ABOVE_INTRINSIC),
        ({}, 100.0, Reason.NOT_BELOW_MAXIMUM),
        ({}, 101.0, Reason.NOT_BELOW_MAXIMUM),
    ],
)
def test_a_price_without_a_volatility_has_a_reason_and_no_number(
    change: dict[str, float], value: float, reason: Reason
) -> None:
    inputs = {"spot": 100.0, "strike": 100.0, "years": 0.5} | change
    found = volatility_and_greeks(EuropeanOptions.of(is_call=True, **inputs), value)
    assert found.reason[0] == reason
    assert np.isfinite(found.volatility[0]) == (reason is Reason.OK)
    assert all(np.isfinite(greek[0]) == (reason is Reason.OK) for greek in found.greeks)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=6, max_size=6), st.booleans())
def test_any_numbers_at_all_give_a_volatility_that_prices_back_or_a_reason(
    numbers: list[float], call: bool
) -> None:
    spot, strike, years, rate, dividend_yield, value = numbers
    options = EuropeanOptions.of(
        spot=spot, strike=strike, years=years, rate=rate, dividend_yield=dividend_yield, is_call=call
    )
    found = implied_volatility(options, value)
    assert np.isnan(found.volatility[0]) == (found.reason[0] != Reason.OK)
    if found.reason[0] == Reason.OK:
        assert price(options, found.volatility)[0] == pytest.approx(
            value, rel=1e-6, abs=1e-9 * (spot + strike)
        )


def test_bad_rows_do_not_disturb_their_block_and_blocks_do_not_disturb_each_other() -> None:
    options, volatility = _random(7, BLOCK + 100)
    values = price(options, volatility)
    values[::3] = np.nan
    found = implied_volatility(options, values)
    assert np.isnan(found.volatility[::3]).all()
    good = np.ones(len(options), dtype=bool)
    good[::3] = False
    assert found.volatility[good] == pytest.approx(volatility[good], rel=1e-9, abs=1e-10)
    alone = implied_volatility(options.take(slice(BLOCK - 1, BLOCK + 2)), values[BLOCK - 1 : BLOCK + 2])
    assert np.array_equal(alone.volatility, found.volatility[BLOCK - 1 : BLOCK + 2], equal_nan=True)


@given(st.integers(0, 2**32 - 1))
def test_the_compiled_engine_gives_the_same_numbers(seed: int) -> None:
    pytest.importorskip("numba", reason="numba is an optional extra; CI installs it")
    options, volatility = _random(seed, 400)
    values = price(options, volatility)
    values[::7] = 0.0
    values[3::50] = options.spot[3::50] * 2 + options.strike[3::50] * 2
    plain, compiled = (volatility_and_greeks(options, values, engine=engine) for engine in ("numpy", "numba"))
    assert np.array_equal(plain.reason, compiled.reason)
    assert compiled.volatility == pytest.approx(plain.volatility, rel=2e-12, abs=2e-12, nan_ok=True)
    for own, other in zip(compiled.greeks, plain.greeks, strict=True):
        scale = max(1.0, float(np.nanmax(np.abs(other))))
        assert own == pytest.approx(other, rel=1e-9, abs=1e-11 * scale, nan_ok=True)


def test_a_missing_numba_is_said_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "market.pricing.numba_kernels", None)
    options = EuropeanOptions.of(spot=100.0, strike=100.0, years=1.0, is_call=True)
    with pytest.raises(ConfigError, match="uv sync --extra numba"):
        volatility_and_greeks(options, 5.0, engine="numba")


def test_prices_at_the_edge_of_arbitrage_still_solve() -> None:
    options = EuropeanOptions.of(spot=100.0, strike=100.0, years=1.0, is_call=True)
    for deviation in (1e-6, 1e-3, 4.0, 6.0, 8.0, 12.0):
        found = implied_volatility(options, price(options, deviation))
        assert found.volatility[0] == pytest.approx(deviation, rel=1e-6), deviation
