"""What clients see of their own and others' orders, and what happens while they are away."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.tws_simulator.messages import IN, OUT, message_type
from adapters.tws_simulator.settings import SessionSettings
from tests.adapters.tws_simulator.in_process import FakeSession
from tests.adapters.tws_simulator.orders.floor import AAPL, BAC, Floor, cancel, place, quick


def _floor(**session: Any) -> Floor:
    floor = Floor(session=SessionSettings(messages_per_second_max=10_000, **session))
    floor.quote(AAPL, "199.99", "200.01")
    floor.quote(BAC, "9.99", "10.00")
    return floor


def _executions(client: FakeSession, **wanted: Any) -> list[str]:
    client.take()
    where = message_type("ExecutionFilter")(**wanted)
    client.request(OUT.REQ_EXECUTIONS, "ExecutionRequest", reqId=9, executionFilter=where)
    found = client.take(IN.EXECUTION_DATA)
    assert all(one.reqId == 9 for one in found)
    assert len(client.take(IN.COMMISSION_AND_FEES_REPORT)) == len(found)
    assert client.ids() == [IN.EXECUTION_DATA_END]
    return [one.contract.symbol for one in found]


def test_a_client_sees_its_own_orders_and_all_orders_on_request() -> None:
    floor = _floor()
    one, two = floor.client(1), floor.client(2)
    place(one, 1, kind="LMT", lmtPrice=190.0)
    place(two, 2, kind="LMT", lmtPrice=191.0)
    floor.run()
    assert {body.orderId for body in one.take(IN.OPEN_ORDER)} == {1}
    one.take()
    one.request(OUT.REQ_OPEN_ORDERS, "OpenOrdersRequest")
    assert one.ids() == [IN.OPEN_ORDER, IN.ORDER_STATUS, IN.OPEN_ORDER_END]
    one.take()
    one.request(OUT.REQ_ALL_OPEN_ORDERS, "AllOpenOrdersRequest")
    found = one.take(IN.OPEN_ORDER)
    assert [(body.orderId, body.order.clientId) for body in found] == [(1, 1), (2, 2)]


def test_the_master_client_hears_of_every_order() -> None:
    floor = _floor(master_client_id=9)
    master, one = floor.client(9), floor.client(1)
    place(one, 1)
    floor.run()
    assert IN.EXECUTION_DATA in master.ids()
    assert IN.COMMISSION_AND_FEES_REPORT in master.ids()


def test_fills_while_a_client_is_away_are_found_by_asking() -> None:
    floor = _floor()
    client = floor.client(1)
    place(client, 1, kind="LMT", lmtPrice=199.0)
    place(client, 2, kind="LMT", lmtPrice=198.0)
    floor.run()
    client.disconnect()
    floor.quote(AAPL, "198.95", "199.00")
    again = floor.client(1)
    assert _executions(again) == ["AAPL"]
    again.request(OUT.REQ_OPEN_ORDERS, "OpenOrdersRequest")
    assert [body.orderId for body in again.take(IN.OPEN_ORDER)] == [2]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["AAPL", "BAC"]),
        ({"symbol": "BAC"}, ["BAC"]),
        ({"side": "SELL"}, ["BAC"]),
        ({"side": "BOT"}, ["AAPL"]),
        ({"clientId": 2}, ["BAC"]),
        ({"secType": "OPT"}, []),
        ({"acctCode": "DU1234567"}, ["AAPL", "BAC"]),
        ({"acctCode": "DU9"}, []),
        ({"time": "20260102 10:00:00 US/Eastern"}, ["AAPL", "BAC"]),
        ({"time": "20260102-15:00:01"}, []),
        ({"exchange": "NASDAQ"}, ["AAPL", "BAC"]),
    ],
)
def test_executions_are_filtered(wanted: dict[str, Any], found: list[str]) -> None:
    floor = _floor()
    one, two = floor.client(1), floor.client(2)
    place(one, 1)
    place(two, 2, BAC, action="SELL")
    floor.run()
    assert _executions(one, **wanted) == found


def test_a_filter_with_a_time_that_is_none_is_refused() -> None:
    client = _floor().client(1)
    where = message_type("ExecutionFilter")(time="yesterday")
    client.request(OUT.REQ_EXECUTIONS, "ExecutionRequest", reqId=9, executionFilter=where)
    assert client.take_errors() == [(9, 321)]


def test_completed_orders_tell_how_they_ended() -> None:
    floor = _floor()
    client = floor.client(1)
    place(client, 1)
    place(client, 2, kind="LMT", lmtPrice=190.0)
    floor.run()
    cancel(client, 2)
    floor.run()
    floor.command("place_manual_order", con_id=AAPL, action="BUY", quantity="10", order_type="MKT")
    floor.run()
    client.take()
    client.request(OUT.REQ_COMPLETED_ORDERS, "CompletedOrdersRequest", apiOnly=True)
    found = client.take(IN.COMPLETED_ORDER)
    states = [(body.orderState.status, body.orderState.completedStatus) for body in found]
    assert states == [("Filled", "Filled Size: 100"), ("Cancelled", "Cancelled by Trader")]
    assert found[0].order.filledQuantity == "100"
    client.request(OUT.REQ_COMPLETED_ORDERS, "CompletedOrdersRequest")
    assert len(client.take(IN.COMPLETED_ORDER)) == 3


def test_an_order_by_hand_has_no_id_until_client_0_binds_it() -> None:
    floor = _floor()
    zero, one = floor.client(0), floor.client(1)
    made = floor.command("place_manual_order", con_id=AAPL, action="BUY", quantity="10", limit="190")
    floor.run()
    one.request(OUT.REQ_ALL_OPEN_ORDERS, "AllOpenOrdersRequest")
    opened = one.take(IN.OPEN_ORDER)[0]
    assert (opened.orderId, opened.order.permId, opened.order.orderRef) == (0, made["perm_id"], "")
    zero.take()
    zero.request(OUT.REQ_OPEN_ORDERS, "OpenOrdersRequest")
    bound = zero.take(IN.ORDER_BOUND)[0]
    assert (bound.permId, bound.clientId) == (made["perm_id"], 0)
    assert bound.orderId < 0
    cancel(zero, bound.orderId)
    floor.run()
    assert floor.truth_of(bound.orderId, client_id=0)["status"] == "Cancelled"


def test_a_global_cancel_ends_the_orders_of_all_clients_and_of_the_hand() -> None:
    floor = _floor()
    one, two = floor.client(1), floor.client(2)
    place(one, 1, kind="LMT", lmtPrice=190.0)
    place(two, 2, kind="STP", auxPrice=250.0)
    floor.command("place_manual_order", con_id=AAPL, action="BUY", quantity="10", limit="190")
    floor.run()
    one.request(OUT.REQ_GLOBAL_CANCEL, "GlobalCancelRequest")
    floor.run()
    assert {order["status"] for order in floor.orders.truth()["orders"]} == {"Cancelled"}
    assert two.take_errors() == [(2, 202)]


def test_commissions_may_come_late_or_never() -> None:
    floor = _floor()
    client = floor.client(1)
    floor.command("commissions", delay_ms=500)
    place(client, 1)
    floor.run()
    assert IN.COMMISSION_AND_FEES_REPORT not in client.ids()
    floor.run(0.6)
    assert len(client.take(IN.COMMISSION_AND_FEES_REPORT)) == 1
    floor.command("commissions", are_lost=True)
    place(client, 2)
    floor.run(5)
    assert client.take(IN.COMMISSION_AND_FEES_REPORT) == []
    assert _executions(client) == ["AAPL", "AAPL"]


def test_the_broker_fills_cancels_and_holds_on_command() -> None:
    floor = Floor(orders=quick())
    floor.quote(AAPL, "199.99", "200.01")
    client = floor.client(1)
    floor.command("hold_fills")
    place(client, 1)
    floor.run()
    perm_id = floor.truth_of(1)["perm_id"]
    floor.command("fill_order", perm_id=perm_id, quantity="40", price="201.5")
    assert floor.truth_of(1)["average_price"] == "201.5"
    with pytest.raises(ValueError, match="60 remain"):
        floor.command("fill_order", perm_id=perm_id, quantity="61")
    floor.command("cancel_order", perm_id=perm_id, reason="Halted")
    assert client.take(IN.ERR_MSG)[0].errorMsg == "Order Canceled - reason:Halted"
    place(client, 2)
    floor.run()
    floor.command("hold_fills", is_holding=False)
    assert floor.truth_of(2)["status"] == "Filled"


@pytest.mark.parametrize(
    ("name", "parameters", "hint"),
    [
        ("fill_order", {"perm_id": 1}, "no order with permId 1"),
        ("frame_order", {"steps": ["status"]}, "execution"),
        ("frame_order", {"steps": ["execution", "execution", "commission"]}, "once each"),
        ("place_manual_order", {"con_id": 4711, "action": "BUY", "quantity": "1"}, "4711"),
        ("place_manual_order", {"con_id": AAPL, "action": "BUY", "quantity": "0", "limit": "1"}, "434"),
        ("reject_next_orders", {"count": 0}, "at least 1"),
        ("commissions", {"delay_ms": -1}, "at least 0"),
        ("fill_rule", {"rule": "hope"}, "hope"),
    ],
)
def test_commands_that_make_no_sense_are_refused(name: str, parameters: dict[str, Any], hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        _floor().command(name, **parameters)


def test_a_client_that_binds_automatically_gets_new_manual_orders_with_an_id() -> None:
    floor = _floor()
    zero = floor.client(0)
    zero.request(OUT.REQ_AUTO_OPEN_ORDERS, "AutoOpenOrdersRequest", autoBind=True)
    floor.command("place_manual_order", con_id=AAPL, action="BUY", quantity="10", limit="190")
    floor.run()
    bound = zero.take(IN.ORDER_BOUND)[0]
    assert {body.orderId for body in zero.take(IN.OPEN_ORDER)} == {bound.orderId}


def test_the_largest_order_id_does_not_break_the_next_one() -> None:
    floor = _floor()
    client = floor.client(1)
    place(client, 2**31 - 1, kind="LMT", lmtPrice=190.0)
    place(client, 0)
    place(client, -4)
    client.request(OUT.REQ_IDS, "IdsRequest")
    assert client.take_errors() == [(0, 321), (-4, 321)]
    assert client.take(IN.NEXT_VALID_ID)[0].orderId == 2**31 - 1
