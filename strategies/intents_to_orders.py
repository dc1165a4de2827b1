"""From the lifecycle's commands to Nautilus orders: types, ticks, tags and time in force."""

from __future__ import annotations

from decimal import Decimal

from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.model.enums import OrderSide, TimeInForce
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order

from market.instruments import EQUITY_PRICE_PRECISION
from strategies.intents import Side
from strategies.intraday.correlation import order_tag
from strategies.intraday.orders import Place
from strategies.intraday.pricing import on_grid

_TIME_IN_FORCE = {"day": TimeInForce.DAY, "ioc": TimeInForce.IOC}


def order_for(place: Place, *, factory: OrderFactory, instrument_id: InstrumentId) -> Order:
    """Return the order that `place` asks for: limit or market, tagged with its correlation id.

    Exits are reduce-only: a venue or engine that honours it refuses to turn the position around.
    """
    common = {
        "instrument_id": instrument_id,
        "order_side": _order_side(place.side),
        "quantity": Quantity.from_int(place.quantity),
        "time_in_force": _TIME_IN_FORCE[place.time_in_force],
        "reduce_only": place.purpose == "exit",
        "tags": [order_tag(place.correlation_id)],
    }
    if place.limit_price is None:
        return factory.market(**common)
    return factory.limit(price=price_for(place.limit_price, place.side), **common)


def price_for(limit_price: Decimal, side: Side) -> Price:
    """Return `limit_price` (USD a share) on its tick, exact, at the precision of every equity."""
    return Price.from_str(f"{on_grid(limit_price, side):.{EQUITY_PRICE_PRECISION}f}")


def side_of(order_side: OrderSide) -> Side:
    """Return our word for Nautilus' `order_side`."""
    return "buy" if order_side == OrderSide.BUY else "sell"


def _order_side(side: Side) -> OrderSide:
    return OrderSide.BUY if side == "buy" else OrderSide.SELL
