"""The ledger's identity and its arithmetic, by example and by property."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tws_simulator.account.ledger import Booking, Ledger

D = Decimal


def book(
    ledger: Ledger, quantity: object, price: object, commission: object = 0, *, settles_on: int = 1
) -> D | None:
    return ledger.book(Booking(7, 1, D(str(quantity)), D(str(price)), D(str(commission)), settles_on))


def test_costs_and_profits_include_commissions() -> None:
    ledger = Ledger(D(10_000))
    assert book(ledger, 100, 10, 1) is None
    assert ledger.holdings[7].average_cost == D("10.01")
    assert book(ledger, -50, 11, 1) == 550 - 1 - D("500.5")
    assert ledger.cash == 10_000 - 1001 + 549


def test_a_short_position_costs_negative_money() -> None:
    ledger = Ledger(D(0))
    book(ledger, -100, 10, 1)
    assert ledger.holdings[7].average_cost == D("9.99")
    assert book(ledger, 50, 9, 1) == D("499.5") - 451


def test_a_trade_through_zero_shares_its_commission_by_quantity() -> None:
    ledger = Ledger(D(0))
    book(ledger, 10, 10)
    assert book(ledger, -40, 12, 4) == 10 * 12 - 1 - 100
    assert ledger.holdings[7].quantity == -30
    assert ledger.holdings[7].average_cost == (30 * 12 - 3) / D(30)


def test_cash_settles_on_its_day() -> None:
    ledger = Ledger(D(1_000))
    book(ledger, 10, 10, settles_on=5)
    book(ledger, -10, 20, settles_on=6)
    assert [ledger.settled_cash(day) for day in (4, 5, 6)] == [1_000, 900, 1_100]


@pytest.mark.parametrize(("quantity", "price"), [(0, 10), (1, -1)])
def test_impossible_trades_are_refused(quantity: int, price: int) -> None:
    with pytest.raises(ValueError, match="cannot be booked"):
        book(Ledger(D(0)), quantity, price)


@given(
    st.lists(
        st.tuples(
            st.integers(-500, 500).filter(bool),
            st.decimals("0", "500", places=4),
            st.decimals("0", "20", places=2),
        ),
        max_size=40,
    )
)
def test_cash_is_start_plus_realized_less_cost_to_the_last_digit(trades: list[tuple[int, D, D]]) -> None:
    ledger = Ledger(D(1_000_000))
    for quantity, price, commission in trades:
        before = ledger.quantity(7)
        profit = book(ledger, quantity, price, commission)
        assert (profit is not None) == (before * quantity < 0)
    cost = sum((held.cost for held in ledger.holdings.values()), D(0))
    assert ledger.cash == ledger.starting_cash + ledger.realized - cost
    assert all(held.quantity or held.cost == 0 for held in ledger.holdings.values())
