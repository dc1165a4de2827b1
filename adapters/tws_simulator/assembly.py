"""The parts of a simulated TWS, put together once: the only place that knows them all."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from adapters.tws_simulator.clock import MarketClock
from adapters.tws_simulator.interfaces import Subscriptions
from adapters.tws_simulator.launch_settings import Launch
from adapters.tws_simulator.market_time import market_clock, new_york_text
from adapters.tws_simulator.server import TwsServer
from adapters.tws_simulator.session.desk import SessionDesk


class Assembled(NamedTuple):
    """A server with its broker and what faults act upon."""

    server: TwsServer
    subscriptions: Subscriptions | None

    def market_time(self) -> str:
        """Return the market's time in New York."""
        return new_york_text(self.server.broker.market_ns)


def assemble(launch: Launch) -> Assembled:
    """Return a server with every component installed; nothing listens yet."""
    record = Path(launch.record) if launch.record else None

    def clock(now_ns: int) -> MarketClock:
        return market_clock(launch, now_ns, is_open=lambda _: True, recorded_open_ns=None)

    server = TwsServer(launch.simulator, record=record, clock=clock)
    first = launch.simulator.session.first_order_id
    server.broker.install(SessionDesk(server.broker, lambda: first))
    return Assembled(server, None)
