"""What the gate takes over at its start, and the timer it starts."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.reports import ExecutionMassStatus, FillReport, OrderStatusReport
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.enums import LiquiditySide, OrderSide, OrderStatus, OrderType, TimeInForce
from nautilus_trader.model.identifiers import ClientId, TradeId, VenueOrderId
from nautilus_trader.model.objects import Money

from market.errors import UserError
from market.time import NS_PER_SECOND, new_york_date
from risk.breaker import Breaker
from risk.breaker_file import BreakerFile, BreakerRecord, DayRecord
from risk.nautilus_gate import Gate, GateSetup, install_gate
from risk.operator_commands import Halt, PauseSymbol
from tests.risk.limit_cases import SESSION_RULES, limits
from tests.risk.live_rig import LiveRig, Node, OpenNow
from tests.risk.nautilus_rig import (
    SMART,
    F,
    Rig,
    Scripted,
    buy,
    market,
    quotes,
    scripted,
    shares,
    usd,
    working,
)


def test_a_gate_installed_late_takes_over_positions_and_orders() -> None:
    rig = Rig()
    rig.run(
        scripted(
            {
                1: lambda each: each.submit_order(market(each, 40)),
                2: lambda each: each.submit_order(buy(each, 30)),
            }
        )
    )
    kernel = rig.engine.kernel
    kernel.msgbus.deregister("ExecEngine.execute", rig.gate.execute)
    kernel.msgbus.register("ExecEngine.execute", kernel.exec_engine.execute)
    late = install_gate(
        rig.engine, GateSetup(limits=limits(), session_rules=SESSION_RULES, universe=("F",), has_timer=False)
    )
    ledger = late.keeper.account.ledger
    assert (ledger.net("F.SMART"), ledger.exposure("F.SMART").worst_long) == (40, 70)
    late.confirm_reconciled(reason="twice changes nothing")
    assert ledger.exposure("F.SMART").worst_long == 70


def test_an_open_order_the_ledger_lost_is_taken_over_when_it_is_modified() -> None:
    rig = Rig()

    def lose(strategy: Scripted) -> None:
        ledger = rig.gate.keeper.account.ledger
        ledger.closed(working(strategy).client_order_id.value, 1, may_fill_late=False)
        strategy.modify_order(working(strategy), quantity=shares(20))

    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 10)), 3: lose}))
    assert rig.gate.keeper.account.ledger.exposure("F.SMART").worst_long == 20


def test_a_live_kernel_starts_in_safe_mode_and_keeps_its_halt(tmp_path: Any) -> None:
    rig = Rig(breaker_path=tmp_path / "breaker.json")
    rig.gate.supervisor.halt(1, by="Ann", reason="news")
    again = Rig(breaker_path=tmp_path / "breaker.json")
    assert again.gate.keeper.account.breaker.state == "HALT"


@pytest.mark.parametrize("has_timer", [None, True])
def test_a_backtest_has_the_gates_timer_only_when_asked(has_timer: bool | None) -> None:
    rig = Rig(has_timer=has_timer)
    seen: list[list[str]] = []

    def fill(strategy: Scripted) -> None:
        strategy.submit_order(market(strategy, 5))

    rig.run(scripted({1: fill, 5: lambda _: seen.append(rig.engine.kernel.clock.timer_names)}))
    assert seen == [["RISK_GATE_WATCH"] if has_timer else []]


@pytest.mark.parametrize("has_timer", [None, True, False])
def test_a_node_has_the_gates_timer_unless_it_is_told_otherwise(has_timer: bool | None) -> None:
    rig = LiveRig(has_timer=has_timer)
    try:
        assert ("RISK_GATE_WATCH" in rig.node.kernel.clock.timer_names) == (has_timer is not False)
        assert rig.gate.keeper.account.breaker.state == "SAFE_MODE"
    finally:
        rig.node.dispose()


def test_an_operator_can_pause_before_the_run() -> None:
    rig = Rig()
    record = rig.gate.command(PauseSymbol(by="Ann", reason="news", symbol="F"))
    assert record.outcome.endswith("paused: F")


def test_a_restart_keeps_the_pause_after_losses_and_who_paused_a_symbol(tmp_path: Path) -> None:
    path = tmp_path / "breaker.json"
    first = Rig(breaker_path=path)

    def lose(strategy: Scripted, seen: int) -> None:
        if seen <= 6:  # bought at the ask and sold at the bid, three times
            strategy.submit_order(market(strategy, 10, OrderSide.BUY if seen % 2 else OrderSide.SELL))
        if seen == 8:
            strategy.submit_order(market(strategy, 7))
            first.gate.command(PauseSymbol(by="Ann", reason="news", symbol="BAC"))

    first.run(Scripted(lose))
    assert first.rules() == ["consecutive_losses"]
    again = Rig(breaker_path=path, data=quotes("F", count=20))
    again.run(scripted({1: lambda each: each.submit_order(market(each, 7))}))
    assert [refusal.reason for refusal in again.recorder.refusals] == [
        refusal.reason for refusal in first.recorder.refusals
    ]
    assert again.net() == 0
    assert again.gate.keeper.account.paused_symbols == {"BAC": "Ann"}


def sell(strategy: Scripted, count: int) -> Any:
    """Return a limit order to sell F above the market."""
    return strategy.order_factory.limit(F, OrderSide.SELL, shares(count), usd("5.0500"))


def restart_halted(rig: Any, path: Path) -> Gate:
    """Let a second gate, on the file of one that died in HALT, take over a node with working orders."""
    kernel = rig.engine.kernel if isinstance(rig, Rig) else rig.engine
    kernel.msgbus.deregister("ExecEngine.execute", rig.gate.execute)
    kernel.msgbus.register("ExecEngine.execute", kernel.exec_engine.execute)
    return install_gate(
        kernel,
        GateSetup(
            limits=limits(),
            session_rules=SESSION_RULES,
            universe=("F",),
            has_timer=False,
            breaker_path=path,
            calendar=None if isinstance(rig, Rig) else OpenNow(),
        ),
    )


@pytest.mark.parametrize("is_damaged", [True, False])
def test_a_halt_found_at_start_cancels_what_could_add_risk(
    node: Node, tmp_path: Path, is_damaged: bool
) -> None:
    """A kill -9 between the saving of a HALT and its cancels leaves the same: HALT, and orders that work."""
    path = tmp_path / "breaker.json"
    if is_damaged:
        path.write_text('{"bre')
    else:
        halted = Breaker.at_start(1).halted(2, by="daily_loss", reason="20.44 USD, limit 20 USD")
        BreakerFile(path).save(BreakerRecord(breaker=halted))
    rig = node()
    states: list[str] = []

    def restart(strategy: Scripted) -> None:
        assert len(strategy.cache.orders_open()) == 2
        states.append(restart_halted(rig, path).keeper.account.breaker.state)

    rig.run(
        scripted(
            {
                1: lambda each: each.submit_order(market(each, 40)),
                2: lambda each: each.submit_order(buy(each, 10)),
                3: lambda each: each.submit_order(sell(each, 40)),
                6: restart,
            }
        )
    )
    assert states == ["HALT"]
    (left,) = rig.open_orders  # what only closes goes on working
    assert (left.side, rig.net()) == (OrderSide.SELL, 40)


def test_orders_that_are_known_only_after_reconciliation_are_canceled_then(node: Node) -> None:
    rig = node()

    def restart(strategy: Scripted) -> None:
        gate = rig.gate
        executor, gate.supervisor.executor = gate.supervisor.executor, None
        gate.supervisor.halt(strategy.clock.timestamp_ns(), by="Ann", reason="news")
        assert len(strategy.cache.orders_open()) == 1
        gate.supervisor.executor = executor
        gate.confirm_reconciled(reason="compared with TWS")

    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 10)), 4: restart}))
    assert rig.open_orders == []
    assert rig.gate.keeper.account.breaker.state == "HALT"


def test_a_persons_halt_cancels_although_the_breaker_is_in_halt_already(node: Node) -> None:
    rig = node()

    def halt_twice(strategy: Scripted) -> None:
        gate = rig.gate
        executor, gate.supervisor.executor = gate.supervisor.executor, None
        gate.supervisor.halt(strategy.clock.timestamp_ns(), by="reject_rate", reason="11 rejects")
        gate.supervisor.executor = executor
        gate.command(Halt(by="Ann", reason="orders still work"))

    rig.run(scripted({1: lambda each: each.submit_order(buy(each, 10)), 4: halt_twice}))
    assert rig.open_orders == []
    assert rig.gate.keeper.account.breaker.changed_by == "reject_rate"  # the first halt keeps its reason


def told_again(rig: LiveRig, side: OrderSide, price: str, executed_ns: int) -> None:
    """Report an execution of 100 F as Nautilus' reconciliation does with the broker's of today."""
    now_ns = rig.node.kernel.clock.timestamp_ns()
    account_id, name = rig.node.cache.accounts()[0].id, VenueOrderId(f"TWS-{executed_ns}")
    fill = FillReport(
        account_id=account_id, instrument_id=F, venue_order_id=name, trade_id=TradeId(name.value),
        order_side=side, last_qty=shares(100), last_px=usd(price), commission=Money(0, USD),
        liquidity_side=LiquiditySide.TAKER, report_id=UUID4(), ts_event=executed_ns, ts_init=now_ns,
    )  # fmt: skip
    order = OrderStatusReport(
        account_id=account_id, instrument_id=F, venue_order_id=name, order_side=side,
        order_type=OrderType.MARKET, time_in_force=TimeInForce.DAY, order_status=OrderStatus.FILLED,
        quantity=shares(100), filled_qty=shares(100), avg_px=Decimal(price), report_id=UUID4(),
        ts_accepted=executed_ns, ts_last=executed_ns, ts_init=now_ns,
    )  # fmt: skip
    status = ExecutionMassStatus(
        client_id=ClientId("SMART"), account_id=account_id, venue=SMART, report_id=UUID4(), ts_init=now_ns
    )
    status.add_order_reports([order])
    status.add_fill_reports([fill])
    rig.node.kernel.exec_engine.reconcile_execution_mass_status(status)


@pytest.mark.parametrize(("seconds", "result"), [(0, "-30"), (5, "-80")])
def test_executions_told_again_after_a_restart_count_once(tmp_path: Path, seconds: int, result: str) -> None:
    """Those of before, that is: what was executed after the last that the file knows is news."""
    path, known_ns = tmp_path / "breaker.json", time.time_ns() - 60 * NS_PER_SECOND
    day = DayRecord(
        day=new_york_date(time.time_ns()), realized_usd=Decimal(-30), high_usd=Decimal(0),
        consecutive_losses=1, paid_usd=Decimal(30), executed_ns=known_ns,
    )  # fmt: skip
    BreakerFile(path).save(BreakerRecord(breaker=Breaker.at_start(1), day=day))
    rig = LiveRig(breaker_path=path, is_reconciled=False)

    def reconcile(_: Scripted) -> None:
        told_again(rig, OrderSide.BUY, "5.50", known_ns - 1 + seconds * NS_PER_SECOND)
        told_again(rig, OrderSide.SELL, "5.00", known_ns + seconds * NS_PER_SECOND)
        rig.gate.confirm_reconciled(reason="compared with TWS")

    rig.run(scripted({3: reconcile}))
    performance = rig.gate.keeper.account.performance
    assert (performance.result().profit_usd, performance.realized_usd) == (Decimal(result), Decimal(result))
    assert performance.is_flat


def test_a_position_that_a_node_finds_is_looked_at_with_every_quote() -> None:
    rig = Rig(data=quotes("F", count=5) + quotes("F", count=30, bid="4.7000", ask="4.7100")[5:])
    gates: list[Gate] = []

    def restart(_: Scripted) -> None:
        kernel = rig.engine.kernel
        rig.gate.supervisor.watch = lambda now_ns: None  # type: ignore[method-assign]
        kernel.msgbus.deregister("ExecEngine.execute", rig.gate.execute)
        kernel.msgbus.register("ExecEngine.execute", kernel.exec_engine.execute)
        setup = GateSetup(limits=limits(), session_rules=SESSION_RULES, universe=("F",), has_timer=False)
        gates.append(install_gate(rig.engine, setup))

    rig.run(scripted({1: lambda each: each.submit_order(market(each, 100)), 3: restart}))
    assert "F" in gates[0].keeper.account.paused_symbols
    assert rig.net() == 0


def test_a_live_gate_without_a_file_for_its_breaker_does_not_start() -> None:
    rig = LiveRig()
    setup = GateSetup(limits=limits(), session_rules=SESSION_RULES, universe=("F",))
    try:
        with pytest.raises(UserError, match="no breaker_path, so it would forget a HALT when it restarts"):
            install_gate(rig.node, setup)
    finally:
        rig.node.dispose()


def test_a_live_halt_survives_the_next_start(tmp_path: Any) -> None:
    states: list[str] = []
    for _ in range(2):
        rig = LiveRig(breaker_path=tmp_path / "breaker.json")
        states.append(rig.gate.keeper.account.breaker.state)
        rig.gate.supervisor.halt(1, by="Ann", reason="news")
        rig.node.dispose()
    assert states == ["SAFE_MODE", "HALT"]
