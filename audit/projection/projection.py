"""The state that a journal's records add up to: orders, positions, profit, breaker. Pure and incremental.

Feed it every record in its order, from the first on; after each the state is what the node's was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from audit.events import (
    CheckpointRecord,
    ClosedRecord,
    Entry,
    FillRecord,
    OpenedRecord,
    OrderEventRecord,
    OrderRecord,
    PositionRecord,
)
from audit.projection.book import Book
from audit.projection.orders import Order
from risk.breaker import BreakerState
from risk.records import BreakerChangeRecord


class BreakerNow(msgspec.Struct, frozen=True, kw_only=True):
    """The breaker's state, why, by whom (a person or a trigger) and since when (ns UTC)."""

    state: BreakerState
    causes: tuple[str, ...]
    by: str
    reason: str
    since_ns: int


class Projection:
    """State after `last_seq`. Money in USD; quantities in whole shares or contracts.

    `working_orders` are those at the venue or on their way there. A journal can hold several nodes, one
    after another: orders and positions are those of the last, which says itself what it found; profit and
    fees are of all, each execution counted once.
    """

    def __init__(self) -> None:
        self.last_seq = 0
        self.last_ns = 0
        self.opened: OpenedRecord | None = None
        self.nodes = 0
        self.is_closed = False
        self.orders: dict[str, Order] = {}
        self.working_orders: dict[str, Order] = {}
        self.book = Book()
        self.breaker: BreakerNow | None = None
        self.checkpoint: CheckpointRecord | None = None
        self._trades: dict[tuple[str, str, str], int] = {}  # the node that reported an execution last
        self._handlers: dict[type, Callable[[Any], None]] = {
            OpenedRecord: self._on_opened,
            ClosedRecord: self._on_closed,
            OrderEventRecord: self._on_order_event,
            FillRecord: self._on_fill,
            PositionRecord: self._on_position,
            BreakerChangeRecord: self._on_breaker,
            CheckpointRecord: self._on_checkpoint,
        }

    def apply(self, entry: Entry) -> None:
        """Take in the next record; raises `ValueError` unless it comes right after the last one."""
        if entry.seq != self.last_seq + 1:
            raise ValueError(f"record {entry.seq} cannot follow {self.last_seq}: give every record, in order")
        self.last_seq = entry.seq
        self.take(entry.body, entry.ts_ns, entry.correlation_id)

    def take(self, body: Any, ts_ns: int, correlation_id: str | None) -> None:
        """Take in a record whose place its writer vouches for."""
        self.last_ns = ts_ns
        handler = self._handlers.get(type(body))
        if handler is not None:
            handler(body)
        elif type(body) is OrderRecord:
            self._on_order(body, ts_ns, correlation_id)

    def _on_opened(self, body: OpenedRecord) -> None:
        self.opened = body
        self.nodes += 1
        self.is_closed = False
        self.orders.clear()
        self.working_orders.clear()
        self.book.set_aside()

    def _on_closed(self, _body: ClosedRecord) -> None:
        self.is_closed = True

    def _on_order(self, body: OrderRecord, ts_ns: int, correlation_id: str | None) -> None:
        order = self.orders.get(body.client_order_id)
        if order is None:
            order = self.orders[body.client_order_id] = Order(body, ts_ns, correlation_id)
        elif order.is_waiting and not body.is_emulated:
            order.begin(body, ts_ns)  # released: Nautilus makes another order of it under the same id
        self._sort(order)

    def _on_order_event(self, body: OrderEventRecord) -> None:
        order = self.orders.get(body.client_order_id)
        if order is not None:
            order.happened(body)
            self._sort(order)

    def _on_fill(self, body: FillRecord) -> None:
        trade = (body.client_order_id, body.instrument_id, body.trade_id)
        reported_by = self._trades.get(trade)
        if reported_by == self.nodes:
            return
        self._trades[trade] = self.nodes
        is_counted = reported_by is None
        order = self.orders.get(body.client_order_id)
        if order is not None:
            order.fill(body)
            self._sort(order)
        if order is not None and order.terms.is_reduce_only and not self.book.held(body):
            self.book.charge(body, is_counted=is_counted)  # Nautilus opens no position by such a fill
        elif not body.is_combination:
            self.book.fill(body, is_counted=is_counted)

    def _sort(self, order: Order) -> None:
        if order.is_working:
            self.working_orders[order.terms.client_order_id] = order
        else:
            self.working_orders.pop(order.terms.client_order_id, None)

    def _on_position(self, body: PositionRecord) -> None:
        if body.event == "found":
            self.book.found(body)

    def _on_breaker(self, body: BreakerChangeRecord) -> None:
        self.breaker = BreakerNow(
            state=body.after, causes=body.causes, by=body.by, reason=body.reason, since_ns=body.ts_ns
        )

    def _on_checkpoint(self, body: CheckpointRecord) -> None:
        self.checkpoint = body


def project(entries: Iterable[Entry]) -> Projection:
    """Return the state after all of `entries`, which begin with the journal's first record."""
    projection = Projection()
    for entry in entries:
        projection.apply(entry)
    return projection
