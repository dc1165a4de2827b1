"""A short live session: a TradingNode with a strategy of ours, recorded as a live node records.

    session = record_session(tmp_path, quotes=4_000)
    session.run_dir  # journal/ and data/, as a node leaves them

Orders go to Nautilus' sandbox client, which answers through the node's queues as a broker's client does;
every fourth order is rejected, and Nautilus' risk engine denies those that come too fast. The market is a
seeded synthetic one, moved to the session of a day from now, so that its times are later than the node's
clock whenever the test runs, and with stamps that repeat.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from nautilus_trader.adapters.sandbox.config import SandboxExecutionClientConfig
from nautilus_trader.adapters.sandbox.execution import SandboxExecutionClient
from nautilus_trader.common.component import TimeEvent
from nautilus_trader.common.providers import InstrumentProvider
from nautilus_trader.config import (
    LiveDataClientConfig,
    LiveExecEngineConfig,
    LiveRiskEngineConfig,
    LoggingConfig,
    TradingNodeConfig,
)
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.live.data_client import LiveMarketDataClient
from nautilus_trader.live.factories import LiveDataClientFactory, LiveExecClientFactory
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.data import BookOrder, OrderBookDelta, OrderBookDeltas, QuoteTick
from nautilus_trader.model.enums import BookAction, OmsType, OrderSide
from nautilus_trader.model.identifiers import ClientId, InstrumentId, TraderId, Venue
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.position import Position
from nautilus_trader.trading.config import StrategyFactory

from audit.events import OpenedRecord, PositionRecord
from audit.journal import Journal
from audit.nautilus_recorder import JournalRecorder
from backtests.replay.nautilus_order_events import EventMaker
from catalog.instruments import nautilus_equity
from catalog.recording import CHECKS, RecordingSettings, record_market_data
from catalog.synthetic_market import SyntheticMarketSpec, SyntheticSymbol, synthetic_days
from configs.profile import LoadedProfile
from market.instruments import EquitySpec
from market.time import NS_PER_MS, NS_PER_SECOND
from strategies.intraday.pauses import Pauses
from strategies.intraday.session_clock import SessionClock
from strategies.intraday.symbol_trader import SavedState
from strategies.nautilus_config import importable_strategy
from tests.backtests.replays import profile

SYMBOL = "ZVZZT"
NAME = f"{SYMBOL}.SMART"
TRADER = "T-001"
REJECTED_EVERY = 4
WAIT_SECONDS_MAX = 20.0
DAY_NS = 24 * 3600 * NS_PER_SECOND
QUOTES_AFTER = 200
"""Quotes after the flat time: what is open is closed on them."""
STAMP_NS = 50 * NS_PER_MS
"""Stamps are cut to this, so that many records share one until the door tells them apart."""
EAGER = (
    "strategies.harvester.parameters.imbalance_min=0.3",
    "strategies.harvester.parameters.order_flow_ratio_min=0.1",
    "strategies.harvester.parameters.spread_bps_max=100",
    "strategies.harvester.parameters.stop_loss_bps=150",
    "strategies.harvester.parameters.time_stop_ms=20000",
    "strategies.harvester.parameters.volatility_bps_max=500",
    "strategies.harvester.parameters.volatility_bps_min=0.1",
    "strategies.harvester.parameters.entry_style=marketable",
)


class RejectingClient(SandboxExecutionClient):
    """Rejects every fourth order, as a broker might."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._count = 0

    def submit_order(self, command: Any) -> Any:
        self._count += 1
        if self._count % REJECTED_EVERY:
            return super().submit_order(command)
        order, now_ns = command.order, self.test_clock.timestamp_ns()
        names = (order.strategy_id, order.instrument_id, order.client_order_id)
        self.generate_order_submitted(*names, now_ns)
        self.generate_order_rejected(*names, "Order rejected - reason:Halted", now_ns)
        return None


class FeedClient(LiveMarketDataClient):
    """Accepts every subscription; the records come from the test."""

    async def _connect(self) -> None: ...
    async def _disconnect(self) -> None: ...
    async def _subscribe_quote_ticks(self, command: Any) -> None: ...
    async def _subscribe_trade_ticks(self, command: Any) -> None: ...
    async def _subscribe_order_book_deltas(self, command: Any) -> None: ...
    async def _unsubscribe_quote_ticks(self, command: Any) -> None: ...
    async def _unsubscribe_trade_ticks(self, command: Any) -> None: ...
    async def _unsubscribe_order_book_deltas(self, command: Any) -> None: ...


class FeedFactory(LiveDataClientFactory):
    """Makes a `FeedClient`."""

    @staticmethod
    def create(loop: Any, name: str, config: Any, msgbus: Any, cache: Any, clock: Any, **more: Any) -> Any:
        return FeedClient(
            loop=loop,
            client_id=ClientId(name),
            venue=Venue("SMART"),
            msgbus=msgbus,
            cache=cache,
            clock=clock,
            instrument_provider=InstrumentProvider(),
        )


class RejectingFactory(LiveExecClientFactory):
    """Makes a `RejectingClient`."""

    @staticmethod
    def create(loop: Any, name: str, config: Any, msgbus: Any, cache: Any, clock: Any, **more: Any) -> Any:
        portfolio = RejectingFactory.portfolio
        return RejectingClient(
            loop=loop, portfolio=portfolio, msgbus=msgbus, cache=cache, clock=clock, config=config
        )

    portfolio: Any = None


@dataclass(frozen=True)
class Session:
    """What a recorded session left behind, and the profile that it traded."""

    run_dir: Path
    loaded: LoadedProfile


def record_session(
    folder: Path,
    *,
    quotes: int = 4_000,
    overrides: tuple[str, ...] = EAGER,
    held: int = 0,
    starts: int = 1,
) -> Session:
    """Trade `quotes` quotes in a TradingNode and return its day.

    With `held` shares the node begins as one that starts again within the day: it finds a position, and
    its strategy's saved state. With several `starts` one node after another records into the same day,
    `quotes` quotes each.
    """
    loaded = profile(folder, *overrides, symbols=(SYMBOL,))
    run_dir = folder / "live-day"
    for start in range(starts):
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            numbers = range(start * quotes, (start + 1) * quotes)
            _Rig(run_dir, loaded, loop, held=held).run(numbers, is_last=start + 1 == starts)
        finally:
            asyncio.set_event_loop(None)
            loop.close()
    return Session(run_dir, loaded)


class _Rig:
    def __init__(
        self, run_dir: Path, loaded: LoadedProfile, loop: asyncio.AbstractEventLoop, *, held: int
    ) -> None:
        self.loaded, self.loop = loaded, loop
        self.node = TradingNode(sandbox_config(f"{loaded.profile.universe.book}_MBP"), loop=loop)
        RejectingFactory.portfolio = self.node.portfolio
        self.node.add_exec_client_factory("SMART", RejectingFactory)
        self.node.add_data_client_factory("SMART", FeedFactory)
        self.node.cache.add_instrument(nautilus_equity(EquitySpec(symbol=SYMBOL)))
        self.node.build()
        self.journal = Journal.open(run_dir / "journal")
        self.recording = record_market_data(
            self.node, run_dir, sink=self.journal, settings=RecordingSettings(batch_seconds=0.05)
        )
        recorder = JournalRecorder(self.node, self.journal, market_ns=lambda: self.recording.market_ns)
        recorder.open(_opened(loaded))
        self.strategy = StrategyFactory.create(_strategy(loaded))
        self.node.trader.add_strategy(self.strategy)
        self.window = SessionClock(loaded.profile.session).window_at(time.time_ns() + DAY_NS)
        self._recorder, self._held = recorder, held

    def _find(self, shares: int) -> None:
        name, opened_ns = InstrumentId.from_str(NAME), self.window.open_ns
        found = PositionRecord(
            event="found",
            position_id=f"{NAME}-{self.strategy.id}",
            strategy_id=str(self.strategy.id),
            instrument_id=NAME,
            quantity=shares,
            average_open=Decimal("7.7533333"),
            realized_usd=Decimal(0),
            opened_ns=opened_ns,
        )
        fill = EventMaker(TraderId(TRADER)).opening_fill(found)
        instrument = self.node.cache.instrument(name)
        self.node.cache.add_position(Position(instrument, fill), OmsType.NETTING)
        saved = SavedState(sequence=41, pauses=Pauses(self.strategy._parameters).state())
        self._recorder.adopt_cache()
        self.strategy.load({NAME: msgspec.json.encode(saved)})

    def run(self, numbers: range, *, is_last: bool) -> None:
        """Run the node over the market, and close the day."""
        try:
            self.loop.run_until_complete(self._run(numbers, is_last=is_last))
        finally:
            self.recording.close()
            self.journal.close(ts_ns=time.time_ns(), reason="the test ended")
            self.node.dispose()

    async def _run(self, numbers: range, *, is_last: bool) -> None:
        running = asyncio.ensure_future(self.node.run_async())
        await self._until(lambda: self.node.kernel.trader.is_running)
        if self._held:
            self.strategy.stop()
            self._find(self._held)
            self.strategy.resume()
        has_depth = self.loaded.profile.universe.book == "L2"
        ticks = _day().quotes.ts_event
        began_ns = self.window.open_ns + int(ticks[numbers[0]] - ticks[0])
        await self._feed(_market(began_ns, numbers, has_depth=has_depth))
        if is_last:
            await self._until(lambda: not self.node.kernel.data_engine.data_qsize())
            self._let_the_flat_time_come()
            after = range(numbers.stop, numbers.stop + QUOTES_AFTER)
            await self._feed(_market(self.window.flat_ns, after, has_depth=has_depth))
        engines = (self.node.kernel.data_engine.data_qsize, self.node.kernel.exec_engine.evt_qsize)
        await self._until(lambda: not any(size() for size in engines))
        await self.node.stop_async()
        await running
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:  # workers of Nautilus' actors, which its own stop leaves behind
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _feed(self, records: Iterable[Any]) -> None:
        for record in records:
            self.node.kernel.msgbus.send(endpoint="DataEngine.process", msg=record)
            await asyncio.sleep(0)

    def _let_the_flat_time_come(self) -> None:
        """Call the strategy as its alert will: the clock of the node is not that of its market."""
        flat_ns = self.window.flat_ns
        self.strategy._on_alert(TimeEvent(self.strategy._alert_name, UUID4(), flat_ns, flat_ns))

    async def _until(self, condition: Any) -> None:
        ends = time.monotonic() + WAIT_SECONDS_MAX
        while not condition():
            if time.monotonic() > ends:
                raise TimeoutError(f"not within {WAIT_SECONDS_MAX} s")
            await asyncio.sleep(0.005)


def _strategy(loaded: LoadedProfile) -> Any:
    (section,) = loaded.profile.strategies
    return importable_strategy(
        section,
        instrument_ids=[NAME],
        session_rules=loaded.profile.session,
        has_depth=loaded.profile.universe.book == "L2",
        max_shares_per_order=loaded.profile.risk.max_shares_per_order,
    )


def _opened(loaded: LoadedProfile) -> OpenedRecord:
    from backtests.run_journal import versions

    return OpenedRecord(
        run="live-day",
        environment="dev",
        trader_id=TRADER,
        profile_name=loaded.profile.name,
        profile_hash=loaded.hash,
        profile=loaded.masked(),
        versions=versions(),
        instruments=(NAME,),
        data_checks=CHECKS,
    )


@cache
def _day() -> Any:
    symbol = SyntheticSymbol(
        symbol=SYMBOL,
        price_usd=7.75,
        spread_cents=2.4,
        volatility_fraction_day=0.08,
        quote_updates_day=60_000,
    )
    day = date(2024, 3, 5)
    (drawn,) = synthetic_days(SyntheticMarketSpec(seed=3, start=day, end=day, symbols=(symbol,)))
    return drawn


def _market(first_ns: int, numbers: range, *, has_depth: bool) -> Iterable[Any]:
    """Yield quotes of the day from `first_ns` on; with depth a message of deltas comes before each."""
    name, ticks = InstrumentId.from_str(NAME), _day().quotes
    shift_ns = first_ns - int(ticks.ts_event[numbers[0]])
    for index in numbers:
        ts_ns = (int(ticks.ts_event[index]) + shift_ns) // STAMP_NS * STAMP_NS
        bid, ask = (Price(int(side[index]) / 100, 4) for side in (ticks.bid, ticks.ask))
        bid_size, ask_size = (
            Quantity.from_int(int(size[index])) for size in (ticks.bid_size, ticks.ask_size)
        )
        if has_depth:
            orders = [BookOrder(OrderSide.BUY, bid, bid_size, 1), BookOrder(OrderSide.SELL, ask, ask_size, 2)]
            added = [OrderBookDelta(name, BookAction.ADD, each, 0, 0, ts_ns, ts_ns) for each in orders]
            yield OrderBookDeltas(name, [OrderBookDelta.clear(name, 0, ts_ns, ts_ns), *added])
        yield QuoteTick(name, bid, ask, bid_size, ask_size, ts_ns, ts_ns)


def sandbox_config(book_type: str) -> TradingNodeConfig:
    """Return the configuration of a node whose orders go to the sandbox client."""
    return TradingNodeConfig(
        trader_id=TraderId(TRADER),
        logging=LoggingConfig(log_level="ERROR"),
        exec_engine=LiveExecEngineConfig(reconciliation=False),
        risk_engine=LiveRiskEngineConfig(max_order_submit_rate="40/00:00:01"),
        data_clients={"SMART": LiveDataClientConfig()},
        exec_clients={
            "SMART": SandboxExecutionClientConfig(
                venue="SMART", starting_balances=["100_000 USD"], base_currency="USD", book_type=book_type
            )
        },
        timeout_connection=5.0,
        timeout_reconciliation=1.0,
        timeout_portfolio=1.0,
        timeout_disconnection=1.0,
        timeout_post_stop=0.5,
    )
