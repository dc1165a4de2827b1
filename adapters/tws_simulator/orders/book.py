"""All orders and executions of all clients, by the ids that TWS gives them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from adapters.tws_simulator.messages import Message
from adapters.tws_simulator.orders.combination import Leg
from adapters.tws_simulator.orders.commissions import OrderCommissions
from adapters.tws_simulator.orders.terms import OrderTerms
from adapters.tws_simulator.orders.triggers import TriggerState

ZERO = Decimal(0)
PENDING_SUBMIT = "PendingSubmit"
PRE_SUBMITTED = "PreSubmitted"
SUBMITTED = "Submitted"
PENDING_CANCEL = "PendingCancel"
CANCELLED = "Cancelled"
FILLED = "Filled"
INACTIVE = "Inactive"
DONE = frozenset({CANCELLED, FILLED, INACTIVE})

ORDER_ID_MAX = 2**31 - 1
"""What the wire's 32-bit integer holds; a client that uses it has used them all."""

FIRST_PERM_ID = 1_376_327_563
"""Permanent ids of real orders are ten digits; this one is a captured order's."""


@dataclass(slots=True)
class LegTotal:
    """What an order has traded of one listing."""

    quantity: Decimal = ZERO
    notional: Decimal = ZERO

    def add(self, quantity: Decimal, price: Decimal) -> None:
        """Count an execution."""
        self.quantity += quantity
        self.notional += quantity * price

    @property
    def average_price(self) -> Decimal:
        """The average price per share, 0 before the first execution."""
        return self.notional / self.quantity if self.quantity else ZERO


@dataclass(slots=True, eq=False)
class WorkingOrder:
    """An order from its arrival to its end. `order` and `contract` are what clients are shown.

    `quantity` is what `order.totalQuantity` says now: clients and OCA groups change it; after its group
    has reduced it to `group_cap`, no client makes it larger. `is_live`: the market may fill it.
    `in_flight` of a combination have traded some legs and not yet all.
    `is_transmitted` False: held in TWS until the client transmits it.
    """

    client_id: int
    order_id: int
    perm_id: int
    account: str
    contract: Message
    order: Message
    terms: OrderTerms
    legs: tuple[Leg, ...]
    commissions: OrderCommissions
    trigger: TriggerState
    quantity: Decimal
    status: str = PENDING_SUBMIT
    why_held: str = ""
    filled: Decimal = ZERO
    notional: Decimal = ZERO
    last_price: Decimal = ZERO
    is_transmitted: bool = True
    is_acknowledged: bool = False
    is_live: bool = False
    is_resting: bool = False
    traded: dict[int, LegTotal] = field(default_factory=dict)
    queue_ahead: Decimal | None = None
    in_flight: Decimal = ZERO
    parent: WorkingOrder | None = None
    children: list[WorkingOrder] = field(default_factory=list)
    group: str = ""
    group_type: int = 0
    group_cap: Decimal | None = None
    cancel_reason: str = ""
    ends_ns: int | None = None
    ended_ns: int | None = None

    @property
    def remaining(self) -> Decimal:
        """What is left to trade."""
        return self.quantity - self.filled

    @property
    def is_done(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.status in DONE

    @property
    def is_combination(self) -> bool:
        """Whether it trades several listings as one."""
        return bool(self.contract.secType == "BAG")

    @property
    def is_waiting_for_parent(self) -> bool:
        """Whether it is attached to an order that has not filled."""
        return self.parent is not None and self.parent.status != FILLED

    @property
    def average_price(self) -> Decimal:
        """The average price of what has filled, 0 before; negative for a combination that pays."""
        return self.notional / self.filled if self.filled else ZERO


@dataclass(frozen=True, slots=True)
class ExecutionRecord:
    """An execution as reported. `commission` is None for a combination as a whole."""

    details: Message
    commission: Message | None
    ts_ns: int
    client_id: int
    account: str


class OrderBook:
    """Orders by (client id, order id) and by permanent id; executions in the order of their making."""

    def __init__(self, first_order_id: int) -> None:
        self._first_order_id = first_order_id
        self._by_client: dict[tuple[int, int], WorkingOrder] = {}
        self._by_perm: dict[int, WorkingOrder] = {}
        self._highest: dict[int, int] = {}
        self._perm_id = FIRST_PERM_ID
        self._bound_id = 0
        self._executions_made = 0
        self.executions: list[ExecutionRecord] = []

    def next_valid_id(self) -> int:
        """Return one more than the highest order id that any client has used."""
        following = max([self._first_order_id, *(highest + 1 for highest in self._highest.values())])
        return min(following, ORDER_ID_MAX)

    def next_perm_id(self) -> int:
        """Return a permanent id that no order has."""
        self._perm_id += 1
        return self._perm_id

    def next_bound_id(self) -> int:
        """Return an order id for a manual order that is bound to client 0: negative, like TWS's."""
        self._bound_id -= 1
        return self._bound_id

    def next_execution_number(self) -> int:
        """Return the number of the next execution, from 1."""
        self._executions_made += 1
        return self._executions_made

    def add(self, order: WorkingOrder) -> None:
        """Enter an order; manual orders have order id 0 and are found by their permanent id."""
        self._by_perm[order.perm_id] = order
        if order.order_id:
            self._by_client[order.client_id, order.order_id] = order
            self._note_id(order.client_id, order.order_id)

    def bind(self, order: WorkingOrder, order_id: int) -> None:
        """Give a manual order the order id under which a client reaches it."""
        order.order_id = order.order.orderId = order_id
        self._by_client[order.client_id, order_id] = order

    def is_used(self, client_id: int, order_id: int) -> bool:
        """Return whether a client's order id is taken or lies below one that it has used."""
        return order_id <= self._highest.get(client_id, 0)

    def find(self, client_id: int, order_id: int) -> WorkingOrder | None:
        """Return a client's own order, None when it has none with this id."""
        return self._by_client.get((client_id, order_id))

    def by_perm_id(self, perm_id: int) -> WorkingOrder | None:
        """Return any client's order by its permanent id."""
        return self._by_perm.get(perm_id)

    def open(self) -> Iterator[WorkingOrder]:
        """Yield the orders that clients may see and that are not done, in the order of arrival."""
        return (one for one in self.all() if one.is_acknowledged and not one.is_done)

    def live(self) -> list[WorkingOrder]:
        """Return the orders that the market may fill."""
        return [one for one in self.all() if one.is_live and not one.is_done]

    def all(self) -> list[WorkingOrder]:
        """Return every order, in the order of arrival."""
        return list(self._by_perm.values())

    def group(self, name: str, account: str) -> list[WorkingOrder]:
        """Return the open orders of an OCA group."""
        return [
            one
            for one in self.all()
            if name and one.group == name and one.account == account and not one.is_done
        ]

    def forget_done(self, before_ns: int) -> None:
        """Forget orders that ended before a market time; their ids stay used."""
        for one in self.all():
            if one.ended_ns is not None and one.ended_ns < before_ns:
                del self._by_perm[one.perm_id]
                self._by_client.pop((one.client_id, one.order_id), None)

    def _note_id(self, client_id: int, order_id: int) -> None:
        self._highest[client_id] = max(self._highest.get(client_id, 0), order_id)
