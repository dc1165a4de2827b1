"""A strategy that trades must leave a backtest most of the speed of an engine without any strategy.

One million quotes of one stock's day, in memory: the harvester in an engine with the cures that
`backtests.node` gives every backtest, against an engine as shipped. The risk gate and the catalog are
measured in test_backtest_speed.py. CPU time, the fastest of alternating runs, so that a busy machine
disturbs both alike.
"""

from __future__ import annotations

import gc
import time
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import CacheConfig, LoggingConfig, PortfolioConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Money

from backtests.nautilus_analyzer import install_linear_analyzer
from backtests.nautilus_bus import local_message_bus
from backtests.nautilus_cache import KeepingCache
from backtests.nautilus_internals import kernel_parts
from backtests.nautilus_matching import LeanMatchingEngine, install_matching_engines
from market.time import NS_PER_SECOND
from strategies.harvester.strategy import Harvester
from strategies.intraday.strategy import IntradayConfig
from tests.strategies.builders import OPEN_NS, RULES
from tests.strategies.engine import BAC, equity

QUOTES = 1_000_000
ROUNDS = 5
SPEED_RATIO_MIN = 0.70
ORDERS_MIN = 1_000
SESSION_NS = 6 * 3_600 * NS_PER_SECOND + 1_800 * NS_PER_SECOND
BUSY = {
    "entry_style": "marketable",
    "imbalance_min": 0.3,
    "order_flow_ratio_min": 0.05,
    "cooldown_ms": 2_000,
    "time_stop_ms": 5_000,
}
RAW_PER_CENT = 10**14
RAW_PER_SHARE = 10**16


def _market(count: int, seed: int = 7) -> list[QuoteTick]:
    """Return a day in which pressure on one side of the queue, now and then, moves the price by a cent."""
    chance = np.random.default_rng(seed)
    ts_ns = OPEN_NS + np.sort(chance.integers(0, SESSION_NS, count)) + np.arange(count)
    kicks = chance.normal(scale=0.05, size=count).tolist()
    pressure, pressures = 0.0, []
    for kick in kicks:
        pressure = 0.998 * pressure + kick
        pressures.append(pressure)
    lean = np.clip(np.array(pressures), -0.9, 0.9)
    moves = (chance.random(count) < 0.004 * np.abs(lean)) * np.sign(lean)
    bids = 1_380 + np.cumsum(moves).astype(np.int64)
    sizes = chance.integers(100, 400, size=(2, count))
    bid_sizes = (2_000 * (1 + lean)).astype(np.int64) + sizes[0]
    ask_sizes = (2_000 * (1 - lean)).astype(np.int64) + sizes[1]
    columns = (bids.tolist(), bid_sizes.tolist(), ask_sizes.tolist(), ts_ns.tolist())
    return [_quote(*row) for row in zip(*columns, strict=True)]


def _quote(bid_cents: int, bid_size: int, ask_size: int, ts_ns: int) -> QuoteTick:
    bid, ask = bid_cents * RAW_PER_CENT, (bid_cents + 1) * RAW_PER_CENT
    return QuoteTick.from_raw(
        BAC, bid, ask, 4, 4, bid_size * RAW_PER_SHARE, ask_size * RAW_PER_SHARE, 0, 0, ts_ns, ts_ns
    )


def _harvester() -> Harvester:
    return Harvester(
        IntradayConfig(
            order_id_tag="bench",
            decision="harvester",
            instrument_ids=(str(BAC),),
            parameters=BUSY,
            session_rules=RULES,
            has_depth=False,
            max_shares_per_order=10,
            log_events=False,
            log_commands=False,
        )
    )


def _engine(data: list[QuoteTick], **cures: Any) -> BacktestEngine:
    """Return an engine as shipped, but for `cures` of its configuration."""
    config = BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), run_analysis=False, **cures)
    engine = BacktestEngine(config)
    engine.add_venue(
        Venue("SMART"),
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=USD,
        starting_balances=[Money(100_000, USD)],
        default_leverage=Decimal(1),
    )
    engine.add_instrument(equity(BAC))
    engine.add_data(data, validate=False, sort=True)
    return engine


def _cured_engine(data: list[QuoteTick]) -> BacktestEngine:
    """Return an engine with the cures of `backtests.node`, without which closed positions cost ever more."""
    with kernel_parts(Cache=KeepingCache):
        engine = _engine(
            data,
            cache=CacheConfig(tick_capacity=1_000, bar_capacity=1_000),
            message_bus=local_message_bus(),
            portfolio=PortfolioConfig(min_account_state_logging_interval_ms=10**9),
        )
    install_linear_analyzer(engine.portfolio.analyzer)
    install_matching_engines(engine, lambda _name: LeanMatchingEngine)
    return engine


def _run(data: list[QuoteTick], *, with_strategy: bool) -> tuple[float, int]:
    """Return CPU seconds of the run, and how many orders were sent."""
    engine = _cured_engine(data) if with_strategy else _engine(data)
    if with_strategy:
        engine.add_strategy(_harvester())
    gc.collect()
    gc.disable()
    started = time.process_time()
    engine.run()
    seconds = time.process_time() - started
    gc.enable()
    orders = len(engine.cache.orders())
    engine.dispose()
    return seconds, orders


@pytest.mark.timeout(900)
def test_a_trading_strategy_keeps_the_speed_of_the_engine(benchmark: Any) -> None:
    data = _market(QUOTES)
    _run(data[:10_000], with_strategy=True)  # imports and the calendar are not the day's
    idle, trading, orders = float("inf"), float("inf"), 0
    for _ in range(ROUNDS):
        idle = min(idle, _run(data, with_strategy=False)[0])
        seconds, orders = _run(data, with_strategy=True)
        trading = min(trading, seconds)
    benchmark.extra_info |= {
        "idle_ns_per_quote": round(idle / QUOTES * 1e9),
        "trading_ns_per_quote": round(trading / QUOTES * 1e9),
        "ratio": round(idle / trading, 3),
        "orders": orders,
    }
    benchmark.pedantic(lambda: _run(data[:100_000], with_strategy=True), rounds=1)
    assert orders >= ORDERS_MIN
    assert idle / trading >= SPEED_RATIO_MIN, benchmark.extra_info
