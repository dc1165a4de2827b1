"""What happens to an order: accepted, started, filled, reduced, cancelled; and to those tied to it.

    accept -> start -> (filled | cancelled)          start waits for a parent, a trigger or a session
    fill   -> ledger -> messages -> children start, OCA group is cancelled or reduced

Every fill is booked before anybody is told, so that no order of messages can change the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from adapters.tws_simulator.account.frames import quantity_text
from adapters.tws_simulator.broker import Broker
from adapters.tws_simulator.interfaces import Account, Fill
from adapters.tws_simulator.messages import Message
from adapters.tws_simulator.orders import frames, oca
from adapters.tws_simulator.orders.book import (
    CANCELLED,
    FILLED,
    INACTIVE,
    PENDING_CANCEL,
    PRE_SUBMITTED,
    SUBMITTED,
    ExecutionRecord,
    LegTotal,
    OrderBook,
    WorkingOrder,
)
from adapters.tws_simulator.orders.combination import LegPrice, net_price
from adapters.tws_simulator.orders.reporter import OrderReporter
from adapters.tws_simulator.orders.settings import OrdersSettings
from adapters.tws_simulator.orders.terms import ON_CLOSE

NS_PER_SECOND = 1_000_000_000
EXECUTION_SOURCE = 0x0000E0D5
"""First part of execution ids; real ones name the source of the execution."""

CANCELLED_TEXT = "Order Canceled - reason:"


class Lifecycle:
    """Moves orders through their states. `start_working` and `rework` are the matcher's."""

    def __init__(
        self,
        broker: Broker,
        book: OrderBook,
        *,
        account: Account,
        reporter: OrderReporter,
        settings: OrdersSettings,
    ) -> None:
        self._broker, self._book, self._account = broker, book, account
        self._reporter, self._settings = reporter, settings
        self._started_s = broker.now_ns // NS_PER_SECOND
        self.start_working: Callable[[WorkingOrder], None] = lambda _: None
        self.rework: Callable[[WorkingOrder], None] = lambda _: None

    def accept(self, one: WorkingOrder) -> None:
        """Acknowledge an order and let it work when nothing holds it."""
        if one.is_done:
            return
        one.is_acknowledged = True
        self.set_status(one)
        self._reporter.order(one)
        if not one.is_waiting_for_parent:
            self.start_working(one)

    def set_status(self, one: WorkingOrder) -> None:
        """Set the status and the reason for holding of an order that works or waits."""
        if one.status == PENDING_CANCEL or one.is_done:
            return
        one.why_held = ""
        if one.is_waiting_for_parent:
            one.status, one.why_held = PRE_SUBMITTED, "child"
        elif not one.trigger.is_triggered:
            one.status, one.why_held = PRE_SUBMITTED, "trigger"
        else:
            is_auction = one.terms.time_in_force == "OPG" or one.terms.order_type in ON_CLOSE
            waits = is_auction or one.terms.order_type == "MKT"
            one.status = PRE_SUBMITTED if waits and not one.filled else SUBMITTED

    def triggered(self, one: WorkingOrder) -> None:
        """Tell that a stop or if-touched order works now."""
        self.set_status(one)
        self._reporter.order(one)

    def warn(self, one: WorkingOrder, code: int, text: str) -> None:
        """Send a warning about an order that stays as it is."""
        self._reporter.error(one, code, text)

    def fill(self, one: WorkingOrder, quantity: Decimal, legs: Sequence[LegPrice]) -> None:
        """Trade `quantity` of an order, each leg at its price; raises `ValueError` beyond what remains."""
        if one.is_done or not 0 < quantity <= one.remaining:
            raise ValueError(
                f"order {one.perm_id} ({one.status}) cannot trade {quantity}: {one.remaining} remain"
            )
        price = net_price(list(legs))
        one.filled += quantity
        one.notional += quantity * price
        one.last_price = price
        if one.status != PENDING_CANCEL:
            one.status, one.why_held = SUBMITTED, ""
        if one.remaining == 0:
            self._end(one, FILLED)
        self._report_executions(one, quantity, legs, price)
        self._after_fill(one, quantity)

    def fill_leg(self, one: WorkingOrder, quantity: Decimal, leg: LegPrice) -> None:
        """Trade one leg of a combination that is not guaranteed, before its other legs."""
        records = [self._execute(one, quantity, leg)]
        self._book.executions += records
        self._reporter.fill(one, records)

    def fill_last_leg(self, one: WorkingOrder, quantity: Decimal, legs: Sequence[LegPrice]) -> None:
        """Trade the last of `legs`, the others having traded at their prices before; the unit is done."""
        price = net_price(list(legs))
        one.filled += quantity
        one.notional += quantity * price
        one.last_price = price
        if one.remaining == 0:
            self._end(one, FILLED)
        records = [self._execute(one, quantity, legs[-1])]
        self._book.executions += records
        self._reporter.fill(one, records)
        self._after_fill(one, quantity)

    def cancel(self, one: WorkingOrder, reason: str = "", *, code: int = 202) -> None:
        """End an order unfilled, and the orders attached to it; harmless when it is done."""
        if one.is_done:
            return
        one.cancel_reason = reason
        self._end(one, CANCELLED)
        self._reporter.status(one)
        self._reporter.error(one, code, f"{CANCELLED_TEXT}{reason}")
        for child in one.children:
            if one.status != FILLED:
                self.cancel(child, "Parent order was cancelled")

    def reject(self, one: WorkingOrder, code: int, text: str) -> None:
        """End an order that the broker's servers refuse: the error, then the status Inactive."""
        one.cancel_reason = text
        self._end(one, INACTIVE)
        self._reporter.error(one, code, text)
        self._reporter.status(one)
        for child in one.children:
            self.cancel(child, "Parent order was rejected")

    def reduce(self, one: WorkingOrder, remaining: Decimal) -> None:
        """Leave `remaining` of an order; cancels it when that is nothing, or less than is half traded."""
        if one.is_done or remaining >= one.remaining:
            return
        if remaining <= 0 or remaining < one.in_flight:
            self.cancel(one, "OCA group was filled")
            return
        one.quantity = one.group_cap = one.filled + remaining
        one.order.totalQuantity = quantity_text(one.quantity)
        if one.is_acknowledged:
            self._reporter.order(one)

    # ------------------------------------------------------------------ inside

    def _end(self, one: WorkingOrder, status: str) -> None:
        one.status, one.why_held, one.is_live = status, "", False
        one.ended_ns = self._broker.market_ns

    def _after_fill(self, one: WorkingOrder, quantity: Decimal) -> None:
        self._act_on_group(one, quantity)
        if one.status == FILLED:
            for child in one.children:
                if child.is_acknowledged and not child.is_done:
                    self.set_status(child)
                    self._reporter.order(child)
                    self.start_working(child)

    def _act_on_group(self, one: WorkingOrder, quantity: Decimal) -> None:
        others = {
            other.perm_id: other for other in self._book.group(one.group, one.account) if other is not one
        }
        if not others:
            return
        remaining = oca.remaining_after_fill(
            one.group_type,
            oca.GroupOrder(one.perm_id, one.remaining),
            filled_now=quantity,
            others=[oca.GroupOrder(key, other.remaining) for key, other in others.items()],
        )
        for key, left in remaining.items():
            self.reduce(others[key], left)

    def _report_executions(
        self, one: WorkingOrder, quantity: Decimal, legs: Sequence[LegPrice], price: Decimal
    ) -> None:
        records = []
        if one.is_combination and self._settings.reports_combinations:
            records.append(self._combination_record(one, quantity, price))
        records += [self._execute(one, quantity, leg) for leg in legs]
        self._book.executions += records
        self._reporter.fill(one, records)

    def _combination_record(self, one: WorkingOrder, quantity: Decimal, price: Decimal) -> ExecutionRecord:
        contract = type(one.contract)()
        contract.CopyFrom(one.contract)
        contract.conId = frames.BAG_CON_ID
        side = "BOT" if one.terms.is_buy else "SLD"
        facts = self._facts(contract, side=side, quantity=quantity, price=price)
        facts = replace(facts, cumulative=one.filled, average=one.average_price)
        details = frames.execution_details(one, facts, self._broker.settings.session.time_zone)
        return ExecutionRecord(details, None, self._broker.market_ns, one.client_id, one.account)

    def _execute(self, one: WorkingOrder, quantity: Decimal, leg: LegPrice) -> ExecutionRecord:
        listing = leg.leg.listing
        side = "BOT" if leg.leg.is_bought(one.terms.is_buy) else "SLD"
        traded = quantity * leg.leg.ratio
        commission = one.commissions.on_fill(listing, side, traded, leg.price)
        where = listing.primary_exchange or listing.exchanges[-1]
        total = one.traded.setdefault(listing.con_id, LegTotal())
        total.add(traded, leg.price)
        facts = self._facts(listing.contract(where), side=side, quantity=traded, price=leg.price)
        facts = replace(facts, cumulative=total.quantity, average=total.average_price)
        details = frames.execution_details(one, facts, self._broker.settings.session.time_zone)
        execution_id = details.execution.execId
        realized = self._account.apply(
            Fill(
                execution_id=execution_id,
                account=one.account,
                con_id=listing.con_id,
                side=side,
                quantity=traded,
                price=leg.price,
                commission=commission,
                ts_ns=self._broker.market_ns,
                perm_id=one.perm_id,
                client_id=one.client_id,
            )
        )
        report = frames.commission_report(execution_id, commission, realized)
        return ExecutionRecord(details, report, self._broker.market_ns, one.client_id, one.account)

    def _facts(
        self, contract: Message, *, side: str, quantity: Decimal, price: Decimal
    ) -> frames.ExecutionFacts:
        number = self._book.next_execution_number()
        return frames.ExecutionFacts(
            execution_id=f"{EXECUTION_SOURCE:08x}.{self._started_s:08x}.{number:02x}.01",
            contract=contract,
            side=side,
            quantity=quantity,
            price=price,
            exchange=contract.exchange or "SMART",
            shown_ns=self._broker.shown_ns,
            cumulative=quantity,
            average=price,
        )
