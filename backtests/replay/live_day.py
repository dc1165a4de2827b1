"""Replays a day that a live node recorded: its data, and what the broker and time told it, at their place.

The strategies run in a kernel with Nautilus' own data engine and cache and without a venue: their orders
go nowhere, and what became of them is taken from the journal, each event after the market data record
that it followed then. Orders are known by the decision that made them, never by their id. Nothing is
assumed about fills, and no clock runs: decisions depend on what was recorded alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import BacktestEngineConfig, CacheConfig, LoggingConfig
from nautilus_trader.execution.messages import SubmitOrder
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.identifiers import StrategyId, TraderId
from nautilus_trader.model.objects import Money
from nautilus_trader.model.position import Position
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from audit.events import (
    DECISIONS_TOPIC,
    AlertRecord,
    DecisionRecord,
    Entry,
    FillRecord,
    OrderEventRecord,
    OrderRecord,
    PositionRecord,
)
from backtests.replay.nautilus_order_events import EventMaker
from backtests.replay.recorded_feed import recorded_feed
from backtests.replay.recorded_run import INPUT_KINDS, RecordedRun
from configs.profile import LoadedProfile
from market.instruments import symbol_of
from strategies.intraday.correlation import correlation_id_of
from strategies.nautilus_config import importable_strategy

STARTING_BALANCE_USD = 1_000_000_000
"""Of an account that nothing is booked to."""
_COMMAND_ENDPOINTS = ("RiskEngine.execute", "ExecEngine.execute")


class LiveReplay(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a replay: its decisions in the journal's form, and how much went in.

    `left_over` are events of orders that the replay did not send: it had parted before.
    """

    entries: tuple[Entry, ...]
    records: int
    events: int
    left_over: int


def replay_live_day(run: RecordedRun, loaded: LoadedProfile) -> LiveReplay:
    """Replay `run` under the profile `loaded`; raises what a decision function of it raises."""
    with _engine(run, loaded) as engine:
        driver = _Driver(engine, tuple(run.entries(*INPUT_KINDS)))
        return driver.run(recorded_feed(run.catalog))


@contextmanager
def _engine(run: RecordedRun, loaded: LoadedProfile) -> Iterator[BacktestEngine]:
    profile = loaded.profile
    configs = [
        importable_strategy(
            section,
            instrument_ids=[
                name for name in run.opened.instruments if _trades(section.symbols, symbol_of(name))
            ],
            session_rules=profile.session,
            has_depth=profile.universe.book == "L2",
            max_shares_per_order=profile.risk.max_shares_per_order,
        )
        for section in profile.strategies
    ]
    engine = BacktestEngine(
        config=BacktestEngineConfig(
            trader_id=run.opened.trader_id,
            logging=LoggingConfig(bypass_logging=True),
            cache=CacheConfig(tick_capacity=1_000, bar_capacity=1_000),
            strategies=configs,
            run_analysis=False,
        )
    )
    try:
        _add_instruments(engine, run)
        yield engine
    finally:
        engine.dispose()


def _trades(symbols: Iterable[str], symbol: str) -> bool:
    chosen = tuple(symbols)
    return not chosen or symbol in chosen


def _add_instruments(engine: BacktestEngine, run: RecordedRun) -> None:
    """Give the kernel the instruments and, because its data engine demands it, a venue for each of theirs."""
    instruments = ParquetDataCatalog(str(run.catalog.resolve())).instruments()
    for venue in dict.fromkeys(instrument.id.venue for instrument in instruments):
        engine.add_venue(
            venue=venue,
            oms_type=OmsType.NETTING,
            account_type=AccountType.MARGIN,
            starting_balances=[Money(STARTING_BALANCE_USD, USD)],
        )
    for instrument in instruments:
        engine.add_instrument(instrument)


class _Driver:
    """Feeds one kernel: data records in order, and after each what the journal has at its place."""

    def __init__(self, engine: BacktestEngine, inputs: tuple[Entry, ...]) -> None:
        self._kernel = engine.kernel
        self._cache, self._bus = engine.kernel.cache, engine.kernel.msgbus
        self._inputs = [entry for entry in inputs if not isinstance(entry.body, DecisionRecord)]
        self._next = 0
        self._maker = EventMaker(TraderId(str(engine.kernel.trader_id)))
        self._strategies = {strategy.id: strategy for strategy in engine.kernel.trader.strategies()}
        self._correlation_of: dict[str, str | None] = {}  # by the recorded client order id
        self._orders: dict[str, Any] = {}  # by correlation id
        self._decisions: list[Entry] = []
        self._left_over = self._events = 0
        self._take_commands()
        self._bus.subscribe(topic=DECISIONS_TOPIC, handler=self._on_decision)

    def run(self, feed: Iterator[Any]) -> LiveReplay:
        """Replay everything and return what was decided."""
        self._kernel.data_engine.start()
        process, records = self._kernel.data_engine.process, 0
        self._inject_until(None)
        for record in feed:
            now_ns = record.ts_init
            self._inject_until(now_ns - 1)
            self._set_clocks(now_ns)
            process(record)
            records += 1
            self._inject_until(now_ns)
        self._inject_until(2**63)
        return LiveReplay(
            entries=tuple(self._decisions),
            records=records,
            events=self._events,
            left_over=self._left_over,
        )

    def _take_commands(self) -> None:
        """Let commands end here: what became of them is in the journal."""
        engines = (self._kernel.risk_engine, self._kernel.exec_engine)
        for endpoint, engine in zip(_COMMAND_ENDPOINTS, engines, strict=True):
            self._bus.deregister(endpoint=endpoint, handler=engine.execute)
            self._bus.register(endpoint=endpoint, handler=self._on_command)

    def _set_clocks(self, now_ns: int) -> None:
        self._kernel.clock.set_time(now_ns)
        for strategy in self._strategies.values():
            strategy.clock.set_time(now_ns)

    # -- What the journal has -------------------------------------------------------------------------

    def _inject_until(self, market_ns: int | None) -> None:
        """Take from the journal what came before any data (None), or not after the record of that time."""
        while self._next < len(self._inputs):
            entry = self._inputs[self._next]
            if entry.market_ns is not None and (market_ns is None or entry.market_ns > market_ns):
                return
            self._next += 1
            self._inject(entry)

    def _inject(self, entry: Entry) -> None:
        body = entry.body
        if isinstance(body, AlertRecord):
            self._alert(body)
        elif isinstance(body, OrderRecord):
            is_found = body.found_status is not None  # sent by a node before: no decision of this replay
            tags = [] if is_found else list(body.tags)
            self._correlation_of[body.client_order_id] = correlation_id_of(tags)
        elif isinstance(body, PositionRecord) and body.event == "found":
            self._take_over(body)
        elif isinstance(body, OrderEventRecord | FillRecord):
            self._order_event(body, entry.ts_ns)

    def _take_over(self, found: PositionRecord) -> None:
        """Hold what the node held when it began, for its strategy to adopt."""
        fill = self._maker.opening_fill(found)
        instrument = self._cache.instrument(fill.instrument_id)
        if instrument is not None:
            self._cache.add_position(Position(instrument, fill), OmsType.NETTING)

    def _alert(self, alert: AlertRecord) -> None:
        strategy = self._strategies.get(StrategyId(alert.strategy_id))
        if strategy is None:
            return
        clock = strategy.clock
        if alert.action == "load":
            strategy.on_load({name: text.encode() for name, text in alert.state.items()})
            return
        if alert.action != "alert":
            clock.set_time(alert.now_ns)
            _ACTIONS[alert.action](strategy)
            return
        clock.set_time(min(clock.timestamp_ns(), alert.now_ns - 1))
        for handler in clock.advance_time(alert.now_ns):
            handler.handle()

    def _order_event(self, record: OrderEventRecord | FillRecord, now_ns: int) -> None:
        correlation_id = self._correlation_of.get(record.client_order_id)
        order = None if correlation_id is None else self._orders.get(correlation_id)
        if correlation_id is not None and order is None:
            self._left_over += 1
            return
        if isinstance(record, FillRecord):
            event = self._maker.fill(record, order, now_ns)
        else:
            event = None if order is None else self._maker.event(record, order, now_ns)
        if event is None:
            return
        self._events += 1
        if order is not None:
            self._apply(order, event)
        self._bus.publish(topic=f"events.order.{event.strategy_id}", msg=event)

    def _apply(self, order: Any, event: Any) -> None:
        """Change the order's state as Nautilus' execution engine does, which passes over what cannot be."""
        try:
            order.apply(event)
        except (ValueError, KeyError):
            return
        self._cache.update_order(order)

    # -- What the strategies do -----------------------------------------------------------------------

    def _on_command(self, command: Any) -> None:
        """Know an order by its decision, and let the command end here."""
        if isinstance(command, SubmitOrder):
            correlation_id = correlation_id_of(command.order.tags)
            if correlation_id is not None:
                self._orders[correlation_id] = command.order

    def _on_decision(self, decision: DecisionRecord) -> None:
        self._decisions.append(
            Entry(
                seq=len(self._decisions) + 1,
                ts_ns=decision.ts_ns,
                kind="decision",
                body=decision,
                correlation_id=decision.correlation_id,
            )
        )


_ACTIONS: dict[str, Any] = {
    "start": lambda strategy: strategy.start(),
    "resume": lambda strategy: strategy.resume(),
    "pause": lambda strategy: strategy.on_market_exit(),
    "unpause": lambda strategy: strategy.post_market_exit(),
    "stop": lambda strategy: strategy.stop(),
}
