"""Orders by a plain program on Interactive Brokers' own package, over the socket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ibapi.execution import ExecutionFilter
from ibapi.order_cancel import OrderCancel

from adapters.tws_simulator.control.client import SimulatorProcess
from adapters.tws_simulator.launch_settings import Launch
from tests.wire.conftest import START
from tests.wire.ibapi_program import Program, order, spread, stock

APPLE = 265598


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    """A simulator in the regular session."""
    with SimulatorProcess(Launch(start=START)) as process:
        yield process
        assert process.client.truth()["failures"] == []


@pytest.fixture
def program(simulator: SimulatorProcess) -> Iterator[Program]:
    """A program that is connected as client 1 and leaves no order behind."""
    simulator.client.run("set_quote", con_id=APPLE, bid="200.00", ask="200.02", bid_size=500, ask_size=500)
    connected = Program().begin(simulator.port, 1)
    yield connected
    connected.reqGlobalCancel(OrderCancel())
    simulator.client.wait_for(lambda truth: not [row for row in truth["orders"] if _is_open(row)])
    connected.end()
    simulator.client.wait_for(lambda truth: truth["sessions"] == [])


def _is_open(row: dict[str, Any]) -> bool:
    return row["status"] not in {"Filled", "Cancelled", "Inactive", "ApiCancelled"}


def _statuses(program: Program, order_id: int) -> list[str]:
    return [arguments[1] for arguments in program.all("orderStatus") if arguments[0] == order_id]


def _reached(program: Program, order_id: int, status: str) -> None:
    program.wait("orderStatus", lambda *told: told[0] == order_id and told[1] == status)


def test_a_market_order_is_executed_with_commission_and_position(
    program: Program, simulator: SimulatorProcess
) -> None:
    before = simulator.client.truth()["accounts"]["DU1234567"]["positions"]
    order_id = program.next_order_id()
    program.placeOrder(order_id, stock(), order("BUY", 5))
    _reached(program, order_id, "Filled")
    execution = program.wait("execDetails", lambda *told: told[2].orderId == order_id)[2]
    assert (float(execution.shares), execution.price, execution.side) == (5.0, 200.02, "BOT")
    report = program.wait("commissionAndFeesReport", lambda report: report.execId == execution.execId)[0]
    assert report.commissionAndFees == 1.0
    after = simulator.client.truth()["accounts"]["DU1234567"]["positions"]
    assert after != before


def test_a_limit_order_rests_is_changed_and_fills_when_the_price_comes(
    program: Program, simulator: SimulatorProcess
) -> None:
    order_id = program.next_order_id()
    program.placeOrder(order_id, stock(), order("BUY", 5, "LMT", lmtPrice=199.0))
    _reached(program, order_id, "Submitted")
    program.placeOrder(order_id, stock(), order("BUY", 5, "LMT", lmtPrice=199.5))
    program.wait("openOrder", lambda *told: told[0] == order_id and told[2].lmtPrice == 199.5)
    assert "Filled" not in _statuses(program, order_id)
    simulator.client.run("set_quote", con_id=APPLE, bid="199.40", ask="199.45")
    _reached(program, order_id, "Filled")


def test_a_cancel_ends_an_order_with_202(program: Program) -> None:
    order_id = program.next_order_id()
    program.placeOrder(order_id, stock(), order("BUY", 5, "LMT", lmtPrice=150.0))
    _reached(program, order_id, "Submitted")
    program.cancelOrder(order_id, OrderCancel())
    _reached(program, order_id, "Cancelled")
    program.wait("error", lambda *told: told[0] == order_id and told[2] == 202)


def test_a_bracket_s_target_cancels_its_stop(program: Program, simulator: SimulatorProcess) -> None:
    parent = program.next_order_id()
    target, stop = parent + 1, parent + 2
    program.placeOrder(parent, stock(), order("BUY", 5, transmit=False))
    limit = order("SELL", 5, "LMT", lmtPrice=205.0, parentId=parent, transmit=False)
    program.placeOrder(target, stock(), limit)
    program.placeOrder(stop, stock(), order("SELL", 5, "STP", auxPrice=195.0, parentId=parent))
    _reached(program, parent, "Filled")
    _reached(program, target, "Submitted")
    simulator.client.run("set_quote", con_id=APPLE, bid="205.10", ask="205.12")
    _reached(program, target, "Filled")
    _reached(program, stop, "Cancelled")


def test_one_fill_of_a_group_cancels_the_others(program: Program, simulator: SimulatorProcess) -> None:
    first = program.next_order_id()
    for order_id, price in ((first, 199.0), (first + 1, 198.0)):
        group = {"ocaGroup": f"G{first}", "ocaType": 1}
        program.placeOrder(order_id, stock(), order("BUY", 5, "LMT", lmtPrice=price, **group))
        _reached(program, order_id, "Submitted")
    simulator.client.run("set_quote", con_id=APPLE, bid="198.90", ask="198.95")
    _reached(program, first, "Filled")
    _reached(program, first + 1, "Cancelled")


def _option_ids(program: Program) -> list[int]:
    """Return the contract ids of two neighbouring calls near the money."""
    program.reqSecDefOptParams(1, "AAPL", "", "STK", APPLE)
    chain = program.wait("securityDefinitionOptionParameter", lambda *told: told[1] == "SMART")
    expiry, strikes = sorted(chain[5])[1], sorted(chain[6])
    ids = []
    for request, strike in enumerate(strikes[len(strikes) // 2 :][:2], start=2):
        contract = stock()
        contract.primaryExchange = ""
        contract.secType, contract.lastTradeDateOrContractMonth = "OPT", expiry
        contract.strike, contract.right = strike, "C"
        program.reqContractDetails(request, contract)
        details = program.wait("contractDetails", lambda *told, request=request: told[0] == request)
        ids.append(details[1].contract.conId)
    return ids


def test_a_combination_fills_leg_by_leg(program: Program, simulator: SimulatorProcess) -> None:
    simulator.client.run("release_quote", con_id=APPLE)
    long, short = _option_ids(program)
    order_id = program.next_order_id()
    vertical = spread("AAPL", (long, "BUY"), (short, "SELL"))
    program.placeOrder(order_id, vertical, order("BUY", 1, "LMT", lmtPrice=50.0))
    _reached(program, order_id, "Filled")
    for con_id, side in ((long, "BOT"), (short, "SLD")):
        program.wait("execDetails", lambda *told, c=con_id, s=side: told[1].conId == c and told[2].side == s)


def test_a_preview_tells_margin_and_leaves_no_order(program: Program, simulator: SimulatorProcess) -> None:
    count = len(simulator.client.truth()["orders"])
    order_id = program.next_order_id()
    program.placeOrder(order_id, stock(), order("BUY", 5, "LMT", lmtPrice=150.0, whatIf=True))
    state = program.wait("openOrder", lambda *told: told[0] == order_id)[3]
    assert float(state.initMarginAfter) > float(state.initMarginBefore)
    assert len(simulator.client.truth()["orders"]) == count


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"lmtPrice": 150.001}, 110), ({"totalQuantity": 0}, 434), ({"action": "HOLD"}, 321)],
    ids=["off the tick", "no quantity", "unknown action"],
)
def test_orders_that_make_no_sense_are_refused(program: Program, changes: dict[str, Any], code: int) -> None:
    order_id = program.next_order_id()
    wrong = order("BUY", 5, "LMT", lmtPrice=150.0)
    for name, value in changes.items():
        setattr(wrong, name, value)
    program.placeOrder(order_id, stock(), wrong)
    error = program.wait("error", lambda *told: told[0] == order_id)
    assert error[2] == code


def test_cancelling_what_is_not_there_is_10147(program: Program) -> None:
    program.cancelOrder(999_999, OrderCancel())
    program.wait("error", lambda *told: told[0] == 999_999 and told[2] == 10147)


def test_a_fill_while_the_client_is_away_is_found_in_its_executions(simulator: SimulatorProcess) -> None:
    simulator.client.run("set_quote", con_id=APPLE, bid="200.00", ask="200.02", bid_size=500, ask_size=500)
    program = Program().begin(simulator.port, 1)
    order_id = program.next_order_id()
    program.placeOrder(order_id, stock(), order("BUY", 5, "LMT", lmtPrice=190.0, orderRef="away"))
    _reached(program, order_id, "Submitted")
    program.end()
    simulator.client.wait_for(lambda truth: truth["sessions"] == [])
    (working,) = [row for row in simulator.client.truth()["orders"] if _is_open(row)]
    simulator.client.run("fill_order", perm_id=working["perm_id"], price="190.00")

    again = Program().begin(simulator.port, 1)
    again.reqExecutions(5, ExecutionFilter())
    execution = again.wait("execDetails", lambda *told: told[2].orderRef == "away")[2]
    assert execution.price == 190.0
    again.wait("execDetailsEnd")
    again.end()
    simulator.client.wait_for(lambda truth: truth["sessions"] == [])
