"""What each order's records make of it: the same status, quantities and prices as in the engine.

`NEXT` is the state machine of Nautilus' orders (`model/orders/base.pyx`, version 1.231): an event that it
does not allow changes nothing, there as here.
"""

from __future__ import annotations

from decimal import Decimal

from audit.events import FillRecord, OrderEventRecord, OrderRecord

STATUS_AFTER = {
    "denied": "DENIED",
    "emulated": "EMULATED",
    "released": "RELEASED",
    "submitted": "SUBMITTED",
    "accepted": "ACCEPTED",
    "rejected": "REJECTED",
    "pending_update": "PENDING_UPDATE",
    "pending_cancel": "PENDING_CANCEL",
    "triggered": "TRIGGERED",
    "canceled": "CANCELED",
    "expired": "EXPIRED",
}
"""The status that each event asks for; `updated` and the refused requests go back to the one before."""

_FILLS = ("PARTIALLY_FILLED", "FILLED")
_PENDING = ("PENDING_UPDATE", "PENDING_CANCEL")
_ENDS = ("REJECTED", "CANCELED", "EXPIRED", "TRIGGERED")
NEXT: dict[str, frozenset[str]] = {
    "INITIALIZED": frozenset(("DENIED", "EMULATED", "RELEASED", "SUBMITTED", "ACCEPTED", *_ENDS)),
    "EMULATED": frozenset(("CANCELED", "EXPIRED", "RELEASED")),
    "RELEASED": frozenset(("DENIED", "SUBMITTED", "CANCELED")),
    "SUBMITTED": frozenset((*_PENDING, "REJECTED", "CANCELED", "ACCEPTED", *_FILLS)),
    "ACCEPTED": frozenset((*_PENDING, *_ENDS, *_FILLS)),
    "CANCELED": frozenset(_FILLS),
    "PENDING_UPDATE": frozenset(("ACCEPTED", "SUBMITTED", *_PENDING, *_ENDS, *_FILLS)),
    "PENDING_CANCEL": frozenset(("ACCEPTED", "PENDING_CANCEL", "REJECTED", "CANCELED", "EXPIRED", *_FILLS)),
    "TRIGGERED": frozenset((*_PENDING, "REJECTED", "CANCELED", "EXPIRED", *_FILLS)),
    "PARTIALLY_FILLED": frozenset((*_PENDING, "CANCELED", "EXPIRED", *_FILLS)),
}
"""Which status may follow which; one that is not named here is final."""

WORKING = frozenset(
    ("SUBMITTED", "ACCEPTED", "TRIGGERED", "PENDING_UPDATE", "PENDING_CANCEL", "PARTIALLY_FILLED")
)
"""Statuses of an order that is at the venue, or on its way there."""


class Order:
    """One order; quantities are whole shares or contracts, prices USD a share."""

    __slots__ = (
        "_before", "_paid", "correlation_id", "filled", "last_reason", "limit_price", "quantity",
        "status", "terms", "trigger_price", "ts_last_ns", "venue_order_id",
    )  # fmt: skip

    def __init__(self, terms: OrderRecord, ts_ns: int, correlation_id: str | None) -> None:
        self.correlation_id = correlation_id
        self.last_reason: str | None = None
        self.venue_order_id: str | None = None
        self._paid = Decimal(0)
        self.begin(terms, ts_ns)

    def begin(self, terms: OrderRecord, ts_ns: int) -> None:
        """Take the terms of a new order, or those into which an emulated one was turned."""
        self.terms = terms
        self.quantity = terms.quantity
        self.limit_price = terms.limit_price
        self.trigger_price = terms.trigger_price
        self.filled = terms.found_filled_quantity
        self.status = terms.found_status or "INITIALIZED"
        self._before = "INITIALIZED"
        self.ts_last_ns = ts_ns

    @property
    def average_price(self) -> Decimal | None:
        """USD a share of the fills that are on record; None before the first."""
        recorded = self.filled - self.terms.found_filled_quantity
        return self._paid / recorded if recorded else None

    @property
    def is_working(self) -> bool:
        """Whether it is at the venue, or on its way there."""
        return self.status in WORKING

    @property
    def is_waiting(self) -> bool:
        """Whether it waits inside the node for its price."""
        return self.terms.is_emulated and self.status in ("INITIALIZED", "EMULATED")

    @property
    def open_quantity(self) -> int:
        """What can still fill."""
        return max(self.quantity - self.filled, 0) if self.is_working else 0

    def happened(self, record: OrderEventRecord) -> None:
        """Apply an event other than a fill; one that its status does not allow is passed over."""
        if self._is_of_another(record) or not self._move(record.event):
            return
        if record.venue_order_id is not None:
            self.venue_order_id = record.venue_order_id
        if record.event == "updated":
            self._take_terms(record)
        if record.reason is not None:
            self.last_reason = record.reason
        self.ts_last_ns = record.ts_event_ns

    def fill(self, record: FillRecord) -> None:
        """Apply a fill of this order."""
        if not self._to("PARTIALLY_FILLED" if self.filled + record.quantity < self.quantity else "FILLED"):
            return
        self.filled += record.quantity
        self._paid += record.quantity * record.price
        self.venue_order_id = record.venue_order_id
        self.ts_last_ns = record.ts_event_ns

    def _is_of_another(self, record: OrderEventRecord) -> bool:
        known, named = self.venue_order_id, record.venue_order_id
        return record.event != "updated" and None not in (known, named) and known != named

    def _move(self, event: str) -> bool:
        status = STATUS_AFTER.get(event)
        if status is not None:
            return self._to(status)
        awaited = "PENDING_CANCEL" if event == "cancel_rejected" else "PENDING_UPDATE"
        if self.status == awaited:
            return self._to(self._before)
        self._remember(self.status)
        return True

    def _to(self, status: str) -> bool:
        before = self.status
        if status not in NEXT.get(before, ()):
            return False
        if (before, status) != ("PENDING_UPDATE", "SUBMITTED"):  # Nautilus goes on waiting for the answer
            self.status = status
        self._remember(before)
        return True

    def _remember(self, status: str) -> None:
        if status not in _PENDING:
            self._before = status

    def _take_terms(self, record: OrderEventRecord) -> None:
        if record.quantity is not None:
            self.quantity = record.quantity
        if record.limit_price is not None:
            self.limit_price = record.limit_price
        if record.trigger_price is not None:
            self.trigger_price = record.trigger_price
