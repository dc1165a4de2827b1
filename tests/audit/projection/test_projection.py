"""What several records make together: nodes one after another, repeated executions, order of records."""

from __future__ import annotations

import msgspec
import pytest

from audit.events import CheckpointRecord, ClosedRecord, NodeRecord, PositionRecord
from audit.projection import Projection, project
from risk.records import BreakerChangeRecord
from tests.audit.projection.builders import D, entries, event, fill, opened, order

FOUND = PositionRecord(
    event="found", position_id="F.SMART-S", strategy_id="S", instrument_id="F.SMART", quantity=10,
    average_open=D(5), realized_usd=D(0),
)  # fmt: skip


def test_records_must_come_in_order_and_without_gaps() -> None:
    first, second, third = entries(opened(), order(), event("submitted"))
    projection = project([first, second])
    with pytest.raises(ValueError, match="record 2 cannot follow 2"):
        projection.apply(second)
    projection.apply(third)
    assert (projection.last_seq, projection.last_ns) == (3, 3)
    with pytest.raises(ValueError, match="record 2 cannot follow 0"):
        Projection().apply(second)


def test_taking_records_one_by_one_gives_what_taking_all_gives() -> None:
    all_of_them = entries(opened(), order(), event("submitted"), fill(4), event("canceled"))
    projection = Projection()
    for entry in all_of_them:
        projection.apply(entry)
    ended = project(all_of_them)
    assert projection.orders["O-1"].status == ended.orders["O-1"].status == "CANCELED"
    assert projection.book.realized_usd == ended.book.realized_usd == D("-0.35")


def test_an_execution_counts_once_however_often_it_is_reported() -> None:
    projection = project(entries(opened(), order(), event("submitted"), fill(4), fill(4)))
    assert projection.orders["O-1"].filled == 4
    assert [position.quantity for position in projection.book.open_positions] == [4]


def test_a_node_that_starts_again_says_what_it_holds_and_profit_goes_on() -> None:
    first = [opened(), order(), event("submitted"), fill(10), ClosedRecord(reason="restart")]
    after_first = project(entries(*first))
    assert (after_first.is_closed, after_first.nodes) == (True, 1)
    second = project(entries(*first, opened(), FOUND))
    assert (second.is_closed, second.nodes, second.orders) == (False, 2, {})
    assert [position.quantity for position in second.book.open_positions] == [10]
    sold = fill(-10, "5.10", order_id="O-2", trade_id="T-2")
    after_sale = project(entries(*first, opened(), FOUND, order("O-2"), event("submitted", "O-2"), sold))
    assert after_sale.book.realized_usd == D("1.00") - D("0.70")


def test_an_execution_that_the_broker_reports_again_after_a_restart_moves_the_position_only() -> None:
    bodies = [opened(), order(), event("submitted"), fill(10), opened(), order(), fill(10)]
    projection = project(entries(*bodies))
    assert [position.quantity for position in projection.book.open_positions] == [10]
    assert (projection.book.fees_usd, projection.book.realized_usd) == (D("0.35"), D("-0.35"))


def test_a_combination_fills_its_order_alone() -> None:
    spread = fill(10, is_combination=True)
    projection = project(entries(opened(), order(), event("submitted"), spread))
    assert projection.orders["O-1"].status == "FILLED"
    assert (projection.book.positions, projection.book.fees_usd) == ({}, D(0))


def test_a_reduce_only_fill_without_a_position_costs_its_fee_alone() -> None:
    projection = project(entries(opened(), order(is_reduce_only=True), event("submitted"), fill(10)))
    assert (projection.book.open_positions, projection.book.fees_usd) == ([], D("0.35"))


def test_what_belongs_to_no_order_is_no_order() -> None:
    leg = fill(2, order_id="O-1-LEG-SPY", is_combination=False)
    projection = project(entries(opened(), event("accepted", "O-9"), leg))
    assert projection.orders == {}
    assert [position.quantity for position in projection.book.open_positions] == [2]


def test_a_second_order_under_an_id_is_a_release_or_a_mistake() -> None:
    waiting = [opened(), order(is_emulated=True), event("emulated")]
    released = project(entries(*waiting, order(type="MARKET", limit_price=None), event("released")))
    assert (released.orders["O-1"].terms.type, released.orders["O-1"].status) == ("MARKET", "RELEASED")
    mistaken = project(entries(opened(), order(), event("submitted"), order(quantity=99)))
    assert mistaken.orders["O-1"].quantity == 10


def test_breaker_checkpoint_and_records_without_state() -> None:
    change = BreakerChangeRecord(
        ts_ns=9, before="RUNNING", after="HALT", causes=(), by="daily_loss", reason="51 USD, limit 50 USD"
    )
    point = CheckpointRecord(
        realized_usd=D(1),
        unrealized_usd=D(0),
        fees_usd=D(0),
        cash_usd=None,
        open_positions=0,
        working_orders=0,
    )
    projection = project(entries(opened(), NodeRecord(state="started"), change, point))
    assert projection.breaker is not None
    assert (projection.breaker.state, projection.breaker.by, projection.breaker.since_ns) == (
        "HALT", "daily_loss", 9,
    )  # fmt: skip
    assert projection.checkpoint == point


def test_positions_follow_from_fills_and_not_from_what_the_engine_says_of_them() -> None:
    said = msgspec.structs.replace(FOUND, event="changed", quantity=99)
    projection = project(entries(opened(), order(), event("submitted"), fill(10), said))
    assert [position.quantity for position in projection.book.open_positions] == [10]
