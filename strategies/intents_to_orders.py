"""From the lifecycle's commands to Nautilus orders: types, ticks, tags and time in force."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.model.enums import OrderSide, TimeInForce
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order

from strategies.intents import Side
from strategies.intraday.correlation import order_tag
from strategies.intraday.orders import Place
from strategies.intraday.pricing import on_grid

_TIME_IN_FORCE = {"day": TimeInForce.DAY, "ioc": TimeInForce.IOC}


def order_for(place: Place, *, factory: OrderFactory, instrument: Instrument) -> Order:
    """Return the order that `place` asks for: limit or market, tagged with its correlation id.

    Exits are reduce-only: a venue or engine that honours it refuses to turn the position around.
    """
    common = {
        "instrument_id": instrument.id,
        "order_side": _order_side(place.side),
        "quantity": Quantity.from_int(place.quantity),
        "time_in_force": _TIME_IN_FORCE[place.time_in_force],
        "reduce_only": place.purpose == "exit",
        "tags": [order_tag(place.correlation_id)],
    }
    if place.limit_price is None:
        return factory.market(**common)
    price = price_for(place.limit_price, place.side, decimals=instrument.price_precision)
    return factory.limit(price=price, **common)


def price_for(limit_price: Decimal, side: Side, *, decimals: int) -> Price:
    """Return `limit_price` (USD a share) on its tick, written with the `decimals` of its instrument.

    Nautilus denies prices with more. IB's adapter gives a stock the two of its minimum tick, where our own
    catalogs have four; a price that needs more moves to the next it can be, never worse for `side`.
    """
    exact = on_grid(limit_price, side)
    rounding = ROUND_FLOOR if side == "buy" else ROUND_CEILING
    return Price.from_str(f"{exact.quantize(Decimal(1).scaleb(-decimals), rounding=rounding):f}")


def side_of(order_side: OrderSide) -> Side:
    """Return our word for Nautilus' `order_side`."""
    return "buy" if order_side == OrderSide.BUY else "sell"


def _order_side(side: Side) -> OrderSide:
    return OrderSide.BUY if side == "buy" else OrderSide.SELL
