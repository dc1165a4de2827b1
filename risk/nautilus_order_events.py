"""Books Nautilus' order events in the ledger, before any strategy hears of them.

A refused modification is booked only if the broker refused it. What the gate itself, or Nautilus'
RiskEngine in front of it, refused was never sent, and says nothing of those that were. The RiskEngine's
bears one time twice; live, an execution client's never does (Nautilus' live clock gives each time once).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from nautilus_trader.common import Environment
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import (
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderModifyRejected,
    OrderPendingCancel,
    OrderPendingUpdate,
    OrderRejected,
    OrderTriggered,
    OrderUpdated,
)

from risk.gatekeeper import Gatekeeper
from risk.intent import InstrumentTerms
from risk.nautilus_adoption import Adoption
from risk.nautilus_intents import UnknownInstrumentError, decimal_or_none, whole
from risk.nautilus_refusals import Refusals
from risk.performance import Fill
from risk.supervisor import Supervisor

ORDER_EVENTS = "events.order.*"
FIRST = 1_000
"""Priority of the subscription: above Nautilus' portfolio and every strategy."""
LEG_MARK = "-LEG-"
"""Nautilus names the fill of a spread's leg `<order>-LEG-<symbol>`."""


class OrderEvents:
    """Subscribes to all order events; tells `on_position` which instrument a fill has moved.

    `refusals` knows the refusals of modifications that the gate itself has made.
    """

    def __init__(
        self,
        kernel: Any,
        supervisor: Supervisor,
        adoption: Adoption,
        refusals: Refusals,
        *,
        on_position: Callable[[InstrumentTerms], None],
    ) -> None:
        self.supervisor = supervisor
        self.keeper: Gatekeeper = supervisor.keeper
        self.instruments = adoption.instruments
        self._clock = kernel.clock
        self._cache = kernel.cache
        self._adoption = adoption
        self._refusals = refusals
        self._on_position = on_position
        self._is_backtest = kernel.environment == Environment.BACKTEST
        self._events: dict[type, Callable[[Any], None]] = {
            OrderAccepted: self._on_working,
            OrderTriggered: self._on_working,
            OrderPendingUpdate: self._on_working,
            OrderPendingCancel: self._on_working,
            OrderFilled: self._on_filled,
            OrderCanceled: self._on_ended,
            OrderExpired: self._on_ended,
            OrderRejected: self._on_rejected,
            OrderDenied: self._on_denied,
            OrderUpdated: self._on_updated,
            OrderModifyRejected: self._on_modify_rejected,
            OrderCancelRejected: self._on_cancel_rejected,
        }
        kernel.msgbus.subscribe(topic=ORDER_EVENTS, handler=self.on_order_event, priority=FIRST)

    def on_order_event(self, event: Any) -> None:
        """Book one order event; the handler of the subscription."""
        handler = self._events.get(type(event))
        if handler is None:
            return
        try:
            handler(event)
        except UnknownInstrumentError as error:
            self._adoption.leave_out(event.instrument_id, error)
        except Exception as error:  # noqa: BLE001 - the border: a ledger that may be wrong must not open
            what = f"{type(event).__name__} could not be booked"
            self._refusals.halt(f"{what}: {type(error).__name__}: {error}")

    def _on_working(self, event: Any) -> None:
        """Count an order that somebody else has sent, on the first word of it."""
        self._adoption.adopt_order(self._cache.order(event.client_order_id))

    def _on_filled(self, event: Any) -> None:
        now_ns = self._clock.timestamp_ns()
        terms = self.instruments.terms(event.instrument_id)
        order_id = event.client_order_id.value.partition(LEG_MARK)[0]
        quantity = whole(event.last_qty)
        fee = event.commission
        fill = Fill(
            strategy_id=event.strategy_id.value,
            terms=terms,
            signed_quantity=quantity if event.order_side == OrderSide.BUY else -quantity,
            price=event.last_px.as_decimal(),
            fee_usd=Decimal(0) if fee is None else fee.as_decimal(),
            executed_ns=event.ts_event,
            is_found=event.reconciliation,
        )
        self.keeper.filled(order_id, event.trade_id.value, fill, now_ns)
        order = self._cache.order(event.client_order_id)
        if order is not None:  # the fill of a leg has none
            self._adoption.adopt_order(order)
            if order.is_closed:
                self.keeper.finished(order_id, now_ns)
        self.supervisor.after_fill(terms, now_ns)
        self._on_position(terms)

    def _on_ended(self, event: Any) -> None:
        self.keeper.ended(event.client_order_id.value, self._clock.timestamp_ns())

    def _on_rejected(self, event: Any) -> None:
        now_ns = self._clock.timestamp_ns()
        order = self._cache.order(event.client_order_id)
        is_certain = not event.reconciliation and order is not None and not order.ts_accepted
        self.keeper.rejected(event.client_order_id.value, now_ns, is_certain=is_certain)
        self.supervisor.after_reject(now_ns)

    def _on_denied(self, event: Any) -> None:
        self.keeper.finished(event.client_order_id.value, self._clock.timestamp_ns())

    def _on_updated(self, event: Any) -> None:
        order = self._cache.order(event.client_order_id)
        self._adoption.adopt_order(order)
        price = decimal_or_none(_price(event, order))
        self.keeper.changed(event.client_order_id.value, whole(event.quantity), price, event.ts_event)

    def _on_modify_rejected(self, event: Any) -> None:
        is_engines = not self._is_backtest and event.ts_event == event.ts_init
        if not self._refusals.is_own(event) and not is_engines:
            self.keeper.change_rejected(event.client_order_id.value, event.ts_event)

    def _on_cancel_rejected(self, event: Any) -> None:
        self.keeper.account.ledger.cancel_rejected(event.client_order_id.value)


def _price(event: Any, order: Any) -> Any:
    """Return the limit or trigger that an updated order has, of the two that the event tells.

    IB tells a limit of 0.0 of every order that has none, and Nautilus' adapter passes it on.
    """
    if order.has_price:
        return order.price if event.price is None else event.price
    if order.has_trigger_price:
        return order.trigger_price if event.trigger_price is None else event.trigger_price
    return None
