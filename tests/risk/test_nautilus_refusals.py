"""How strategies hear of refusals: each once, in the end, and never at the cost of an order that works."""

from __future__ import annotations

from typing import Any

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import SubmitOrder
from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.events import OrderDenied
from nautilus_trader.model.orders import MarketOrder

from market.time import NS_PER_SECOND
from tests.risk.nautilus_rig import OVER, START_NS, F, Rig, Scripted, buy, market, scripted, send, shares

NESTED_MOST = 16


class Stubborn(Scripted):
    """Answers every denial with the same bad order, until `rest` is set."""

    rest = False

    def on_order_denied(self, _event: OrderDenied) -> None:
        if not self.rest:
            self.submit_order(market(self, OVER))


def test_a_strategy_that_answers_denials_is_halted_at_the_seventeenth() -> None:
    rig = Rig()
    seen: list[tuple[int, str]] = []

    def script(strategy: Stubborn, quote: int) -> None:
        if quote == 1:
            strategy.submit_order(market(strategy, OVER))
            strategy.rest = True
            seen.append((len(rig.recorder.refusals), rig.gate.keeper.account.breaker.changed_by))

    rig.run(Stubborn(script))
    assert seen == [(NESTED_MOST + 1, "runaway")]


def test_refusals_that_were_withheld_are_told_a_second_later() -> None:
    rig = Rig()
    told_ns: list[int] = []

    class Noting(Stubborn):
        def on_order_denied(self, event: OrderDenied) -> None:
            told_ns.append(self.clock.timestamp_ns() - START_NS)
            super().on_order_denied(event)

    def script(strategy: Noting, quote: int) -> None:
        if quote == 1:
            strategy.submit_order(market(strategy, OVER))
            strategy.submit_order(market(strategy, OVER))
            strategy.rest = True

    rig.run(Noting(script))
    assert told_ns == [0] * 2 * NESTED_MOST + [NS_PER_SECOND] * 2
    assert {order.status for order in rig.orders} == {OrderStatus.DENIED}


def test_a_twin_of_a_working_order_is_refused_and_leaves_it_working() -> None:
    """Another order object of the same id: to deny it would end the first in the eyes of its strategy."""

    def twin(strategy: Scripted) -> None:
        (first,) = strategy.cache.orders_open()
        order = MarketOrder(
            trader_id=first.trader_id, strategy_id=first.strategy_id, instrument_id=F,
            client_order_id=first.client_order_id, order_side=OrderSide.BUY, quantity=shares(1),
            init_id=UUID4(), ts_init=0,
        )  # fmt: skip
        command: dict[str, Any] = {"trader_id": order.trader_id, "strategy_id": order.strategy_id}
        send(strategy, SubmitOrder(order=order, command_id=UUID4(), ts_init=0, **command))

    rig = Rig()
    strategy = scripted({1: lambda each: each.submit_order(buy(each, 10)), 3: twin})
    rig.run(strategy)
    assert rig.rules() == ["ib_duplicate_id"]
    assert strategy.named(OrderDenied) == []
    assert [int(order.quantity) for order in rig.open_orders] == [10]
    assert rig.gate.keeper.account.ledger.exposure("F.SMART").worst_long == 10
