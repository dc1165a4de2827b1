"""The parts of a simulated TWS, put together once: the only place that knows them all."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from adapters.tws_simulator.account.desk import AccountDesk
from adapters.tws_simulator.broker import Broker
from adapters.tws_simulator.clock import MarketClock
from adapters.tws_simulator.contracts.desk import ContractDesk
from adapters.tws_simulator.contracts.trading_hours import TradingHours
from adapters.tws_simulator.interfaces import Subscriptions
from adapters.tws_simulator.launch_settings import Launch
from adapters.tws_simulator.market_data.desk import MarketDesk
from adapters.tws_simulator.market_data.origin import MarketOrigin, recorded_origin, synthetic_origin
from adapters.tws_simulator.market_time import new_york_text, recorded_start_ns, synthetic_start_ns
from adapters.tws_simulator.orders.desk import OrdersDesk
from adapters.tws_simulator.server import TwsServer
from adapters.tws_simulator.session.desk import SessionDesk
from market.time import new_york_date


class Assembled(NamedTuple):
    """A server with its broker and what faults act upon."""

    server: TwsServer
    subscriptions: Subscriptions

    def market_time(self) -> str:
        """Return the market's time in New York."""
        return new_york_text(self.server.broker.market_ns)


def assemble(launch: Launch) -> Assembled:
    """Return a server with every component installed; nothing listens yet.

    Raises `UserError` when the catalog has no such day or the start is no time.
    """
    origin, start_ns = _recorded(launch) if launch.catalog else _synthetic(launch)

    def clock(now_ns: int) -> MarketClock:
        return MarketClock(now_ns, now_ns if start_ns is None else start_ns, launch.speed)

    record = Path(launch.record) if launch.record else None
    server = TwsServer(launch.simulator, record=record, clock=clock)
    return Assembled(server, install_components(server.broker, origin))


def install_components(broker: Broker, origin: MarketOrigin) -> MarketDesk:
    """Install session, contracts, prices, account and orders on `broker`; return the prices."""
    settings = broker.settings
    contracts = ContractDesk(broker, origin.universe, settings=settings.contracts)
    market = MarketDesk(broker, contracts, origin=origin, settings=settings.market_data)
    account = AccountDesk(broker, contracts, market, settings=settings.account)
    orders = OrdersDesk(broker, contracts, market, account, settings=settings.orders)
    session = SessionDesk(broker, orders.next_valid_id)
    for component in (session, contracts, market, account, orders):
        broker.install(component)
    return market


def _recorded(launch: Launch) -> tuple[MarketOrigin, int]:
    assert launch.catalog is not None, "Launch holds both or neither"
    assert launch.date is not None, "Launch holds both or neither"
    origin = recorded_origin(Path(launch.catalog), launch.date, contracts=launch.simulator.contracts)
    assert origin.opening_ns is not None, "a recorded day has an opening"
    return origin, recorded_start_ns(launch.start, opening_ns=origin.opening_ns)


def _synthetic(launch: Launch) -> tuple[MarketOrigin, int | None]:
    now_ns = time.time_ns()
    contracts = launch.simulator.contracts

    def is_open(market_ns: int) -> bool:
        day = new_york_date(market_ns)
        hours = TradingHours(new_york_date(now_ns), is_always_open=contracts.hours == "always")
        session = hours.session_on(day)
        return session is not None and session[0] <= market_ns < session[1]

    start_ns = synthetic_start_ns(launch.start, now_ns=now_ns, is_open=is_open)
    origin = synthetic_origin(
        launch.simulator.seed,
        market_ns=now_ns if start_ns is None else start_ns,
        contracts=contracts,
        settings=launch.simulator.market_data,
    )
    return origin, start_ns
