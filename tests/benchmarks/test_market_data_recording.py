"""What recording costs: events a second through door, bus and disk, and the trading thread's share a tick.

Each figure is a ratio to work measured in the same run, so that a busy machine changes neither.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import BacktestEngineConfig, LoggingConfig
from pytest_benchmark.fixture import BenchmarkFixture

from catalog.instruments import nautilus_equity
from catalog.recording import RecordingSettings, record_market_data
from market.instruments import EquitySpec
from tests.catalog.recording.records import BAC, START_NS, MemorySink, quote

EVENTS = 100_000
EVENTS_PER_SECOND_MIN = 50_000
TRADING_THREAD_SHARE_MAX = 2.5
"""Of what the engine itself needs to handle a quote; about 1 us of 1 us."""
ROUNDS = 5


@pytest.fixture
def kernel() -> Iterator[Any]:
    engine = BacktestEngine(config=BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.kernel.cache.add_instrument(nautilus_equity(EquitySpec(symbol="BAC")))
    engine.kernel.msgbus.subscribe(topic=f"data.quotes.SMART.{BAC.symbol}", handler=lambda tick: None)
    yield engine.kernel
    engine.dispose()


def _feed(kernel: Any, ticks: list[Any]) -> None:
    send = kernel.msgbus.send
    for tick in ticks:
        send(endpoint="DataEngine.process", msg=tick)


def test_fifty_thousand_events_a_second_reach_the_disk(
    benchmark: BenchmarkFixture, kernel: Any, tmp_path: Path
) -> None:
    """Everything on one core: the feed, the writer's thread, Parquet and the final flush."""
    ticks = [quote(START_NS) for _ in range(EVENTS)]  # each has to be stamped anew
    rounds: list[float] = []

    def record() -> None:
        folder = tmp_path / str(len(rounds))
        settings = RecordingSettings(batch_seconds=0.1)
        recording = record_market_data(kernel, folder, sink=MemorySink(), settings=settings)
        started = time.process_time()
        _feed(kernel, ticks)
        recording.close()
        rounds.append(time.process_time() - started)
        assert recording.writer.rows == EVENTS

    benchmark.pedantic(record, rounds=3)
    rate = EVENTS / min(rounds)
    benchmark.extra_info["events_per_second"] = rate
    assert rate >= EVENTS_PER_SECOND_MIN


def test_the_trading_thread_pays_no_more_than_the_engine_costs_anyway(
    benchmark: BenchmarkFixture, kernel: Any, tmp_path: Path
) -> None:
    ticks = [quote(START_NS + each) for each in range(EVENTS)]
    never = RecordingSettings(batch_seconds=3_600.0)

    def plain() -> float:
        return _thread_time(lambda: _feed(kernel, ticks))

    def recorded(number: int) -> float:
        recording = record_market_data(kernel, tmp_path / str(number), sink=MemorySink(), settings=never)
        taken = _thread_time(lambda: _feed(kernel, ticks))
        recording.writer.pending.clear()
        recording.close()
        return taken

    pairs = benchmark.pedantic(lambda: [(plain(), recorded(number)) for number in range(ROUNDS)], rounds=1)
    without, with_recording = (min(column) for column in zip(*pairs, strict=True))
    benchmark.extra_info["ns_per_tick"] = (with_recording - without) / EVENTS * 1e9
    assert with_recording <= TRADING_THREAD_SHARE_MAX * without


def _thread_time(work: Callable[[], object]) -> float:
    started = time.thread_time()
    work()
    return time.thread_time() - started
