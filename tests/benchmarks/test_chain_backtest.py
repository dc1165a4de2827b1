"""A backtest on chain snapshots against the same market as a quote of every contract."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalog.chain_contracts import contract_list
from catalog.manifest import SourceDescription
from catalog.option_chain_rows import COUNTS, PRICES
from catalog.option_chain_writer import ChainWriter
from catalog.option_legs import option_spec
from catalog.store import CatalogStore
from market.option_contracts import ContractName, option_class
from market.time import NS_PER_MINUTE, parse_date, to_ns

CONTRACTS, MINUTES = 5_000, 240
FEW_MINUTES, MORE_MINUTES = 2, 12
RATIO_MIN = 50
"""What issue 5 asks for; 0.64 ms instead of 39.3 ms a minute was measured before it."""
START_NS = to_ns("2026-01-05T09:31:00-05:00")
LIVE_EXPIRIES = ("2026-01-16", "2026-02-20", "2026-03-20", "2026-06-18", "2026-12-18")


def names() -> list[ContractName]:
    strikes = CONTRACTS // len(LIVE_EXPIRIES) // 2
    return [
        ContractName("SPXW", parse_date(day), is_call, Decimal(4_000 + 5 * step))
        for day in LIVE_EXPIRIES
        for step in range(strikes)
        for is_call in (True, False)
    ]


def write_chain(root: Path) -> list[str]:
    """Write the snapshots; return the ids of the contracts."""
    terms = option_class("SPXW")
    contracts, _ = contract_list(terms, names())
    chance = np.random.default_rng(5)
    source = SourceDescription(kind="benchmark", path="", sha256="0")
    with CatalogStore(root).ingest(source) as ingest:
        writer = ChainWriter(ingest, terms, is_daily=False)
        for minute in range(MINUTES):
            bid = chance.integers(100, 10_000, CONTRACTS) / 100
            market = {name: np.full(CONTRACTS, np.nan) for name in (*PRICES, *COUNTS)}
            market |= {
                "bid": bid,
                "ask": bid + 0.10,
                "bid_size": np.full(CONTRACTS, 9.0),
                "ask_size": bid.round(),
            }
            market |= {"volume": bid.round(), "open_interest": np.full(CONTRACTS, 100.0)}
            writer.write(contracts, market, ts_ns=START_NS + minute * NS_PER_MINUTE, underlying_price=5_000.0)
    return [str(name) for name in contracts.columns["contract"]]


def venue() -> dict[str, Any]:
    return {
        "name": "SMART",
        "oms_type": "NETTING",
        "account_type": "MARGIN",
        "starting_balances": ["100000 USD"],
    }


def snapshots_ms_a_minute(root: Path) -> float:
    """Return CPU ms a minute through the node, from Parquet to the chain's arrays in a strategy."""
    from nautilus_trader.backtest.node import BacktestNode
    from nautilus_trader.config import (
        BacktestDataConfig,
        BacktestEngineConfig,
        BacktestRunConfig,
        BacktestVenueConfig,
        LoggingConfig,
    )
    from nautilus_trader.model.data import DataType
    from nautilus_trader.model.identifiers import ClientId
    from nautilus_trader.trading.strategy import Strategy

    from catalog.option_snapshots import CHAINS, OptionChainSnapshot, register_snapshots

    register_snapshots()
    seen: list[float] = []

    class Reader(Strategy):
        def on_start(self) -> None:
            self.subscribe_data(DataType(OptionChainSnapshot), client_id=ClientId(CHAINS))

        def on_data(self, data: Any) -> None:
            chain = data.chain()
            seen.append(float(np.nanmean(chain.ask - chain.bid)))

    data = BacktestDataConfig(
        catalog_path=str(root),
        data_cls="catalog.option_snapshots:OptionChainSnapshot",
        client_id=CHAINS,
        instrument_ids=["SPXW-CHAIN.SMART"],
    )
    run = BacktestRunConfig(
        engine=BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)),
        data=[data],
        venues=[BacktestVenueConfig(**venue())],
        raise_exception=True,
        chunk_size=64,
    )
    node = BacktestNode(configs=[run])
    node.build()
    engine: Any = node.get_engine(run.id)
    engine.add_strategy(Reader())
    started = time.process_time()
    node.run()
    elapsed = time.process_time() - started
    assert seen == pytest.approx([0.10] * MINUTES)
    node.dispose()
    return elapsed / MINUTES * 1e3


def quotes_ms_a_minute(contracts: list[str], tmp_path: Path) -> float:
    """Return CPU ms a minute of replaying a quote of each contract.

    Loading is not even counted, and the difference of two runs leaves out what the engine does once.
    """
    few, more = (
        min(
            quotes_seconds(contracts, tmp_path / f"{minutes} {number}", minutes=minutes)
            for number in range(2)
        )
        for minutes in (FEW_MINUTES, MORE_MINUTES)
    )
    return (more - few) / (MORE_MINUTES - FEW_MINUTES) * 1e3


def quotes_seconds(contracts: list[str], tmp_path: Path, *, minutes: int) -> float:
    """Return CPU seconds of a run over `minutes` quotes of each contract."""
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.config import BacktestEngineConfig, LoggingConfig
    from nautilus_trader.model.data import QuoteTick
    from nautilus_trader.model.enums import AccountType, OmsType
    from nautilus_trader.model.identifiers import Venue
    from nautilus_trader.model.objects import Money, Price, Quantity
    from nautilus_trader.persistence.catalog import ParquetDataCatalog
    from nautilus_trader.trading.strategy import Strategy

    from catalog.option_instruments import write_options

    seen: list[int] = []

    class Reader(Strategy):
        def on_start(self) -> None:
            for instrument in self.cache.instruments():
                self.subscribe_quote_ticks(instrument.id)

        def on_quote_tick(self, tick: Any) -> None:
            seen.append(tick.ts_init)

    write_options([option_spec(name) for name in contracts], tmp_path)
    instruments = ParquetDataCatalog(str(tmp_path)).instruments()
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(Venue("SMART"), OmsType.NETTING, AccountType.MARGIN, [Money.from_str("100000 USD")])
    for instrument in instruments:
        engine.add_instrument(instrument)
    bid, ask, size = Price.from_str("1.00"), Price.from_str("1.10"), Quantity.from_int(9)
    for minute in range(minutes):
        at = START_NS + minute * NS_PER_MINUTE
        engine.add_data(
            [
                QuoteTick(instrument.id, bid, ask, size, size, at, at + lane)
                for lane, instrument in enumerate(instruments)
            ]
        )
    engine.add_strategy(Reader())
    started = time.process_time()
    engine.run()
    elapsed = time.process_time() - started
    assert len(seen) == minutes * CONTRACTS
    engine.dispose()
    return elapsed


def test_snapshots_are_50_times_faster_than_quotes(benchmark: Any, tmp_path: Path) -> None:
    contracts = write_chain(tmp_path / "catalog")
    assert len(contracts) == CONTRACTS
    snapshot_ms = min(snapshots_ms_a_minute(tmp_path / "catalog") for _ in range(3))
    quote_ms = quotes_ms_a_minute(contracts, tmp_path)
    benchmark.extra_info |= {
        "snapshot_ms": snapshot_ms,
        "quote_ms": quote_ms,
        "ratio": quote_ms / snapshot_ms,
    }
    benchmark.pedantic(snapshots_ms_a_minute, (tmp_path / "catalog",), rounds=1)
    assert quote_ms / snapshot_ms >= RATIO_MIN, f"{quote_ms:.1f} ms against {snapshot_ms:.2f} ms a minute"
