"""Short ways to write the records that tests of the projection need."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from audit.events import KIND_OF, Entry, FillRecord, OpenedRecord, OrderEventRecord, OrderRecord

D = Decimal


def order(order_id: str = "O-1", **fields: Any) -> OrderRecord:
    """Return an order to buy 10 F at 5.00 unless fields say otherwise."""
    values: dict[str, Any] = {
        "client_order_id": order_id,
        "strategy_id": "S",
        "instrument_id": "F.SMART",
        "side": "BUY",
        "type": "LIMIT",
        "quantity": 10,
        "time_in_force": "DAY",
        "limit_price": D(5),
    }
    return OrderRecord(**(values | fields))


def event(name: str, order_id: str = "O-1", **fields: Any) -> OrderEventRecord:
    """Return an event of an order."""
    values: dict[str, Any] = {
        "event": name,
        "client_order_id": order_id,
        "strategy_id": "S",
        "instrument_id": "F.SMART",
        "ts_event_ns": 1,
    }
    return OrderEventRecord(**(values | fields))


def fill(quantity: int, price: str = "5", order_id: str = "O-1", **fields: Any) -> FillRecord:
    """Return a fill; a negative quantity is a sale."""
    values: dict[str, Any] = {
        "trade_id": "T-1",
        "client_order_id": order_id,
        "strategy_id": "S",
        "instrument_id": "F.SMART",
        "side": "BUY" if quantity > 0 else "SELL",
        "quantity": abs(quantity),
        "price": D(price),
        "commission_usd": D("0.35"),
        "liquidity": "TAKER",
        "ts_event_ns": 1,
        "venue_order_id": "V-1",
    }
    return FillRecord(**(values | fields))


def opened(**fields: Any) -> OpenedRecord:
    """Return the first record of a node."""
    values: dict[str, Any] = {
        "run": "r",
        "environment": "backtest",
        "trader_id": "T",
        "profile_name": "p",
        "profile_hash": "0",
        "profile": {},
        "versions": {},
        "instruments": (),
    }
    return OpenedRecord(**(values | fields))


def entries(*bodies: Any) -> list[Entry]:
    """Return the bodies as a journal's entries."""
    return [
        Entry(seq=number, ts_ns=number, kind=KIND_OF[type(body)], body=body)
        for number, body in enumerate(bodies, 1)
    ]
