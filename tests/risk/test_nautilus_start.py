"""What the gate takes over at its start, and the timer it starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.model.enums import OrderSide

from risk.breaker import Breaker
from risk.breaker_file import BreakerFile, BreakerRecord
from risk.nautilus_gate import Gate, GateSetup, install_gate
from risk.operator_commands import Halt, PauseSymbol
from tests.risk.limit_cases import SESSION_RULES, limits
from tests.risk.live_rig import LiveRig, Node, OpenNow
from tests.risk.nautilus_rig import F, Rig, Scripted, buy, market, quotes, scripted, shares, usd, working


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
