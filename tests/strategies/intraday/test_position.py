from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.intents import Side
from strategies.intraday.position import Fill, Position


def fill(side: Side, quantity: int, price: float, ts_ns: int = 1) -> Fill:
    return Fill(side=side, quantity=quantity, price=price, ts_ns=ts_ns)


def test_averages_what_is_added_and_keeps_it_when_reduced() -> None:
    position = Position()
    position.apply(fill("buy", 4, 5.00, ts_ns=10))
    position.apply(fill("buy", 1, 5.05, ts_ns=20))
    assert position.shares == 5
    assert position.average_price == pytest.approx(5.01)
    position.apply(fill("sell", 3, 6.00, ts_ns=30))
    assert position.average_price == pytest.approx(5.01)
    assert position.opened_ns == 10


def test_a_closed_position_remembers_nothing() -> None:
    position = Position()
    position.apply(fill("sell", 5, 5.00))
    position.apply(fill("buy", 5, 5.00))
    assert position == Position()


def test_a_position_that_turns_around_is_new() -> None:
    position = Position()
    position.apply(fill("buy", 5, 5.00, ts_ns=10))
    position.apply(fill("sell", 8, 6.00, ts_ns=20))
    assert (position.shares, position.average_price, position.opened_ns) == (-3, 6.00, 20)


@given(st.lists(st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 100), st.integers(1, 10_000))))
def test_shares_are_the_sum_of_all_fills(fills: list[tuple[Side, int, int]]) -> None:
    position = Position()
    for side, quantity, cents in fills:
        position.apply(fill(side, quantity, cents / 100))
    assert position.shares == sum(q if side == "buy" else -q for side, q, _ in fills)
    if position.shares:
        prices = [cents / 100 for _, _, cents in fills]
        assert min(prices) - 1e-9 <= position.average_price <= max(prices) + 1e-9
