"""What tests and scenarios do to orders: fill, cancel and reject them, trade by hand, permute messages."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

import msgspec

from adapters.tws_simulator.component import ControlCommand, NoParameters, Refused
from adapters.tws_simulator.messages import message_type
from adapters.tws_simulator.orders.book import OrderBook, WorkingOrder
from adapters.tws_simulator.orders.combination import LegPrice, side_price
from adapters.tws_simulator.orders.intake import OrderIntake, ScriptedReject
from adapters.tws_simulator.orders.lifecycle import Lifecycle
from adapters.tws_simulator.orders.matcher import Matcher
from adapters.tws_simulator.orders.reporter import OrderReporter
from adapters.tws_simulator.orders.settings import FillRule, FrameStep


class FillOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fill an order by hand at `price` (a combination: each leg at its quote); all of it by default."""

    perm_id: int
    quantity: Decimal | None = None
    price: Decimal | None = None


class CancelByBroker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cancel an order from the broker's side, with error 202 and this reason."""

    perm_id: int
    reason: str = ""


class RejectNext(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Refuse the next `count` new orders and changes with this error."""

    code: int = 201
    text: str = "Order rejected - reason:Rejected by the scenario"
    count: int = 1


class HoldFills(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keep the market from filling anything, or let it again."""

    is_holding: bool = True


class FrameOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The messages of fills from now on: execution, open_order, status, commission, in any order."""

    steps: tuple[FrameStep, ...]


class Commissions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Send commission reports late, or never (reqExecutions still has them)."""

    delay_ms: int = 0
    are_lost: bool = False


class FillRuleChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When resting limit orders trade from now on."""

    rule: FillRule


class ManualOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order made by hand in TWS. Prices in USD; `account` "" for the only one."""

    con_id: int
    action: Literal["BUY", "SELL"]
    quantity: Decimal
    order_type: str = "LMT"
    limit: Decimal | None = None
    stop: Decimal | None = None
    time_in_force: str = "DAY"
    exchange: str = "SMART"
    account: str = ""


class OrderCommands:
    """Runs the commands against the desk's parts."""

    def __init__(
        self,
        book: OrderBook,
        *,
        intake: OrderIntake,
        lifecycle: Lifecycle,
        matcher: Matcher,
        reporter: OrderReporter,
    ) -> None:
        self._book, self._intake = book, intake
        self._lifecycle, self._matcher, self._reporter = lifecycle, matcher, reporter

    def table(self) -> Mapping[str, ControlCommand]:
        """Return the commands by name."""
        return {
            "fill_order": ControlCommand(FillOrder, self._fill),
            "cancel_order": ControlCommand(CancelByBroker, self._cancel),
            "reject_next_orders": ControlCommand(RejectNext, self._reject_next),
            "hold_fills": ControlCommand(HoldFills, self._hold),
            "frame_order": ControlCommand(FrameOrder, self._frame_order),
            "commissions": ControlCommand(Commissions, self._commissions),
            "fill_rule": ControlCommand(FillRuleChoice, self._fill_rule),
            "place_manual_order": ControlCommand(ManualOrder, self._place_by_hand),
            "orders": ControlCommand(NoParameters, lambda _: [order_truth(one) for one in self._book.all()]),
        }

    def _found(self, perm_id: int) -> WorkingOrder:
        one = self._book.by_perm_id(perm_id)
        if one is None:
            raise ValueError(f"there is no order with permId {perm_id}; the command orders lists them")
        return one

    def _fill(self, wish: FillOrder) -> dict[str, Any]:
        one = self._found(wish.perm_id)
        if not one.is_acknowledged:
            raise ValueError(f"order {wish.perm_id} is not acknowledged yet: nothing can fill it")
        if one.in_flight:
            raise ValueError(f"order {wish.perm_id} has traded some legs and not yet all: wait for them")
        quantity = one.remaining if wish.quantity is None else wish.quantity
        if quantity != quantity.to_integral_value():
            raise ValueError(f"quantity {quantity}: whole shares or contracts")
        self._lifecycle.fill(one, quantity, self._prices(one, wish.price))
        return order_truth(one)

    def _prices(self, one: WorkingOrder, price: Decimal | None) -> list[LegPrice]:
        if price is not None and (one.is_combination or price <= 0):
            raise ValueError(f"price {price}: above 0, and none for a combination, whose legs fill at quotes")
        if price is not None:
            return [LegPrice(one.legs[0], price)]
        found = []
        for leg in one.legs:
            leg_price = side_price(leg, self._matcher.leg_quote(leg), order_is_buy=one.terms.is_buy)
            if leg_price is None:
                raise ValueError(
                    f"{leg.listing.local_symbol} has no quote to fill at: set one, or give a price"
                )
            found.append(LegPrice(leg, leg_price))
        return found

    def _cancel(self, wish: CancelByBroker) -> dict[str, Any]:
        one = self._found(wish.perm_id)
        self._lifecycle.cancel(one, wish.reason)
        return order_truth(one)

    def _reject_next(self, wish: RejectNext) -> None:
        if wish.count < 1:
            raise ValueError(f"count {wish.count}: at least 1")
        self._intake.scripted_rejects += [ScriptedReject(wish.code, wish.text)] * wish.count

    def _hold(self, wish: HoldFills) -> None:
        if wish.is_holding:
            self._matcher.is_holding = True
        else:
            self._matcher.release()

    def _frame_order(self, wish: FrameOrder) -> None:
        self._reporter.frame_order = wish.steps

    def _commissions(self, wish: Commissions) -> None:
        if wish.delay_ms < 0:
            raise ValueError(f"delay_ms {wish.delay_ms}: at least 0")
        self._reporter.commission_delay_ms = wish.delay_ms
        self._reporter.loses_commissions = wish.are_lost

    def _fill_rule(self, wish: FillRuleChoice) -> None:
        self._matcher.fill_rule = wish.rule

    def _place_by_hand(self, wish: ManualOrder) -> dict[str, Any]:
        order = message_type("Order")(
            action=wish.action,
            totalQuantity=str(wish.quantity),
            orderType=wish.order_type,
            tif=wish.time_in_force,
            account=wish.account,
            transmit=True,
        )
        if wish.limit is not None:
            order.lmtPrice = float(wish.limit)
        if wish.stop is not None:
            order.auxPrice = float(wish.stop)
        try:
            return order_truth(self._intake.place_by_hand(wish.con_id, wish.exchange, order))
        except Refused as refused:
            raise ValueError(f"TWS refuses the order with {refused}") from None


def order_truth(one: WorkingOrder) -> dict[str, Any]:
    """Return an order exactly, JSON-able."""
    return {
        "perm_id": one.perm_id,
        "client_id": one.client_id,
        "order_id": one.order_id,
        "account": one.account,
        "con_id": one.contract.conId,
        "security_type": one.contract.secType,
        "action": one.order.action,
        "type": one.terms.order_type,
        "quantity": str(one.quantity),
        "filled": str(one.filled),
        "remaining": str(one.remaining),
        "average_price": str(one.average_price),
        "limit": None if one.terms.limit is None else str(one.terms.limit),
        "stop": None if one.trigger.stop is None else str(one.trigger.stop),
        "status": one.status,
        "is_transmitted": one.is_transmitted,
        "order_ref": one.order.orderRef,
        "parent_id": one.terms.parent_id,
        "oca_group": one.group,
        "commission": str(one.commissions.total),
        "reason": one.cancel_reason,
    }
