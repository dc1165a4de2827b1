"""A node of a recorded day, without venue and clock: strategies, Nautilus' data engine and cache, no more."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import BacktestEngineConfig, CacheConfig, LoggingConfig
from nautilus_trader.core.fsm import InvalidStateTrigger
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
    FillRecord,
    OpenedRecord,
    OrderEventRecord,
    PositionRecord,
)
from backtests.replay.nautilus_order_events import EventMaker
from backtests.replay.recorded_run import RecordedRun
from configs.profile import LoadedProfile
from market.instruments import symbol_of
from strategies.intraday.correlation import correlation_id_of
from strategies.nautilus_config import importable_strategy

STARTING_BALANCE_USD = 1_000_000_000
"""Of an account that nothing is booked to."""
_COMMAND_ENDPOINTS = ("RiskEngine.execute", "ExecEngine.execute")


class ReplayedNode:
    """One process of the recorded day; what its strategies decide goes to `on_decision`."""

    def __init__(
        self, run: RecordedRun, loaded: LoadedProfile, *, on_decision: Callable[[DecisionRecord], None]
    ) -> None:
        self._engine = _engine(run.opened, loaded)
        _add_instruments(self._engine, run)
        kernel = self._engine.kernel
        self._cache, self._bus = kernel.cache, kernel.msgbus
        self._on_decision = on_decision
        self._maker = EventMaker(TraderId(str(kernel.trader_id)))
        self._strategies = {strategy.id: strategy for strategy in kernel.trader.strategies()}
        self._clocks = [kernel.clock, *(strategy.clock for strategy in self._strategies.values())]
        self._orders: dict[str, Any] = {}  # by correlation id
        self._take_commands()
        self._bus.subscribe(topic=DECISIONS_TOPIC, handler=on_decision)
        kernel.data_engine.start()
        self._process: Callable[[Any], None] = kernel.data_engine.process

    def process(self, record: Any) -> None:
        """Let the strategies see a record of market data, at its time."""
        for clock in self._clocks:
            clock.set_time(record.ts_init)
        self._process(record)

    def alert(self, alert: AlertRecord) -> None:
        """Have a strategy act as it did without data."""
        strategy = self._strategies.get(StrategyId(alert.strategy_id))
        if strategy is None:
            return
        clock = strategy.clock
        if alert.action == "load":
            strategy.on_load({name: text.encode() for name, text in alert.state.items()})
        elif alert.action != "alert":
            clock.set_time(alert.now_ns)
            _ACTIONS[alert.action](strategy)
        else:
            clock.set_time(min(clock.timestamp_ns(), alert.now_ns - 1))
            for handler in clock.advance_time(alert.now_ns):
                handler.handle()

    def take_over(self, found: PositionRecord) -> None:
        """Hold what the node held when it began, for its strategy to adopt."""
        fill = self._maker.opening_fill(found)
        instrument = self._cache.instrument(fill.instrument_id)
        if instrument is not None:
            self._cache.add_position(Position(instrument, fill), OmsType.NETTING)

    def has_order(self, correlation_id: str) -> bool:
        """Whether a strategy has sent an order for the decision `correlation_id`."""
        return correlation_id in self._orders

    def order_event(
        self, record: OrderEventRecord | FillRecord, correlation_id: str | None, now_ns: int
    ) -> bool | None:
        """Tell the strategy what became of an order of the decision `correlation_id`, None for a foreign one.

        Returns whether it was told; None for what is not told but done by the strategy itself, False for
        an order that the replay did not send.
        """
        order = None if correlation_id is None else self._orders.get(correlation_id)
        if correlation_id is not None and order is None:
            return False
        if isinstance(record, FillRecord):
            event = self._maker.fill(record, order, now_ns)
        else:
            event = None if order is None else self._maker.event(record, order, now_ns)
        if event is None:
            return None
        if order is not None:
            self._apply(order, event)
        self._bus.publish(topic=f"events.order.{event.strategy_id}", msg=event)
        return True

    def close(self) -> None:
        """End as a process does that was killed: nothing is decided any more."""
        self._bus.unsubscribe(topic=DECISIONS_TOPIC, handler=self._on_decision)
        for strategy in self._strategies.values():
            if strategy.is_running:
                strategy.stop()
        self._engine.dispose()

    def _apply(self, order: Any, event: Any) -> None:
        """Change the order's state as Nautilus' execution engine does, which passes over what cannot be."""
        try:
            order.apply(event)
        except (InvalidStateTrigger, ValueError, KeyError):
            return
        self._cache.update_order(order)

    def _take_commands(self) -> None:
        """Let commands end here: what became of them is in the journal."""
        kernel = self._engine.kernel
        for endpoint, engine in zip(
            _COMMAND_ENDPOINTS, (kernel.risk_engine, kernel.exec_engine), strict=True
        ):
            self._bus.deregister(endpoint=endpoint, handler=engine.execute)
            self._bus.register(endpoint=endpoint, handler=self._on_command)

    def _on_command(self, command: Any) -> None:
        if isinstance(command, SubmitOrder):
            correlation_id = correlation_id_of(command.order.tags)
            if correlation_id is not None:
                self._orders[correlation_id] = command.order


def _engine(opened: OpenedRecord, loaded: LoadedProfile) -> BacktestEngine:
    profile = loaded.profile
    configs = [
        importable_strategy(
            section,
            instrument_ids=[name for name in opened.instruments if _trades(section.symbols, symbol_of(name))],
            session_rules=profile.session,
            has_depth=profile.universe.book == "L2",
            max_shares_per_order=profile.risk.max_shares_per_order,
        )
        for section in profile.strategies
    ]
    return BacktestEngine(
        config=BacktestEngineConfig(
            trader_id=opened.trader_id,
            logging=LoggingConfig(bypass_logging=True),
            cache=CacheConfig(tick_capacity=1_000, bar_capacity=1_000),
            strategies=configs,
            run_analysis=False,
        )
    )


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


_ACTIONS: dict[str, Callable[[Any], None]] = {
    "start": lambda strategy: strategy.start(),
    "resume": lambda strategy: strategy.resume(),
    "pause": lambda strategy: strategy.on_market_exit(),
    "unpause": lambda strategy: strategy.post_market_exit(),
    "stop": lambda strategy: strategy.stop(),
}
