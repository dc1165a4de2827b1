"""Prices land on ticks exactly, and no binary fraction reaches money."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import DataError
from market.money import DOLLAR_TICK, SUB_DOLLAR_TICK, round_to_tick, tick_size, to_decimal

prices = st.decimals(min_value=-10_000, max_value=10_000, places=8)
ticks = st.sampled_from([Decimal(text) for text in ("0.0001", "0.01", "0.05", "0.25", "1", "0.03")])


@pytest.mark.parametrize(
    ("price", "tick"),
    [
        ("0.0001", SUB_DOLLAR_TICK),
        ("0.9999", SUB_DOLLAR_TICK),
        ("1", DOLLAR_TICK),
        ("1.00", DOLLAR_TICK),
        ("13.90", DOLLAR_TICK),
    ],
)
def test_the_tick_changes_at_one_dollar(price: str, tick: Decimal) -> None:
    assert tick_size(Decimal(price)) == tick


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity"])
def test_what_is_not_a_price_has_no_tick(price: str) -> None:
    with pytest.raises(DataError, match="has no tick"):
        tick_size(Decimal(price))


@given(prices, ticks)
def test_rounding_brackets_the_price_between_neighbouring_ticks(price: Decimal, tick: Decimal) -> None:
    down = round_to_tick(price, tick=tick, toward="down")
    up = round_to_tick(price, tick=tick, toward="up")
    assert down <= price <= up
    assert up - down in (0, tick)
    assert (Fraction(down) / Fraction(tick)).denominator == 1
    assert down.as_tuple().exponent == tick.as_tuple().exponent


@given(prices, ticks)
def test_nearest_is_at_most_half_a_tick_away(price: Decimal, tick: Decimal) -> None:
    nearest = round_to_tick(price, tick=tick, toward="nearest")
    assert abs(Fraction(nearest) - Fraction(price)) * 2 <= Fraction(tick)


@given(prices, ticks, st.sampled_from(["down", "up", "nearest"]))
def test_a_price_on_its_tick_stays(price: Decimal, tick: Decimal, toward: str) -> None:
    rounded = round_to_tick(price, tick=tick, toward=toward)  # type: ignore[arg-type]
    assert round_to_tick(rounded, tick=tick, toward=toward) == rounded  # type: ignore[arg-type]


def test_ties_go_to_the_even_tick_and_negative_prices_round_toward_their_side() -> None:
    cent = DOLLAR_TICK
    assert round_to_tick(Decimal("1.005"), tick=cent, toward="nearest") == Decimal("1.00")
    assert round_to_tick(Decimal("1.015"), tick=cent, toward="nearest") == Decimal("1.02")
    assert round_to_tick(Decimal("-1.001"), tick=cent, toward="down") == Decimal("-1.01")
    assert str(round_to_tick(Decimal("-0.001"), tick=cent, toward="up")) == "0.00"


@pytest.mark.parametrize("tick", ["0", "-0.01", "NaN"])
def test_a_tick_must_be_above_zero(tick: str) -> None:
    with pytest.raises(DataError, match="must be above 0"):
        round_to_tick(Decimal("1"), tick=Decimal(tick), toward="down")


def test_a_price_that_is_not_finite_is_refused() -> None:
    with pytest.raises(DataError, match="must be a finite number"):
        round_to_tick(Decimal("NaN"), tick=DOLLAR_TICK, toward="down")


@given(st.decimals(min_value=-100_000, max_value=100_000, places=4))
def test_a_price_survives_the_way_through_a_float(price: Decimal) -> None:
    assert to_decimal(float(price), 4) == price


def test_a_float_is_rounded_from_its_shortest_decimal() -> None:
    assert str(to_decimal(2.675, 2)) == "2.68"
    assert str(to_decimal(13.9, 4)) == "13.9000"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_not_money(value: float) -> None:
    with pytest.raises(DataError, match="must be finite"):
        to_decimal(value, 2)
