"""The messages about orders, built from the book.

Fields follow the captured life of a filled market order (2023-02-24). Times of executions are written in
TWS's zone, "20230224 12:04:56 US/Eastern", as servers since 10.18 do; the capture is older and has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from adapters.tws_simulator.account.frames import quantity_text
from adapters.tws_simulator.interfaces import MarginPreview
from adapters.tws_simulator.messages import Message, message_type
from adapters.tws_simulator.orders.book import CANCELLED, FILLED, WorkingOrder
from adapters.tws_simulator.orders.terms import UNSET_DOUBLE

NS_PER_SECOND = 1_000_000_000
BAG_CON_ID = 28_812_380
"""The contract id that TWS gives combinations in their own execution."""

REMOVED_LIQUIDITY = 2


def open_order(one: WorkingOrder, *, with_commission: bool = False) -> Message:
    """Return `OpenOrder`; the last one of a fill carries the commission."""
    state = message_type("OrderState")(status=one.status)
    if with_commission:
        state.commissionAndFees = float(one.commissions.total)
        state.commissionAndFeesCurrency = "USD"
    return _open_order(one, state)


def preview(one: WorkingOrder, margin: MarginPreview, commission: Decimal) -> Message:
    """Return the `OpenOrder` that answers whatIf: margin before, change, after, and the commission."""
    state = message_type("OrderState")(
        status="PreSubmitted",
        initMarginBefore=float(margin.initial_before),
        maintMarginBefore=float(margin.maintenance_before),
        equityWithLoanBefore=float(margin.equity_before),
        initMarginChange=float(margin.initial_after - margin.initial_before),
        maintMarginChange=float(margin.maintenance_after - margin.maintenance_before),
        equityWithLoanChange=float(margin.equity_after - commission - margin.equity_before),
        initMarginAfter=float(margin.initial_after),
        maintMarginAfter=float(margin.maintenance_after),
        equityWithLoanAfter=float(margin.equity_after - commission),
        commissionAndFees=float(commission),
        commissionAndFeesCurrency="USD",
        marginCurrency="USD",
    )
    if margin.reason:
        state.warningText = margin.reason
    return _open_order(one, state)


def order_status(one: WorkingOrder) -> Message:
    """Return `OrderStatus`."""
    return message_type("OrderStatus")(
        orderId=one.order_id,
        status=one.status,
        filled=quantity_text(one.filled),
        remaining=quantity_text(one.remaining),
        avgFillPrice=float(one.average_price),
        permId=one.perm_id,
        parentId=one.terms.parent_id,
        lastFillPrice=float(one.last_price),
        clientId=one.client_id,
        whyHeld=one.why_held,
        mktCapPrice=0.0,
    )


@dataclass(frozen=True, slots=True)
class ExecutionFacts:
    """What one execution is about; `quantity` is positive, `cumulative` and `average` are the order's."""

    execution_id: str
    contract: Message
    side: str
    quantity: Decimal
    price: Decimal
    exchange: str
    shown_ns: int
    cumulative: Decimal
    average: Decimal


def execution_details(one: WorkingOrder, facts: ExecutionFacts, time_zone: str) -> Message:
    """Return `ExecutionDetails` as sent unasked, with request id -1."""
    execution = message_type("Execution")(
        orderId=one.order_id,
        execId=facts.execution_id,
        time=local_time(facts.shown_ns, time_zone),
        acctNumber=one.account,
        exchange=facts.exchange,
        side=facts.side,
        shares=quantity_text(facts.quantity),
        price=float(facts.price),
        permId=one.perm_id,
        clientId=one.client_id,
        cumQty=quantity_text(facts.cumulative),
        avgPrice=float(facts.average),
        orderRef=one.order.orderRef,
        lastLiquidity=REMOVED_LIQUIDITY,
    )
    return message_type("ExecutionDetails")(reqId=-1, contract=facts.contract, execution=execution)


def commission_report(execution_id: str, commission: Decimal, realized: Decimal | None) -> Message:
    """Return `CommissionAndFeesReport`; a fill that closed nothing has TWS's "unset" profit."""
    return message_type("CommissionAndFeesReport")(
        execId=execution_id,
        commissionAndFees=float(commission),
        currency="USD",
        realizedPNL=UNSET_DOUBLE if realized is None else float(realized),
    )


def completed_order(one: WorkingOrder, time_zone: str) -> Message:
    """Return `CompletedOrder` of an order that is done."""
    order = message_type("Order")()
    order.CopyFrom(one.order)
    order.filledQuantity = quantity_text(one.filled)
    state = message_type("OrderState")(status=one.status)
    if one.ended_ns is not None:
        state.completedTime = local_time(one.ended_ns, time_zone)
    state.completedStatus = completed_text(one)
    return message_type("CompletedOrder")(contract=one.contract, order=order, orderState=state)


def completed_text(one: WorkingOrder) -> str:
    """Return TWS's words for how an order ended."""
    if one.status == FILLED:
        return f"Filled Size: {quantity_text(one.filled)}"
    if one.status == CANCELLED:
        return one.cancel_reason or "Cancelled by Trader"
    return one.cancel_reason or "Rejected"


def local_time(ts_ns: int, time_zone: str) -> str:
    """Return "20230224 12:04:56 US/Eastern" for an instant."""
    moment = datetime.fromtimestamp(ts_ns // NS_PER_SECOND, UTC).astimezone(ZoneInfo(time_zone))
    return f"{moment:%Y%m%d %H:%M:%S} {time_zone}"


def _open_order(one: WorkingOrder, state: Message) -> Message:
    return message_type("OpenOrder")(
        orderId=one.order_id, contract=one.contract, order=one.order, orderState=state
    )
