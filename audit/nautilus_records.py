"""Turns Nautilus' events into the journal's records."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from nautilus_trader.model.enums import (
    LiquiditySide,
    OrderSide,
    OrderType,
    TimeInForce,
    TriggerType,
    order_type_to_str,
    time_in_force_to_str,
)
from nautilus_trader.model.events import (
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderDenied,
    OrderEmulated,
    OrderExpired,
    OrderModifyRejected,
    OrderPendingCancel,
    OrderPendingUpdate,
    OrderRejected,
    OrderReleased,
    OrderSubmitted,
    OrderTriggered,
    OrderUpdated,
    PositionChanged,
    PositionClosed,
    PositionOpened,
)

from audit.events import FillRecord, OrderEventRecord, OrderRecord, PositionRecord
from risk.nautilus_intents import decimal_or_none, whole

EVENT_NAMES: dict[type, str] = {
    OrderAccepted: "accepted",
    OrderCanceled: "canceled",
    OrderCancelRejected: "cancel_rejected",
    OrderDenied: "denied",
    OrderEmulated: "emulated",
    OrderExpired: "expired",
    OrderModifyRejected: "modify_rejected",
    OrderPendingCancel: "pending_cancel",
    OrderPendingUpdate: "pending_update",
    OrderRejected: "rejected",
    OrderReleased: "released",
    OrderSubmitted: "submitted",
    OrderTriggered: "triggered",
    OrderUpdated: "updated",
}
"""Every event of an order but its beginning and its fills."""

_WITH_REASON = (OrderDenied, OrderRejected, OrderModifyRejected, OrderCancelRejected)
_POSITION_EVENTS: dict[type, Literal["opened", "changed", "closed"]] = {
    PositionOpened: "opened",
    PositionChanged: "changed",
    PositionClosed: "closed",
}
_TYPES = {kind: order_type_to_str(kind) for kind in OrderType}
_TIMES_IN_FORCE = {kind: time_in_force_to_str(kind) for kind in TimeInForce}
_LIQUIDITY: dict[int, Literal["MAKER", "TAKER"]] = {
    LiquiditySide.MAKER: "MAKER",
    LiquiditySide.TAKER: "TAKER",
}


def order_record(init: Any, *, order: Any = None) -> OrderRecord:
    """Return the terms of an `OrderInitialized`; `order` is one that was working when the node began."""
    options, parent, list_id = init.options, init.parent_order_id, init.order_list_id
    return OrderRecord(
        client_order_id=init.client_order_id.value,
        strategy_id=init.strategy_id.value,
        instrument_id=init.instrument_id.value,
        side="BUY" if init.side == OrderSide.BUY else "SELL",
        type=_TYPES[init.order_type],
        quantity=whole(init.quantity if order is None else order.quantity),
        time_in_force=_TIMES_IN_FORCE[init.time_in_force],
        limit_price=_price(options.get("price")) if order is None else _current(order, "price"),
        trigger_price=_price(options.get("trigger_price"))
        if order is None
        else _current(order, "trigger_price"),
        is_reduce_only=init.reduce_only,
        is_emulated=init.emulation_trigger != TriggerType.NO_TRIGGER,
        tags=tuple(init.tags or ()),
        parent_order_id=None if parent is None else parent.value,
        linked_order_ids=tuple([linked.value for linked in init.linked_order_ids or ()]),
        order_list_id=None if list_id is None else list_id.value,
        found_status=None if order is None else order.status_string(),
        found_filled_quantity=0 if order is None else whole(order.filled_qty),
    )


def event_record(event: Any) -> OrderEventRecord:
    """Return an order's event other than its beginning and its fills."""
    venue_order_id = event.venue_order_id
    is_update = type(event) is OrderUpdated
    return OrderEventRecord(
        event=EVENT_NAMES[type(event)],
        client_order_id=event.client_order_id.value,
        strategy_id=event.strategy_id.value,
        instrument_id=event.instrument_id.value,
        ts_event_ns=event.ts_event,
        venue_order_id=None if venue_order_id is None else venue_order_id.value,
        reason=event.reason if isinstance(event, _WITH_REASON) else None,
        quantity=whole(event.quantity) if is_update else None,
        limit_price=decimal_or_none(event.price) if is_update else None,
        trigger_price=decimal_or_none(event.trigger_price) if is_update else None,
    )


def fill_record(event: Any, *, multiplier: int, is_combination: bool) -> FillRecord:
    """Return an `OrderFilled`; `multiplier` and `is_combination` are its instrument's."""
    venue_order_id, position_id, fee = event.venue_order_id, event.position_id, event.commission
    return FillRecord(
        trade_id=event.trade_id.value,
        client_order_id=event.client_order_id.value,
        strategy_id=event.strategy_id.value,
        instrument_id=event.instrument_id.value,
        side="BUY" if event.order_side == OrderSide.BUY else "SELL",
        quantity=whole(event.last_qty),
        price=event.last_px.as_decimal(),
        commission_usd=Decimal(0) if fee is None else fee.as_decimal(),
        liquidity=_LIQUIDITY.get(event.liquidity_side, "UNKNOWN"),
        ts_event_ns=event.ts_event,
        venue_order_id=None if venue_order_id is None else venue_order_id.value,
        position_id=None if position_id is None else position_id.value,
        multiplier=multiplier,
        is_combination=is_combination,
    )


def position_record(event: Any, *, multiplier: int) -> PositionRecord | None:
    """Return a position's event; None for one that is no change by a fill (an adjustment)."""
    kind = _POSITION_EVENTS.get(type(event))
    if kind is None:
        return None
    return PositionRecord(
        event=kind,
        position_id=event.position_id.value,
        strategy_id=event.strategy_id.value,
        instrument_id=event.instrument_id.value,
        quantity=round(event.signed_qty),
        average_open=Decimal(str(event.avg_px_open)),
        realized_usd=event.realized_pnl.as_decimal(),
        average_close=Decimal(str(event.avg_px_close)) if event.avg_px_close else None,
        multiplier=multiplier,
    )


def found_position(position: Any, *, multiplier: int) -> PositionRecord:
    """Return a position that is open although no fill was recorded: the node found it when it began."""
    return PositionRecord(
        event="found",
        position_id=position.id.value,
        strategy_id=position.strategy_id.value,
        instrument_id=position.instrument_id.value,
        quantity=int(position.signed_decimal_qty()),
        average_open=Decimal(str(position.avg_px_open)),
        realized_usd=position.realized_pnl.as_decimal(),
        multiplier=multiplier,
        opened_ns=position.ts_opened,
    )


def _price(text: Any) -> Decimal | None:
    return None if text is None else Decimal(text)


def _current(order: Any, name: str) -> Decimal | None:
    return decimal_or_none(getattr(order, name)) if getattr(order, f"has_{name}") else None
