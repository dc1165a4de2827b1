"""Combinations fill per leg; whatIf previews margin and commission and books nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from adapters.tws_simulator.messages import IN, OUT
from adapters.tws_simulator.orders.frames import BAG_CON_ID
from adapters.tws_simulator.orders.terms import UNSET_DOUBLE
from tests.adapters.tws_simulator.orders.floor import (
    AAPL,
    CALL_200,
    CALL_210,
    PUT_190,
    PUT_200,
    Floor,
    bag,
    cancel,
    place,
    quick,
    statuses,
)

VERTICAL = bag((CALL_200, "BUY", 1), (CALL_210, "SELL", 1))


def _floor(**changes: Any) -> Floor:
    floor = Floor(orders=quick(**changes))
    floor.quote(AAPL, "199.99", "200.01")
    floor.quote(CALL_200, "5.00", "5.10")
    floor.quote(CALL_210, "2.00", "2.10")
    floor.quote(PUT_190, "1.40", "1.50")
    floor.quote(PUT_200, "4.40", "4.50")
    return floor


def test_a_vertical_fills_both_legs_at_their_sides_and_nets_the_difference() -> None:
    floor = _floor()
    client = floor.client(1)
    place(client, 1, VERTICAL, quantity=2)
    floor.run()
    executions = client.take(IN.EXECUTION_DATA)
    rows = [
        (
            one.contract.conId,
            one.contract.secType,
            one.execution.side,
            one.execution.shares,
            one.execution.price,
        )
        for one in executions
    ]
    assert rows == [
        (BAG_CON_ID, "BAG", "BOT", "2", pytest.approx(3.10)),
        (CALL_200, "OPT", "BOT", "2", 5.10),
        (CALL_210, "OPT", "SLD", "2", 2.00),
    ]
    reports = client.take(IN.COMMISSION_AND_FEES_REPORT)
    assert [one.execId for one in reports] == [one.execution.execId for one in executions[1:]]
    assert [(one.commissionAndFees, one.realizedPNL) for one in reports] == [(1.3, UNSET_DOUBLE)] * 2
    assert client.take(IN.ORDER_STATUS)[-1].avgFillPrice == pytest.approx(3.10)
    assert Decimal(floor.books()["cash"]) == 1_000_000 - 620 - Decimal("2.60")


def test_selling_a_vertical_turns_every_leg_around() -> None:
    floor = _floor()
    client = floor.client(1)
    place(client, 1, VERTICAL, action="SELL", quantity=1)
    floor.run()
    held = {con_id: one["quantity"] for con_id, one in floor.books()["positions"].items()}
    assert held == {str(CALL_200): "-1", str(CALL_210): "1"}
    assert floor.truth_of(1)["average_price"] == "2.90"


def test_a_limit_for_a_combination_counts_the_net_and_may_be_negative() -> None:
    floor = _floor()
    client = floor.client(1)
    place(client, 1, VERTICAL, kind="LMT", lmtPrice=3.05, quantity=1)
    place(client, 2, bag((CALL_210, "BUY", 1), (CALL_200, "SELL", 1)), kind="LMT", lmtPrice=-2.90, quantity=1)
    floor.run()
    assert floor.truth_of(1)["filled"] == "0"
    assert floor.truth_of(2)["average_price"] == "-2.90"
    floor.quote(CALL_200, "4.95", "5.05")
    assert floor.truth_of(1)["average_price"] == "3.05"


def test_the_smallest_leg_limits_a_combination() -> None:
    floor = _floor()
    floor.quote(CALL_210, "2.00", "2.10", size=3)
    client = floor.client(1)
    place(client, 1, bag((CALL_200, "BUY", 1), (CALL_210, "SELL", 2)), quantity=4)
    floor.run()
    assert floor.truth_of(1)["filled"] == "1"
    assert statuses(client, 1)[-1] == "Submitted"


def test_without_a_guarantee_legs_trade_at_their_own_times() -> None:
    floor = _floor(leg_delay_ms=100)
    client = floor.client(1)
    place(client, 1, VERTICAL, quantity=1, smartComboRoutingParams={"NonGuaranteed": "1"})
    floor.run()
    assert list(floor.books()["positions"]) == [str(CALL_200)]
    assert floor.truth_of(1)["filled"] == "0"
    floor.quote(CALL_210, "1.80", "1.90")
    floor.run(0.2)
    assert floor.truth_of(1)["status"] == "Filled"
    assert floor.truth_of(1)["average_price"] == "3.30"


def test_a_cancel_between_the_legs_leaves_the_first_one() -> None:
    floor = _floor(leg_delay_ms=100)
    client = floor.client(1)
    place(client, 1, VERTICAL, quantity=1, smartComboRoutingParams={"NonGuaranteed": "1"})
    floor.run()
    cancel(client, 1)
    floor.run(0.5)
    assert floor.truth_of(1)["status"] == "Cancelled"
    assert list(floor.books()["positions"]) == [str(CALL_200)]


def test_the_combinations_own_execution_can_be_left_out() -> None:
    floor = _floor(reports_combinations=False)
    client = floor.client(1)
    place(client, 1, VERTICAL, quantity=1)
    floor.run()
    assert [one.contract.secType for one in client.take(IN.EXECUTION_DATA)] == ["OPT", "OPT"]


def test_what_if_previews_a_stock_order_and_keeps_nothing() -> None:
    floor = _floor()
    client = floor.client(1)
    place(client, 1, whatIf=True)
    floor.run()
    assert client.ids() == [IN.OPEN_ORDER]
    state = client.take(IN.OPEN_ORDER)[0].orderState
    assert state.status == "PreSubmitted"
    assert (state.initMarginBefore, state.initMarginAfter) == (0.0, 10_000.0)
    assert (state.maintMarginChange, state.commissionAndFees) == (5_000.0, 1.0)
    assert state.equityWithLoanAfter == 999_999.0
    assert floor.orders.truth()["orders"] == []
    assert floor.books()["cash"] == "1000000"


def test_what_if_previews_a_credit_spread_at_its_width() -> None:
    floor = _floor()
    client = floor.client(1)
    bull_put = bag((PUT_200, "SELL", 1), (PUT_190, "BUY", 1))
    place(client, 1, bull_put, quantity=3, whatIf=True, kind="LMT", lmtPrice=-2.90)
    state = client.take(IN.OPEN_ORDER)[0].orderState
    assert state.initMarginAfter == 3_000.0
    assert state.commissionAndFees == pytest.approx(3.9)
    assert state.equityWithLoanAfter == pytest.approx(1_000_000 + 870 - 3.9)


def test_what_if_warns_of_an_order_that_would_be_refused() -> None:
    floor = _floor()
    client = floor.client(1)
    place(client, 1, quantity=20_000, whatIf=True)
    state = client.take(IN.OPEN_ORDER)[0].orderState
    assert "INITIAL MARGIN" in state.warningText


def test_what_if_can_be_asked_again_with_the_same_id_and_then_be_meant() -> None:
    floor = _floor()
    client = floor.client(1)
    place(client, 1, whatIf=True)
    place(client, 1, whatIf=True)
    place(client, 1)
    floor.run()
    assert floor.truth_of(1)["status"] == "Filled"
    client.take()
    client.request(OUT.REQ_IDS, "IdsRequest")
    assert client.take(IN.NEXT_VALID_ID)[0].orderId == 2


def test_between_the_legs_an_order_cannot_be_changed_nor_filled_by_hand() -> None:
    floor = _floor(leg_delay_ms=100)
    client = floor.client(1)
    place(client, 1, VERTICAL, quantity=2, smartComboRoutingParams={"NonGuaranteed": "1"})
    floor.run()
    client.take()
    place(client, 1, VERTICAL, quantity=1, smartComboRoutingParams={"NonGuaranteed": "1"})
    assert client.take_errors() == [(1, 134)]
    with pytest.raises(ValueError, match="legs"):
        floor.command("fill_order", perm_id=floor.truth_of(1)["perm_id"])
    floor.run(0.2)
    assert (floor.truth_of(1)["status"], floor.truth_of(1)["filled"]) == ("Filled", "2")


def test_a_group_stops_a_combination_between_its_legs() -> None:
    floor = _floor(leg_delay_ms=100)
    client = floor.client(1)
    group: dict[str, Any] = {"ocaGroup": "G", "ocaType": 2}
    place(client, 1, VERTICAL, quantity=4, smartComboRoutingParams={"NonGuaranteed": "1"}, **group)
    place(client, 2, kind="LMT", lmtPrice=199.0, **group)
    floor.run()
    floor.quote(AAPL, "198.90", "198.95", size=50)
    floor.run(0.5)
    assert floor.truth_of(2)["filled"] == "50"
    assert floor.truth_of(1)["status"] == "Cancelled"


def test_three_legs_wait_for_the_quote_that_is_missing() -> None:
    floor = _floor(leg_delay_ms=100)
    client = floor.client(1)
    three = bag((CALL_200, "BUY", 1), (CALL_210, "SELL", 2), (PUT_190, "BUY", 1))
    place(client, 1, three, quantity=1, smartComboRoutingParams={"NonGuaranteed": "1"})
    floor.run()
    floor.quote(CALL_210, "0.00", "0.05")
    floor.run(0.5)
    assert list(floor.books()["positions"]) == [str(CALL_200)]
    floor.quote(CALL_210, "2.00", "2.10")
    floor.run(0.5)
    assert floor.truth_of(1)["status"] == "Filled"
    assert Decimal(floor.truth_of(1)["average_price"]) == Decimal("5.10") - 4 + Decimal("1.50")


def test_a_group_of_legs_without_any_quote_cannot_be_filled_by_hand() -> None:
    floor = Floor(orders=quick())
    client = floor.client(1)
    place(client, 1, VERTICAL, kind="LMT", lmtPrice=3.0, quantity=1)
    floor.run()
    perm_id = floor.truth_of(1)["perm_id"]
    with pytest.raises(ValueError, match="no quote"):
        floor.command("fill_order", perm_id=perm_id)
    with pytest.raises(ValueError, match="legs fill at quotes"):
        floor.command("fill_order", perm_id=perm_id, price="3")
