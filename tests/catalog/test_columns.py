"""Numbers become Nautilus' fixed point exactly, from integers and from floats."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from nautilus_trader.model.enums import AggressorSide, BookAction, OrderSide, RecordFlag

from catalog.columns import (
    Aggressor,
    DeltaAction,
    DeltaFlag,
    DeltaSide,
    fixed_point_from_floats,
    fixed_point_words,
    prices_from_ten_thousandths,
    sizes_from_integers,
    trade_ids_from,
)
from market.errors import DataError

PRICE_LIMIT = (2**63 - 1) // 10**4
SIZE_LIMIT = (2**63 - 1) // 10**8


@given(st.lists(st.integers(-PRICE_LIMIT, PRICE_LIMIT)))
@example([PRICE_LIMIT, -PRICE_LIMIT, -1, 0])
def test_prices_from_ten_thousandths_are_exact(values: list[int]) -> None:
    prices = prices_from_ten_thousandths(np.array(values, np.int64))
    assert prices.to_pylist() == [Decimal(value).scaleb(-4) for value in values]


@given(st.lists(st.integers(-SIZE_LIMIT, SIZE_LIMIT)))
@example([922, 923, -922, -923, SIZE_LIMIT])
def test_sizes_from_integers_are_exact(values: list[int]) -> None:
    assert sizes_from_integers(np.array(values, np.int64)).to_pylist() == [Decimal(value) for value in values]


def test_values_that_would_overflow_are_refused() -> None:
    with pytest.raises(DataError, match=rf"{PRICE_LIMIT + 1} is beyond {PRICE_LIMIT}"):
        prices_from_ten_thousandths(np.array([1, PRICE_LIMIT + 1]))
    with pytest.raises(DataError, match="largest value a catalog can hold"):
        sizes_from_integers(np.array([-SIZE_LIMIT - 1]))


@given(st.lists(st.integers(0, 9 * 10**12)))
@example([9 * 10**12, 139_000, 1])
def test_a_float_of_four_decimals_is_that_price_exactly(values: list[int]) -> None:
    floats = np.array([float(Decimal(value).scaleb(-4)) for value in values], np.float64)
    prices, lowest = fixed_point_from_floats(floats, places=4)
    assert lowest == min(values, default=None)
    assert prices.to_pylist() == [Decimal(value).scaleb(-4) for value in values]


@given(st.integers(1, 10**9), st.integers(1, 9_999))
def test_a_float_between_two_prices_is_kept_apart_from_both(ten_thousandths: int, rest: int) -> None:
    exact = Decimal(ten_thousandths).scaleb(-4) + Decimal(rest).scaleb(-8)
    prices, lowest = fixed_point_from_floats(np.array([float(exact)]), places=4)
    assert lowest is None
    assert prices.to_pylist() == [exact]


def test_the_last_digit_of_a_float_is_noise() -> None:
    prices, lowest = fixed_point_from_floats(np.array([13.900000000000002, 0.1 + 0.2]), places=4)
    assert lowest == 3_000
    assert prices.to_pylist() == [Decimal("13.9"), Decimal("0.3")]


def test_rounding_goes_to_the_nearest_price() -> None:
    prices, _ = fixed_point_from_floats(np.array([13.90006, 13.90004, -1.00007]), places=4, is_rounding=True)
    assert prices.to_pylist() == [Decimal("13.9001"), Decimal("13.9000"), Decimal("-1.0001")]


def test_nan_becomes_null_and_infinity_a_number_that_no_check_accepts() -> None:
    prices, lowest = fixed_point_from_floats(np.array([np.nan, np.inf, -np.inf, -5.0]), places=4)
    assert lowest is None
    assert prices.to_pylist() == [None, Decimal(90_000_000_000), Decimal(-90_000_000_000), Decimal(-5)]


def test_single_precision_floats_have_their_own_noise() -> None:
    prices, lowest = fixed_point_from_floats(np.array([13.9, 168.91], np.float32), places=4)
    assert lowest == 139_000
    assert prices.to_pylist() == [Decimal("13.9"), Decimal("168.91")]


def test_words_of_a_slice_are_those_of_its_rows() -> None:
    prices = prices_from_ten_thousandths(np.array([1, 2, 3, 4]))
    assert fixed_point_words(prices.slice(1, 2))[:, 0].tolist() == [2 * 10**12, 3 * 10**12]


def test_trade_ids_are_unique_when_ts_init_is() -> None:
    assert trade_ids_from(np.array([4097, 8193])).equals(pa.array(["4097", "8193"]))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Aggressor.NONE, AggressorSide.NO_AGGRESSOR),
        (Aggressor.BUYER, AggressorSide.BUYER),
        (Aggressor.SELLER, AggressorSide.SELLER),
        (DeltaAction.ADD, BookAction.ADD),
        (DeltaAction.UPDATE, BookAction.UPDATE),
        (DeltaAction.DELETE, BookAction.DELETE),
        (DeltaAction.CLEAR, BookAction.CLEAR),
        (DeltaSide.NONE, OrderSide.NO_ORDER_SIDE),
        (DeltaSide.BUY, OrderSide.BUY),
        (DeltaSide.SELL, OrderSide.SELL),
        (DeltaFlag.LAST, RecordFlag.F_LAST),
        (DeltaFlag.SNAPSHOT, RecordFlag.F_SNAPSHOT),
    ],
)
def test_our_numbers_are_those_of_nautilus(ours: int, theirs: int) -> None:
    assert ours == theirs
