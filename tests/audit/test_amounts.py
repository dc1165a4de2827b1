"""Amounts are exact, and short."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.amounts import amount, rounded


@pytest.mark.parametrize(
    ("value", "shown"),
    [("10", "10.00"), ("10.5000", "10.50"), ("-0.35", "-0.35"), ("1E+2", "100.00"), ("0.123456", "0.123456")],
)
def test_an_amount_has_two_decimals_and_no_idle_zeros(value: str, shown: str) -> None:
    assert amount(Decimal(value)) == shown


@given(st.decimals(-(10**9), 10**9, places=6))
def test_six_decimals_are_kept_exactly(value: Decimal) -> None:
    assert rounded(value) == value
    assert Decimal(amount(value)) == value


def test_a_third_is_cut_to_six_decimals() -> None:
    assert str(rounded(Decimal(1) / 3)) == "0.333333"
    assert str(rounded(Decimal("0.0000005"))) == "0.00"
