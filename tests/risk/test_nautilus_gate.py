"""Every way past the door that was seen in Nautilus, tried for real in a BacktestEngine and a TradingNode."""

from __future__ import annotations

from typing import Any

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.examples.algorithms.twap import TWAPExecAlgorithm
from nautilus_trader.execution.messages import SubmitOrder
from nautilus_trader.model.enums import OrderSide, TimeInForce, TriggerType
from nautilus_trader.model.events import OrderDenied, OrderFilled, OrderModifyRejected, OrderUpdated
from nautilus_trader.model.identifiers import ExecAlgorithmId, InstrumentId
from nautilus_trader.model.objects import Price, Quantity

from market.time import NS_PER_MS
from risk.operator_commands import Halt, PauseSymbol, Resume
from risk.records import ApprovalRecord, BreakerChangeRecord, CommandRecord
from tests.risk.limit_cases import LIMITS, limits
from tests.risk.live_rig import LiveRig
from tests.risk.nautilus_rig import Rig, Scripted, quotes

Node = type[Rig] | type[LiveRig]

F = InstrumentId.from_str("F.SMART")
OVER = LIMITS.max_shares_per_order + 1


@pytest.fixture(params=[Rig, pytest.param(LiveRig, marks=pytest.mark.slow)], ids=["backtest", "trading_node"])
def node(request: pytest.FixtureRequest) -> Node:
    """The node that the test runs in."""
    kind: Node = request.param
    return kind


def shares(count: int) -> Quantity:
    return Quantity.from_int(count)


def usd(text: str) -> Price:
    return Price.from_str(text)


def buy(strategy: Scripted, count: int, price: str = "4.9000", **fields: Any) -> Any:
    return strategy.order_factory.limit(F, OrderSide.BUY, shares(count), usd(price), **fields)


def market(strategy: Scripted, count: int, side: OrderSide = OrderSide.BUY, **fields: Any) -> Any:
    return strategy.order_factory.market(F, side, shares(count), **fields)


def at(moment: int, action: Any) -> Any:
    """Return a script that acts at one quote."""
    return lambda strategy, seen: action(strategy) if seen == moment else None


def denials(strategy: Scripted) -> list[str]:
    return [event.reason for event in strategy.named(OrderDenied)]


def test_an_approved_order_fills_and_its_reservation_becomes_a_position(node: Node) -> None:
    rig, strategy = node(), Scripted(at(1, lambda s: s.submit_order(market(s, 100))))
    rig.run(strategy)
    ledger = rig.gate.keeper.account.ledger
    assert rig.net() == ledger.net("F.SMART") == 100
    assert ledger.reservations == {}


def test_a_refused_order_reaches_its_strategy_with_rule_value_and_limit(node: Node) -> None:
    rig, strategy = node(), Scripted(at(1, lambda s: s.submit_order(market(s, OVER))))
    rig.run(strategy)
    assert denials(strategy) == [
        f"shares_per_order: {OVER} shares, limit {OVER - 1} shares. Send a smaller order."
    ]
    (refusal,) = rig.recorder.refusals
    assert (refusal.rule, refusal.value, refusal.limit) == (
        "shares_per_order", f"{OVER} shares", f"{OVER - 1} shares",
    )  # fmt: skip
    assert refusal.client_order_id == strategy.named(OrderDenied)[0].client_order_id.value


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


def test_a_list_with_one_bad_order_is_refused_whole(node: Node) -> None:
    def send(strategy: Scripted) -> None:
        orders = [buy(strategy, 10), buy(strategy, OVER), buy(strategy, 11)]
        strategy.submit_order_list(strategy.order_factory.create_list(orders))

    rig, strategy = node(), Scripted(at(1, send))
    rig.run(strategy)
    assert rig.rules() == ["order_list", "shares_per_order", "order_list"]
    assert len(denials(strategy)) == 3
    assert rig.gate.keeper.account.ledger.reservations == {}
    assert rig.open_orders == []


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


def test_a_rejected_modification_leaves_the_order_working(node: Node) -> None:
    def script(strategy: Scripted, seen: int) -> None:
        if seen == 1:
            strategy.submit_order(buy(strategy, 90))
        if seen == 3:
            (order,) = strategy.cache.orders_open(strategy_id=strategy.id)
            strategy.modify_order(order, quantity=shares(OVER))

    rig, strategy = node(), Scripted(script)
    rig.run(strategy)
    (order,) = rig.open_orders
    assert int(order.quantity) == 90
    assert rig.gate.keeper.account.ledger.exposure("F.SMART").worst_long == 90


def test_cancels_and_closing_orders_pass_during_a_halt(node: Node) -> None:
    rig = node()

    def script(strategy: Scripted, seen: int) -> None:
        if seen == 1:
            strategy.submit_order(market(strategy, 100))
            strategy.submit_order(buy(strategy, 20, "4.9000"))
        if seen == 3:
            rig.gate.supervisor.halt(strategy.clock.timestamp_ns(), by="test", reason="drill")
            strategy.submit_order(market(strategy, 1))
        if seen == 5:
            strategy.close_all_positions(F)

    strategy = Scripted(script)
    rig.run(strategy)
    assert rig.net() == 0
    assert rig.rules() == ["breaker_state"]
    assert rig.open_orders == []  # the halt itself canceled the opening order


def test_an_oversized_closing_order_is_not_trapped(node: Node) -> None:
    small = limits(max_shares_per_order=10, max_notional_usd_per_order=LIMITS.max_notional_usd_per_order)

    def script(strategy: Scripted, seen: int) -> None:
        if seen <= 5:
            strategy.submit_order(market(strategy, 11 - seen))
        if seen == 9:
            strategy.submit_order(market(strategy, 40, OrderSide.SELL))

    rig = node(limits=small)
    rig.run(Scripted(script))
    assert rig.net() == 0
    assert rig.rules() == []


def test_closing_more_than_is_held_is_an_opening_in_safe_mode(node: Node) -> None:
    rig = node()

    def script(strategy: Scripted, seen: int) -> None:
        if seen == 1:
            strategy.submit_order(market(strategy, 50))
        if seen == 3:
            now_ns = strategy.clock.timestamp_ns()
            rig.gate.supervisor.raise_cause("drill", now_ns, reason="test")
            strategy.submit_order(market(strategy, 60, OrderSide.SELL))
            strategy.submit_order(market(strategy, 50, OrderSide.SELL))

    rig.run(Scripted(script))
    assert rig.net() == 0
    assert rig.rules() == ["breaker_state"]


def test_market_exit_closes_everything_in_a_halt_without_spinning(node: Node) -> None:
    rig = node()

    def script(strategy: Scripted, seen: int) -> None:
        if seen == 1:
            strategy.submit_order(market(strategy, 100))
        if seen == 3:
            rig.gate.supervisor.halt(strategy.clock.timestamp_ns(), by="test", reason="drill")
            strategy.market_exit()

    strategy = Scripted(script)
    rig.run(strategy)
    assert rig.net() == 0
    assert rig.recorder.refusals == []
    assert len(strategy.named(OrderFilled)) == 2


def test_a_strategy_that_answers_each_denial_with_an_order_is_halted_and_does_not_recurse(node: Node) -> None:
    class Stubborn(Scripted):
        def on_order_denied(self, event: OrderDenied) -> None:
            self.submit_order(market(self, OVER))

    rig = node()
    strategy = Stubborn(at(1, lambda s: s.submit_order(market(s, OVER))))
    rig.run(strategy)
    assert rig.gate.keeper.account.breaker.state == "HALT"
    assert rig.gate.keeper.account.breaker.changed_by == "runaway"
    assert len(rig.recorder.refusals) <= 17 * len(rig.data)


def test_a_bracket_passes_and_its_children_are_reserved_as_one(node: Node) -> None:
    def bracket(strategy: Scripted) -> None:
        strategy.submit_order_list(
            strategy.order_factory.bracket(
                instrument_id=F, order_side=OrderSide.BUY, quantity=shares(100),
                sl_trigger_price=usd("4.5000"), tp_price=usd("5.5000"), tp_post_only=False,
            )
        )  # fmt: skip

    rig, strategy = node(), Scripted(at(1, bracket))
    rig.run(strategy)
    assert rig.rules() == []
    exposure = rig.gate.keeper.account.ledger.exposure("F.SMART")
    assert (exposure.worst_long, exposure.worst_short) == (100, 0)


def test_a_bracket_whose_entry_is_refused_sends_nothing(node: Node) -> None:
    def bracket(strategy: Scripted) -> None:
        strategy.submit_order_list(
            strategy.order_factory.bracket(
                instrument_id=F, order_side=OrderSide.BUY, quantity=shares(OVER),
                sl_trigger_price=usd("4.5000"), tp_price=usd("5.5000"),
            )
        )  # fmt: skip

    rig, strategy = node(), Scripted(at(1, bracket))
    rig.run(strategy)
    assert rig.rules()[0] == "shares_per_order"
    assert rig.open_orders == []


def test_one_decision_makes_one_order_even_when_it_is_sent_again(node: Node) -> None:
    def script(strategy: Scripted, seen: int) -> None:
        if seen <= 3:
            strategy.submit_order(market(strategy, 10 + seen, tags=["decision:abc"]))

    rig, strategy = node(), Scripted(script)
    rig.run(strategy)
    assert rig.net() == 11
    assert rig.rules() == ["duplicate_intent", "duplicate_intent"]


def test_the_same_order_sent_twice_goes_out_once(node: Node) -> None:
    def twice(strategy: Scripted) -> None:
        order = buy(strategy, 10)
        strategy.submit_order(order)
        command = SubmitOrder(
            trader_id=order.trader_id, strategy_id=order.strategy_id, order=order,
            command_id=UUID4(), ts_init=strategy.clock.timestamp_ns(),
        )  # fmt: skip
        strategy.msgbus.send(endpoint="ExecEngine.execute", msg=command)

    rig, strategy = node(), Scripted(at(1, twice))
    rig.run(strategy)
    assert rig.rules() == ["ib_duplicate_id"]
    assert len(rig.open_orders) == 1


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda s: buy(s, 10, "4.9050"), 110),
        (lambda s: buy(s, 10, time_in_force=TimeInForce.AT_THE_OPEN), 201),
        (
            lambda s: s.order_factory.stop_market(
                F, OrderSide.BUY, shares(10), usd("5.1000"), time_in_force=TimeInForce.FOK
            ),
            111,
        ),
    ],
)
def test_an_order_that_ib_would_refuse_is_refused_with_its_code(node: Node, make: Any, code: int) -> None:
    rig, strategy = node(), Scripted(at(1, lambda s: s.submit_order(make(s))))
    rig.run(strategy)
    assert [refusal.ib_code for refusal in rig.recorder.refusals] == [code]


def test_a_recorder_that_fails_halts_and_lets_only_closing_orders_pass(node: Node) -> None:
    rig = node()

    def record(_entry: Any) -> None:
        raise OSError("disk full")

    def script(strategy: Scripted, seen: int) -> None:
        if seen == 1:
            strategy.submit_order(market(strategy, 10))
        if seen == 3:
            rig.recorder.record = record  # type: ignore[method-assign, assignment]
            strategy.submit_order(market(strategy, 12))  # its approval cannot be recorded
        if seen == 5:
            strategy.submit_order(market(strategy, 13))
        if seen == 7:
            strategy.submit_order(market(strategy, 4, OrderSide.SELL))

    strategy = Scripted(script)
    rig.run(strategy)
    assert rig.gate.keeper.account.breaker.changed_by == "recorder_failure"
    first, second = strategy.named(OrderDenied)
    assert first.reason.startswith("recorder_failure")
    assert second.reason.startswith("breaker_state")
    assert rig.net() == 6


def test_every_order_is_shown_before_its_verdict_and_approved_on_record(node: Node) -> None:
    seen: list[str] = []
    rig = node(on_order=lambda order: seen.append(order.client_order_id.value))
    strategy = Scripted(at(1, lambda s: [s.submit_order(market(s, count)) for count in (10, OVER)]))
    rig.run(strategy)
    approved, refused = [order.client_order_id.value for order in rig.orders]
    assert seen == [approved, refused]
    kept = [entry.client_order_ids for entry in rig.recorder.entries if isinstance(entry, ApprovalRecord)]
    assert kept == [(approved,)]


def test_a_fill_that_cannot_be_booked_halts(node: Node) -> None:
    rig = node()

    def fault(*_: Any) -> None:
        raise RuntimeError("ledger fault")

    rig.gate.keeper.filled = fault  # type: ignore[method-assign, assignment]
    rig.run(Scripted(at(1, lambda s: s.submit_order(market(s, 10)))))
    breaker = rig.gate.keeper.account.breaker
    assert (breaker.state, breaker.changed_by) == ("HALT", "gate_fault")


def test_operator_commands_act_in_process_and_are_recorded(node: Node) -> None:
    rig = node()

    def script(strategy: Scripted, seen: int) -> None:
        if seen == 1:
            rig.gate.command(PauseSymbol(by="Ann", reason="news", symbol="F"))
            strategy.submit_order(market(strategy, 10))
        if seen == 2:
            rig.gate.command(Halt(by="Ann", reason="news"))
            rig.gate.command(Resume(by="Ann", reason="read the news"))

    rig.run(Scripted(script))
    assert rig.rules() == ["trading_paused"]
    assert rig.gate.keeper.account.breaker.state == "RUNNING"
    changes = [entry for entry in rig.recorder.entries if isinstance(entry, BreakerChangeRecord)]
    assert [(change.after, change.by) for change in changes][1:] == [("HALT", "Ann"), ("RUNNING", "Ann")]
    commands = [entry.command for entry in rig.recorder.entries if isinstance(entry, CommandRecord)]
    assert commands == ["pause_symbol", "halt", "resume"]


def test_the_daily_loss_halts_cancels_and_flattens_and_nothing_opens_after(node: Node) -> None:
    falling = quotes("F", count=5) + quotes("F", count=50, bid="4.4000", ask="4.4100")[5:]
    rig = node(data=falling, limits=limits(max_loss_usd_per_trade=LIMITS.max_daily_loss_usd))

    def script(strategy: Scripted, seen: int) -> None:
        if seen == 1:
            strategy.submit_order(market(strategy, 100))
            strategy.submit_order(buy(strategy, 20, "4.0000"))
        if seen > 20:
            strategy.submit_order(market(strategy, seen))

    strategy = Scripted(script)
    rig.run(strategy)
    assert rig.net() == 0
    assert rig.open_orders == []
    assert set(rig.rules()) <= {"breaker_state", "daily_loss"}  # live, it takes 300 ms to be sure
    assert rig.rules()[-1] == "breaker_state"
    (report,) = [report for report in rig.gate.kill_switch.reports if report.by == "daily_loss"]
    assert report.is_flat


def test_one_outlier_quote_does_not_halt_but_is_recorded(node: Node) -> None:
    data = quotes("F", count=50)
    outlier = quotes("F", count=50, bid="3.0000", ask="3.0100")[10]
    data[10] = outlier
    rig = node(data=data, limits=limits(halt_reading_interval_ms=1))
    rig.run(Scripted(at(1, lambda s: s.submit_order(market(s, 100)))))
    assert rig.gate.keeper.account.breaker.state == "RUNNING"
    assert rig.net() == 100
    suspects = [entry for entry in rig.recorder.entries if getattr(entry, "verdict", "") == "suspect"]
    assert {entry.trigger for entry in suspects} == {"daily_loss", "daily_drawdown", "loss_per_trade:F"}  # type: ignore[union-attr]
    assert all("F.SMART" in entry.inputs for entry in suspects)  # type: ignore[union-attr]


def test_a_trade_that_loses_too_much_is_closed_and_its_symbol_paused(node: Node) -> None:
    falling = quotes("F", count=5) + quotes("F", count=50, bid="4.7500", ask="4.7600")[5:]
    rig = node(data=falling)

    def script(strategy: Scripted, seen: int) -> None:
        if seen == 1:
            strategy.submit_order(market(strategy, 100))
        if seen == 30:
            strategy.submit_order(market(strategy, 10))

    rig.run(Scripted(script))
    assert rig.net() == 0
    assert rig.rules() == ["trading_paused"]
    assert rig.gate.keeper.account.breaker.state == "RUNNING"


def test_a_lowered_quantity_passes_in_safe_mode(node: Node) -> None:
    rig = node()

    def script(strategy: Scripted, seen: int) -> None:
        if seen == 1:
            strategy.submit_order(buy(strategy, 90))
        if seen == 3:
            rig.gate.supervisor.raise_cause("drill", strategy.clock.timestamp_ns(), reason="test")
            (order,) = strategy.cache.orders_open(strategy_id=strategy.id)
            strategy.modify_order(order, quantity=shares(40))
        if seen == 5:
            (order,) = strategy.cache.orders_open(strategy_id=strategy.id)
            strategy.modify_order(order, quantity=shares(60))

    rig.run(Scripted(script))
    (order,) = rig.open_orders
    assert int(order.quantity) == 40
    assert rig.rules() == ["breaker_state"]
    assert rig.gate.keeper.account.ledger.exposure("F.SMART").worst_long == 40


def test_installing_twice_is_refused(node: Node) -> None:
    rig = node()
    with pytest.raises(ValueError, match="handler"):
        rig.gate.install()


def test_a_quote_older_than_the_limit_refuses() -> None:
    class Late(Scripted):
        def on_start(self) -> None:
            super().on_start()
            last_ns = quotes("F", count=3)[-1].ts_event
            for name, age_ms in (("fresh", 1_000), ("old", 1_001)):
                self.clock.set_time_alert_ns(name, last_ns + age_ms * NS_PER_MS, self.send)

        def send(self, event: Any) -> None:
            self.submit_order(buy(self, 10 if event.name == "fresh" else 11))

    strategy = Late(lambda _strategy, _seen: None)
    rig = Rig(data=quotes("F", count=3) + quotes("F", count=60)[59:])
    rig.run(strategy)
    assert [refusal.reason for refusal in rig.recorder.refusals] == [
        "quote_age: 1001.0 ms old, limit 1000 ms. Wait for a fresh quote."
    ]
