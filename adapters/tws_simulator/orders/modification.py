"""Changes of working orders: what may change, and the moment between asking and having it."""

from __future__ import annotations

from adapters.tws_simulator.account.frames import quantity_text
from adapters.tws_simulator.component import Refused
from adapters.tws_simulator.orders.book import FILLED, PENDING_CANCEL, WorkingOrder
from adapters.tws_simulator.orders.lifecycle import Lifecycle
from adapters.tws_simulator.orders.reporter import OrderReporter
from adapters.tws_simulator.orders.surroundings import Surroundings
from adapters.tws_simulator.orders.triggers import TriggerState, initial_trigger
from adapters.tws_simulator.orders.validation import check_modification, same_contract

MISMATCH = "Order being modified does not match original order."


class Modification:
    """Replaces the terms of a working order; refused changes leave it as it is."""

    def __init__(self, around: Surroundings, *, lifecycle: Lifecycle, reporter: OrderReporter) -> None:
        self._account, self._lifecycle, self._reporter = around.account, lifecycle, reporter
        self._refuses_uncovered = around.settings.refuses_uncovered

    def check(self, known: WorkingOrder, wanted: WorkingOrder) -> None:
        """Raise `Refused` when `known` may not become `wanted` (103, 104, 105, 134, 201)."""
        if known.status == FILLED:
            raise Refused(104, "Cannot modify a filled order.")
        if known.is_done:
            raise Refused(103, "Duplicate order id")
        if known.status == PENDING_CANCEL or known.in_flight:
            raise Refused(134, "Modify order failed.")
        if not same_contract(known.contract, wanted.contract) or known.account != wanted.account:
            raise Refused(105, MISMATCH)
        if known.parent is not None and not wanted.terms.oca_group:
            wanted.order.ocaGroup, wanted.order.ocaType = known.order.ocaGroup, known.order.ocaType
        elif known.order.ocaGroup != wanted.order.ocaGroup:
            raise Refused(105, MISMATCH)
        if known.parent is None:
            check_modification(known.terms, wanted.terms, filled=known.filled)
        elif known.terms.is_buy != wanted.terms.is_buy or wanted.quantity <= known.filled:
            raise Refused(105, MISMATCH)
        self._check_margin(known, wanted)

    def apply(self, known: WorkingOrder, wanted: WorkingOrder) -> None:
        """Make the change, if the order still works; an order that filled meanwhile answers 104."""
        try:
            self.check(known, wanted)
        except Refused as refused:
            self._lifecycle.warn(known, refused.code, refused.text)
            return
        self.replace(known, wanted)
        if not known.is_acknowledged:
            return
        self._lifecycle.set_status(known)
        self._reporter.order(known)
        self._lifecycle.rework(known)

    def replace(self, known: WorkingOrder, wanted: WorkingOrder) -> None:
        """Give `known` the terms of `wanted`; its place in the queue is lost, its triggering is not."""
        perm_id, parent_perm_id = known.order.permId, known.order.parentPermId
        known.order.CopyFrom(wanted.order)
        known.order.permId = perm_id
        if parent_perm_id:
            known.order.parentPermId = parent_perm_id
        was_triggered = known.trigger.is_triggered
        is_same_kind = known.terms.order_type == wanted.terms.order_type
        trigger = initial_trigger(wanted.terms)
        if is_same_kind and was_triggered and not trigger.is_triggered:
            trigger = TriggerState(known.trigger.stop, is_triggered=True)
        known.terms, known.trigger, known.quantity = wanted.terms, trigger, wanted.quantity
        if known.group_cap is not None and known.quantity > known.group_cap:
            known.quantity = known.group_cap
            known.order.totalQuantity = quantity_text(known.quantity)
        known.is_resting, known.queue_ahead = False, None

    def _check_margin(self, known: WorkingOrder, wanted: WorkingOrder) -> None:
        if not self._refuses_uncovered or known.parent is not None:
            return
        margin = self._account.preview(known.account, wanted.contract, wanted.order)
        if not margin.is_covered:
            raise Refused(201, f"Order rejected - reason:{margin.reason}")
