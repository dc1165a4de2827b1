"""What orders ask of the rest of the broker, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.tws_simulator.broker import Broker
from adapters.tws_simulator.interfaces import Account, Market, Universe
from adapters.tws_simulator.orders.settings import OrdersSettings


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The broker, the components around the orders, and the settings."""

    broker: Broker
    universe: Universe
    market: Market
    account: Account
    settings: OrdersSettings
