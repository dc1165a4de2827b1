"""Backtests through the node that `backtests.node` assembles, against Nautilus as shipped and backtrader.

CPU time of one process, the fastest of alternating rounds, so that a busy machine disturbs all alike.
Bars: both frameworks get them in memory, and both runs are timed from there to the last fill.
"""

from __future__ import annotations

import datetime
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nautilus_trader.backtest.config import BacktestEngineConfig, BacktestRunConfig, BacktestVenueConfig
from nautilus_trader.backtest.node import BacktestNode
from nautilus_trader.config import LoggingConfig
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from backtests.node import assemble, data_configs
from backtests.outcome import OutcomeCollector
from backtests.period import Selection, select
from backtests.run import select_for
from catalog.columns import BarColumns, DataKind, prices_from_ten_thousandths, sizes_from_integers
from catalog.lanes import event_clock
from catalog.manifest import SourceDescription
from catalog.store import CatalogStore
from catalog.synthetic_market import SyntheticMarketSpec, SyntheticSymbol, write_synthetic_market
from configs.profile import LoadedProfile
from market.instruments import EquitySpec
from market.time import NS_PER_MINUTE, new_york_midnight_ns
from tests.backtests.replays import profile
from tests.benchmarks.ema_cross import SHARES, backtrader_feed, backtrader_strategy, ema_cross

QUOTES = 1_000_000
BARS = 500_000
ROUNDS = 3
SPEED_RATIO_MIN = 0.70
TIMES_BACKTRADER_MIN = 4.0
ORDERS_MIN = 2_000
NAME = "ZVZZT.SMART"
BAR_TYPE = f"{NAME}-1-MINUTE-LAST-EXTERNAL"
EAGER = (
    "strategies.harvester.parameters.imbalance_min=0.2",
    "strategies.harvester.parameters.order_flow_ratio_min=0",
    "strategies.harvester.parameters.momentum_bps_min=0",
    "strategies.harvester.parameters.entry_style=marketable",
    "backtest.latency_ms=20",
)


def _cpu_seconds(work: Callable[[], object]) -> float:
    gc.collect()
    gc.disable()
    started = time.process_time()
    try:
        work()
        return time.process_time() - started
    finally:
        gc.enable()


# Quotes: a trading profile against an idle engine as shipped ------------------------------------------


@pytest.fixture(scope="module")
def busy_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog with one stock's day of a million quotes, and its trades."""
    root = tmp_path_factory.mktemp("busy-day")
    stock = SyntheticSymbol(symbol="ZVZZT", price_usd=9.0, spread_cents=1.0, quote_updates_day=QUOTES)
    spec = SyntheticMarketSpec(seed=5, symbols=(stock,), depth_levels=0, halt_probability=0.0)
    write_synthetic_market(spec, store=CatalogStore(root))
    return root


def _idle_as_shipped(selection: Selection) -> float:
    """Return CPU seconds of Nautilus' own node on the same files without a strategy."""
    venue = BacktestVenueConfig(
        name="SMART",
        oms_type="NETTING",
        account_type="MARGIN",
        base_currency="USD",
        starting_balances=["1000 USD"],
    )
    engine = BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), run_analysis=False)
    run = BacktestRunConfig(venues=[venue], data=data_configs(selection), engine=engine, raise_exception=True)
    node = BacktestNode([run])
    node.build()
    return _cpu_seconds(node.run)


def _trading(loaded: LoadedProfile, selection: Selection) -> tuple[float, int]:
    """Return CPU seconds of the profile's node, risk gate and all, and the orders that it sent."""
    assembled = assemble(loaded, selection)
    collector = OutcomeCollector(assembled.engine, assembled.risk_records)
    seconds = _cpu_seconds(assembled.run)
    orders = len(collector.collect().orders)
    assembled.dispose()
    return seconds, orders


@pytest.mark.timeout(900)
def test_a_trading_profile_keeps_the_speed_of_an_idle_engine_as_shipped(
    benchmark: Any, busy_day: Path, tmp_path: Path
) -> None:
    loaded = profile(tmp_path, *EAGER)
    selection = select_for(loaded, busy_day, symbols=("ZVZZT",))
    idle, trading, orders = float("inf"), float("inf"), 0
    for _ in range(ROUNDS):
        idle = min(idle, _idle_as_shipped(selection))
        seconds, orders = _trading(loaded, selection)
        trading = min(trading, seconds)
    benchmark.extra_info |= {
        "records": selection.rows,
        "idle_as_shipped_ns_per_record": round(idle / selection.rows * 1e9),
        "trading_ns_per_record": round(trading / selection.rows * 1e9),
        "ratio": round(idle / trading, 3),
        "orders": orders,
    }
    benchmark.pedantic(lambda: _trading(loaded, selection), rounds=1)
    assert selection.rows > 0.9 * QUOTES
    assert orders > 100
    assert idle / trading >= SPEED_RATIO_MIN, benchmark.extra_info


# Bars: the same rule here and on backtrader -----------------------------------------------------------


@pytest.fixture(scope="module")
def walk() -> dict[str, np.ndarray]:
    """Open, high, low and close, in cents, of a random walk, shape `(BARS,)` each."""
    chance = np.random.default_rng(1)
    close = np.maximum(1400 + np.cumsum(chance.integers(-3, 4, BARS)), 200)
    opened = np.concatenate([close[:1], close[:-1]])
    return {
        "open": opened,
        "high": np.maximum(opened, close) + chance.integers(0, 4, BARS),
        "low": np.minimum(opened, close) - chance.integers(0, 4, BARS),
        "close": close,
    }


@pytest.fixture(scope="module")
def bars_catalog(walk: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog that holds the walk as one-minute bars."""
    store = CatalogStore(tmp_path_factory.mktemp("bars"))
    start_ns = new_york_midnight_ns(datetime.date(2020, 1, 2))
    times = start_ns + np.arange(1, BARS + 1, dtype=np.int64) * NS_PER_MINUTE
    with store.ingest(SourceDescription(kind="csv", path="random walk", sha256="walk")) as ingest:
        ingest.add_instrument(EquitySpec(symbol="ZVZZT"))
        lane = ingest.lane(DataKind.BAR, NAME, bar_type=BAR_TYPE)
        columns = BarColumns(
            ts_event=times,
            ts_init=event_clock(times) + lane,
            **{name: prices_from_ten_thousandths(cents * 100) for name, cents in walk.items()},
            volume=sizes_from_integers(np.full(BARS, 10_000)),
        )
        ingest.write(DataKind.BAR, NAME, columns, bar_type=BAR_TYPE)
    return store.root


def _harvester(loaded: LoadedProfile, selection: Selection) -> tuple[float, int]:
    """Return CPU seconds of the assembled engine on bars in memory, and the orders."""
    assembled = assemble(loaded, selection, strategies=[ema_cross(BAR_TYPE)])
    engine = assembled.engine
    engine.add_data(ParquetDataCatalog(str(selection.catalog)).bars([BAR_TYPE]), validate=False)
    seconds = _cpu_seconds(engine.run)
    orders, filled = engine.cache.orders_total_count(), engine.cache.orders_closed_count()
    assembled.dispose()
    assert filled == orders
    return seconds, orders


def _backtrader(walk: dict[str, np.ndarray]) -> tuple[float, int]:
    """Return CPU seconds of backtrader on rows in memory, and the orders."""
    backtrader = pytest.importorskip("backtrader")
    first_day = backtrader.date2num(datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC))
    days = (first_day + np.arange(BARS) / 1440).tolist()
    prices = [(walk[name] / 100).tolist() for name in ("open", "high", "low", "close")]
    rows = list(zip(days, *prices, [10_000.0] * BARS, [0.0] * BARS, strict=True))
    cerebro = backtrader.Cerebro(stdstats=False)
    cerebro.adddata(backtrader_feed(backtrader)(rows=rows, timeframe=backtrader.TimeFrame.Minutes))
    cerebro.addstrategy(backtrader_strategy(backtrader))
    cerebro.broker.setcash(1_000_000.0)
    found: list[Any] = []
    seconds = _cpu_seconds(lambda: found.extend(cerebro.run()))
    return seconds, found[0].orders


@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore:invalid escape sequence:SyntaxWarning")
def test_half_a_million_bars_take_a_fourth_of_backtraders_time(
    benchmark: Any, walk: dict[str, np.ndarray], bars_catalog: Path, tmp_path: Path
) -> None:
    loaded = profile(tmp_path, "fees.schedule=none", "backtest.starting_balance_usd=1000000")
    selection = select(bars_catalog, [NAME], book="bars", queue_position=False)
    ours, theirs, orders = float("inf"), float("inf"), (0, 0)
    for _ in range(ROUNDS):
        seconds, our_orders = _harvester(loaded, selection)
        ours = min(ours, seconds)
        seconds, their_orders = _backtrader(walk)
        theirs = min(theirs, seconds)
        orders = our_orders, their_orders
    benchmark.extra_info |= {
        "ns_per_bar": round(ours / BARS * 1e9),
        "backtrader_ns_per_bar": round(theirs / BARS * 1e9),
        "times": round(theirs / ours, 2),
        "orders": orders[0],
        "shares_per_order": SHARES,
    }
    benchmark.pedantic(lambda: _harvester(loaded, selection), rounds=1)
    assert orders[0] == orders[1] >= ORDERS_MIN
    assert theirs / ours >= TIMES_BACKTRADER_MIN, benchmark.extra_info
