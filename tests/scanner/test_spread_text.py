"""Spreads as text: there and back, and what is wrong with one that is none."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import UserError
from scanner.spread_text import LEGS_MAX, Spread, SpreadLeg, parse_spread, text_of

LEGS = st.builds(
    SpreadLeg,
    quantity=st.integers(-99, 99).filter(bool),
    strike=st.integers(1, 2_000_000).map(lambda tenths: tenths / 10),
    is_call=st.booleans(),
    expiry=st.dates(date(2010, 1, 1), date(2040, 1, 1)),
)


@given(
    st.builds(Spread, st.just("SPX"), st.lists(LEGS, min_size=1, max_size=LEGS_MAX).map(tuple), st.booleans())
)
def test_text_and_spread_are_inverse(spread: Spread) -> None:
    assert parse_spread(text_of(spread)) == spread


@pytest.mark.parametrize(
    "text", ["", "GOOG", "GOOG -730P", "GOOG 2016-01-15", "GOOG 2016-01-15 730P", "GOOG 2016-01-15 -0P"]
)
def test_what_is_no_spread_is_answered_with_an_example(text: str) -> None:
    with pytest.raises(UserError, match="GOOG 2016-01-15 -730P \\+720P"):
        parse_spread(text)
