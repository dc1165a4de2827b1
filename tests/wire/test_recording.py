"""What Nautilus' real adapter delivers over TCP is recorded as its strategies saw it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.model.enums import BookType
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from adapters.tws_simulator.contracts.settings import ContractSettings
from adapters.tws_simulator.control.client import SimulatorProcess
from adapters.tws_simulator.launch_settings import Launch
from adapters.tws_simulator.settings import SimulatorSettings
from audit.events import DataFileRecord
from backtests.replay.recorded_catalog import stage_recorded_data
from backtests.replay.recorded_feed import recorded_feed
from catalog.recording import RecordingSettings, record_market_data
from tests.catalog.recording.records import MemorySink, content
from tests.wire.trading_node import APPLE, SPY, NodeRig, run_node


@pytest.fixture
def node_simulator() -> Iterator[SimulatorProcess]:
    """A simulator whose market's time is now and always open."""
    settings = SimulatorSettings(contracts=ContractSettings(hours="always"))
    with SimulatorProcess(Launch(start="now", simulator=settings)) as simulator:
        yield simulator
        truth = simulator.client.truth()
    assert truth["failures"] == []


def test_quotes_trades_and_depth_are_stored_as_the_strategy_saw_them(
    node_simulator: SimulatorProcess, tmp_path: Path
) -> None:
    sink, run_dir = MemorySink(), tmp_path / "day"

    async def scenario(rig: NodeRig) -> None:
        settings = RecordingSettings(batch_seconds=0.2)
        recording = record_market_data(rig.node, run_dir, sink=sink, settings=settings)
        strategy = rig.strategy
        strategy.subscribe_quote_ticks(APPLE)
        strategy.subscribe_trade_ticks(SPY)
        strategy.subscribe_order_book_deltas(APPLE, book_type=BookType.L2_MBP, depth=5)
        await rig.until(lambda: len(strategy.quotes) >= 5 and len(strategy.deltas) >= 20 and strategy.trades)
        recording.close()
        seen = [*strategy.quotes, *strategy.trades, *strategy.deltas]
        seen.sort(key=lambda record: record.ts_init)
        played = [record for record in recorded_feed(run_dir) if record.ts_init <= seen[-1].ts_init]
        assert [_flat(record) for record in played] == [_flat(record) for record in seen]
        stamps = [row["ts_init"] for record in played for row in _flat(record)]
        assert stamps == sorted(set(stamps))

    run_node(node_simulator, scenario)
    instruments = {str(each.id) for each in ParquetDataCatalog(str(run_dir)).instruments()}
    assert instruments == {"AAPL.NASDAQ", "SPY.ARCA"}
    assert {file.kind for file in sink.of(DataFileRecord)} == {"quote", "trade", "delta"}
    staged = ParquetDataCatalog(str(stage_recorded_data(run_dir, tmp_path / "staged")))
    assert {str(each.id) for each in staged.instruments()} == {"AAPL.SMART", "SPY.SMART"}
    assert {tick.bid_price.precision for tick in staged.quote_ticks()} == {4}


def _flat(record: Any) -> list[dict[str, Any]]:
    """Return the values of a record, of a message those of each delta."""
    parts = getattr(record, "deltas", [record])
    return [{key: item for key, item in content(part).items() if key != "flags"} for part in parts]
