"""A catalog of ours replays through an unmodified BacktestNode: all of it, in one order, chunked or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.backtest.config import (
    BacktestDataConfig,
    BacktestEngineConfig,
    BacktestRunConfig,
    BacktestVenueConfig,
)
from nautilus_trader.backtest.node import BacktestNode
from nautilus_trader.common.actor import Actor
from nautilus_trader.common.config import LoggingConfig
from nautilus_trader.model.data import BarType, QuoteTick, TradeTick
from nautilus_trader.model.identifiers import InstrumentId

from tests.catalog.csv_source.csv_files import OPEN_NS, QUOTE_HEADER, ingest, quote_rows, write_csv

INSTRUMENT = "BAC.SMART"
BARS = "BAC.SMART-1-SECOND-LAST-EXTERNAL"


class Witness(Actor):
    """Writes down what reaches a strategy."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[dict[str, Any]] = []

    def on_start(self) -> None:
        instrument = InstrumentId.from_str(INSTRUMENT)
        assert self.cache.instrument(instrument).price_increment.precision == 4
        self.subscribe_quote_ticks(instrument)
        self.subscribe_trade_ticks(instrument)
        self.subscribe_bars(BarType.from_str(BARS))

    def on_quote_tick(self, tick: Any) -> None:
        self.seen.append(type(tick).to_dict(tick))

    def on_trade_tick(self, tick: Any) -> None:
        self.seen.append(type(tick).to_dict(tick))

    def on_bar(self, bar: Any) -> None:
        self.seen.append(type(bar).to_dict(bar))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog of quotes, trades and bars that share their times, in two files of quotes."""
    folder = tmp_path_factory.mktemp("replay")
    times = [OPEN_NS + row // 3 * 500_000_000 for row in range(600)]
    for part in range(2):
        half = quote_rows(times)[part * 300 : part * 300 + 300]
        ingest(write_csv(folder / f"q{part}.csv", half, QUOTE_HEADER), folder / "catalog", "BAC")
    trades = [(time, "13.95", 100) for time in times]
    ingest(write_csv(folder / "t.csv", trades, ("ts", "price", "size")), folder / "catalog", "BAC")
    bars = [(OPEN_NS + second * 10**9, 13, 14, 12, 13, 5) for second in range(90)]
    header = ("ts", "open", "high", "low", "close", "volume")
    ingest(write_csv(folder / "b.csv", bars, header), folder / "catalog", "BAC", bar="1-SECOND")
    return folder / "catalog"


def replayed(root: Path, kinds: list[str], chunk_size: int | None) -> list[dict[str, Any]]:
    catalog_path = str(root)
    data = {
        "quote": BacktestDataConfig(
            catalog_path=catalog_path, data_cls=QuoteTick, instrument_id=InstrumentId.from_str(INSTRUMENT)
        ),
        "trade": BacktestDataConfig(
            catalog_path=catalog_path, data_cls=TradeTick, instrument_id=InstrumentId.from_str(INSTRUMENT)
        ),
        "bar": BacktestDataConfig(
            catalog_path=catalog_path, data_cls="nautilus_trader.model.data:Bar", bar_types=[BARS]
        ),
    }
    venue = BacktestVenueConfig(
        name="SMART", oms_type="NETTING", account_type="MARGIN", starting_balances=["10000 USD"]
    )
    config = BacktestRunConfig(
        venues=[venue],
        data=[data[kind] for kind in kinds],
        engine=BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)),
        chunk_size=chunk_size,
        raise_exception=True,
    )
    node = BacktestNode([config])
    node.build()
    engine = node.get_engine(config.id)
    assert engine is not None
    witness = Witness()
    engine.add_actor(witness)
    try:
        node.run()
    finally:
        node.dispose()
    return witness.seen


def test_every_record_is_replayed_once_in_the_order_of_ts_init(root: Path) -> None:
    seen = replayed(root, ["quote", "trade", "bar"], None)
    assert len(seen) == 600 + 600 + 90
    times = [record["ts_init"] for record in seen]
    assert times == sorted(set(times))


@pytest.mark.parametrize("chunk_size", [None, 7, 250])
@pytest.mark.parametrize("kinds", [["quote", "trade", "bar"], ["bar", "trade", "quote"]])
def test_neither_chunks_nor_the_order_of_configs_change_the_replay(
    root: Path, kinds: list[str], chunk_size: int | None
) -> None:
    assert replayed(root, kinds, chunk_size) == replayed(root, ["quote", "trade", "bar"], None)


def test_at_one_moment_trades_come_before_quotes_and_bars_last(root: Path) -> None:
    seen = replayed(root, ["quote", "trade", "bar"], 100)
    order = {"TradeTick": 0, "QuoteTick": 1, "Bar": 2}
    by_reading: dict[int, list[int]] = {}
    for record in seen:
        by_reading.setdefault(record["ts_init"] // 4096, []).append(order[record["type"]])
    assert any(len(kinds) == 3 for kinds in by_reading.values())
    assert all(kinds == sorted(kinds) for kinds in by_reading.values())
