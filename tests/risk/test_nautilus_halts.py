"""What halts or pauses in a running node, and what still passes then: cancels, closings, lowered orders."""

from __future__ import annotations

import pytest
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import OrderDenied, OrderFilled

from risk.operator_commands import PauseSymbol
from tests.risk.limit_cases import LIMITS, limits
from tests.risk.live_rig import Node
from tests.risk.nautilus_rig import F, Scripted, at, buy, market, quotes, raises, shares


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


def test_a_recorder_that_fails_halts_and_lets_only_closing_orders_pass(node: Node) -> None:
    rig = node()

    def script(strategy: Scripted, seen: int) -> None:
        if seen == 1:
            strategy.submit_order(market(strategy, 10))
        if seen == 3:
            rig.recorder.record = raises(OSError("disk full"))  # type: ignore[method-assign]
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


def test_a_fill_that_cannot_be_booked_halts(node: Node) -> None:
    rig = node()
    rig.gate.keeper.filled = raises(RuntimeError("ledger fault"))  # type: ignore[method-assign]
    rig.run(Scripted(at(1, lambda s: s.submit_order(market(s, 10)))))
    breaker = rig.gate.keeper.account.breaker
    assert (breaker.state, breaker.changed_by) == ("HALT", "gate_fault")


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


@pytest.mark.parametrize(
    ("bid", "ask"), [("0.0000", "5.0100"), ("0.0100", "900.0000"), ("5.2000", "5.1000")], ids=str
)
def test_quotes_that_nobody_trades_at_neither_halt_nor_close(node: Node, bid: str, ask: str) -> None:
    good, bad = quotes("F", count=60), quotes("F", count=60, bid=bid, ask=ask)
    rig = node(data=[*good[:10], *bad[10:45], *good[45:]], limits=limits(halt_reading_interval_ms=1))
    rig.run(Scripted(at(1, lambda s: s.submit_order(market(s, 100)))))
    assert (rig.gate.keeper.account.breaker.state, rig.net()) == ("RUNNING", 100)


def test_a_symbol_that_a_person_paused_is_closed_at_its_loss_limit(node: Node) -> None:
    falling = quotes("F", count=5) + quotes("F", count=60, bid="4.7500", ask="4.7600")[5:]
    rig = node(data=falling)

    def script(strategy: Scripted, seen: int) -> None:
        if seen == 1:
            strategy.submit_order(market(strategy, 100))
        if seen == 3:
            rig.gate.command(PauseSymbol(by="Ann", reason="news", symbol="F"))

    rig.run(Scripted(script))
    assert rig.net() == 0
    assert rig.gate.keeper.account.paused_symbols == {"F": "Ann"}
