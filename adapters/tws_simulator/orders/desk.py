"""Orders, put together: one component that takes requests and answers for all orders.

intake ── lifecycle ── reporter ──> clients
  │          │  └───── account (the ledger)
modification │
cancellation ┴── matcher <── market
queries, commands <── book
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from adapters.tws_simulator.broker import Broker
from adapters.tws_simulator.component import Component, ControlCommand, Handler
from adapters.tws_simulator.interfaces import Account, Market, Universe
from adapters.tws_simulator.messages import OUT
from adapters.tws_simulator.orders.book import ExecutionRecord, OrderBook
from adapters.tws_simulator.orders.cancellation import Cancellation
from adapters.tws_simulator.orders.commands import OrderCommands, order_truth
from adapters.tws_simulator.orders.hours import OrderHours
from adapters.tws_simulator.orders.intake import OrderIntake
from adapters.tws_simulator.orders.lifecycle import Lifecycle
from adapters.tws_simulator.orders.matcher import Matcher
from adapters.tws_simulator.orders.modification import Modification
from adapters.tws_simulator.orders.queries import OrderQueries
from adapters.tws_simulator.orders.reporter import OrderReporter
from adapters.tws_simulator.orders.settings import OrdersSettings
from adapters.tws_simulator.orders.surroundings import Surroundings
from adapters.tws_simulator.session.sessions import Session
from market.time import new_york_date, new_york_midnight_ns


class OrdersDesk(Component):
    """All orders of all clients."""

    def __init__(
        self,
        broker: Broker,
        universe: Universe,
        market: Market,
        account: Account,
        *,
        settings: OrdersSettings | None = None,
    ) -> None:
        super().__init__(broker)
        self.settings = settings or OrdersSettings()
        self.book = OrderBook(broker.settings.session.first_order_id)
        self._reporter = OrderReporter(broker, self.settings)
        self._lifecycle = Lifecycle(
            broker, self.book, account=account, reporter=self._reporter, settings=self.settings
        )
        hours = OrderHours(universe)
        self._matcher = Matcher(
            broker, market, lifecycle=self._lifecycle, hours=hours, settings=self.settings
        )
        around = Surroundings(broker, universe, market, account, self.settings)
        modification = Modification(around, lifecycle=self._lifecycle, reporter=self._reporter)
        self._intake = OrderIntake(
            around, self.book, lifecycle=self._lifecycle, hours=hours, modification=modification
        )
        self._cancellation = Cancellation(
            broker, self.book, lifecycle=self._lifecycle, reporter=self._reporter, settings=self.settings
        )
        self._queries = OrderQueries(broker, self.book, self.settings)
        self._intake.bind = self._queries.bind
        self._begin_next_day()

    # ------------------------------------------------------------------ the OrderDesk interface

    def next_valid_id(self) -> int:
        """Return the next order id that no client has used."""
        return self.book.next_valid_id()

    def cancel_listing(self, con_id: int, reason: str) -> None:
        """Cancel the open orders in a listing that stops trading."""
        for one in self.book.all():
            if any(leg.listing.con_id == con_id for leg in one.legs):
                self._lifecycle.cancel(one, reason)

    def truth(self) -> dict[str, Any]:
        """Return all orders, executions and commissions for the oracle."""
        return {
            "orders": [order_truth(one) for one in self.book.all()],
            "executions": [_execution_truth(record) for record in self.book.executions],
        }

    # ------------------------------------------------------------------ the component

    def handlers(self) -> Mapping[int, Handler]:
        """Return the requests about orders."""
        return {
            OUT.PLACE_ORDER: self._intake.place,
            OUT.CANCEL_ORDER: self._cancellation.cancel,
            OUT.REQ_GLOBAL_CANCEL: self._cancellation.cancel_all,
            OUT.REQ_OPEN_ORDERS: self._queries.open_orders,
            OUT.REQ_ALL_OPEN_ORDERS: self._queries.all_open_orders,
            OUT.REQ_EXECUTIONS: self._queries.executions,
            OUT.REQ_COMPLETED_ORDERS: self._queries.completed_orders,
        }

    def commands(self) -> Mapping[str, ControlCommand]:
        """Return what tests and scenarios do to orders."""
        commands = OrderCommands(
            self.book,
            intake=self._intake,
            lifecycle=self._lifecycle,
            matcher=self._matcher,
            reporter=self._reporter,
        )
        return commands.table()

    def session_started(self, session: Session) -> None:
        """Tell a client that is back of the orders it left."""
        if self.settings.replays_open_orders:
            self._queries.replay(session)

    def restarted(self) -> None:
        """Forget what TWS does not keep over its daily restart: orders that it was never told to transmit."""
        for one in self.book.all():
            if not one.is_transmitted:
                self._lifecycle.cancel(one, "TWS was restarted")

    # ------------------------------------------------------------------ inside

    def _begin_next_day(self) -> None:
        tomorrow = new_york_date(self.broker.market_ns) + timedelta(days=1)
        self.broker.call_at_market(new_york_midnight_ns(tomorrow), self._begin_day)

    def _begin_day(self) -> None:
        kept = timedelta(days=self.settings.executions_kept_days - 1)
        first_ns = new_york_midnight_ns(new_york_date(self.broker.market_ns) - kept)
        self.book.executions = [record for record in self.book.executions if record.ts_ns >= first_ns]
        self.book.forget_done(first_ns)
        self._begin_next_day()


def _execution_truth(record: ExecutionRecord) -> dict[str, Any]:
    execution, contract = record.details.execution, record.details.contract
    report = record.commission
    return {
        "execution_id": execution.execId,
        "order_id": execution.orderId,
        "perm_id": execution.permId,
        "client_id": record.client_id,
        "account": record.account,
        "con_id": contract.conId,
        "security_type": contract.secType,
        "side": execution.side,
        "quantity": execution.shares,
        "price": execution.price,
        "ts_ns": record.ts_ns,
        "commission": None if report is None else report.commissionAndFees,
    }
