"""What a live node of ours has, put into a built TradingNode: journal, market data, gate and strategy.

gated = GatedNode(node, run_dir, loaded, instrument_id="ZVZZT.SMART", calendar=calendar)
... the node runs ...
gated.close()
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

from nautilus_trader.trading.config import StrategyFactory

from audit.events import OpenedRecord
from audit.journal import Journal
from audit.nautilus_recorder import JournalRecorder
from backtests.run_journal import versions
from catalog.recording import RecordingSettings, record_market_data
from configs.profile import LoadedProfile
from market.calendar import TradingCalendar
from risk.nautilus_gate import Gate, GateSetup, install_gate
from strategies.nautilus_config import importable_strategy

QUICK = tuple(
    f"strategies.harvester.parameters.{each}"
    for each in (
        "decision_interval_ms=20",
        "cooldown_ms=100",
        "entry_timeout_ms=400",
        "replace_interval_ms=50",
        "rejection_backoff_ms=50",
        "rejection_backoff_ms_max=200",
        "time_stop_ms=700",
        "grid_ms=20",
        "momentum_horizon_ms=100",
        "volatility_window_ms=400",
        "order_flow_half_life_ms=100",
        "imbalance_min=0.3",
        "order_flow_ratio_min=0",
        "momentum_bps_min=0",
        "spread_bps_max=100",
        "stop_loss_bps=150",
        "volatility_bps_min=0",
        "volatility_bps_max=1000",
    )
)
"""Parameters under which a session of seconds has trades in it."""


class GatedNode:
    """One built node behind our gate, recorded; it starts in SAFE_MODE, as every live node does."""

    def __init__(
        self,
        node: Any,
        run_dir: Path,
        loaded: LoadedProfile,
        *,
        instrument_id: str,
        calendar: TradingCalendar,
    ) -> None:
        self._node = node
        self.happened = Counter[str]()  # order events by type
        self.journal = Journal.open(run_dir / "journal")
        settings = RecordingSettings(batch_seconds=0.05)
        self.recording = record_market_data(node, run_dir, sink=self.journal, settings=settings)
        recorder = JournalRecorder(node, self.journal, market_ns=lambda: self.recording.market_ns)
        recorder.open(_opened(loaded, str(node.trader_id), instrument_id))
        profile = loaded.profile
        setup = GateSetup(
            limits=profile.risk,
            session_rules=profile.session,
            universe=profile.universe.symbols,
            recorder=recorder,
            breaker_path=run_dir / "breaker.json",
            calendar=calendar,
            on_order=recorder.on_order,
        )
        self.gate: Gate = install_gate(node, setup)
        recorder.guard(self.gate)
        (section,) = profile.strategies
        config = importable_strategy(
            section,
            instrument_ids=[instrument_id],
            session_rules=profile.session,
            has_depth=False,
            max_shares_per_order=profile.risk.max_shares_per_order,
        )
        self.strategy = StrategyFactory.create(config)
        node.trader.add_strategy(self.strategy)
        node.kernel.msgbus.subscribe(topic="events.order.*", handler=self._on_order_event)

    def _on_order_event(self, event: Any) -> None:
        self.happened[type(event).__name__] += 1

    @property
    def is_holding(self) -> bool:
        """Whether the strategy holds anything."""
        return bool(self._node.cache.positions_open(strategy_id=self.strategy.id))

    def close(self) -> None:
        """Publish what was recorded and close the journal, when the node has stopped."""
        self.recording.close()
        self.journal.close(ts_ns=time.time_ns(), reason="the test ended")


def _opened(loaded: LoadedProfile, trader_id: str, instrument_id: str) -> OpenedRecord:
    return OpenedRecord(
        run="gated-day",
        environment="dev",
        trader_id=trader_id,
        profile_name=loaded.profile.name,
        profile_hash=loaded.hash,
        profile=loaded.masked(),
        versions=versions(),
        instruments=(instrument_id,),
    )
