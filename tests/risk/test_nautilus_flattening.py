"""A flattening in a Nautilus kernel ends flat, or a person is told why not."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import LoggingConfig, RiskEngineConfig
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import CancelOrder
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.enums import AccountType, LiquiditySide, OmsType, OrderSide, OrderType
from nautilus_trader.model.events import OrderCanceled, OrderFilled
from nautilus_trader.model.identifiers import PositionId, TradeId, TraderId
from nautilus_trader.model.objects import Money

from market.time import NS_PER_SECOND
from risk.drills.nautilus_options import combination, option_quotes, put
from risk.flatten import MAX_ROUNDS
from risk.market_view import Greeks
from risk.nautilus_gate import Gate, GateSetup, install_gate
from risk.operator_commands import FlattenAll, FlattenSymbol
from risk.performance import Fill
from tests.risk.flatten_rig import (
    WHO,
    buys,
    closings,
    flattens,
    halted_until,
    intercept,
    outcomes,
    path,
    stop,
)
from tests.risk.limit_cases import SESSION_RULES, limits
from tests.risk.live_rig import Node
from tests.risk.nautilus_rig import (
    SMART,
    START_NS,
    F,
    Rig,
    Scripted,
    buy,
    equity,
    quotes,
    raises,
    scripted,
    shares,
    usd,
)
from tests.risk.table_market import order as plain_order

D = Decimal
GE = equity("GE").id
SHORT, LONG = put(500), put(495)
SPREAD = combination([(SHORT, -1), (LONG, 1)])


class Stubborn(Scripted):
    """Puts its stop-loss back whenever somebody cancels it."""

    def on_order_event(self, event: Any) -> None:
        super().on_order_event(event)
        if isinstance(event, OrderCanceled):
            self.protect()

    def protect(self) -> None:
        self.submit_order(stop(self))


@pytest.mark.parametrize("by", ["operator", "daily_loss"])
def test_a_strategy_that_puts_its_stop_back_does_not_keep_its_position(node: Node, by: str) -> None:
    falling = path((20, "4.9900", "5.0000"), (60, "4.4500", "4.4600"))
    rig = node(
        data=quotes("F", count=60) if by == "operator" else falling,
        limits=limits(max_loss_usd_per_trade=D(50)),
    )
    actions: dict[int, Any] = {1: buys(), 6: lambda each: each.protect()}
    if by == "operator":
        actions[12] = flattens(rig)
    rig.run(Stubborn(lambda strategy, seen: actions.get(seen, lambda _: None)(strategy)))
    (report,) = rig.gate.kill_switch.reports
    assert (rig.net(), report.is_flat) == (0, True)
    assert rig.open_orders == []
    (refusal,) = rig.recorder.refusals
    assert refusal.rule == "flattening"
    assert refusal.reason.startswith("flattening: the kill switch closes F, limit one that closes.")


def test_a_strategy_closes_what_another_flattening_does_not_cover() -> None:
    rig = Rig(symbols=("F", "GE"), data=quotes("F", count=40) + quotes("GE", count=40))
    halted_until(rig, START_NS + 3600 * NS_PER_SECOND)

    def close(strategy: Scripted) -> None:
        for instrument_id in (F, GE):
            strategy.submit_order(strategy.order_factory.market(instrument_id, OrderSide.SELL, shares(10)))

    def open_both(strategy: Scripted) -> None:
        for instrument_id in (F, GE):
            strategy.submit_order(strategy.order_factory.market(instrument_id, OrderSide.BUY, shares(10)))

    actions = {2: open_both, 5: lambda _: rig.gate.command(FlattenSymbol(symbol="F", **WHO)), 9: close}
    rig.run(Scripted(lambda each, seen: actions.get(seen, lambda _: None)(each), symbols=("F", "GE")))
    assert (rig.net("F"), rig.net("GE")) == (10, 0)
    assert rig.rules() == ["flattening"]


def test_one_order_whose_cancel_is_never_answered_keeps_nothing_else_open() -> None:
    rig = Rig(symbols=("F", "GE"), data=quotes("F", count=40) + quotes("GE", count=40))
    intercept(rig, lambda command: isinstance(command, CancelOrder) and command.instrument_id == GE)

    def place(strategy: Scripted) -> None:
        strategy.submit_order(strategy.order_factory.limit(GE, OrderSide.BUY, shares(10), usd("4.9500")))

    rig.run(scripted({1: buys(), 3: place, 7: flattens(rig)}))
    assert rig.net("F") == 0
    (report,) = rig.gate.kill_switch.reports
    (left,) = report.left
    assert left.why == f"not canceled in {MAX_ROUNDS} rounds"
    assert left.instrument_id.startswith("order O-")


def test_beside_a_stop_that_does_not_cancel_no_more_is_sold_than_there_is() -> None:
    rig = Rig(data=path((60, "4.9900", "5.0000"), (20, "4.3000", "4.3100")))
    intercept(rig, lambda command: isinstance(command, CancelOrder))
    rig.run(scripted({1: buys(), 3: lambda each: each.submit_order(stop(each, 60)), 7: flattens(rig)}))
    assert [int(order.quantity) for order in closings(rig)] == [40]
    assert (rig.net(), rig.open_orders) == (0, [])


@pytest.mark.parametrize("by", ["operator", "daily_loss"])
def test_a_spread_that_cannot_be_read_does_not_disarm_the_kill_switch(node: Node, by: str) -> None:
    data = path((20, "4.9900", "5.0000"), (60, "4.4000", "4.4100"))
    rig = node(data=data, limits=limits(max_loss_usd_per_trade=D(50)))
    rig.engine.cache.add_instrument(SPREAD)  # its legs are not in the cache
    rig.run(scripted({1: buys()} | ({8: flattens(rig)} if by == "operator" else {})))
    assert rig.net() == 0
    assert [report.is_flat for report in rig.gate.kill_switch.reports] == [True]


def test_a_round_that_fails_is_told_and_the_next_closes() -> None:
    rig = Rig()
    scenes = rig.gate.kill_switch._scenes
    read, faults = scenes.read, [1, 2, 3]

    def fail_at_first(*args: Any) -> Any:
        if faults:
            raise RuntimeError(f"fault {faults.pop()}")
        return read(*args)

    scenes.read = fail_at_first  # type: ignore[assignment, method-assign]
    rig.run(scripted({1: buys(), 5: flattens(rig)}))
    assert rig.net() == 0
    assert [(report.is_flat, report.rounds) for report in rig.gate.kill_switch.reports] == [(True, 4)]


def test_a_fault_in_every_round_is_told_to_a_person() -> None:
    rig = Rig()
    rig.gate.kill_switch._scenes.read = raises(RuntimeError("no cache"))  # type: ignore[method-assign]
    rig.run(scripted({1: buys(), 5: flattens(rig)}))
    (told,) = outcomes(rig, "flatten_report")
    assert told.startswith("NOT FLAT after 21 rounds, tried again every minute")
    assert told.endswith("RuntimeError: no cache")


def test_one_closing_that_cannot_be_sent_keeps_no_other_back() -> None:
    rig = Rig(symbols=("F", "GE"), data=quotes("F", count=40) + quotes("GE", count=40))
    orders = rig.gate.kill_switch._orders
    make = orders._order

    def only_ge(closing: Any, quantity: int) -> Any:
        if closing.terms.symbol == "F":
            raise RuntimeError("no price")
        return make(closing, quantity)

    orders._order = only_ge  # type: ignore[method-assign]

    def open_both(strategy: Scripted) -> None:
        for instrument_id in (F, GE):
            strategy.submit_order(strategy.order_factory.market(instrument_id, OrderSide.BUY, shares(10)))

    rig.run(scripted({2: open_both, 5: flattens(rig)}))
    assert (rig.net("F"), rig.net("GE")) == (10, 0)
    (report,) = rig.gate.kill_switch.reports
    assert [(left.instrument_id, left.why) for left in report.left] == [("F.SMART", "RuntimeError: no price")]


def test_a_closing_that_the_gate_refuses_is_told_as_such() -> None:
    rig = Rig()
    rig.gate.keeper.account.is_reducing = lambda _intent: False  # type: ignore[assignment, method-assign]
    rig.run(scripted({1: buys(), 5: flattens(rig)}))
    (report,) = rig.gate.kill_switch.reports
    (left,) = report.left
    assert left.why.startswith("the gate refused K-")


# -- Flat is flat ---------------------------------------------------------------------------------


def test_it_is_not_flat_while_the_legs_of_a_filled_spread_are_to_come() -> None:
    rig = Rig(
        symbols=(), others=(SHORT, LONG, SPREAD), greeks=lambda _: Greeks(-0.3, 0.1),
        data=option_quotes(SPREAD.id, "-1.55", "-1.45", count=40),
    )  # fmt: skip
    keeper, seen = rig.gate.keeper, list[bool]()

    class Watcher(Scripted):
        def on_start(self) -> None:
            self.subscribe_quote_ticks(SPREAD.id)

    def fill(strategy: Scripted) -> None:
        terms = rig.gate.instruments.terms(SPREAD.id)
        now_ns = strategy.clock.timestamp_ns()
        keeper.account.ledger.reserve(plain_order(terms, 2, order_id="X", limit_price=D("-1.45")))
        keeper.filled(
            "X", "T", Fill(strategy_id="S-ONE", terms=terms, signed_quantity=2, price=D("-1.45")), now_ns
        )
        flattens(rig)(strategy)

    def look(_: Any) -> None:
        seen.append(rig.gate.kill_switch.is_flattening)

    actions = {2: fill, 10: look}
    rig.run(Watcher(lambda each, count: actions.get(count, lambda _: None)(each)))
    assert seen == [True]
    (report,) = rig.gate.kill_switch.reports
    assert report.left[0].why == f"its legs' fills were not reported in {MAX_ROUNDS} rounds"


def test_it_is_not_flat_while_a_canceled_order_may_still_fill() -> None:
    rig = Rig(limits=limits(canceled_order_grace_ms=5_000))
    reports: list[int] = []

    def fill_late(strategy: Scripted) -> None:
        reports.append(len(rig.gate.kill_switch.reports))
        (order,) = strategy.cache.orders(strategy_id=strategy.id)
        now_ns, fee = strategy.clock.timestamp_ns(), Money(0, USD)
        fill = OrderFilled(
            order.trader_id, order.strategy_id, F, order.client_order_id, order.venue_order_id,
            order.account_id, TradeId("LATE"), PositionId("F.SMART-S-ONE"), OrderSide.BUY, OrderType.LIMIT,
            shares(10), usd("4.9000"), USD, fee, LiquiditySide.MAKER, UUID4(), now_ns, now_ns,
        )  # fmt: skip
        rig.engine.kernel.exec_engine.process(fill)

    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 10)), 5: flattens(rig), 8: fill_late}))
    assert reports == [0]
    assert rig.net() == 0
    assert [report.is_flat for report in rig.gate.kill_switch.reports] == [True]


def test_it_says_flat_once_the_grace_of_a_canceled_order_is_over() -> None:
    rig = Rig(limits=limits(canceled_order_grace_ms=5_000))
    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 10)), 5: flattens(rig)}))
    (report,) = rig.gate.kill_switch.reports
    waited_ns = report.ended_ns - report.started_ns
    assert (report.is_flat, waited_ns >= 5 * NS_PER_SECOND, report.rounds) == (True, True, 1)


def test_a_position_that_only_the_gate_knows_is_not_sold() -> None:
    rig = Rig()
    terms = rig.gate.instruments.terms

    def imagine(_: Any) -> None:
        fill = Fill(strategy_id="S-ONE", terms=terms(F), signed_quantity=100, price=D(5))
        rig.gate.keeper.filled("", "BUSTED", fill, START_NS)

    rig.run(scripted({2: imagine, 4: flattens(rig)}))
    assert (rig.net(), closings(rig)) == (0, [])
    (told,) = outcomes(rig, "flatten_report")
    assert "the gate holds 100, Nautilus 0: compare with TWS" in told


# -- Hedging accounts -----------------------------------------------------------------------------


def hedging(actions: Callable[[Gate], dict[int, Any]]) -> tuple[BacktestEngine, Gate]:
    """Return an engine whose venue nets nothing, and its gate, after a run of a strategy's actions."""
    engine = BacktestEngine(
        BacktestEngineConfig(
            trader_id=TraderId("T-1"),
            logging=LoggingConfig(bypass_logging=True),
            risk_engine=RiskEngineConfig(bypass=True),
        )
    )
    engine.add_venue(SMART, OmsType.HEDGING, AccountType.MARGIN, [Money(100_000, USD)], default_leverage=D(1))
    engine.add_instrument(equity("F"))
    engine.add_data(quotes("F", count=40))
    gate = install_gate(engine, GateSetup(limits=limits(), session_rules=SESSION_RULES, universe=("F",)))
    engine.add_strategy(scripted(actions(gate)))
    engine.run()
    return engine, gate


def test_each_position_of_a_hedging_account_is_closed_by_its_own_order() -> None:
    flatten = FlattenAll(**WHO)
    engine, gate = hedging(lambda gate: {1: buys(60), 3: buys(40), 8: lambda _: gate.command(flatten)})
    assert engine.cache.positions_open() == []
    assert [report.is_flat for report in gate.kill_switch.reports] == [True]
    sent = [order for order in engine.cache.orders() if order.side == OrderSide.SELL]
    assert sorted(int(order.quantity) for order in sent) == [40, 60]


def test_of_opposite_positions_of_a_hedging_account_only_the_net_is_closed() -> None:
    flatten = FlattenAll(**WHO)

    def sell(strategy: Scripted) -> None:
        strategy.submit_order(strategy.order_factory.market(F, OrderSide.SELL, shares(20)))

    engine, gate = hedging(lambda gate: {1: sell, 3: buys(60), 8: lambda _: gate.command(flatten)})
    assert sum(position.signed_decimal_qty() for position in engine.cache.positions_open()) == 0
    (report,) = gate.kill_switch.reports
    assert report.is_flat
    assert [
        int(order.quantity) for order in engine.cache.orders() if "KILL_SWITCH" in (order.tags or ())
    ] == [40]
