"""Commands at the gate: unknown ones, queries, cancels, modifications, lists, what cannot be read."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from nautilus_trader.execution.messages import BatchCancelOrders, CancelOrder, ModifyOrder, QueryOrder
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId

from tests.risk.limit_cases import limits
from tests.risk.nautilus_rig import (
    START_NS,
    F,
    Rig,
    Scripted,
    buy,
    market,
    names,
    quotes,
    raises,
    scripted,
    send,
    shares,
    usd,
    working,
)

REASON = (
    "judgement: RuntimeError: fault, limit an order that can be read. "
    "What cannot be judged is refused; report it with this text."
)


def test_an_unknown_command_goes_nowhere() -> None:
    rig = Rig()
    rig.run(scripted({1: lambda each: send(each, SimpleNamespace(kind="unknown"))}))
    assert rig.orders == []


def test_queries_pass() -> None:
    rig = Rig()
    strategy = scripted(
        {
            1: lambda each: each.submit_order(buy(each, 10)),
            3: lambda each: send(each, QueryOrder(**names(working(each), each))),
        }
    )
    with pytest.raises(NotImplementedError, match="query_order"):  # the backtest's client, behind the gate
        rig.run(strategy)


def test_a_batch_of_cancels_passes_and_counts_each() -> None:
    def cancel(strategy: Scripted) -> None:
        orders = strategy.cache.orders_open(strategy_id=strategy.id)
        cancels = [CancelOrder(**names(order, strategy)) for order in orders]
        fields = names(orders[0], strategy)
        del fields["client_order_id"], fields["venue_order_id"]
        send(strategy, BatchCancelOrders(cancels=cancels, **fields))

    rig = Rig()
    rig.run(
        scripted({1: lambda each: [each.submit_order(buy(each, count)) for count in (10, 11)], 3: cancel})
    )
    assert rig.open_orders == []
    assert rig.gate.keeper.account.replaces.count(START_NS + 4 * 10**9) == 2


def test_cancel_all_counts_the_side_it_names() -> None:
    def place(strategy: Scripted) -> None:
        strategy.submit_order(buy(strategy, 10))
        for count in (10, 11):
            sale = strategy.order_factory.limit(F, OrderSide.SELL, shares(count), usd("5.1000"))
            strategy.submit_order(sale)

    rig = Rig()
    rig.run(scripted({1: place, 3: lambda each: each.cancel_all_orders(F, order_side=OrderSide.SELL)}))
    assert [order.side for order in rig.open_orders] == [OrderSide.BUY]
    assert rig.gate.keeper.account.replaces.count(START_NS + 4 * 10**9) == 2


def test_a_cancel_passes_even_when_it_cannot_be_booked() -> None:
    rig = Rig()
    rig.gate.keeper.cancel = raises(RuntimeError("ledger fault"))  # type: ignore[method-assign]
    rig.run(
        scripted(
            {
                1: lambda each: each.submit_order(buy(each, 10)),
                3: lambda each: each.cancel_order(working(each)),
            }
        )
    )
    assert rig.open_orders == []
    assert rig.gate.keeper.account.breaker.changed_by == "gate_fault"


def test_an_order_that_cannot_be_read_is_refused() -> None:
    rig = Rig()
    rig.gate.instruments.terms = raises(RuntimeError("fault"))  # type: ignore[method-assign]
    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 10))}))
    assert [refusal.reason for refusal in rig.recorder.refusals] == [REASON]


def test_a_modification_that_cannot_be_read_is_refused() -> None:
    rig = Rig()

    def modify(strategy: Scripted) -> None:
        rig.gate.instruments.terms = raises(RuntimeError("fault"))  # type: ignore[method-assign]
        strategy.modify_order(working(strategy), quantity=shares(11))

    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 10)), 3: modify}))
    assert rig.rules() == ["judgement"]


def test_a_modification_of_an_unknown_order_goes_nowhere() -> None:
    def modify(strategy: Scripted) -> None:
        fields = names(buy(strategy, 10), strategy) | {"client_order_id": ClientOrderId("X")}
        send(strategy, ModifyOrder(quantity=shares(1), price=None, trigger_price=None, **fields))

    rig = Rig()
    rig.run(scripted({1: modify}))
    assert rig.orders == []


def test_a_modification_of_a_finished_order_is_refused_with_ibs_code() -> None:
    rig = Rig()

    def modify(strategy: Scripted) -> None:
        (order,) = rig.engine.cache.orders_closed()
        send(
            strategy,
            ModifyOrder(quantity=shares(20), price=None, trigger_price=None, **names(order, strategy)),
        )

    rig.run(scripted({1: lambda each: each.submit_order(market(each, 10)), 3: modify}))
    assert [(each.rule, each.ib_code) for each in rig.recorder.refusals] == [("ib_modify", 104)]
    assert rig.gate.keeper.account.ledger.reservations == {}


@pytest.mark.parametrize("change", [{"instrument_id": InstrumentId.from_str("GE.SMART")}])
def test_a_modification_in_anothers_name_is_refused_with_ibs_code(change: dict[str, Any]) -> None:
    def modify(strategy: Scripted) -> None:
        fields = names(working(strategy), strategy) | change
        send(strategy, ModifyOrder(quantity=shares(1), price=None, trigger_price=None, **fields))

    rig = Rig()
    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 10)), 3: modify}))
    assert [(each.rule, each.ib_code) for each in rig.recorder.refusals] == [("ib_modify_mismatch", 105)]


def test_price_and_trigger_of_a_modification_are_judged() -> None:
    def stop(strategy: Scripted) -> None:
        order = strategy.order_factory.stop_market(F, OrderSide.BUY, shares(10), usd("5.0200"))
        strategy.submit_order(order)

    def raise_trigger(text: str) -> Any:
        return lambda each: each.modify_order(working(each), trigger_price=usd(text))

    rig = Rig()
    rig.run(scripted({1: stop, 3: raise_trigger("5.0300"), 5: raise_trigger("6.0000")}))
    (order,) = rig.open_orders
    assert order.trigger_price == usd("5.0300")
    assert rig.rules() == ["price_collar"]


def test_a_modified_price_is_judged_and_booked() -> None:
    rig = Rig()
    rig.run(
        scripted(
            {
                1: lambda each: each.submit_order(buy(each, 10)),
                3: lambda each: each.modify_order(working(each), price=usd("4.9500")),
                5: lambda each: each.modify_order(working(each), price=usd("6.0000")),
            }
        )
    )
    (reservation,) = rig.gate.keeper.account.ledger.reservations.values()
    assert reservation.prices() == [Decimal("4.95")]
    assert rig.rules() == ["price_collar"]


def test_nothing_that_is_refused_is_forwarded() -> None:
    rig = Rig()
    forwarded: list[Any] = []
    forward = rig.gate._forward

    def note(command: Any) -> None:
        forwarded.append(type(command).__name__)
        forward(command)

    rig.gate._forward = note

    def refused(strategy: Scripted) -> None:
        strategy.submit_order(buy(strategy, 101))
        strategy.submit_order_list(strategy.order_factory.create_list([buy(strategy, 101), buy(strategy, 1)]))
        strategy.modify_order(working(strategy), quantity=shares(101))

    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 10)), 3: refused}))
    assert forwarded == ["SubmitOrder"]
    assert rig.rules() == ["shares_per_order", "shares_per_order", "order_list", "shares_per_order"]


def _two(strategy: Scripted) -> None:
    strategy.submit_order_list(strategy.order_factory.create_list([buy(strategy, 1), buy(strategy, 2)]))


def test_every_order_of_a_list_is_heard_of_before_it_is_judged() -> None:
    heard: list[str] = []
    rig = Rig(on_order=lambda order: heard.append(str(order.quantity)))
    rig.run(scripted({1: _two}))
    assert heard == ["1", "2"]
    assert rig.rules() == []


def test_a_list_of_which_one_order_cannot_be_read_is_denied_whole() -> None:
    rig = Rig()
    rig.gate.keeper.submit = raises(RuntimeError("fault"))  # type: ignore[method-assign]
    rig.run(scripted({1: _two}))
    assert rig.rules() == ["judgement", "judgement"]
    assert rig.open_orders == []


def test_a_list_whose_approval_cannot_be_recorded_is_denied_whole() -> None:
    rig = Rig()
    rig.recorder.record = raises(OSError("disk full"))  # type: ignore[method-assign]
    strategy = scripted({1: _two})
    rig.run(strategy)
    assert [type(event).__name__ for event in strategy.events].count("OrderDenied") == 2
    assert rig.gate.keeper.account.breaker.state == "HALT"


def test_a_modification_of_a_partly_filled_order_counts_what_is_left() -> None:
    few, shy = quotes("F", count=1)[0], quotes("F", count=5, bid="5.0100", ask="5.0200")[1:]
    shown = QuoteTick(F, few.bid_price, few.ask_price, shares(10_000), shares(20), few.ts_event, few.ts_init)
    rig = Rig(data=[shown, *shy], limits=limits(min_displayed_shares=1))

    def shrink(strategy: Scripted) -> None:
        (order,) = rig.engine.cache.orders_open()
        assert int(order.filled_qty) == 40
        strategy.modify_order(order, quantity=shares(70))

    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 100, "5.0000")), 3: shrink}))
    assert rig.rules() == []
    assert [int(order.leaves_qty) for order in rig.open_orders] == [30]
