"""What the gate takes over at its start, and the timer it starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.model.enums import OrderSide

from risk.nautilus_gate import GateSetup, install_gate
from risk.operator_commands import PauseSymbol
from tests.risk.limit_cases import SESSION_RULES, limits
from tests.risk.live_rig import LiveRig
from tests.risk.nautilus_rig import Rig, Scripted, buy, market, quotes, scripted, shares, working


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
