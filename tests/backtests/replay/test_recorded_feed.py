from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import BacktestEngineConfig, LoggingConfig
from nautilus_trader.model.data import OrderBookDelta, OrderBookDeltas

from backtests.replay.recorded_catalog import stage_recorded_data
from backtests.replay.recorded_feed import recorded_feed
from catalog.instruments import nautilus_equity
from catalog.recording import RecordingSettings, record_market_data
from market.errors import DataError
from market.instruments import EquitySpec
from tests.catalog.recording.records import (
    BAC,
    START_NS,
    MemorySink,
    content,
    delta,
    greeks,
    message,
    quote,
    trade,
)


@pytest.fixture
def kernel() -> Iterator[Any]:
    engine = BacktestEngine(config=BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.kernel.cache.add_instrument(nautilus_equity(EquitySpec(symbol="BAC")))
    yield engine.kernel
    engine.dispose()


def _recorded(kernel: Any, run_dir: Path, *records: Any) -> list[Any]:
    """Record and return what a strategy would have seen."""
    seen: list[Any] = []
    for topic in ("data.quotes.*", "data.trades.*", "data.book.deltas.*", "data.option_greeks.*"):
        kernel.msgbus.subscribe(topic=topic, handler=seen.append)
    settings = RecordingSettings(batch_seconds=3_600)
    recording = record_market_data(kernel, run_dir, sink=MemorySink(), settings=settings)
    for record in records:
        kernel.msgbus.send(endpoint="DataEngine.process", msg=record)
    recording.close()
    return seen


def _content(record: Any) -> list[dict[str, Any]]:
    return [content(each) for each in getattr(record, "deltas", [record])]


def test_every_kind_comes_back_in_its_order_and_messages_whole(kernel: Any, tmp_path: Path) -> None:
    records = [message(START_NS), quote(START_NS), greeks(START_NS), delta(START_NS), trade(START_NS)]
    seen = _recorded(kernel, tmp_path, *records, message(START_NS, count=5))
    played = list(recorded_feed(tmp_path))
    assert [type(each) for each in played] == [type(each) for each in seen]
    assert [_content(each) for each in played] == [_content(each) for each in seen]
    assert [len(each.deltas) for each in played if isinstance(each, OrderBookDeltas)] == [3, 1, 5]


def test_a_message_that_was_cut_off_comes_as_far_as_it_was_kept(
    kernel: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.recording.stamps._LAST", 0)  # as if its last delta had been lost
    _recorded(kernel, tmp_path, message(START_NS))
    (played,) = recorded_feed(tmp_path)
    assert len(played.deltas) == 3


def test_a_book_that_is_only_cleared_is_kept(kernel: Any, tmp_path: Path) -> None:
    """Such a delta has no price to tell the precision by."""
    clear = OrderBookDelta.clear(BAC, 0, START_NS, START_NS)
    _recorded(kernel, tmp_path, clear, quote(START_NS))
    played = list(recorded_feed(tmp_path))
    assert [type(each) for each in played] == [OrderBookDeltas, type(quote(START_NS))]


def test_a_day_without_ticks_cannot_be_staged(kernel: Any, tmp_path: Path) -> None:
    _recorded(kernel, tmp_path, greeks(START_NS))
    with pytest.raises(DataError, match="holds no quotes"):
        stage_recorded_data(tmp_path, tmp_path / "staged")
