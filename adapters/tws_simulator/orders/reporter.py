"""Who is told what about an order, and in which order: the messages of a fill are data.

An order's own client is told, the master client, and for manual orders the client that binds them.
While a client is away nothing is kept for it: it asks when it is back.
"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.tws_simulator.broker import Broker
from adapters.tws_simulator.messages import IN, Message
from adapters.tws_simulator.orders import frames
from adapters.tws_simulator.orders.book import ExecutionRecord, WorkingOrder
from adapters.tws_simulator.orders.settings import FrameStep, OrdersSettings, check_frame_order

NS_PER_MS = 1_000_000


class OrderReporter:
    """Sends the messages of orders. `frame_order` and the fate of commissions may change at any time."""

    def __init__(self, broker: Broker, settings: OrdersSettings) -> None:
        self._broker = broker
        self._frame_order: Sequence[FrameStep] = settings.frame_order
        self.commission_delay_ms = settings.commission_delay_ms
        self.loses_commissions = settings.loses_commissions

    @property
    def frame_order(self) -> Sequence[FrameStep]:
        """The messages of a fill, in order."""
        return self._frame_order

    @frame_order.setter
    def frame_order(self, steps: Sequence[FrameStep]) -> None:
        check_frame_order(steps)
        self._frame_order = steps

    def order(self, one: WorkingOrder) -> None:
        """Send openOrder and orderStatus."""
        self._to_viewers(one, IN.OPEN_ORDER, frames.open_order(one))
        self.status(one)

    def status(self, one: WorkingOrder) -> None:
        """Send orderStatus."""
        self._to_viewers(one, IN.ORDER_STATUS, frames.order_status(one))

    def error(self, one: WorkingOrder, code: int, text: str) -> None:
        """Send an error or warning about an order to its own client; unbound manual orders have none."""
        session = self._broker.sessions.of_client(one.client_id)
        if session is not None and one.order_id:
            self._broker.error(session, one.order_id, code, text)

    def fill(self, one: WorkingOrder, executions: Sequence[ExecutionRecord]) -> None:
        """Send the messages of a fill (of each leg, for a combination) in the order that is set."""
        shown = [index for index, step in enumerate(self._frame_order) if step == "open_order"]
        last_open_order = shown[-1] if len(shown) > 1 else None
        for index, step in enumerate(self._frame_order):
            if step == "execution":
                for execution in executions:
                    self._to_viewers(one, IN.EXECUTION_DATA, execution.details)
            elif step == "open_order":
                body = frames.open_order(one, with_commission=index == last_open_order)
                self._to_viewers(one, IN.OPEN_ORDER, body)
            elif step == "status":
                self.status(one)
            else:
                self._commissions(one, executions)

    def _commissions(self, one: WorkingOrder, executions: Sequence[ExecutionRecord]) -> None:
        reports = [execution.commission for execution in executions if execution.commission is not None]
        if self.loses_commissions:
            return
        if not self.commission_delay_ms:
            self._send_commissions(one, reports)
            return
        delay_ns = self.commission_delay_ms * NS_PER_MS
        self._broker.call_after(delay_ns, lambda: self._send_commissions(one, reports))

    def _send_commissions(self, one: WorkingOrder, reports: Sequence[Message]) -> None:
        for report in reports:
            self._to_viewers(one, IN.COMMISSION_AND_FEES_REPORT, report)

    def _to_viewers(self, one: WorkingOrder, message_id: int, body: Message) -> None:
        for session in self._broker.sessions.viewers(one.client_id):
            self._broker.send(session, message_id, body)
