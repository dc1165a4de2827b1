"""A TradingNode behind the gate on the drills' venue: live clock, queues, reconciliation and breaker file.

Waiting is for conditions, with a named limit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path

from nautilus_trader.config import (
    LiveExecEngineConfig,
    LiveRiskEngineConfig,
    LoggingConfig,
    StrategyConfig,
    TradingNodeConfig,
)
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import ClientOrderId, TraderId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.trading.strategy import Strategy

from market.calendar import Session, TradingCalendar
from market.time import NS_PER_MINUTE
from risk.drills.drill_limits import SESSION_RULES
from risk.drills.nautilus_rig import SMART
from risk.drills.nautilus_socket_client import F, SocketClientConfig, SocketClientFactory
from risk.drills.socket_venue import ASK, BID
from risk.limits import RiskLimits
from risk.nautilus_gate import GateSetup, install_gate
from risk.records import MemoryRecorder

POLL_SECONDS = 0.002
WAIT_SECONDS_MAX = 20.0
COMES_SECONDS_MAX = 3.0
TWO_HOURS_NS = 120 * NS_PER_MINUTE


class OpenNow(TradingCalendar):
    """A calendar whose every day has a session that began two hours ago and lasts two more."""

    def __init__(self) -> None:
        self.start, self.end = date.min, date.max

    def session_on(self, day: date) -> Session:
        now_ns = time.time_ns()
        return Session(day, now_ns - TWO_HOURS_NS, now_ns + TWO_HOURS_NS, False)


class SocketNode:
    """One node with one strategy, which claims what it finds in F; `run` acts a script in its loop."""

    def __init__(self, port: int, breaker_path: Path, limits: RiskLimits) -> None:
        self.loop = asyncio.new_event_loop()
        self.node = TradingNode(_config(port), loop=self.loop)
        self.node.add_exec_client_factory(SMART.value, SocketClientFactory)
        self.node.cache.add_instrument(F)
        self.node.build()
        self.recorder = MemoryRecorder()
        self.gate = install_gate(
            self.node,
            GateSetup(
                limits=limits,
                session_rules=SESSION_RULES,
                universe=("F",),
                recorder=self.recorder,
                breaker_path=breaker_path,
                calendar=OpenNow(),
            ),
        )
        self.strategy = Strategy(
            StrategyConfig(strategy_id="S", order_id_tag="ONE", external_order_claims=[F.id])
        )
        self.node.trader.add_strategy(self.strategy)

    def run(self, script: Callable[[SocketNode], Awaitable[None]]) -> None:
        """Start the node, act the script once it is reconciled with the venue, and stop."""
        try:
            self.loop.run_until_complete(self._run(script))
        finally:
            self.node.dispose()

    async def _run(self, script: Callable[[SocketNode], Awaitable[None]]) -> None:
        running = asyncio.ensure_future(self.node.run_async())
        try:
            await self.until(lambda: self.node.trader.is_running)
            await script(self)
        finally:
            await self.node.stop_async()
            await running
            left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in left:  # workers of Nautilus' actors, which its own stop leaves behind
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds; raises TimeoutError."""
        ends = time.monotonic() + WAIT_SECONDS_MAX
        while not condition():
            if time.monotonic() > ends:
                raise TimeoutError(f"what the drill waits for has not come after {WAIT_SECONDS_MAX} s")
            await asyncio.sleep(POLL_SECONDS)

    async def comes(self, condition: Callable[[], bool]) -> bool:
        """Wait for what should come at once; return whether it did."""
        ends = time.monotonic() + COMES_SECONDS_MAX
        while not condition() and time.monotonic() < ends:
            await asyncio.sleep(POLL_SECONDS)
        return condition()

    async def send(self, order_id: str, count: int, price: str | None = None) -> str:
        """Send an order to buy `count`, to sell when negative; without price a market order.

        Wait until it is refused, filled or working; return the rule that refused it, or its status.
        """
        await self._quote()
        side = OrderSide.BUY if count > 0 else OrderSide.SELL
        factory, name = self.strategy.order_factory, ClientOrderId(order_id)
        quantity = Quantity.from_int(abs(count))
        if price is None:
            order = factory.market(F.id, side, quantity, client_order_id=name)
        else:
            order = factory.limit(F.id, side, quantity, Price.from_str(price), client_order_id=name)
        self.strategy.submit_order(order)
        await self.until(lambda: order.is_closed or (order.is_open and order.has_price))
        rules = [each.rule for each in self.recorder.refusals if each.client_order_id == order_id]
        return rules[0] if rules else str(order.status_string())

    async def _quote(self) -> None:
        now_ns = self.node.kernel.clock.timestamp_ns()
        size = Quantity.from_int(10_000)
        tick = QuoteTick(F.id, Price.from_str(BID), Price.from_str(ASK), size, size, now_ns, now_ns)
        self.node.kernel.data_engine.process(tick)
        await self.until(lambda: self.node.cache.quote_tick(F.id) is tick)


def _config(port: int) -> TradingNodeConfig:
    return TradingNodeConfig(
        trader_id=TraderId("T-1"),
        logging=LoggingConfig(log_level="OFF", log_components_only=True),
        exec_engine=LiveExecEngineConfig(reconciliation=True, reconciliation_startup_delay_secs=0.001),
        risk_engine=LiveRiskEngineConfig(bypass=True),
        exec_clients={SMART.value: SocketClientConfig(port=port)},
        timeout_connection=WAIT_SECONDS_MAX,
        timeout_reconciliation=WAIT_SECONDS_MAX,
        timeout_portfolio=WAIT_SECONDS_MAX,
        timeout_disconnection=WAIT_SECONDS_MAX,
        timeout_post_stop=0.0,
    )
