"""The quick look at a column and the close one agree on what may enter the catalog."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalog.columns import FIXED_POINT, DataKind
from catalog.csv_source.checks import PRICE_USD_MAX, SIZE_SHARES_MAX, faults

decimals = st.decimals(-(10**12), 10**12, places=6).map(lambda value: value.quantize(Decimal("0.000001")))
prices = st.integers(1, PRICE_USD_MAX * 10**4).map(lambda value: Decimal(value).scaleb(-4))


def _is_price(value: Decimal | None) -> bool:
    return value is not None and 0 < value <= PRICE_USD_MAX and value == round(value, 4)


def _broken(kind: DataKind, name: str, values: list[Decimal | None]) -> list[bool]:
    array = pa.array(values, FIXED_POINT)
    found = faults(kind, {name: array}, lowest={})
    return [any(fault.rows[row] for fault in found) for row in range(len(values))]


@given(st.lists(decimals | prices | st.none()))
@example([Decimal("1844.6744"), Decimal("1844.6745"), Decimal("600000.0001")])
@example([Decimal("1844.67441"), Decimal(PRICE_USD_MAX), PRICE_USD_MAX + Decimal("0.0001")])
@example([Decimal("-0.0001")])
@example([Decimal(0)])
def test_a_price_is_positive_has_four_decimals_and_an_upper_limit(values: list[Decimal | None]) -> None:
    assert _broken(DataKind.QUOTE, "bid_price", values) == [not _is_price(value) for value in values]


@given(st.lists(prices, min_size=1))
def test_good_prices_have_no_fault_however_large(values: list[Decimal]) -> None:
    assert faults(DataKind.TRADE, {"price": pa.array(values, FIXED_POINT)}, lowest={}) == []


@pytest.mark.parametrize(("kind", "lowest"), [(DataKind.QUOTE, 0), (DataKind.TRADE, 1)])
@given(values=st.lists(st.integers(-5, 5) | st.integers(SIZE_SHARES_MAX - 1, SIZE_SHARES_MAX + 1)))
def test_sizes_are_whole_and_within_limits(kind: DataKind, lowest: int, values: list[int]) -> None:
    name = {DataKind.QUOTE: "bid_size", DataKind.TRADE: "size"}[kind]
    expected = [not lowest <= value <= SIZE_SHARES_MAX for value in values]
    assert _broken(kind, name, [Decimal(value) for value in values]) == expected
