"""Orders at the gate in a BacktestEngine and a TradingNode: what passes, what is refused, what is kept."""

from __future__ import annotations

from typing import Any

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import SubmitOrder
from nautilus_trader.model.enums import OrderSide, TimeInForce
from nautilus_trader.model.events import OrderDenied

from market.time import NS_PER_MS
from risk.operator_commands import Halt, PauseSymbol, Resume
from risk.records import ApprovalRecord, BreakerChangeRecord, CommandRecord
from tests.risk.live_rig import Node
from tests.risk.nautilus_rig import OVER, F, Rig, Scripted, at, buy, denials, market, quotes, shares, usd


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
    assert rig.net() == 100
    exposure = rig.gate.keeper.account.ledger.exposure("F.SMART")
    assert (exposure.worst_long, exposure.worst_short) == (100, 0)


def test_a_bracket_whose_entry_is_refused_sends_nothing(node: Node) -> None:
    def bracket(strategy: Scripted) -> None:
        strategy.submit_order_list(
            strategy.order_factory.bracket(
                instrument_id=F, order_side=OrderSide.BUY, quantity=shares(OVER),
                sl_trigger_price=usd("4.5000"), tp_price=usd("5.5000"), tp_post_only=False,
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


def test_every_order_is_shown_before_its_verdict_and_approved_on_record(node: Node) -> None:
    seen: list[str] = []
    rig = node(on_order=lambda order: seen.append(order.client_order_id.value))
    strategy = Scripted(at(1, lambda s: [s.submit_order(market(s, count)) for count in (10, OVER)]))
    rig.run(strategy)
    approved, refused = [order.client_order_id.value for order in rig.orders]
    assert seen == [approved, refused]
    kept = [entry.client_order_ids for entry in rig.recorder.entries if isinstance(entry, ApprovalRecord)]
    assert kept == [(approved,)]


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
