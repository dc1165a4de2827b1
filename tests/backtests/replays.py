"""Profiles for tests, and a replay of one on a catalog with strategies of the test's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from backtests.node import assemble
from backtests.outcome import Outcome, OutcomeCollector
from backtests.run import select_for
from configs.profile import LoadedProfile, load_profile

if TYPE_CHECKING:
    from nautilus_trader.trading.config import ImportableStrategyConfig

RULES = Path(__file__).resolve().parents[2] / "configs" / "profiles" / "parts" / "launch_rules.toml"
PROFILE = """
name = "test"
environment = "dev"
extends = "{rules}"

[universe]
symbols = {symbols}

[[strategies]]
name = "harvester"
decision = "harvester"

[risk]
max_daily_loss_usd = 500
max_daily_drawdown_usd = 500
max_consecutive_losses = 1000
duplicate_window_ms = 1

[backtest]
starting_balance_usd = 1000
latency_ms = 0
"""


def profile(folder: Path, *overrides: str, symbols: Sequence[str] = ("ZVZZT",)) -> LoadedProfile:
    """Write and load a dev profile under the launch rules, without latency; `overrides` as with --set."""
    path = folder / "test.toml"
    names = "[" + ", ".join(f'"{symbol}"' for symbol in symbols) + "]"
    path.write_text(PROFILE.format(rules=RULES.as_posix(), symbols=names), encoding="utf-8")
    return load_profile(path, overrides=overrides, purpose="research")


def replay(loaded: LoadedProfile, catalog: Path, *strategies: ImportableStrategyConfig) -> Outcome:
    """Run `strategies` (by default the profile's) on `catalog` and return what happened."""
    selection = select_for(loaded, catalog, symbols=loaded.profile.universe.symbols)
    assembled = assemble(loaded, selection, strategies=strategies or None)
    try:
        collector = OutcomeCollector(assembled.engine, assembled.risk_records)
        assembled.run()
        return collector.collect()
    finally:
        assembled.dispose()
