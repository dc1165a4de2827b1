"""From the journal's records of an order's life back to Nautilus' events, about the replay's own order."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.enums import LiquiditySide, OrderSide, OrderType
from nautilus_trader.model.events import (
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderModifyRejected,
    OrderRejected,
    OrderSubmitted,
    OrderTriggered,
    OrderUpdated,
)
from nautilus_trader.model.identifiers import (
    AccountId,
    ClientOrderId,
    InstrumentId,
    PositionId,
    StrategyId,
    TradeId,
    TraderId,
    VenueOrderId,
)
from nautilus_trader.model.objects import Money, Price, Quantity

from audit.events import FillRecord, OrderEventRecord, PositionRecord

ACCOUNT = AccountId("REPLAY-001")
_UNKNOWN_VENUE_ID = "REPLAY"


class EventMaker:
    """Makes events for the node called `trader_id`."""

    def __init__(self, trader_id: TraderId) -> None:
        self._trader_id = trader_id

    def event(self, record: OrderEventRecord, order: Any, now_ns: int) -> Any | None:
        """Return the event of `record` about `order`; None for what a strategy itself says of its order."""
        make = _MAKERS.get(record.event)
        return None if make is None else make(self._names(record, order), record, now_ns)

    def fill(self, record: FillRecord, order: Any | None, now_ns: int) -> Any:
        """Return the fill of `record`; `order` is None for one that no decision made."""
        return OrderFilled(
            **self._names(record, order),
            venue_order_id=_venue_order_id(record.venue_order_id),
            account_id=ACCOUNT,
            trade_id=TradeId(record.trade_id),
            position_id=None if record.position_id is None else PositionId(record.position_id),
            order_side=OrderSide.BUY if record.side == "BUY" else OrderSide.SELL,
            order_type=OrderType.LIMIT if order is None else order.order_type,
            last_qty=Quantity.from_int(record.quantity),
            last_px=_price(record.price),
            currency=USD,
            commission=Money(record.commission_usd, USD),
            liquidity_side=_LIQUIDITY[record.liquidity],
            event_id=UUID4(),
            ts_event=record.ts_event_ns,
            ts_init=now_ns,
        )

    def opening_fill(self, record: PositionRecord) -> Any:
        """Return the one fill that opens the position of `record` as the node found it."""
        opened_ns = record.opened_ns or 0
        return OrderFilled(
            trader_id=self._trader_id,
            strategy_id=StrategyId(record.strategy_id),
            instrument_id=InstrumentId.from_str(record.instrument_id),
            client_order_id=ClientOrderId(f"FOUND-{record.position_id}"),
            venue_order_id=_venue_order_id(None),
            account_id=ACCOUNT,
            trade_id=TradeId("FOUND"),
            position_id=PositionId(record.position_id),
            order_side=OrderSide.BUY if record.quantity > 0 else OrderSide.SELL,
            order_type=OrderType.MARKET,
            last_qty=Quantity.from_int(abs(record.quantity)),
            last_px=_price(record.average_open),
            currency=USD,
            commission=Money(0, USD),
            liquidity_side=LiquiditySide.NO_LIQUIDITY_SIDE,
            event_id=UUID4(),
            ts_event=opened_ns,
            ts_init=opened_ns,
        )

    def _names(self, record: OrderEventRecord | FillRecord, order: Any | None) -> dict[str, Any]:
        own = ClientOrderId(record.client_order_id) if order is None else order.client_order_id
        return {
            "trader_id": self._trader_id,
            "strategy_id": StrategyId(record.strategy_id),
            "instrument_id": InstrumentId.from_str(record.instrument_id),
            "client_order_id": own,
        }


_Maker = Callable[[dict[str, Any], OrderEventRecord, int], Any]


def _plain(kind: type) -> _Maker:
    def make(names: dict[str, Any], record: OrderEventRecord, now_ns: int) -> Any:
        return kind(
            **names,
            venue_order_id=_venue_order_id(record.venue_order_id),
            account_id=ACCOUNT,
            event_id=UUID4(),
            ts_event=record.ts_event_ns,
            ts_init=now_ns,
        )

    return make


def _refused_request(kind: type) -> _Maker:
    def make(names: dict[str, Any], record: OrderEventRecord, now_ns: int) -> Any:
        return kind(
            **names,
            venue_order_id=_venue_order_id(record.venue_order_id),
            account_id=ACCOUNT,
            reason=record.reason or "",
            event_id=UUID4(),
            ts_event=record.ts_event_ns,
            ts_init=now_ns,
        )

    return make


def _submitted(names: dict[str, Any], record: OrderEventRecord, now_ns: int) -> Any:
    return OrderSubmitted(
        **names, account_id=ACCOUNT, event_id=UUID4(), ts_event=record.ts_event_ns, ts_init=now_ns
    )


def _denied(names: dict[str, Any], record: OrderEventRecord, _now_ns: int) -> Any:
    """Nautilus gives a denial one time for both: that of the record."""
    return OrderDenied(**names, reason=record.reason or "", event_id=UUID4(), ts_init=record.ts_event_ns)


def _rejected(names: dict[str, Any], record: OrderEventRecord, now_ns: int) -> Any:
    return OrderRejected(
        **names,
        account_id=ACCOUNT,
        reason=record.reason or "",
        event_id=UUID4(),
        ts_event=record.ts_event_ns,
        ts_init=now_ns,
    )


def _updated(names: dict[str, Any], record: OrderEventRecord, now_ns: int) -> Any:
    return OrderUpdated(
        **names,
        venue_order_id=_venue_order_id(record.venue_order_id),
        account_id=ACCOUNT,
        quantity=Quantity.from_int(record.quantity or 0),
        price=None if record.limit_price is None else _price(record.limit_price),
        trigger_price=None if record.trigger_price is None else _price(record.trigger_price),
        event_id=UUID4(),
        ts_event=record.ts_event_ns,
        ts_init=now_ns,
    )


def _venue_order_id(text: str | None) -> VenueOrderId:
    return VenueOrderId(text or _UNKNOWN_VENUE_ID)


def _price(price: Decimal) -> Price:
    return Price.from_str(format(price, "f"))


_MAKERS: dict[str, _Maker] = {
    "submitted": _submitted,
    "accepted": _plain(OrderAccepted),
    "triggered": _plain(OrderTriggered),
    "canceled": _plain(OrderCanceled),
    "expired": _plain(OrderExpired),
    "updated": _updated,
    "denied": _denied,
    "rejected": _rejected,
    "modify_rejected": _refused_request(OrderModifyRejected),
    "cancel_rejected": _refused_request(OrderCancelRejected),
}
_LIQUIDITY = {
    "MAKER": LiquiditySide.MAKER,
    "TAKER": LiquiditySide.TAKER,
    "UNKNOWN": LiquiditySide.NO_LIQUIDITY_SIDE,
}
