"""What a HALT cancels in a Nautilus kernel, and that it goes on until it is canceled."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

from nautilus_trader.execution.messages import CancelOrder, ModifyOrder
from nautilus_trader.model.enums import OrderSide, OrderType, TriggerType

from market.time import NS_PER_SECOND
from risk.nautilus_kill_switch import REPEAT_NS, REPEATS_TOLD
from tests.risk.flatten_rig import buys, intercept, outcomes, stop
from tests.risk.limit_cases import limits
from tests.risk.live_rig import Node
from tests.risk.nautilus_rig import F, Rig, Scripted, buy, quotes, scripted, shares, usd
from tests.risk.table_market import order


def halts(rig: Any) -> Any:
    """Return an action that halts."""
    return lambda each: rig.gate.supervisor.halt(each.clock.timestamp_ns(), by="reject_rate", reason="x")


def target(strategy: Scripted) -> Any:
    return strategy.order_factory.limit(F, OrderSide.SELL, shares(100), usd("5.5000"))


def test_of_a_stop_and_a_target_sent_apart_the_stop_stays(node: Node) -> None:
    rig = node()

    def protect(strategy: Scripted) -> None:
        strategy.submit_order(stop(strategy))
        strategy.submit_order(target(strategy))

    rig.run(scripted({1: buys(), 6: protect, 12: halts(rig)}))
    assert [order.order_type for order in rig.open_orders] == [OrderType.STOP_MARKET]


def test_a_stop_that_is_larger_than_the_position_is_lowered(node: Node) -> None:
    rig = node()
    rig.run(
        scripted({1: buys(60), 6: lambda each: each.submit_order(stop(each, 100, "4.9600")), 12: halts(rig)})
    )
    assert [int(order.quantity) for order in rig.open_orders] == [60]
    assert rig.rules() == []


def test_a_change_that_is_not_answered_is_not_sent_twice_and_told() -> None:
    rig = Rig()
    lost = intercept(rig, lambda command: isinstance(command, ModifyOrder))
    rig.run(
        scripted({1: buys(60), 3: lambda each: each.submit_order(stop(each, 100, "4.9600")), 6: halts(rig)})
    )
    (kept,) = rig.open_orders
    assert len(lost) == 1
    assert outcomes(rig, "halt_cancels") == [f"NOT CANCELED: {kept.client_order_id}. Cancel them in TWS."]


def test_an_emulated_stop_loss_stays_and_an_emulated_entry_goes() -> None:
    rig = Rig()

    def place(strategy: Scripted) -> None:
        bid_ask = TriggerType.BID_ASK
        strategy.submit_order(stop(strategy, emulation_trigger=bid_ask))
        strategy.submit_order(
            strategy.order_factory.stop_market(
                F, OrderSide.BUY, shares(10), usd("5.5000"), emulation_trigger=bid_ask
            )
        )

    rig.run(scripted({1: buys(), 3: place, 6: halts(rig)}))
    (kept,) = rig.engine.cache.orders_emulated()
    assert kept.side == OrderSide.SELL


def test_an_emulated_order_that_cannot_be_read_goes() -> None:
    rig = Rig()
    place = scripted(
        {
            1: buys(),
            3: lambda each: each.submit_order(stop(each, emulation_trigger=TriggerType.BID_ASK)),
            6: halts(rig),
        }
    )
    read = rig.gate.instruments.terms

    def forget(instrument_id: Any) -> Any:
        if rig.gate.supervisor.account.breaker.state == "HALT":
            raise LookupError("gone")
        return read(instrument_id)

    rig.gate.instruments.terms = forget  # type: ignore[method-assign]
    rig.run(place)
    assert rig.engine.cache.orders_emulated() == []


def test_a_cancel_that_is_lost_is_sent_again() -> None:
    rig = Rig()
    lost = intercept(rig, lambda command: isinstance(command, CancelOrder) and not lost)
    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 50)), 4: halts(rig)}))
    assert len(lost) == 1
    assert rig.open_orders == []
    assert outcomes(rig, "halt_cancels") == []


def test_an_order_that_does_not_cancel_is_told_once() -> None:
    rig = Rig(data=quotes("F", count=60), limits=limits(max_replaces_per_minute=100))
    lost = intercept(rig, lambda command: isinstance(command, CancelOrder))
    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 50)), 4: halts(rig)}))
    (kept,) = rig.open_orders
    assert outcomes(rig, "halt_cancels") == [f"NOT CANCELED: {kept.client_order_id}. Cancel them in TWS."]
    times = [command.ts_init for command in lost]
    assert {later - earlier for earlier, later in pairwise(times)} == {REPEAT_NS}
    assert len(times) > REPEATS_TOLD + 1
    assert times[-1] > times[0] + 40 * NS_PER_SECOND


def test_after_a_resume_nothing_is_canceled_again() -> None:
    rig = Rig()
    lost = intercept(rig, lambda command: isinstance(command, CancelOrder))

    def resume(strategy: Scripted) -> None:
        rig.gate.supervisor.resume(strategy.clock.timestamp_ns(), by="Eve", reason="checked")

    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 50)), 4: halts(rig), 6: resume}))
    assert len(lost) == 1
    assert len(rig.open_orders) == 1


def test_a_second_halt_repeats_at_its_own_pace_and_tells_again() -> None:
    rig = Rig(data=quotes("F", count=60), limits=limits(max_replaces_per_minute=100))
    lost = intercept(rig, lambda command: isinstance(command, CancelOrder))
    again = 30

    def enforce(_: Scripted) -> None:
        rig.gate.supervisor.enforce_halt()

    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 50)), 4: halts(rig), again: enforce}))
    assert len(outcomes(rig, "halt_cancels")) == 2
    assert len(lost) == len({command.ts_init for command in lost})


def test_an_order_that_cannot_be_canceled_hides_no_other() -> None:
    rig = Rig()

    def place(strategy: Scripted) -> None:
        for count in (10, 11):
            strategy.submit_order(buy(strategy, count))

    orders = rig.gate.kill_switch._orders
    execute, faults = orders._execute, [1]

    def fail_once(command: Any) -> None:
        if isinstance(command, CancelOrder) and faults:
            raise RuntimeError(f"fault {faults.pop()}")
        execute(command)

    orders._execute = fail_once
    rig.run(scripted({1: place, 4: halts(rig)}))
    assert rig.open_orders == []


def test_an_order_that_cannot_be_lowered_hides_no_other() -> None:
    rig = Rig()
    orders = rig.gate.kill_switch._orders
    execute = orders._execute

    def fail(command: Any) -> None:
        if isinstance(command, ModifyOrder):
            raise RuntimeError("fault")
        execute(command)

    def place(strategy: Scripted) -> None:
        strategy.submit_order(stop(strategy, 100, "4.9600"))
        strategy.submit_order(buy(strategy, 10))

    orders._execute = fail
    rig.run(scripted({1: buys(60), 3: place, 6: halts(rig)}))
    assert [int(order.quantity) for order in rig.open_orders] == [100]


def test_an_order_that_nautilus_does_not_know_is_neither_lowered_nor_canceled() -> None:
    rig = Rig()

    def invent(_: Any) -> None:
        terms = rig.gate.instruments.terms(F)
        fields = {"side": "sell", "order_type": "stop", "limit_price": None, "trigger_price": Decimal("4.40")}
        for count in (100, 10):
            rig.gate.keeper.adopt_order(order(terms, count, order_id=f"GHOST-{count}", **fields), filled=0)

    rig.run(scripted({1: buys(60), 3: invent, 6: halts(rig)}))
    assert (rig.open_orders, rig.rules()) == ([], [])
    assert outcomes(rig, "halt_cancels") != []


def test_an_emulated_order_that_cannot_be_canceled_hides_no_other() -> None:
    rig = Rig()
    orders = rig.gate.kill_switch._orders
    make, faults = orders._cancel_command, [1]

    def fail_once(each: Any) -> Any:
        if faults:
            raise RuntimeError(f"fault {faults.pop()}")
        return make(each)

    def place(strategy: Scripted) -> None:
        for count in (10, 11):
            strategy.submit_order(stop(strategy, count, emulation_trigger=TriggerType.BID_ASK))

    orders._cancel_command = fail_once  # type: ignore[assignment, method-assign]
    rig.run(scripted({3: place, 6: halts(rig)}))
    assert len(rig.engine.cache.orders_emulated()) == 1
