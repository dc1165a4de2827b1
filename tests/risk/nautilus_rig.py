"""The backtest engine behind the gate that drills and tests share, and the orders that tests send there."""

from __future__ import annotations

from typing import Any

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import OrderDenied
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price, Quantity

from risk.drills.nautilus_rig import SMART, START_NS, Rig, Scripted, equity, quotes
from tests.risk.limit_cases import LIMITS

__all__ = ["SMART", "START_NS", "Rig", "Scripted", "equity", "quotes"]

F = InstrumentId.from_str("F.SMART")
OVER = LIMITS.max_shares_per_order + 1
"""Shares that are one too many for an order."""


def shares(count: int) -> Quantity:
    """Return a count of shares or contracts."""
    return Quantity.from_int(count)


def usd(text: str) -> Price:
    """Return a price."""
    return Price.from_str(text)


def buy(strategy: Scripted, count: int, price: str = "4.9000", **fields: Any) -> Any:
    """Return a limit order to buy F."""
    return strategy.order_factory.limit(F, OrderSide.BUY, shares(count), usd(price), **fields)


def market(strategy: Scripted, count: int, side: OrderSide = OrderSide.BUY, **fields: Any) -> Any:
    """Return a market order for F."""
    return strategy.order_factory.market(F, side, shares(count), **fields)


def at(moment: int, action: Any) -> Any:
    """Return a script that acts at one quote."""
    return lambda strategy, seen: action(strategy) if seen == moment else None


def scripted(actions: dict[int, Any]) -> Scripted:
    """Return a strategy that acts at given quotes."""
    return Scripted(lambda strategy, seen: actions.get(seen, lambda _strategy: None)(strategy))


def send(strategy: Scripted, command: Any) -> None:
    """Send a command straight to the endpoint behind which the gate stands."""
    strategy.msgbus.send(endpoint="ExecEngine.execute", msg=command)


def names(order: Any, strategy: Scripted) -> dict[str, Any]:
    """Return the ids that a command about an order needs."""
    return {
        "trader_id": order.trader_id, "strategy_id": order.strategy_id, "instrument_id": order.instrument_id,
        "client_order_id": order.client_order_id, "venue_order_id": order.venue_order_id,
        "command_id": UUID4(), "ts_init": strategy.clock.timestamp_ns(),
    }  # fmt: skip


def working(strategy: Scripted) -> Any:
    """Return the strategy's one open order."""
    (order,) = strategy.cache.orders_open(strategy_id=strategy.id)
    return order


def denials(strategy: Scripted) -> list[str]:
    """Return why orders of the strategy were denied."""
    return [event.reason for event in strategy.named(OrderDenied)]


def raises(error: Exception) -> Any:
    """Return a function that fails."""

    def fault(*_: Any) -> None:
        raise error

    return fault
