"""Every entry finds its order, and the order says where it stands."""

from __future__ import annotations

from decimal import Decimal

import pytest

from audit.order_history import OrderHistories, OrderHistory
from tests.audit.script import Script


def only(script: Script) -> OrderHistory:
    (history,) = OrderHistories(script.entries)
    return history


def test_an_order_gathers_its_way_from_decision_to_position() -> None:
    script = Script().filled_order("O-1", "c-1")
    history = only(script)
    assert [entry.kind for entry in history.entries()] == [entry.kind for entry in script.entries]
    assert history.signal == script.entries[0]
    assert (history.status, history.quantity, history.filled_quantity) == ("filled", 10, 10)
    assert (history.venue_order_id, history.fees_usd) == ("V-O-1", Decimal("0.35"))
    assert (history.is_order, history.is_working, history.is_found) == (True, False, False)


def test_decisions_that_follow_belong_to_the_order_too() -> None:
    script = Script()
    script.decision("c-1")
    script.order("O-1", "c-1")
    script.decision("c-1", action="cancel", reason="signal_gone")
    assert [entry.body.action for entry in only(script).decisions] == ["enter", "cancel"]


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([], "initialized"),
        (["submitted"], "submitted"),
        (["submitted", "accepted"], "accepted"),
        (["submitted", "rejected"], "rejected"),
        (["denied"], "denied"),
        (["submitted", "accepted", "canceled"], "canceled"),
    ],
)
def test_the_status_follows_the_events(events: list[str], status: str) -> None:
    script = Script()
    script.order("O-1")
    for event in events:
        script.event("O-1", event)
    assert only(script).status == status


def test_a_changed_quantity_is_the_orders_quantity() -> None:
    script = Script()
    script.order("O-1")
    for event in ("submitted", "accepted"):
        script.event("O-1", event)
    script.event("O-1", "updated", quantity=4)
    script.fill("O-1", "T-1", quantity=4)
    assert (only(script).quantity, only(script).status) == (4, "filled")


def test_an_order_without_a_record_of_its_terms_has_no_known_status() -> None:
    script = Script()
    script.event("O-1", "accepted")
    script.fill("O-1", "T-1")
    history = only(script)
    assert (history.status, history.quantity, history.filled_quantity) == ("unknown", None, 10)
    assert (history.signal, history.venue_order_id, history.is_working) == (None, None, False)
    assert (history.strategy_id, history.instrument_id) == ("Harvester-1", "BAC.SMART")
    assert history.first == script.entries[0]
    assert history.entries() == script.entries


def test_an_order_that_the_node_found_keeps_what_was_filled_before() -> None:
    script = Script()
    script.order("O-1", found_status="PARTIALLY_FILLED", found_filled_quantity=6)
    script.fill("O-1", "T-1", quantity=4)
    history = only(script)
    assert (history.is_found, history.filled_quantity, history.status) == (True, 10, "filled")


def test_an_order_that_a_second_node_finds_stays_the_first_ones_order() -> None:
    script = Script()
    script.order("O-1")
    script.order("O-1", found_status="ACCEPTED")
    history = only(script)
    assert history.order == script.entries[0]
    assert (history.status, history.is_found) == ("accepted", False)


def test_a_released_order_goes_on_under_its_new_terms() -> None:
    script = Script()
    script.order("O-1", type="STOP_LIMIT")
    script.event("O-1", "emulated")
    script.order("O-1", type="LIMIT", limit_price=Decimal(13))
    assert only(script).state is not None
    assert only(script).state.terms.type == "LIMIT"  # type: ignore[union-attr]


def test_the_legs_of_a_combination_are_not_orders_of_their_own() -> None:
    script = Script()
    script.order("O-1", quantity=1)
    script.event("O-1", "submitted")
    script.fill("O-1", "T-1", quantity=1, is_combination=True, commission_usd=Decimal(0))
    leg = script.fill("O-1-LEG-A", "T-2", quantity=1, commission_usd=Decimal("0.65"))
    script.position("opened", 1, caused_by=leg.seq)
    histories = OrderHistories(script.entries)
    history = only(script)
    assert histories.of("O-1-LEG-A").client_order_id == "O-1"
    assert (history.status, history.filled_quantity, history.fees_usd) == ("filled", 1, Decimal("0.65"))
    assert histories.executions() == [leg]
    assert len(history.positions) == 1


def test_a_leg_alone_is_no_order() -> None:
    script = Script()
    script.fill("O-1-LEG-A", "T-2")
    assert not only(script).is_order


def test_an_execution_that_is_reported_twice_is_there_once() -> None:
    script = Script()
    script.fill("O-1", "T-1")
    script.fill("O-1", "T-1")
    assert only(script).filled_quantity == 10


def test_refusals_and_approvals_are_verdicts() -> None:
    script = Script()
    script.refusal("O-1")
    script.approval("O-1", "O-2", command="cancel")
    histories = OrderHistories(script.entries)
    assert [len(histories.orders[name].verdicts) for name in ("O-1", "O-2")] == [2, 1]


def test_what_names_no_order_is_passed_over() -> None:
    script = Script()
    script.opened()
    script.position("opened", 10)
    script.checkpoint("0")
    assert list(OrderHistories(script.entries)) == []
