"""Everything that a journal says of each order, gathered from its entries: pure, in one pass.

An order's entries find it by its client order id; its decision by the correlation id that both carry;
the position after a fill by the fill that caused it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from audit.events import (
    DecisionRecord,
    Entry,
    FillRecord,
    OrderEventRecord,
    OrderRecord,
    PositionRecord,
)
from audit.projection.orders import Order
from audit.round_trips import ZERO, execution_of
from risk.records import ApprovalRecord, RefusalRecord

LEG_MARK = "-LEG-"
"""Nautilus names the fill of a spread's leg `<order>-LEG-<symbol>`."""
UNKNOWN_STATUS = "unknown"
"""Of an order whose terms no record holds."""


@dataclass(slots=True)
class OrderHistory:
    """One order's entries by kind, each in order of `seq`. `decisions` are those of its correlation id.

    `legs` are the fills of a combination's legs, `fills` those of the order itself; an execution that was
    reported twice is there once. `state` is where its records leave it.
    """

    client_order_id: str
    correlation_id: str | None = None
    decisions: list[Entry] = field(default_factory=list)
    order: Entry | None = None
    verdicts: list[Entry] = field(default_factory=list)
    events: list[Entry] = field(default_factory=list)
    fills: list[Entry] = field(default_factory=list)
    legs: list[Entry] = field(default_factory=list)
    positions: list[Entry] = field(default_factory=list)
    state: Order | None = None

    def entries(self) -> list[Entry]:
        """Return all of them, in order of `seq`."""
        own = [] if self.order is None else [self.order]
        parts = (self.decisions, own, self.verdicts, self.events, self.fills, self.legs, self.positions)
        return sorted((entry for part in parts for entry in part), key=lambda entry: entry.seq)

    @property
    def first(self) -> Entry:
        """The first entry that names the order itself."""
        named = (*self.verdicts, *self.events, *self.fills, *self.legs)
        return self.order if self.order is not None else min(named, key=lambda entry: entry.seq)

    @property
    def strategy_id(self) -> str:
        """Whose order it is."""
        return str(self.first.body.strategy_id)

    @property
    def instrument_id(self) -> str:
        """What it trades."""
        return str(self.first.body.instrument_id)

    @property
    def signal(self) -> Entry | None:
        """The first decision with its correlation id: what it was made on; None without one."""
        return self.decisions[0] if self.decisions else None

    @property
    def quantity(self) -> int | None:
        """Shares ordered, after changes that the venue confirmed; None without a record of its terms."""
        return None if self.state is None else self.state.quantity

    @property
    def filled_quantity(self) -> int:
        """Shares (or combinations) filled, before the journal began too."""
        found = 0 if self.order is None else self.order.body.found_filled_quantity
        return int(found + sum(entry.body.quantity for entry in self.fills))

    @property
    def fees_usd(self) -> Decimal:
        """Fees of its fills; those of a combination are its legs'."""
        charged = [entry.body for entry in (*self.fills, *self.legs) if not entry.body.is_combination]
        return sum((fill.commission_usd for fill in charged), ZERO)

    @property
    def is_order(self) -> bool:
        """Whether a record speaks of the order itself, and not its fills alone."""
        return self.order is not None or bool(self.events)

    @property
    def is_working(self) -> bool:
        """Whether it is at the venue, or on its way there."""
        return self.state is not None and self.state.is_working

    @property
    def is_found(self) -> bool:
        """Whether it was working already when the node began: who decided it is not in this journal."""
        return self.order is not None and self.order.body.found_status is not None

    @property
    def venue_entries(self) -> tuple[Entry, ...]:
        """Its events and its own fills: what may carry the venue's name for it."""
        return (*self.events, *self.fills)

    @property
    def venue_order_id(self) -> str | None:
        """The venue's name for it, the last one it was given."""
        named = [entry.body.venue_order_id for entry in self.venue_entries]
        return next((name for name in reversed(named) if name is not None), None)

    @property
    def status(self) -> str:
        """Where it stands, as the engine has it: `filled`, `canceled`, `accepted`, `initialized`, ..."""
        return UNKNOWN_STATUS if self.state is None else self.state.status.lower()

    def event(self, name: str) -> Entry | None:
        """Return the first event of this name."""
        return next((entry for entry in self.events if entry.body.event == name), None)


class OrderHistories:
    """The orders of a journal by client order id, and its decisions by correlation id."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.orders: dict[str, OrderHistory] = {}
        self.decisions: dict[str, list[Entry]] = {}
        self._order_of_fill: dict[int, OrderHistory] = {}
        self._executions: set[tuple[str, str, str]] = set()
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Take in the next entry of the journal; kinds that name no order are passed over."""
        match entry.body:
            case DecisionRecord():
                self.decisions.setdefault(entry.body.correlation_id, []).append(entry)
            case OrderRecord():
                self._made(self._of(entry.body.client_order_id, entry), entry)
            case ApprovalRecord():
                for name in entry.body.client_order_ids:
                    self._of(name, entry).verdicts.append(entry)
            case RefusalRecord():
                self._of(entry.body.client_order_id, entry).verdicts.append(entry)
            case OrderEventRecord():
                history = self._of(entry.body.client_order_id, entry)
                history.events.append(entry)
                if history.state is not None:
                    history.state.happened(entry.body)
            case FillRecord():
                self._filled(entry, entry.body)
            case PositionRecord():
                cause = self._order_of_fill.get(entry.caused_by or 0)
                if cause is not None:
                    cause.positions.append(entry)

    def __iter__(self) -> Iterator[OrderHistory]:
        """Yield the orders as they appeared."""
        return iter(self.orders.values())

    def executions(self) -> list[Entry]:
        """Return every fill that moved a position, once, in order of `seq`: a combination's are its legs'."""
        fills = [entry for history in self for entry in (*history.fills, *history.legs)]
        return sorted((e for e in fills if not e.body.is_combination), key=lambda entry: entry.seq)

    def of(self, client_order_id: str) -> OrderHistory:
        """Return the order of this id, which must be known; of a leg's id, the combination."""
        return self.orders[client_order_id.partition(LEG_MARK)[0]]

    def _made(self, history: OrderHistory, entry: Entry) -> None:
        """Take in its terms: new, found working by a node that began, or those of a released order."""
        history.order = history.order or entry
        if history.state is not None and history.state.status == "EMULATED":
            history.state.begin(entry.body, entry.ts_ns)
        else:
            history.state = Order(entry.body, entry.ts_ns, entry.correlation_id)

    def _filled(self, entry: Entry, fill: FillRecord) -> None:
        if execution_of(fill) in self._executions:
            return
        self._executions.add(execution_of(fill))
        history = self._of(fill.client_order_id, entry)
        self._order_of_fill[entry.seq] = history
        if history.client_order_id != fill.client_order_id:
            history.legs.append(entry)
            return
        history.fills.append(entry)
        if history.state is not None:
            history.state.fill(fill)

    def _of(self, client_order_id: str, entry: Entry) -> OrderHistory:
        name = client_order_id.partition(LEG_MARK)[0]
        history = self.orders.get(name)
        if history is None:
            history = self.orders[name] = OrderHistory(name)
        if history.correlation_id is None and entry.correlation_id is not None:
            history.correlation_id = entry.correlation_id
            # One list for both: decisions that come later (a replace) join the order's history too.
            history.decisions = self.decisions.setdefault(entry.correlation_id, [])
        return history
