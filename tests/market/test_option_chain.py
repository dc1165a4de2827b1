"""Chains: order, selection, and what makes columns no chain."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import DataError
from market.option_chain import OptionChain
from market.option_chain_pricing import PricingInputs, priced
from market.rates import RateCurve
from tests.market.chains import DAY_NS, NOW_NS, RATE, priced_at

MIXED: dict[str, Any] = {
    "contract": ["a", "b", "c", "d"],
    "expiry_ns": [NOW_NS + 2 * DAY_NS, NOW_NS + DAY_NS, NOW_NS + DAY_NS, NOW_NS + DAY_NS],
    "strike": [100.0, 110.0, 100.0, 100.0],
    "is_call": [True, True, True, False],
    "bid": [1.0, 0.0, np.nan, 2.0],
    "ask": [1.2, 0.1, 3.0, 1.9],
}


def chain(**changes: Any) -> OptionChain:
    return OptionChain.of(underlying="X", ts_ns=NOW_NS, underlying_price=100.0, columns={**MIXED, **changes})


def test_rows_are_ordered_by_expiry_strike_and_puts_before_calls() -> None:
    assert chain().contract.tolist() == ["d", "c", "b", "a"]


def test_the_middle_needs_both_sides_uncrossed_and_a_bid_above_zero() -> None:
    found = chain()
    assert np.isnan(found.mid).tolist() == [True, True, True, False]
    assert found.mid[3] == pytest.approx(1.1)
    assert found.is_crossed.tolist() == [True, False, False, False]
    assert found.width[0] == pytest.approx(-0.1)


def test_an_expiry_is_a_slice_that_copies_nothing() -> None:
    whole = priced_at()
    part = whole.of_expiry(int(whole.expiries[1]))
    assert np.shares_memory(part.bid, whole.bid)
    assert set(part.expiry_ns.tolist()) == {int(whole.expiries[1])}
    assert len(whole.of_expiry(int(whole.expiries[1]) + 1)) == 0


def test_dte_counts_dates_in_new_york_and_is_0_on_expiry_day() -> None:
    found = chain(
        expiry_ns=[NOW_NS + 1, NOW_NS + 1, NOW_NS + 13 * 3_600 * 10**9, NOW_NS + 14 * 3_600 * 10**9]
    )
    assert sorted(found.dte.tolist()) == [0, 0, 0, 1]  # 10:01 and 13 hours is 23:01, and 14 hours is tomorrow
    assert len(found.with_dte(1, 5)) == 1


@given(low=st.floats(0, 1), high=st.floats(0, 1))
def test_selection_by_delta_equals_a_plain_loop(low: float, high: float) -> None:
    whole = priced(priced_at(), PricingInputs(rates=RateCurve.flat(RATE)))
    wanted = [
        name for name, delta in zip(whole.contract, whole.delta, strict=True) if low <= abs(delta) <= high
    ]
    assert whole.with_delta(low, high).contract.tolist() == wanted


def test_the_nearest_delta_is_found_among_calls_or_puts() -> None:
    whole = priced(priced_at(), PricingInputs(rates=RateCurve.flat(RATE)))
    expiry = int(whole.expiries[1])
    for wanted in (0.25, -0.25):
        row = whole.nearest_delta(expiry, wanted)
        assert row is not None
        assert whole.is_call[row] == (wanted > 0)
        same = [
            abs(d - wanted)
            for d, c, e in zip(whole.delta, whole.is_call, whole.expiry_ns, strict=True)
            if c == (wanted > 0) and e == expiry
        ]
        assert abs(whole.delta[row] - wanted) == min(same)
    assert chain().nearest_delta(int(chain().expiries[0]), 0.25) is None  # nothing is priced


def test_the_nearest_strike_and_a_contract_are_found() -> None:
    found = chain()
    assert found.nearest_strike(int(found.expiries[0]), 108.0, is_call=True) == 2
    assert found.nearest_strike(int(found.expiries[1]), 100.0, is_call=False) is None
    assert found.row_of("b") == 2
    with pytest.raises(DataError, match="'z' is not in the chain of X"):
        found.row_of("z")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"contract": ["a", "a", "b", "c"]}, "names contracts twice: 'a'"),
        ({"strike": [1.0, 2.0, 0.0, 3.0]}, "strikes that are not above 0"),
        ({"strike": [1.0, 2.0, np.nan, 3.0]}, "strikes that are not above 0"),
        ({"style": "B"}, "style"),
        ({"settlement": "cash"}, "settlement"),
        ({"bid": [1.0]}, "Column bid has the shape"),
        ({"price": [1.0] * 4}, r"unknown \['price'\]"),
    ],
)
def test_columns_that_are_no_chain_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        chain(**changes)


def test_a_copy_does_not_move_with_its_source() -> None:
    source = chain()
    kept = source.copy()
    source.bid[3] = 9.0
    assert kept.bid[3] == 1.0
