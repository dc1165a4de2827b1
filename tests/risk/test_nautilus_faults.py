"""Faults of the gate itself: none leaves it as an exception, for that would end a live node."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import ModifyOrder, SubmitOrder
from nautilus_trader.model.enums import OrderType
from nautilus_trader.model.events import OrderDenied, OrderModifyRejected
from nautilus_trader.model.objects import Quantity
from nautilus_trader.model.orders import LimitOrder

from tests.risk.live_rig import Node
from tests.risk.nautilus_rig import (
    OVER,
    F,
    Rig,
    Scripted,
    at,
    buy,
    market,
    names,
    raises,
    scripted,
    send,
    shares,
    usd,
    working,
)

FAULT = raises(RuntimeError("fault"))


def bracket(strategy: Scripted, count: int = 10) -> Any:
    return strategy.order_factory.bracket(
        instrument_id=F, order_side=1, quantity=shares(count), entry_order_type=OrderType.LIMIT,
        entry_price=usd("4.9000"), sl_trigger_price=usd("4.5000"), tp_price=usd("5.5000"), tp_post_only=False,
    )  # fmt: skip


def halted_by(rig: Any) -> tuple[str, str]:
    breaker = rig.gate.keeper.account.breaker
    return breaker.state, breaker.changed_by


def test_a_bracket_whose_approval_is_not_recorded_is_refused_whole(node: Node) -> None:
    """Its children only lower risk: alone they could pass without a record."""
    rig = node()

    def place(strategy: Scripted) -> None:
        rig.recorder.record = raises(OSError("disk full"))  # type: ignore[method-assign]
        strategy.submit_order_list(bracket(strategy))

    strategy = Scripted(at(1, place))
    rig.run(strategy)
    assert halted_by(rig) == ("HALT", "recorder_failure")
    assert len(strategy.named(OrderDenied)) == 3
    assert rig.gate.keeper.account.ledger.reservations == {}
    assert rig.open_orders == []


@pytest.mark.parametrize(
    "make", [lambda s: s.submit_order(buy(s, 10)), lambda s: s.submit_order_list(bracket(s))]
)
def test_orders_that_a_listener_cannot_hear_of_are_refused(node: Node, make: Any) -> None:
    rig = node(on_order=FAULT)
    strategy = Scripted(at(1, make))
    rig.run(strategy)
    assert set(rig.rules()) == {"judgement"}
    assert len(strategy.named(OrderDenied)) == len(rig.rules()) == len(rig.orders)
    assert halted_by(rig) == ("HALT", "gate_fault")


def test_an_order_that_was_reserved_before_the_fault_counts_no_longer(node: Node) -> None:
    rig = node()
    rig.gate.supervisor.after_submission = FAULT  # type: ignore[method-assign]
    rig.run(Scripted(at(1, lambda each: each.submit_order(buy(each, 10)))))
    assert rig.rules() == ["judgement"]
    assert rig.gate.keeper.account.ledger.reservations == {}


def test_a_strategy_hears_of_a_refusal_that_cannot_be_booked(node: Node) -> None:
    rig = node()
    rig.gate.supervisor.refused = FAULT  # type: ignore[method-assign]
    strategy = Scripted(at(1, lambda each: each.submit_order(market(each, OVER))))
    rig.run(strategy)
    (denied,) = strategy.named(OrderDenied)
    assert denied.reason.startswith("shares_per_order")
    assert halted_by(rig) == ("HALT", "gate_fault")


def test_a_halt_whose_cancels_fail_is_a_halt_and_the_node_lives(node: Node) -> None:
    rig = node(on_order=FAULT)
    rig.gate.kill_switch.cancel_openings = FAULT  # type: ignore[method-assign]
    strategy = Scripted(at(1, lambda each: each.submit_order(buy(each, 10))))
    rig.run(strategy)
    assert halted_by(rig) == ("HALT", "gate_fault")
    assert len(strategy.named(OrderDenied)) == 1


def test_a_cancel_of_everything_passes_when_the_gate_cannot_see_what_it_cancels(node: Node) -> None:
    rig = node()

    def cancel(strategy: Scripted) -> None:
        rig.gate._cache = SimpleNamespace(orders_open=FAULT)
        strategy.cancel_all_orders(F)

    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 10)), 5: cancel}))
    assert rig.open_orders == []
    assert halted_by(rig) == ("HALT", "gate_fault")


def test_a_modification_that_fails_after_it_was_reserved_is_refused_and_taken_back(node: Node) -> None:
    rig = node()
    counted: list[int] = []

    def grow(strategy: Scripted) -> None:
        rig.gate.supervisor.after_commands = FAULT  # type: ignore[method-assign]
        rig.gate.kill_switch.cancel_openings = lambda: None  # type: ignore[method-assign]
        strategy.modify_order(working(strategy), quantity=shares(20))
        counted.append(rig.gate.keeper.account.ledger.exposure("F.SMART").worst_long)

    strategy = scripted({1: lambda each: each.submit_order(buy(each, 10)), 5: grow})
    rig.run(strategy)
    assert rig.rules() == ["judgement"]
    assert len(strategy.named(OrderModifyRejected)) == 1
    assert (counted, halted_by(rig)) == ([10], ("HALT", "gate_fault"))


def test_a_modification_to_a_fraction_is_refused_without_a_halt(node: Node) -> None:
    def split(strategy: Scripted) -> None:
        order = working(strategy)
        fields: dict[str, Any] = {"price": None, "trigger_price": None, **names(order, strategy)}
        send(strategy, ModifyOrder(quantity=Quantity.from_str("1.5"), **fields))

    rig = node()
    strategy = scripted({1: lambda each: each.submit_order(buy(each, 10)), 5: split})
    rig.run(strategy)
    assert rig.rules() == ["ib_fraction"]
    assert len(strategy.named(OrderModifyRejected)) == 1
    assert rig.gate.keeper.account.breaker.state == "RUNNING"


def test_a_modification_that_cannot_even_be_refused_goes_nowhere(node: Node) -> None:
    rig = node()

    def grow(strategy: Scripted) -> None:
        rig.gate._refusals.reject_change = FAULT  # type: ignore[method-assign]
        rig.gate.kill_switch.cancel_openings = lambda: None  # type: ignore[method-assign]
        strategy.modify_order(working(strategy), quantity=shares(OVER))

    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 10)), 5: grow}))
    assert [int(order.quantity) for order in rig.open_orders] == [10]
    assert halted_by(rig) == ("HALT", "gate_fault")


def test_an_unreadable_twin_of_a_working_order_leaves_it_working(node: Node) -> None:
    def twin(strategy: Scripted) -> None:
        first = working(strategy)
        other = LimitOrder(
            trader_id=first.trader_id, strategy_id=first.strategy_id, instrument_id=F,
            client_order_id=first.client_order_id, order_side=first.side,
            quantity=Quantity(Decimal("1.5"), 1),
            price=usd("4.9000"), init_id=UUID4(), ts_init=0,
        )  # fmt: skip
        fields: dict[str, Any] = {"trader_id": other.trader_id, "strategy_id": other.strategy_id}
        send(strategy, SubmitOrder(order=other, command_id=UUID4(), ts_init=0, **fields))

    rig, strategy = node(), scripted({1: lambda each: each.submit_order(buy(each, 10)), 5: twin})
    rig.run(strategy)
    assert rig.rules() == ["ib_fraction"]
    assert strategy.named(OrderDenied) == []
    assert rig.gate.keeper.account.ledger.exposure("F.SMART").worst_long == 10
    assert rig.gate.keeper.account.breaker.state == "RUNNING"


def test_what_a_backtests_strategy_raises_comes_through() -> None:
    class Faulty(Scripted):
        def on_order_denied(self, event: OrderDenied) -> None:
            raise ZeroDivisionError(event.reason)

    rig = Rig()
    with pytest.raises(ZeroDivisionError, match="shares_per_order"):
        rig.run(Faulty(at(1, lambda each: each.submit_order(market(each, OVER)))))
    assert rig.gate.keeper.account.breaker.state == "RUNNING"
