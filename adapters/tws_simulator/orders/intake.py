"""Orders as they arrive: checked, previewed, held until transmitted, accepted, or taken as a change.

PLACE_ORDER ── id known and open ──> modify     105, 110, 201 ... and the order works on as it was
           ├── whatIf ────────────> preview     nothing is kept
           └── new ───────────────> checks ──> held (transmit False) ──> transmitted ──> accepted
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from adapters.tws_simulator.account.frames import quantity_text
from adapters.tws_simulator.component import Refused
from adapters.tws_simulator.messages import IN, Message, message_type
from adapters.tws_simulator.orders import frames
from adapters.tws_simulator.orders.book import FILLED, OrderBook, WorkingOrder
from adapters.tws_simulator.orders.combination import Leg, side_price
from adapters.tws_simulator.orders.commissions import OrderCommissions
from adapters.tws_simulator.orders.hours import ONLY_REGULAR, OrderHours
from adapters.tws_simulator.orders.lifecycle import Lifecycle
from adapters.tws_simulator.orders.modification import Modification
from adapters.tws_simulator.orders.oca import REDUCE_NON_BLOCK
from adapters.tws_simulator.orders.resolution import resolve_order_contract, tick_at
from adapters.tws_simulator.orders.surroundings import Surroundings
from adapters.tws_simulator.orders.terms import INVALID, read_terms
from adapters.tws_simulator.orders.triggers import initial_trigger
from adapters.tws_simulator.orders.validation import check_modelled, check_terms
from adapters.tws_simulator.session.sessions import TWS_CLIENT_ID, Session
from market.time import new_york_date

NS_PER_MS = 1_000_000
OUTSIDE_IGNORED = (
    "Order Event Warning:Attribute 'Outside Regular Trading Hours' is ignored based on the order type "
    "and destination. PlaceOrder is now being processed."
)


class ScriptedReject(NamedTuple):
    """An error that the next orders get whatever they are; for tests."""

    code: int
    text: str


class OrderIntake:
    """Takes orders from clients and from the hand that trades in TWS.

    `bind` gives a manual order an id for client 0; the queries', set when they are built.
    """

    def __init__(
        self,
        around: Surroundings,
        book: OrderBook,
        *,
        lifecycle: Lifecycle,
        hours: OrderHours,
        modification: Modification,
    ) -> None:
        self._broker, self._book, self._universe = around.broker, book, around.universe
        self._market, self._account, self._settings = around.market, around.account, around.settings
        self._lifecycle, self._hours, self._modification = lifecycle, hours, modification
        self.scripted_rejects: list[ScriptedReject] = []
        self.bind: Callable[[Session, WorkingOrder], None] = lambda _session, _order: None

    def place(self, session: Session, request: Message) -> None:
        """Handle PLACE_ORDER."""
        assert session.client_id is not None, "sessions place orders after START_API"
        client_id, order_id = session.client_id, request.orderId
        known = self._book.find(client_id, order_id)
        if known is None and order_id < 1:
            raise Refused(321, f"{INVALID}Invalid order id {order_id}")
        if known is None and self._book.is_used(client_id, order_id):
            raise Refused(103, "Duplicate order id")
        if request.HasField("attachedOrders") and request.attachedOrders.ListFields():
            raise Refused(201, "Order rejected - reason:The simulator does not model attached orders")
        candidate = self._read(client_id, order_id, request)
        if request.order.whatIf:
            self._preview(session, candidate)
            return
        self._refuse_scripted()
        if known is not None:
            self._change(known, candidate)
            return
        self._enter(candidate, transmit=request.order.transmit)

    def place_by_hand(self, con_id: int, exchange: str, order: Message) -> WorkingOrder:
        """Enter an order as if it were made in TWS's window: client 0, order id 0.

        Raises `ValueError` for an unknown contract id and `Refused` for what TWS refuses.
        """
        listing = self._universe.listing(con_id)
        if listing is None:
            raise ValueError(f"contract id {con_id} is not in the universe")
        contract = listing.contract(exchange)
        request = message_type("PlaceOrderRequest")(orderId=0, contract=contract, order=order)
        candidate = self._read(0, 0, request)
        self._enter(candidate, transmit=True)
        client_0 = self._broker.sessions.of_client(TWS_CLIENT_ID)
        if client_0 is not None and client_0.binds_manual_orders:
            self.bind(client_0, candidate)
        return candidate

    # ------------------------------------------------------------------ reading and checking

    def _read(self, client_id: int, order_id: int, request: Message) -> WorkingOrder:
        contract, legs = resolve_order_contract(self._universe, request.contract)
        check_modelled(request.order)
        terms = read_terms(request.order)

        def tick(price: Decimal) -> Decimal:
            return tick_at(self._universe, contract, legs, price)

        check_terms(terms, tick_at=tick, is_combination=contract.secType == "BAG")
        order = message_type("Order")()
        order.CopyFrom(request.order)
        order.clientId, order.orderId = client_id, order_id
        order.account = self._account_of(request.order)
        order.totalQuantity = quantity_text(terms.quantity)
        order.ocaType = terms.oca_type or REDUCE_NON_BLOCK  # captured: 3 also without a group
        return WorkingOrder(
            client_id=client_id,
            order_id=order_id,
            perm_id=0,
            account=order.account,
            contract=contract,
            order=order,
            terms=terms,
            legs=legs,
            commissions=OrderCommissions(self._settings, new_york_date(self._broker.market_ns)),
            trigger=initial_trigger(terms),
            quantity=terms.quantity,
            group=terms.oca_group,
            group_type=terms.oca_type or REDUCE_NON_BLOCK,
        )

    def _account_of(self, order: Message) -> str:
        accounts = self._broker.settings.session.accounts
        if not order.account:
            if len(accounts) > 1:
                raise Refused(435, "You must specify an account.")
            return accounts[0]
        if order.account not in accounts:
            raise Refused(321, f"{INVALID}Invalid account code '{order.account}'.")
        return str(order.account)

    def _refuse_scripted(self) -> None:
        if self.scripted_rejects:
            reject = self.scripted_rejects.pop(0)
            raise Refused(reject.code, reject.text)

    # ------------------------------------------------------------------ whatIf

    def _preview(self, session: Session, one: WorkingOrder) -> None:
        margin = self._account.preview(one.account, one.contract, one.order)
        one.perm_id = self._book.next_perm_id()
        one.order.permId = one.perm_id
        body = frames.preview(one, margin, self._expected_commission(one))
        self._broker.send(session, IN.OPEN_ORDER, body)

    def _expected_commission(self, one: WorkingOrder) -> Decimal:
        """Return the commission of the whole order at once, at its limit or at the market."""
        for leg in one.legs:
            price = self._expected_price(one, leg)
            side = "BOT" if leg.is_bought(one.terms.is_buy) else "SLD"
            if price is not None and (price > 0 or leg.listing.is_option):
                one.commissions.on_fill(leg.listing, side, one.quantity * leg.ratio, price)
        return one.commissions.total

    def _expected_price(self, one: WorkingOrder, leg: Leg) -> Decimal | None:
        if one.terms.limit is not None and not one.is_combination:
            return one.terms.limit
        quote = self._market.quote(leg.listing.con_id)
        price = side_price(leg, quote, order_is_buy=one.terms.is_buy)
        return price if price is not None else self._market.mark(leg.listing.con_id)

    # ------------------------------------------------------------------ new orders

    def _enter(self, one: WorkingOrder, *, transmit: bool) -> None:
        self._adopt(one)
        if self._hours.closing_soon(one, self._broker.market_ns, self._settings.on_close_cutoff_minutes):
            raise Refused(201, "Order rejected - reason:It is too late for an on-close order today")
        one.perm_id = one.order.permId = self._book.next_perm_id()
        if one.parent is not None:
            one.parent.children.append(one)
        self._book.add(one)
        one.is_transmitted = False
        if transmit:
            self._transmit_family(one)

    def _adopt(self, one: WorkingOrder) -> None:
        parent_id = one.terms.parent_id
        if not parent_id:
            return
        parent = self._book.find(one.client_id, parent_id)
        if parent is None or (parent.is_done and parent.status != FILLED):
            raise Refused(135, f"Can't find order with id ={parent_id}")
        one.parent = parent
        one.order.parentPermId = parent.perm_id
        if not one.group:
            one.group, one.group_type = str(parent.perm_id), REDUCE_NON_BLOCK
            one.order.ocaGroup, one.order.ocaType = one.group, one.group_type

    def _transmit_family(self, one: WorkingOrder) -> None:
        """Transmit an order, and what was held for it: its parent and the parent's other children."""
        head = one.parent or one
        for member in (head, *head.children):
            if not member.is_transmitted and not member.is_done:
                member.is_transmitted = True
                self._acknowledge_later(member)

    def _acknowledge_later(self, one: WorkingOrder) -> None:
        delay_ns = self._settings.acknowledge_delay_ms * NS_PER_MS
        self._broker.call_after(delay_ns, lambda: self._acknowledge(one))

    def _acknowledge(self, one: WorkingOrder) -> None:
        if one.is_done:
            return
        if self._settings.refuses_uncovered and one.parent is None:
            margin = self._account.preview(one.account, one.contract, one.order)
            if not margin.is_covered:
                self._lifecycle.reject(one, 201, f"Order rejected - reason:{margin.reason}")
                return
        if one.terms.is_outside_regular_hours and one.terms.order_type in ONLY_REGULAR:
            self._lifecycle.warn(one, 2109, OUTSIDE_IGNORED)
        self._lifecycle.accept(one)

    # ------------------------------------------------------------------ changes

    def _change(self, known: WorkingOrder, wanted: WorkingOrder) -> None:
        self._modification.check(known, wanted)
        if known.is_transmitted:
            delay_ns = self._settings.acknowledge_delay_ms * NS_PER_MS
            self._broker.call_after(delay_ns, lambda: self._modification.apply(known, wanted))
            return
        self._modification.replace(known, wanted)
        if wanted.order.transmit:
            self._transmit_family(known)
