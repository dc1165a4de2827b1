"""The review of a run out of its journal says what the run's tables say; refusals and a halt included."""

from __future__ import annotations

from pathlib import Path

import pytest

from backtests.run import run_backtest
from tests.backtests import review_checks
from tests.backtests.replays import profile
from tests.backtests.test_run import EAGER, SYMBOLS


@pytest.fixture(scope="module", params=["plain", "limited"])
def run(request: pytest.FixtureRequest, small_market: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two symbols; the limited one meets its loss limit with a position open, halts and flattens."""
    folder = tmp_path_factory.mktemp(request.param)
    limits = ["risk.max_loss_usd_per_trade=2", "risk.max_daily_loss_usd=2", "risk.max_daily_drawdown_usd=2"]
    overrides = limits if request.param == "limited" else []
    loaded = profile(folder, *EAGER, *overrides, symbols=SYMBOLS)
    return run_backtest(loaded, catalog=small_market, output=folder / "run").directory


def test_executions_and_trades(run: Path) -> None:
    review_checks.check_executions(run)
    review_checks.check_trades(run)


def test_orders_and_breaches(run: Path) -> None:
    review_checks.check_order_counts(run)
    review_checks.check_breaches(run)


def test_profit_and_drawdown(run: Path, small_market: Path) -> None:
    review_checks.check_profit(run)
    review_checks.check_drawdown(run, small_market)
    review_checks.check_drawdown_by_the_minute(run, tolerance_usd=0.25)


def test_slippage_latency_and_uptime(run: Path) -> None:
    review_checks.check_slippage(run)
    review_checks.check_latency(run)
    review_checks.check_uptime(run)


def test_every_fill_traces_to_its_signal(run: Path) -> None:
    review_checks.check_every_fill_traces_to_its_signal(run)


def test_the_limited_run_halts(run: Path) -> None:
    (day,) = review_checks.report_of(run).days
    halted = [change.by for change in day.breaker_changes if change.after == "HALT"]
    assert bool(halted) == run.parent.name.startswith("limited")
    if halted:
        assert day.breaches_by_rule["breaker_state"] > 0
        assert {command.command for command in day.commands} == {"flatten_start", "flatten_report"}
