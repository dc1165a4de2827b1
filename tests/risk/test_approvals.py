"""What the gate lets pass is on record before it passes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from risk.approvals import Approvals
from risk.decision import Approved, Decision
from risk.intent import OrderIntent
from risk.records import ApprovalRecord
from risk.supervisor import RECORDER_FAILURE, Supervisor
from tests.risk.desk import Desk, broken, refusal
from tests.risk.table_market import NOW_NS, order, stock

D = Decimal


def approvals(verdicts: list[Decision[OrderIntent]], supervisor: Supervisor) -> list[Any]:
    return Approvals(supervisor).of_submission(verdicts, NOW_NS)


def test_an_approval_names_order_quantity_and_prices(desk: Desk) -> None:
    verdict = Approved(order(quantity=30, limit_price=D("5.01")))
    assert approvals([verdict], desk.supervisor) == [verdict]
    (record,) = desk.of(ApprovalRecord)
    assert (record.command, record.client_order_ids) == ("submit", (verdict.value.order_id,))
    assert (record.quantity, record.limit_price, record.trigger_price) == (30, D("5.01"), None)


def test_an_approval_names_the_trigger_of_a_stop(desk: Desk) -> None:
    stop = order(order_type="stop", limit_price=None, trigger_price=D("5.10"))
    approvals([Approved(stop)], desk.supervisor)
    (record,) = desk.of(ApprovalRecord)
    assert (record.limit_price, record.trigger_price) == (None, D("5.10"))


def test_the_approval_of_a_list_names_its_orders_alone(desk: Desk) -> None:
    verdicts: list[Any] = [Approved(order(order_id="A")), Approved(order(order_id="B"))]
    approvals(verdicts, desk.supervisor)
    (record,) = desk.of(ApprovalRecord)
    assert (record.client_order_ids, record.quantity, record.limit_price) == (("A", "B"), None, None)


def test_what_is_refused_has_no_approval(desk: Desk) -> None:
    verdicts: list[Any] = [Approved(order()), refusal("quote_age")]
    assert approvals(verdicts, desk.supervisor) == verdicts
    assert Approvals(desk.supervisor).of_change(verdicts[1], 5, NOW_NS) is verdicts[1]
    Approvals(desk.supervisor).of_cancel([], strategy_id="S", instrument_id="F", now_ns=NOW_NS)
    assert desk.of(ApprovalRecord) == []


def test_an_approval_that_cannot_be_recorded_is_a_refusal_unless_it_lowers_risk(desk: Desk) -> None:
    supervisor, _ = broken(desk)
    opening, closing = Approved(order()), Approved(order(side="sell"), is_reducing=True)
    (refused,) = approvals([opening], supervisor)
    assert refused.rule == RECORDER_FAILURE
    assert "journal-cannot-be-written" in refused.reason
    assert Approvals(supervisor).of_change(opening, 5, NOW_NS) == msgspec.structs.replace(
        refused, value="the approval of this change could not be recorded"
    )
    assert approvals([closing], supervisor) == [closing]
    assert Approvals(supervisor).of_change(closing, 5, NOW_NS) is closing
    assert desk.state == "HALT"


def test_the_approval_of_a_list_is_filed_under_its_first_order(desk: Desk) -> None:
    first, second = order(stock("GE"), strategy_id="S-ONE"), order(strategy_id="S-TWO")
    approvals([Approved(first), Approved(second)], desk.supervisor)
    (record,) = desk.of(ApprovalRecord)
    assert (record.strategy_id, record.instrument_id) == ("S-ONE", "GE.SMART")


def test_a_list_that_cannot_be_recorded_passes_whole_or_not_at_all(desk: Desk) -> None:
    supervisor, _ = broken(desk)
    closings: list[Any] = [Approved(order(side="sell"), is_reducing=True) for _ in range(2)]
    assert approvals(closings, supervisor) == closings
    decisions = approvals([closings[0], Approved(order()), closings[1]], supervisor)
    assert [each.rule for each in decisions] == [RECORDER_FAILURE] * 3
