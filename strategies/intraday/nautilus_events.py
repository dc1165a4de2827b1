"""Tells a symbol's trader what became of its orders: Nautilus' events in, the lifecycle's words out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nautilus_trader.model.events import (
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderDenied,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderModifyRejected,
    OrderRejected,
    OrderUpdated,
)

from audit.events import DecisionRecord
from strategies.intents_to_orders import side_of
from strategies.intraday.position import Fill
from strategies.intraday.symbol_trader import SymbolTrader


def report(event: OrderEvent, trader: SymbolTrader, correlation_id: str | None) -> DecisionRecord | None:
    """Pass `event` on; returns the record of a refusal.

    `correlation_id` is None for an order that no decision made (an operator's, Nautilus' market exit):
    its fills count all the same.
    """
    if correlation_id is None:
        if isinstance(event, OrderFilled):
            trader.on_fill(None, _fill_of(event))
        return None
    handler = _HANDLERS.get(type(event))
    return None if handler is None else handler(trader, correlation_id, event)


def _on_accepted(trader: SymbolTrader, correlation_id: str, _event: OrderAccepted) -> None:
    trader.on_accepted(correlation_id)


def _on_filled(trader: SymbolTrader, correlation_id: str, event: OrderFilled) -> None:
    trader.on_fill(correlation_id, _fill_of(event))


def _on_ended(trader: SymbolTrader, correlation_id: str, event: OrderCanceled | OrderExpired) -> None:
    trader.on_ended(correlation_id, event.ts_event)


def _on_updated(trader: SymbolTrader, correlation_id: str, event: OrderUpdated) -> None:
    price = None if event.price is None else event.price.as_decimal()
    trader.on_updated(correlation_id, quantity=int(event.quantity), limit_price=price)


def _on_denied(trader: SymbolTrader, correlation_id: str, event: OrderDenied) -> DecisionRecord | None:
    return trader.on_order_refused(correlation_id, "order_denied", event.ts_event, refused_by=event.reason)


def _on_rejected(trader: SymbolTrader, correlation_id: str, event: OrderRejected) -> DecisionRecord | None:
    return trader.on_order_refused(correlation_id, "order_rejected", event.ts_event, refused_by=event.reason)


def _on_modify_rejected(
    trader: SymbolTrader, correlation_id: str, event: OrderModifyRejected
) -> DecisionRecord | None:
    return trader.on_request_refused(correlation_id, "replace", event.ts_event, refused_by=event.reason)


def _on_cancel_rejected(
    trader: SymbolTrader, correlation_id: str, event: OrderCancelRejected
) -> DecisionRecord | None:
    return trader.on_request_refused(correlation_id, "cancel", event.ts_event, refused_by=event.reason)


def _fill_of(event: OrderFilled) -> Fill:
    return Fill(
        side=side_of(event.order_side),
        quantity=int(event.last_qty),
        price=float(event.last_px),
        ts_ns=event.ts_event,
    )


_HANDLERS: dict[type[OrderEvent], Callable[[SymbolTrader, str, Any], DecisionRecord | None]] = {
    OrderAccepted: _on_accepted,
    OrderFilled: _on_filled,
    OrderCanceled: _on_ended,
    OrderExpired: _on_ended,
    OrderUpdated: _on_updated,
    OrderDenied: _on_denied,
    OrderRejected: _on_rejected,
    OrderModifyRejected: _on_modify_rejected,
    OrderCancelRejected: _on_cancel_rejected,
}
