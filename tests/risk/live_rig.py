"""The rig of `nautilus_rig` as a real TradingNode: live clock, queues and event loop, no network.

Orders go to Nautilus' sandbox client, whose venue is the backtest's matching engine; quotes are fed to
the data engine at their own pace. Waiting is for conditions, with a named limit.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from nautilus_trader.adapters.sandbox.config import SandboxExecutionClientConfig
from nautilus_trader.adapters.sandbox.factory import SandboxLiveExecClientFactory
from nautilus_trader.config import (
    LiveExecEngineConfig,
    LiveRiskEngineConfig,
    LoggingConfig,
    TradingNodeConfig,
)
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TraderId
from nautilus_trader.trading.strategy import Strategy

from market.calendar import Session, TradingCalendar
from market.time import NS_PER_SECOND
from risk.limits import RiskLimits
from risk.nautilus_gate import Gate, GateSetup, install_gate
from risk.records import MemoryRecorder
from tests.risk.limit_cases import LIMITS, SESSION_RULES
from tests.risk.nautilus_rig import SMART, Rig, equity, quotes

PACE_SECONDS = 0.012
"""Between two quotes: fifty quotes outlast three readings of a trigger."""
WAIT_SECONDS_MAX = 20.0
HOUR_NS = 3600 * NS_PER_SECOND


class OpenNow(TradingCalendar):
    """A calendar whose every day has a session that began two hours ago and lasts six more."""

    def __init__(self) -> None:
        self.start, self.end = date.min, date.max

    def session_on(self, day: date) -> Session:
        now_ns = time.time_ns()
        return Session(day, now_ns - 2 * HOUR_NS, now_ns + 6 * HOUR_NS, False)


class LiveRig:
    """Same interface as `Rig`; `engine` offers its cache and the execution algorithms."""

    def __init__(
        self,
        *,
        limits: RiskLimits = LIMITS,
        data: list[QuoteTick] | None = None,
        symbols: tuple[str, ...] = ("F",),
        is_reconciled: bool = True,
        **setup: Any,
    ) -> None:
        self.loop = asyncio.new_event_loop()
        self.node = TradingNode(_config(), loop=self.loop)
        self.node.add_exec_client_factory("SMART", SandboxLiveExecClientFactory)
        for symbol in symbols:
            self.node.cache.add_instrument(equity(symbol))
        self.node.build()
        self.data = quotes("F", count=50) if data is None else data
        self.recorder = MemoryRecorder()
        self._folder = tempfile.TemporaryDirectory()
        universe = ("F", "BAC", "GE", "GME")
        self.gate: Gate = install_gate(
            self.node,
            GateSetup(
                limits=limits,
                session_rules=SESSION_RULES,
                universe=universe,
                recorder=self.recorder,
                calendar=OpenNow(),
                **({"breaker_path": Path(self._folder.name) / "breaker.json"} | setup),
            ),
        )
        self.engine = self.node.kernel
        self._is_reconciled = is_reconciled

    def add_exec_algorithm(self, algorithm: Any) -> None:
        """Add an execution algorithm before the run."""
        self.node.trader.add_exec_algorithm(algorithm)

    def run(self, *strategies: Strategy) -> None:
        """Run the node, feed the quotes as of now, wait until everything has settled, and stop."""
        for strategy in strategies:
            self.node.trader.add_strategy(strategy)
        try:
            self.loop.run_until_complete(self._run())
        finally:
            self.node.dispose()

    async def _run(self) -> None:
        running = asyncio.ensure_future(self.node.run_async())
        await self._until(lambda: self.node.kernel.trader.is_running)
        if self._is_reconciled:
            self.gate.confirm_reconciled(reason="a test starts flat")
        for tick in self.data:
            self._feed(tick)
            await asyncio.sleep(PACE_SECONDS)
        await self._until(self._is_settled)
        self._snapshot()
        await self.node.stop_async()
        await running
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:  # workers of Nautilus' actors, which its own stop leaves behind
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _feed(self, tick: QuoteTick) -> None:
        now_ns = self.node.kernel.clock.timestamp_ns()
        self.node.kernel.data_engine.process(
            QuoteTick(
                tick.instrument_id, tick.bid_price, tick.ask_price, tick.bid_size, tick.ask_size,
                now_ns, now_ns,
            )
        )  # fmt: skip

    def _is_settled(self) -> bool:
        engine = self.node.kernel.exec_engine
        if self.gate.kill_switch.is_flattening:
            self._feed(self.data[-1])
            return False
        return bool(engine.cmd_qsize() == 0 and engine.evt_qsize() == 0)

    async def _until(self, condition: Any) -> None:
        ends = time.monotonic() + WAIT_SECONDS_MAX
        while not condition():
            if time.monotonic() > ends:
                raise TimeoutError(f"{condition} is not true after {WAIT_SECONDS_MAX} s")
            await asyncio.sleep(PACE_SECONDS)

    def _snapshot(self) -> None:
        cache = self.node.cache
        self.open_orders = cache.orders_open()
        self.orders = cache.orders()
        self._nets = {
            symbol: int(
                sum(
                    position.signed_decimal_qty()
                    for position in cache.positions_open(instrument_id=InstrumentId(Symbol(symbol), SMART))
                )
            )
            for symbol in ("F", "GE", "BAC")
        }

    def net(self, symbol: str = "F") -> int:
        """Return the account's position in shares at the end of the run."""
        return self._nets[symbol]

    def rules(self) -> list[str]:
        """Return the rules that refused, in order."""
        return [refusal.rule for refusal in self.recorder.refusals]


Node = type[Rig] | type[LiveRig]
"""Either rig: the fixture `node` gives both."""


def _config() -> TradingNodeConfig:
    return TradingNodeConfig(
        trader_id=TraderId("T-1"),
        logging=LoggingConfig(log_level="ERROR"),
        exec_engine=LiveExecEngineConfig(reconciliation=False),
        risk_engine=LiveRiskEngineConfig(bypass=True),
        exec_clients={
            "SMART": SandboxExecutionClientConfig(
                venue="SMART", starting_balances=["100_000 USD"], base_currency="USD"
            )
        },
        timeout_connection=5.0,
        timeout_reconciliation=1.0,
        timeout_portfolio=1.0,
        timeout_disconnection=1.0,
        timeout_post_stop=0.0,
    )
