"""Trades from flat to flat: what they are made of, what they earn, and what a restart does to them."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.projection.projection import project
from audit.round_trips import RoundTrip, round_trips
from tests.audit.script import Script


def only(script: Script) -> RoundTrip:
    (trip,) = round_trips(script.entries)
    return trip


def test_a_long_trade_ends_where_its_shares_are_gone() -> None:
    script = Script()
    script.fill("O-1", "T-1", "c-1", quantity=10, price=Decimal("13.95"))
    script.wait(60).fill("O-2", "T-2", "c-2", side="SELL", quantity=4, price=Decimal("14.00"))
    script.wait(60).fill("O-3", "T-3", "c-3", side="SELL", quantity=6, price=Decimal("14.05"))
    trip = only(script)
    assert (trip.trip_id, trip.side, trip.quantity, trip.is_closed) == ("trip-1", "LONG", 10, True)
    assert (trip.entry_orders, trip.exit_orders, trip.orders) == (
        ("O-1",),
        ("O-2", "O-3"),
        ("O-1", "O-2", "O-3"),
    )
    assert trip.gross_usd == 4 * Decimal("0.05") + 6 * Decimal("0.10")
    assert trip.fees_usd == Decimal("1.05")
    assert trip.net_usd == trip.gross_usd - trip.fees_usd
    assert trip.exit_price == Decimal("14.03")
    assert trip.exit_ts_ns is not None
    assert trip.exit_ts_ns - trip.entry_ts_ns == 120 * 10**9


def test_an_open_trade_has_earned_what_it_closed_at_the_average_price() -> None:
    script = Script()
    script.fill("O-1", "T-1", side="SELL", quantity=10, price=Decimal(14))
    script.fill("O-2", "T-2", side="BUY", quantity=4, price=Decimal(13))
    trip = only(script)
    assert (trip.side, trip.open_quantity, trip.is_closed, trip.exit_ts_ns) == ("SHORT", 6, False, None)
    assert trip.gross_usd == 4
    assert trip.exit_price == 13


def test_a_trade_without_an_exit_has_no_exit_price() -> None:
    script = Script()
    script.fill("O-1", "T-1")
    assert only(script).exit_price is None
    assert only(script).gross_usd == 0


def test_a_fill_through_zero_ends_one_trade_and_opens_the_next() -> None:
    script = Script()
    script.fill("O-1", "T-1", quantity=10, price=Decimal("13.95"))
    script.fill("O-2", "T-2", side="SELL", quantity=25, price=Decimal(14), commission_usd=Decimal("1.00"))
    first, second = round_trips(script.entries)
    assert (first.is_closed, first.gross_usd) == (True, Decimal("0.50"))
    assert (second.side, second.open_quantity, second.trip_id) == ("SHORT", 15, "trip-2")
    assert first.fees_usd == Decimal("0.35") + Decimal("0.40")
    assert second.fees_usd == Decimal("0.60")


def test_strategies_do_not_net() -> None:
    script = Script()
    script.fill("O-1", "T-1", quantity=10)
    script.fill("O-2", "T-2", side="SELL", quantity=10, strategy_id="Other-1")
    assert [trip.is_closed for trip in round_trips(script.entries)] == [False, False]


def test_contracts_count_by_their_multiplier_and_combinations_by_their_legs() -> None:
    script = Script()
    script.fill("O-1", "T-1", price=Decimal("-1.20"), is_combination=True, multiplier=100)
    script.fill("O-1-LEG-A", "T-2", side="SELL", quantity=1, price=Decimal("2.00"), multiplier=100)
    script.fill("O-2-LEG-A", "T-3", side="BUY", quantity=1, price=Decimal("1.50"), multiplier=100)
    assert only(script).gross_usd == 50


def test_an_open_short_of_contracts_values_what_is_left_by_its_multiplier() -> None:
    script = Script()
    script.fill("O-1", "T-1", side="SELL", quantity=2, price=Decimal("2.00"), multiplier=100)
    script.fill("O-2", "T-2", side="BUY", quantity=1, price=Decimal("1.50"), multiplier=100)
    assert only(script).gross_usd == 50


def test_an_execution_that_is_reported_twice_counts_once() -> None:
    script = Script()
    script.fill("O-1", "T-1")
    script.fill("O-1", "T-1")
    assert only(script).quantity == 10


def test_a_reduce_only_fill_opens_nothing() -> None:
    script = Script()
    script.order("O-1", is_reduce_only=True)
    script.fill("O-1", "T-1")
    assert round_trips(script.entries) == []


def test_a_trade_goes_on_over_a_restart_that_finds_it() -> None:
    script = Script()
    script.opened()
    script.fill("O-1", "T-1", price=Decimal(14))
    script.opened()
    script.position("found", 10, average_open=Decimal("13.99"))
    script.fill("O-2", "T-2", side="SELL", price=Decimal(15))
    trip = only(script)
    assert (trip.is_closed, trip.gross_usd, trip.is_broken_off) == (True, Decimal(10), False)


def test_what_a_restart_does_not_find_breaks_off() -> None:
    script = Script()
    script.opened()
    script.fill("O-1", "T-1")
    script.opened()
    script.position("found", -3, average_open=Decimal("14.10"))
    script.position("found", -3, average_open=Decimal("14.10"))
    lost, found = round_trips(script.entries)
    assert (lost.is_broken_off, lost.is_closed, lost.open_quantity) == (True, False, 10)
    assert (found.side, found.open_quantity, found.entry_orders) == ("SHORT", 3, ())
    assert found.entries[0].is_found
    script.opened()
    assert [trip.is_broken_off for trip in round_trips(script.entries)] == [True, True]


FILLS = st.lists(
    st.tuples(st.sampled_from(["BUY", "SELL"]), st.integers(1, 20), st.integers(1, 400), st.integers(0, 99)),
    min_size=1,
    max_size=40,
)


@given(FILLS)
def test_trades_add_up_to_the_projected_profit(
    fills: list[tuple[Literal["BUY", "SELL"], int, int, int]],
) -> None:
    """The projection books at average cost; trades take cash. Flat, both are the same to the last digit."""
    script = Script()
    script.opened()
    held = 0
    for number, (side, quantity, cents, fee) in enumerate(fills):
        price, paid = Decimal(cents) / 100, Decimal(fee) / 100
        script.fill(
            f"O-{number}", f"T-{number}", side=side, quantity=quantity, price=price, commission_usd=paid
        )
        held += quantity if side == "BUY" else -quantity
    if held:
        script.fill(
            "O-end", "T-end", side="SELL" if held > 0 else "BUY", quantity=abs(held), price=Decimal(2)
        )
    trips = round_trips(script.entries)
    book = project(script.entries).book
    assert all(trip.is_closed for trip in trips)
    assert sum(trip.fees_usd for trip in trips) == pytest.approx(book.fees_usd)
    net = sum((trip.net_usd for trip in trips), Decimal(0))
    assert abs(net - book.realized_usd) < Decimal("0.00001")
