"""A TradingNode with Nautilus' unmodified Interactive Brokers adapter, against the simulator's socket.

    def test_x(node_simulator: SimulatorProcess) -> None:
        async def scenario(rig: NodeRig) -> None:
            rig.strategy.subscribe_quote_ticks(APPLE)
            await rig.until(lambda: rig.strategy.quotes)

        run_node(node_simulator, scenario)

The node runs in the test's process on an event loop of its own; the simulator is another process. The
adapter keeps its clients in a module: they are forgotten after each node. Waiting is for conditions.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from nautilus_trader.adapters.interactive_brokers import factories
from nautilus_trader.adapters.interactive_brokers.common import IB, IBContract
from nautilus_trader.adapters.interactive_brokers.config import (
    InteractiveBrokersDataClientConfig,
    InteractiveBrokersExecClientConfig,
    InteractiveBrokersInstrumentProviderConfig,
)
from nautilus_trader.adapters.interactive_brokers.factories import (
    InteractiveBrokersLiveDataClientFactory,
    InteractiveBrokersLiveExecClientFactory,
)
from nautilus_trader.config import LoggingConfig, StrategyConfig
from nautilus_trader.live.config import LiveExecEngineConfig, RoutingConfig, TradingNodeConfig
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.strategy import Strategy

from adapters.tws_simulator.control.client import SimulatorProcess

ACCOUNT = "DU1234567"
START_SECONDS_MAX = 40.0
WAIT_SECONDS_MAX = 20.0
STOP_SECONDS_MAX = 15.0
POLL_SECONDS = 0.01

APPLE = InstrumentId.from_str("AAPL.NASDAQ")
SPY = InstrumentId.from_str("SPY.ARCA")
SPX = InstrumentId.from_str("^SPX.CBOE")

STOCKS = frozenset({"AAPL.NASDAQ", "SPY.ARCA", "^SPX.CBOE"})
"""What every rig loads by id."""

CHAIN = IBContract(
    secType="STK",
    symbol="AAPL",
    exchange="SMART",
    primaryExchange="NASDAQ",
    build_options_chain=True,
    min_expiry_days=0,
    max_expiry_days=30,
)
"""Apple with the options of the next 30 days."""


class Listener(Strategy):
    """A strategy that decides nothing and keeps what it is told; tests give its orders."""

    def __init__(self) -> None:
        super().__init__(StrategyConfig(strategy_id="L-001"))
        self.has_started = False
        self.quotes: list[Any] = []
        self.trades: list[Any] = []
        self.deltas: list[Any] = []
        self.bars: list[Any] = []
        self.index_prices: list[Any] = []
        self.order_events: list[Any] = []
        self.position_events: list[Any] = []

    def on_start(self) -> None:
        self.has_started = True

    def on_quote_tick(self, tick: Any) -> None:
        self.quotes.append(tick)

    def on_trade_tick(self, tick: Any) -> None:
        self.trades.append(tick)

    def on_order_book_deltas(self, deltas: Any) -> None:
        self.deltas.append(deltas)

    def on_bar(self, bar: Any) -> None:
        self.bars.append(bar)

    def on_index_price(self, price: Any) -> None:
        self.index_prices.append(price)

    def on_order_event(self, event: Any) -> None:
        self.order_events.append(event)

    def on_position_event(self, event: Any) -> None:
        self.position_events.append(event)


class NodeRig:
    """A running node, its strategy, and the simulator that it talks to; `prepare` is given the built node."""

    def __init__(
        self,
        simulator: SimulatorProcess,
        *,
        chains: frozenset[IBContract] = frozenset(),
        client_id: int = 1,
        factories_of: tuple[type, type] = (
            InteractiveBrokersLiveDataClientFactory,
            InteractiveBrokersLiveExecClientFactory,
        ),
        engine: dict[str, Any] | None = None,
        prepare: Callable[[TradingNode], None] = lambda _node: None,
    ) -> None:
        self.simulator, self.client_id = simulator, client_id
        self.strategy = Listener()
        config = _config(simulator.port, chains, client_id, engine or {})
        self.node = TradingNode(config=config, loop=asyncio.get_running_loop())
        self.node.trader.add_strategy(self.strategy)
        self.node.add_data_client_factory(IB, factories_of[0])
        self.node.add_exec_client_factory(IB, factories_of[1])
        self.node.build()
        prepare(self.node)

    async def start(self) -> None:
        """Run the node until the strategy has started; raises `TimeoutError`."""
        self._running = asyncio.ensure_future(self.node.run_async())
        await self.until(lambda: self.strategy.has_started, seconds=START_SECONDS_MAX)

    async def stop(self) -> None:
        """Stop the node and wait until TWS has seen its socket end.

        A thread of the adapter holds the socket for up to a second after its close; a node that comes
        back sooner meets its own former self (326) and loses twenty seconds.
        """
        await asyncio.wait_for(self.node.stop_async(), STOP_SECONDS_MAX)
        await self.until(lambda: self.client_id not in self.truth()["sessions"])
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def until(self, condition: Callable[[], object], *, seconds: float = WAIT_SECONDS_MAX) -> None:
        """Wait for a condition; raises `TimeoutError` that shows the order events so far."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                events = [type(event).__name__ for event in self.strategy.order_events]
                raise TimeoutError(f"not within {seconds} s; order events {events}")
            await asyncio.sleep(POLL_SECONDS)

    def events_of(self, order: Any) -> list[str]:
        """Return the names of an order's events, oldest first."""
        return [
            type(event).__name__
            for event in self.strategy.order_events
            if event.client_order_id == order.client_order_id
        ]

    def instrument(self, instrument_id: InstrumentId) -> Any:
        """Return an instrument that the adapter has loaded."""
        instrument = self.node.cache.instrument(instrument_id)
        assert instrument is not None, f"{instrument_id} was not loaded"
        return instrument

    def truth(self) -> dict[str, Any]:
        """Return what the simulated broker knows."""
        return self.simulator.client.truth()


def run_node(
    simulator: SimulatorProcess, scenario: Callable[[NodeRig], Awaitable[None]], **options: Any
) -> None:
    """Start a node against `simulator`, run `scenario`, stop the node; `options` are `NodeRig`'s."""

    async def body() -> None:
        rig = NodeRig(simulator, **options)
        await rig.start()
        try:
            await scenario(rig)
        finally:
            await rig.stop()

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(body())
    finally:
        factories.IB_CLIENTS.clear()
        _finish(loop)


def _finish(loop: asyncio.AbstractEventLoop) -> None:
    """End the tasks that the adapter leaves behind, so that they do not warn in the next test."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.close()
    asyncio.set_event_loop(None)


def _config(
    port: int, chains: frozenset[IBContract], client_id: int, engine: dict[str, Any]
) -> TradingNodeConfig:
    provider = InteractiveBrokersInstrumentProviderConfig(load_ids=STOCKS, load_contracts=chains or None)
    shared: dict[str, Any] = {
        "ibg_host": "127.0.0.1",
        "ibg_port": port,
        "ibg_client_id": client_id,
        "instrument_provider": provider,
        "connection_timeout": 30,
    }
    return TradingNodeConfig(
        trader_id="T-001",
        logging=LoggingConfig(log_level="ERROR"),
        data_clients={IB: InteractiveBrokersDataClientConfig(**shared)},
        exec_clients={
            IB: InteractiveBrokersExecClientConfig(
                **shared, account_id=ACCOUNT, routing=RoutingConfig(default=True)
            )
        },
        exec_engine=LiveExecEngineConfig(**engine),
        timeout_connection=30.0,
        timeout_reconciliation=10.0,
        timeout_portfolio=10.0,
        timeout_disconnection=3.0,
        timeout_post_stop=0.5,
    )
