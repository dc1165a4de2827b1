"""Every way past the door that was seen in Nautilus, tried for real in a BacktestEngine and a TradingNode."""

from __future__ import annotations

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.examples.algorithms.twap import TWAPExecAlgorithm
from nautilus_trader.execution.messages import SubmitOrder
from nautilus_trader.model.enums import OrderSide, TriggerType
from nautilus_trader.model.events import OrderModifyRejected, OrderUpdated
from nautilus_trader.model.identifiers import ExecAlgorithmId

from tests.risk.limit_cases import LIMITS, limits
from tests.risk.live_rig import Node
from tests.risk.nautilus_rig import OVER, F, Scripted, at, buy, denials, market, quotes, shares, usd


def test_a_command_sent_straight_to_the_execution_endpoint_is_refused(node: Node) -> None:
    def bypass(strategy: Scripted) -> None:
        order = market(strategy, OVER)
        command = SubmitOrder(
            trader_id=order.trader_id, strategy_id=order.strategy_id, order=order,
            command_id=UUID4(), ts_init=strategy.clock.timestamp_ns(),
        )  # fmt: skip
        strategy.msgbus.send(endpoint="ExecEngine.execute", msg=command)

    rig, strategy = node(), Scripted(at(1, bypass))
    rig.run(strategy)
    assert rig.net() == 0
    assert rig.rules() == ["shares_per_order"]


def test_an_emulated_order_is_refused_when_it_is_released(node: Node) -> None:
    def emulate(strategy: Scripted) -> None:
        strategy.submit_order(
            strategy.order_factory.stop_market(
                F, OrderSide.BUY, shares(OVER), usd("5.0000"), emulation_trigger=TriggerType.BID_ASK
            )
        )

    rig, strategy = node(), Scripted(at(1, emulate))
    rig.run(strategy)
    assert rig.net() == 0
    assert rig.rules() == ["shares_per_order"]
    assert len(denials(strategy)) == 1


def test_an_emulated_order_does_not_open_during_a_halt(node: Node) -> None:
    def emulate(strategy: Scripted) -> None:
        strategy.submit_order(
            strategy.order_factory.market_if_touched(
                F, OrderSide.BUY, shares(50), usd("4.9000"), emulation_trigger=TriggerType.BID_ASK
            )
        )

    rig = node(data=quotes("F", count=5) + quotes("F", count=20, bid="4.8900", ask="4.9000")[5:])

    def script(strategy: Scripted, seen: int) -> None:
        if seen == 1:
            emulate(strategy)
        if seen == 3:
            rig.gate.supervisor.halt(strategy.clock.timestamp_ns(), by="test", reason="drill")

    strategy = Scripted(script)
    rig.run(strategy)
    assert rig.net() == 0


def test_slices_of_an_execution_algorithm_are_judged_one_by_one(node: Node) -> None:
    def slice_up(strategy: Scripted) -> None:
        strategy.submit_order(
            market(
                strategy, 400, exec_algorithm_id=ExecAlgorithmId("TWAP"),
                exec_algorithm_params={"horizon_secs": 4, "interval_secs": 1},
            )
        )  # fmt: skip

    rig = node(data=quotes("F", count=450))
    rig.add_exec_algorithm(TWAPExecAlgorithm())
    strategy = Scripted(at(1, slice_up))
    rig.run(strategy)
    assert rig.net() == LIMITS.max_position_shares_per_symbol
    assert set(rig.rules()) == {"position_per_symbol", "shares_per_order"}  # the rest comes as one order


def test_growing_an_order_in_small_steps_stops_at_the_limit(node: Node) -> None:
    def script(strategy: Scripted, seen: int) -> None:
        if seen == 1:
            strategy.submit_order(buy(strategy, 90))
        orders = strategy.cache.orders_open(strategy_id=strategy.id)
        if seen > 1 and orders:
            strategy.modify_order(orders[0], quantity=shares(int(orders[0].quantity) + 3))

    rig, strategy = node(), Scripted(script)
    rig.run(strategy)
    (order,) = rig.orders
    assert int(order.quantity) <= LIMITS.max_shares_per_order
    assert int(order.quantity) > LIMITS.max_shares_per_order - 3
    assert {event.reason.split(":")[0] for event in strategy.named(OrderModifyRejected)} == {
        "shares_per_order"
    }
    assert strategy.named(OrderUpdated)


def test_a_burst_of_modifications_before_any_answer_counts_at_its_largest(node: Node) -> None:
    def script(strategy: Scripted, seen: int) -> None:
        if seen == 1:
            strategy.submit_order(buy(strategy, 90))
            strategy.submit_order(buy(strategy, 80, "4.8900"))
        if seen == 3:
            first, second = strategy.cache.orders_open(strategy_id=strategy.id)
            strategy.modify_order(first, quantity=shares(95))
            strategy.modify_order(first, quantity=shares(91))
            assert strategy.cache.order(first.client_order_id).quantity <= 95
            strategy.modify_order(second, quantity=shares(100))

    rig = node(limits=limits(max_position_shares_per_symbol=180))
    strategy = Scripted(script)
    rig.run(strategy)
    assert "position_per_symbol" in rig.rules()
    assert sum(int(order.quantity) for order in rig.orders) <= 180


def test_a_burst_before_any_event_returns_stays_within_the_position_limit(node: Node) -> None:
    def burst(strategy: Scripted) -> None:
        for index in range(9):
            strategy.submit_order(buy(strategy, 60 + index))

    rig, strategy = node(limits=limits(max_open_orders=50)), Scripted(at(1, burst))
    rig.run(strategy)
    assert sum(int(order.quantity) for order in rig.open_orders) <= 200
    assert set(rig.rules()) == {"position_per_symbol"}
    assert len(rig.rules()) == 6


def test_a_burst_stays_within_the_limit_of_open_orders(node: Node) -> None:
    def burst(strategy: Scripted) -> None:
        for index in range(9):
            strategy.submit_order(buy(strategy, 1 + index))

    rig, strategy = node(), Scripted(at(1, burst))
    rig.run(strategy)
    assert rig.rules() == ["open_orders"] * 4


def test_two_strategies_share_one_limit(node: Node) -> None:
    one = Scripted(at(1, lambda s: s.submit_order(market(s, 100))), name="ONE")
    two = Scripted(at(2, lambda s: s.submit_order(market(s, 90))), name="TWO")
    three = Scripted(at(3, lambda s: s.submit_order(market(s, 20))), name="THREE")
    rig = node()
    rig.run(one, two, three)
    assert rig.net() == 190
    assert denials(three)[0].startswith("position_per_symbol: 210 shares")


def test_two_strategies_cannot_hide_behind_opposite_positions(node: Node) -> None:
    long = Scripted(at(1, lambda s: s.submit_order(market(s, 100))), name="LONG")
    short = Scripted(at(2, lambda s: s.submit_order(market(s, 100, OrderSide.SELL))), name="SHORT")
    more = Scripted(at(3, lambda s: s.submit_order(market(s, 100))), name="MORE")
    again = Scripted(at(4, lambda s: s.submit_order(market(s, 1))), name="AGAIN")
    rig = node()
    rig.run(long, short, more, again)
    assert rig.net() == 100
    assert denials(again)[0].startswith("position_per_symbol: 201 shares")
