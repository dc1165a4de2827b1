"""A program that records until it is killed; prints the stamp of each record that is on disk."""

from __future__ import annotations

import sys
from pathlib import Path

from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import BacktestEngineConfig, LoggingConfig

from catalog.recording import RecordingSettings, record_market_data
from tests.catalog.recording.records import START_NS, MemorySink, quote

if __name__ == "__main__":
    engine = BacktestEngine(config=BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    settings = RecordingSettings(batch_seconds=0.001, publish_seconds=0.02)
    recording = record_market_data(engine, Path(sys.argv[1]), sink=MemorySink(), settings=settings)
    told, step = 0, 0
    while True:
        step += 1
        engine.kernel.msgbus.send(endpoint="DataEngine.process", msg=quote(START_NS + step))
        if recording.writer.rows > told:
            told = recording.writer.rows
            sys.stdout.write(f"{told}\n")
            sys.stdout.flush()
