"""Orders tied to each other: brackets by parent and transmit, OCA groups, and that none overfills."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.tws_simulator.messages import IN
from adapters.tws_simulator.orders.oca import GroupOrder, remaining_after_fill
from tests.adapters.tws_simulator.in_process import FakeSession
from tests.adapters.tws_simulator.orders.floor import AAPL, Floor, cancel, place, quick, statuses


def _bracket(client: FakeSession, *, quantity: int = 100, entry: float = 200.01) -> None:
    place(client, 1, kind="LMT", lmtPrice=entry, quantity=quantity, transmit=False)
    exits: dict[str, Any] = {"action": "SELL", "quantity": quantity, "parentId": 1}
    place(client, 2, kind="LMT", lmtPrice=205.0, transmit=False, **exits)
    place(client, 3, kind="STP", auxPrice=195.0, **exits)


def _floor(**changes: Any) -> tuple[Floor, FakeSession]:
    floor = Floor(orders=quick(**changes))
    floor.quote(AAPL, "199.99", "200.01", last="200.00")
    return floor, floor.client(1)


def test_nothing_is_heard_of_an_order_before_it_is_transmitted() -> None:
    floor, client = _floor()
    place(client, 1, transmit=False)
    floor.run(1.0)
    assert client.ids() == []
    place(client, 1, transmit=True)
    floor.run()
    assert statuses(client, 1) == ["PreSubmitted", "Filled"]


def test_the_last_child_transmits_the_bracket_and_children_wait_for_the_parent() -> None:
    floor, client = _floor()
    _bracket(client, entry=199.0)
    floor.run()
    bodies = client.take(IN.ORDER_STATUS)
    held = {body.orderId: (body.status, body.whyHeld) for body in bodies}
    assert held == {1: ("Submitted", ""), 2: ("PreSubmitted", "child"), 3: ("PreSubmitted", "child")}
    floor.quote(AAPL, "205.00", "205.02", last="205.00")
    assert floor.truth_of(2)["filled"] == "0"


def test_taking_profit_cancels_the_stop() -> None:
    floor, client = _floor()
    _bracket(client)
    floor.run()
    assert statuses(client, 2) == ["PreSubmitted", "Submitted"]
    floor.quote(AAPL, "205.00", "205.02", last="205.00")
    floor.run()
    assert floor.truth_of(2)["status"] == "Filled"
    assert floor.truth_of(3)["status"] == "Cancelled"
    assert floor.books()["positions"] == {}
    assert (3, 202) in client.take_errors()


def test_the_stop_cancels_taking_profit() -> None:
    floor, client = _floor()
    _bracket(client)
    floor.run()
    floor.quote(AAPL, "194.98", "195.02", last="195.00")
    floor.run()
    assert floor.truth_of(3)["status"] == "Filled"
    assert floor.truth_of(2)["status"] == "Cancelled"


def test_a_partly_taken_profit_reduces_the_stop() -> None:
    floor, client = _floor()
    _bracket(client)
    floor.run()
    floor.quote(AAPL, "205.00", "205.02", size=30, last="205.00")
    floor.run()
    assert floor.truth_of(2)["filled"] == "30"
    assert floor.truth_of(3)["quantity"] == "70"
    floor.quote(AAPL, "194.98", "195.02", last="195.00")
    floor.run()
    assert floor.truth_of(3)["filled"] == "70"
    assert floor.books()["positions"] == {}


def test_cancelling_the_parent_cancels_its_children() -> None:
    floor, client = _floor()
    _bracket(client, entry=199.0)
    floor.run()
    cancel(client, 1)
    floor.run()
    assert {floor.truth_of(n)["status"] for n in (1, 2, 3)} == {"Cancelled"}


def test_a_child_of_an_unknown_parent_is_refused_with_135() -> None:
    _, client = _floor()
    place(client, 5, parentId=4)
    assert client.take_errors() == [(5, 135)]


def test_oca_type_1_cancels_the_others_at_the_first_partial_fill() -> None:
    floor, client = _floor()
    for order_id, price in ((1, 199.0), (2, 198.0), (3, 197.0)):
        place(client, order_id, kind="LMT", lmtPrice=price, ocaGroup="G", ocaType=1)
    floor.run()
    floor.quote(AAPL, "198.98", "199.00", size=10)
    floor.run()
    assert floor.truth_of(1)["filled"] == "10"
    assert [floor.truth_of(n)["status"] for n in (1, 2, 3)] == ["Submitted", "Cancelled", "Cancelled"]


@pytest.mark.parametrize("oca_type", [2, 3])
def test_oca_types_2_and_3_reduce_the_others_in_proportion(oca_type: int) -> None:
    floor, client = _floor()
    place(client, 1, kind="LMT", lmtPrice=199.0, ocaGroup="G", ocaType=oca_type)
    place(client, 2, kind="LMT", lmtPrice=198.0, ocaGroup="G", ocaType=oca_type, quantity=50)
    floor.run()
    floor.quote(AAPL, "198.98", "199.00", size=25)
    floor.run()
    assert floor.truth_of(2)["remaining"] == "37"
    floor.quote(AAPL, "198.98", "199.00", size=75)
    assert floor.truth_of(2)["status"] == "Cancelled"


def test_a_client_cannot_make_a_reduced_order_of_a_group_larger_again() -> None:
    floor, client = _floor()
    _bracket(client)
    floor.run()
    floor.quote(AAPL, "205.00", "205.02", size=30, last="205.00")
    place(client, 3, action="SELL", kind="STP", auxPrice=196.0, quantity=100, parentId=1)
    floor.run()
    assert (floor.truth_of(3)["quantity"], floor.truth_of(3)["stop"]) == ("70", "196.0")


@given(
    quantities=st.lists(st.integers(1, 500), min_size=2, max_size=5),
    fills=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 500)), max_size=30),
    oca_type=st.sampled_from([1, 2, 3]),
)
def test_a_group_never_trades_more_than_one_of_its_orders(
    quantities: list[int], fills: list[tuple[int, int]], oca_type: int
) -> None:
    remaining = {key: Decimal(quantity) for key, quantity in enumerate(quantities)}
    traded = dict.fromkeys(remaining, Decimal(0))
    for wanted, size in fills:
        key = wanted % len(quantities)
        quantity = min(Decimal(size), remaining[key])
        if quantity == 0:
            continue
        remaining[key] -= quantity
        traded[key] += quantity
        others = [GroupOrder(other, left) for other, left in remaining.items() if other != key and left]
        filled = GroupOrder(key, remaining[key])
        after = remaining_after_fill(oca_type, filled, filled_now=quantity, others=others)
        assert all(0 <= left <= remaining[other] for other, left in after.items())
        remaining.update(after)
    assert sum(traded[key] / quantities[key] for key in traded) <= 1 + Decimal("1E-20")


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["195", "199", "200", "205", "206"]), st.integers(1, 60)),
        min_size=1,
        max_size=25,
    ),
    rule=st.sampled_from(["touch", "through", "queue"]),
)
def test_a_bracket_never_ends_short_whatever_the_market_does(steps: list[tuple[str, int]], rule: str) -> None:
    floor, client = _floor(fill_rule=rule)
    _bracket(client)
    floor.run()
    for price, size in steps:
        floor.quote(AAPL, Decimal(price) - Decimal("0.01"), price, size=size, last=price)
        floor.trade(AAPL, price, size)
        floor.run()
        held = Decimal(floor.books()["positions"].get(str(AAPL), {"quantity": "0"})["quantity"])
        assert 0 <= held <= 100
        assert all(Decimal(one["remaining"]) >= 0 for one in floor.orders.truth()["orders"])


def test_a_bracket_that_the_account_cannot_carry_is_refused_whole() -> None:
    floor, client = _floor()
    _bracket(client, quantity=50_000)
    floor.run()
    assert [floor.truth_of(n)["status"] for n in (1, 2, 3)] == ["Inactive", "Cancelled", "Cancelled"]
    assert client.take_errors() == [(1, 201), (2, 202), (3, 202)]


def test_cancelling_what_was_never_transmitted_is_answered() -> None:
    floor, client = _floor()
    place(client, 1, transmit=False)
    cancel(client, 1)
    floor.run()
    assert statuses(client, 1) == ["Cancelled"]


def test_a_child_may_change_its_price_and_neither_side_nor_group() -> None:
    floor, client = _floor()
    _bracket(client, entry=199.0)
    floor.run()
    client.take()
    place(client, 3, action="SELL", kind="STP", auxPrice=194.0, quantity=100, parentId=1)
    place(client, 2, action="BUY", kind="LMT", lmtPrice=205.0, quantity=100, parentId=1)
    place(client, 2, action="SELL", kind="LMT", lmtPrice=205.0, quantity=100, parentId=1, ocaGroup="X")
    floor.run()
    assert floor.truth_of(3)["stop"] == "194.0"
    assert client.take_errors() == [(2, 105), (2, 105)]
