"""Nautilus' integers become the numbers that Nautilus itself makes of them, and memory stays bounded."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.model.objects import Quantity

from risk.nautilus_fixed_point import (
    PRICE_OF_RAW,
    SIZE_OF_RAW,
    WHOLE_OF_RAW,
    Conversions,
    FractionalQuantityError,
)
from tests.risk.nautilus_rig import usd


@given(st.decimals(min_value="-9999", max_value="999999", places=4))
def test_a_converted_price_is_nautilus_own_decimal(value: Decimal) -> None:
    price = usd(str(value))
    converted = PRICE_OF_RAW[price.raw]
    assert (converted, str(converted)) == (price.as_decimal(), str(price.as_decimal()))


@given(st.decimals(min_value=0, max_value=10_000_000, places=3))
def test_a_size_is_rounded_down_and_an_order_must_be_whole(value: Decimal) -> None:
    raw = Quantity.from_str(str(value)).raw
    assert SIZE_OF_RAW[raw] == int(value)
    if value == int(value):
        assert WHOLE_OF_RAW[raw] == int(value)
    else:
        with pytest.raises(FractionalQuantityError, match=f"^{value.normalize():f} shares$"):
            WHOLE_OF_RAW[raw]


def test_a_full_table_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("risk.nautilus_fixed_point.MAX_KEPT", 2)
    asked: list[int] = []

    def convert(raw: int) -> str:
        asked.append(raw)
        return str(raw)

    table = Conversions(convert)
    assert [table[raw] for raw in (1, 2, 1, 2)] == ["1", "2", "1", "2"]
    assert asked == [1, 2]
    assert (table[3], list(table)) == ("3", [3])
    assert table[1] == "1"
    assert asked == [1, 2, 3, 1]


def test_a_table_keeps_100_000_values() -> None:
    table = Conversions(int)
    for raw in range(100_000):
        table[raw]
    assert len(table) == 100_000
    table[100_000]
    assert len(table) == 1
