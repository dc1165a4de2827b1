"""Assembles Nautilus' `BacktestNode` from a profile and a selection of a catalog, cured and guarded.

`assemble` is the only place where a backtest's engine is made: configuration, then the patches that
cure NautilusTrader 1.231 (`nautilus_*.py` in this folder), then the risk gate at the one door.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nautilus_trader.backtest.config import BacktestDataConfig, BacktestEngineConfig, BacktestRunConfig
from nautilus_trader.backtest.node import BacktestNode
from nautilus_trader.common.component import is_backtest_force_stop
from nautilus_trader.config import CacheConfig, LoggingConfig, PortfolioConfig, RiskEngineConfig
from nautilus_trader.model.identifiers import InstrumentId

from audit.nautilus_recorder import JournalRecorder
from backtests.garbage import resting_garbage_collector
from backtests.nautilus_analyzer import install_linear_analyzer
from backtests.nautilus_bars import BarDataEngine
from backtests.nautilus_bus import local_message_bus
from backtests.nautilus_cache import KeepingCache
from backtests.nautilus_internals import kernel_parts
from backtests.nautilus_matching import LeanMatchingEngine, WaitingBarEngine, install_matching_engines
from backtests.nautilus_quotes import QuoteKeepingEngine, keep_quotes
from backtests.period import Selection
from backtests.record_feed import DATA_CLASSES, record_feed
from backtests.run_journal import TRADER_ID, RunJournal
from backtests.venue import venue_config
from catalog.columns import DataKind
from configs.profile import LoadedProfile, Profile
from market.errors import UserError
from market.instruments import instrument_id, symbol_of
from risk.limits import RiskLimits
from risk.nautilus_gate import GateSetup, install_gate
from risk.records import MemoryRecorder
from strategies.nautilus_config import importable_strategy

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine, OrderMatchingEngine
    from nautilus_trader.trading.config import ImportableStrategyConfig

QUIET_LEVELS = frozenset(("WARNING", "ERROR"))
"""Logging levels at which Nautilus' logger stays off.

While it is on, whatever its level, the engine formats every tick as text: a fifth of a run's time.
"""

_NEVER_MS = 10**9  # account states are formatted as text too, after every fill


@dataclass(frozen=True, slots=True)
class AssembledNode:
    """A built node with its one engine, ready to run once."""

    node: BacktestNode
    engine: BacktestEngine
    selection: Selection
    chunk_size: int | None
    risk_records: MemoryRecorder

    def run(self) -> None:
        """Replay the selection; raises `UserError` when the account cannot carry what was traded."""
        with resting_garbage_collector():
            feed = record_feed(self.selection, chunk_size=self.chunk_size)
            self.engine.add_data_iterator("catalog", feed)
            self.engine.run(start=self.selection.first_ns, end=self.selection.last_ns)
        if is_backtest_force_stop():
            raise UserError(
                "The run stopped before its end: the simulated account went below zero. "
                "Raise backtest.starting_balance_usd or lower the limits of [risk]."
            )

    @property
    def now_ns(self) -> int:
        """The time of the engine's clock, ns UTC."""
        return int(self.engine.kernel.clock.timestamp_ns())

    def dispose(self) -> None:
        """Free the engine's memory."""
        self.node.dispose()


def assemble(
    loaded: LoadedProfile,
    selection: Selection,
    *,
    strategies: Sequence[ImportableStrategyConfig] | None = None,
    journal: RunJournal | None = None,
) -> AssembledNode:
    """Return the node of a profile on `selection`; raises `ConfigError` without a `[backtest]` section.

    `strategies` replaces those of the profile by any Nautilus strategies. Bars are for research: without
    a quote the risk gate would refuse every order, so there Nautilus' own risk engine stands alone. No
    profile can ask for bars. With a `journal` everything is recorded in it; nothing else changes.
    """
    backtest = loaded.require_backtest()
    profile = loaded.profile
    venue = venue_config(
        backtest,
        profile.fees,
        on=selection.period.start,
        book=selection.book,
        queue_position=selection.queue_position,
    )
    run_config = BacktestRunConfig(
        venues=[venue],
        data=data_configs(selection),
        engine=_engine_config(
            profile,
            strategies=strategy_configs(profile, selection) if strategies is None else list(strategies),
            selection=selection,
        ),
        raise_exception=True,
        dispose_on_completion=False,
    )
    node = BacktestNode([run_config])
    engine = _build(node, selection)
    engine.kernel.clock.set_time(selection.first_ns)  # what the gate does at its start belongs to the run
    records = MemoryRecorder()
    recorder = None if journal is None else journal.attach(engine, loaded, selection, beside=records)
    if selection.book != "bars":
        gate = install_gate(engine, _gate_setup(profile, selection, recorder or records))
        if recorder is not None:
            recorder.guard(gate)
    return AssembledNode(node, engine, selection, backtest.chunk_size, records)


def _gate_setup(
    profile: Profile, selection: Selection, recorder: JournalRecorder | MemoryRecorder
) -> GateSetup:
    return GateSetup(
        limits=profile.risk,
        session_rules=profile.session,
        universe=tuple(symbol_of(name) for name in selection.instrument_ids),
        recorder=recorder,
        on_order=recorder.on_order if isinstance(recorder, JournalRecorder) else None,
    )


def _build(node: BacktestNode, selection: Selection) -> BacktestEngine:
    """Build the node's one engine and cure it."""
    engines = {"DataEngine": BarDataEngine} if selection.book == "bars" else {}
    with kernel_parts(Cache=KeepingCache, **engines):
        node.build()
    (engine,) = node.get_engines()
    install_matching_engines(engine, _matching_engines(selection))
    install_linear_analyzer(engine.kernel.portfolio.analyzer)
    if selection.book == "L1":
        keep_quotes(engine)
    return engine


def _matching_engines(selection: Selection) -> Callable[[str], type[OrderMatchingEngine]]:
    """Return which matching engine serves an instrument of `selection`."""
    bar_types = Counter(bar_type.split("-")[0] for bar_type in selection.bar_types)

    def kind_of(instrument: str) -> type[OrderMatchingEngine]:
        if selection.book == "L1":
            return QuoteKeepingEngine
        return WaitingBarEngine if bar_types[instrument] == 1 else LeanMatchingEngine

    return kind_of


def strategy_configs(profile: Profile, selection: Selection) -> list[ImportableStrategyConfig]:
    """Return the strategies in the profile's order, each with its symbols, by default the universe."""
    return [
        importable_strategy(
            section,
            instrument_ids=[instrument_id(symbol) for symbol in section.symbols] or selection.instrument_ids,
            session_rules=profile.session,
            has_depth=selection.has_depth,
            max_shares_per_order=profile.risk.max_shares_per_order,
        )
        for section in profile.strategies
    ]


def data_configs(selection: Selection) -> list[BacktestDataConfig]:
    """Return what is loaded, by kind and instrument, always in the same order.

    One configuration per stream of deltas, because Nautilus looks there for an instrument's depth; one
    for all instruments of another kind, because each costs a query. Times are `ts_init`, both inclusive.
    """
    configs: list[BacktestDataConfig] = []
    if selection.bar_types:
        configs.append(_data_config(selection, DataKind.BAR, bar_types=list(selection.bar_types)))
        return configs
    for kind in selection.kinds:
        present = selection.of(kind)
        groups = [[name] for name in present] if kind is DataKind.DELTA else [list(present)]
        configs.extend(_data_config(selection, kind, **_names(group)) for group in groups if group)
    return configs


def _names(instrument_ids: Sequence[str]) -> dict[str, Any]:
    if len(instrument_ids) == 1:
        return {"instrument_id": InstrumentId.from_str(instrument_ids[0])}
    return {"instrument_ids": list(instrument_ids)}


def _data_config(selection: Selection, kind: DataKind, **names: Any) -> BacktestDataConfig:
    data_class = DATA_CLASSES[kind]
    return BacktestDataConfig(
        catalog_path=str(selection.catalog.resolve()),
        data_cls=f"{data_class.__module__}:{data_class.__qualname__}",
        start_time=selection.period.start_ns,
        end_time=selection.period.end_ns - 1,
        **names,
    )


def _engine_config(
    profile: Profile, *, strategies: list[ImportableStrategyConfig], selection: Selection
) -> BacktestEngineConfig:
    is_quiet = profile.logging.level in QUIET_LEVELS
    return BacktestEngineConfig(
        trader_id=TRADER_ID,
        logging=LoggingConfig(log_level=profile.logging.level, bypass_logging=is_quiet),
        cache=CacheConfig(tick_capacity=1_000, bar_capacity=1_000),
        message_bus=local_message_bus(),
        portfolio=PortfolioConfig(
            min_account_state_logging_interval_ms=_NEVER_MS if is_quiet else None,
        ),
        risk_engine=risk_engine_config(profile.risk, selection.instrument_ids),
        strategies=strategies,
        run_analysis=False,
    )


def risk_engine_config(limits: RiskLimits, instrument_ids: Sequence[str]) -> RiskEngineConfig:
    """Return the limits that Nautilus' own risk engine knows; it stands before the gate.

    Its order value limit takes whole USD (rounded up here, the gate is exact) and does nothing on margin
    accounts in 1.231, which IB's are: that limit is the gate's.
    """
    notional = math.ceil(limits.max_notional_usd_per_order)
    return RiskEngineConfig(
        max_order_submit_rate=f"{limits.max_orders_per_second}/00:00:01",
        max_order_modify_rate=f"{limits.max_replaces_per_minute}/00:01:00",
        max_notional_per_order=dict.fromkeys(instrument_ids, notional),
    )
