"""Cancels: of one order, of all, and by the broker itself.

A cancel takes time, and the market may fill the order before it arrives: then it is filled, and the
client hears 161. Which of 161 and 10148 TWS sends in which state is modelled: 10148 for an order that
is done, 161 for one whose cancel is under way or came too late.
"""

from __future__ import annotations

from adapters.tws_simulator.broker import Broker
from adapters.tws_simulator.component import Refused
from adapters.tws_simulator.messages import Message
from adapters.tws_simulator.orders.book import PENDING_CANCEL, OrderBook, WorkingOrder
from adapters.tws_simulator.orders.lifecycle import Lifecycle
from adapters.tws_simulator.orders.reporter import OrderReporter
from adapters.tws_simulator.orders.settings import OrdersSettings
from adapters.tws_simulator.session.sessions import Session

NS_PER_MS = 1_000_000


class Cancellation:
    """Handles CANCEL_ORDER and REQ_GLOBAL_CANCEL."""

    def __init__(
        self,
        broker: Broker,
        book: OrderBook,
        *,
        lifecycle: Lifecycle,
        reporter: OrderReporter,
        settings: OrdersSettings,
    ) -> None:
        self._broker, self._book = broker, book
        self._lifecycle, self._reporter, self._settings = lifecycle, reporter, settings

    def cancel(self, session: Session, request: Message) -> None:
        """Cancel the client's own order; another client's is "not found"."""
        assert session.client_id is not None, "sessions cancel orders after START_API"
        order_id = request.orderId
        one = self._book.find(session.client_id, order_id)
        if one is None:
            raise Refused(10147, f"OrderId {order_id} that needs to be cancelled is not found.")
        if one.is_done:
            raise Refused(
                10148,
                f"OrderId {order_id} that needs to be cancelled cannot be cancelled, state: {one.status}.",
            )
        if one.status == PENDING_CANCEL:
            raise Refused(161, _not_cancellable(one))
        self._begin(one)

    def cancel_all(self, _session: Session, _request: Message) -> None:
        """Cancel everybody's open orders, those entered by hand too."""
        for one in self._book.all():
            if not one.is_done and one.status != PENDING_CANCEL:
                self._begin(one)

    def _begin(self, one: WorkingOrder) -> None:
        if not one.is_acknowledged and not one.is_transmitted:
            self._lifecycle.cancel(one)
            return
        one.status, one.why_held = PENDING_CANCEL, ""
        self._reporter.status(one)
        delay_ns = self._settings.cancel_delay_ms * NS_PER_MS
        self._broker.call_after(delay_ns, lambda: self._finish(one))

    def _finish(self, one: WorkingOrder) -> None:
        if one.is_done:
            if one.status != "Cancelled":
                self._lifecycle.warn(one, 161, _not_cancellable(one))
            return
        self._lifecycle.cancel(one)


def _not_cancellable(one: WorkingOrder) -> str:
    return f"Cancel attempted when order is not in a cancellable state.  Order permId ={one.perm_id}"
