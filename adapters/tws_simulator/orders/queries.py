"""What clients ask about orders: open orders, executions, completed orders."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from adapters.tws_simulator.broker import Broker
from adapters.tws_simulator.component import Refused
from adapters.tws_simulator.messages import IN, Message, message_type
from adapters.tws_simulator.orders import frames
from adapters.tws_simulator.orders.book import ExecutionRecord, OrderBook, WorkingOrder
from adapters.tws_simulator.orders.settings import OrdersSettings
from adapters.tws_simulator.orders.terms import INVALID
from adapters.tws_simulator.orders.time_in_force import parse_order_time
from adapters.tws_simulator.session.sessions import TWS_CLIENT_ID, Session
from market.time import new_york_date, new_york_midnight_ns

SIDES = {"BUY": "BOT", "BOT": "BOT", "SELL": "SLD", "SSHORT": "SLD", "SLD": "SLD"}


class OrderQueries:
    """Handlers that change nothing, except that client 0 binds manual orders by asking for its own."""

    def __init__(self, broker: Broker, book: OrderBook, settings: OrdersSettings) -> None:
        self._broker, self._book, self._settings = broker, book, settings

    def open_orders(self, session: Session, _request: Message) -> None:
        """Answer reqOpenOrders: the client's own orders; for client 0 also those entered by hand."""
        for one in list(self._book.open()):
            if one.client_id == session.client_id:
                if session.client_id == TWS_CLIENT_ID and not one.order_id:
                    self.bind(session, one)
                self._send_order(session, one)
        self._broker.send(session, IN.OPEN_ORDER_END, message_type("OpenOrdersEnd")())

    def all_open_orders(self, session: Session, _request: Message) -> None:
        """Answer reqAllOpenOrders: everybody's orders, unbound ones with order id 0."""
        for one in self._book.open():
            self._send_order(session, one)
        self._broker.send(session, IN.OPEN_ORDER_END, message_type("OpenOrdersEnd")())

    def replay(self, session: Session) -> None:
        """Send a client its open orders when it is back, as TWS does unasked."""
        for one in self._book.open():
            if one.client_id == session.client_id and one.order_id:
                self._send_order(session, one)

    def bind(self, session: Session, one: WorkingOrder) -> None:
        """Give an order entered by hand an id by which client 0 can change it."""
        self._book.bind(one, self._book.next_bound_id())
        body = message_type("OrderBound")(permId=one.perm_id, clientId=one.client_id, orderId=one.order_id)
        self._broker.send(session, IN.ORDER_BOUND, body)

    def executions(self, session: Session, request: Message) -> None:
        """Answer reqExecutions: each with its commission, those since midnight or as asked."""
        wanted = request.executionFilter
        since_ns = self._since_ns(wanted)
        for record in self._book.executions:
            if record.ts_ns >= since_ns and _matches(record, wanted):
                details = message_type("ExecutionDetails")()
                details.CopyFrom(record.details)
                details.reqId = request.reqId
                self._broker.send(session, IN.EXECUTION_DATA, details)
                if record.commission is not None:
                    self._broker.send(session, IN.COMMISSION_AND_FEES_REPORT, record.commission)
        body = message_type("ExecutionDetailsEnd")(reqId=request.reqId)
        self._broker.send(session, IN.EXECUTION_DATA_END, body)

    def completed_orders(self, session: Session, request: Message) -> None:
        """Answer reqCompletedOrders: orders that ended since midnight."""
        midnight_ns = new_york_midnight_ns(new_york_date(self._broker.market_ns))
        zone = self._broker.settings.session.time_zone
        for one in self._completed(self._book.all(), midnight_ns):
            is_by_api = one.client_id != TWS_CLIENT_ID or one.order_id > 0
            if is_by_api or not request.apiOnly:
                self._broker.send(session, IN.COMPLETED_ORDER, frames.completed_order(one, zone))
        self._broker.send(session, IN.COMPLETED_ORDERS_END, message_type("CompletedOrdersEnd")())

    def _completed(self, orders: Iterable[WorkingOrder], since_ns: int) -> list[WorkingOrder]:
        return [one for one in orders if one.ended_ns is not None and one.ended_ns >= since_ns]

    def _send_order(self, session: Session, one: WorkingOrder) -> None:
        self._broker.send(session, IN.OPEN_ORDER, frames.open_order(one))
        self._broker.send(session, IN.ORDER_STATUS, frames.order_status(one))

    def _since_ns(self, wanted: Message) -> int:
        days = wanted.lastNDays if wanted.HasField("lastNDays") and wanted.lastNDays > 0 else 1
        days = min(days, self._settings.executions_kept_days)
        first = new_york_date(self._broker.market_ns) - timedelta(days=days - 1)
        since_ns = new_york_midnight_ns(first)
        if not wanted.time:
            return since_ns
        try:
            return max(since_ns, parse_order_time(wanted.time))
        except ValueError as problem:
            raise Refused(321, f"{INVALID}Invalid time of the execution filter: {problem}") from None


def _matches(record: ExecutionRecord, wanted: Message) -> bool:
    contract = record.details.contract
    pairs = (
        (wanted.clientId or None, record.client_id),
        (wanted.acctCode, record.account),
        (wanted.symbol, contract.symbol),
        (wanted.secType, contract.secType),
        (wanted.exchange, record.details.execution.exchange),
        (SIDES.get(wanted.side.upper(), wanted.side), record.details.execution.side),
    )
    return all(not asked or asked == found for asked, found in pairs)
