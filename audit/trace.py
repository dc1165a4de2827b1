"""One order or trade from end to end: what was seen, decided, judged, sent, filled, paid and earned. Pure.

An id may be a client order id, a venue order id, a trade id, a correlation id or a round trip's id.
`docs/how-to/review-a-day.md` shows one. Times are ns UTC of the node's clock, durations ns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

import msgspec

from audit.events import DecisionRecord, Entry, FillRecord, OrderRecord
from audit.latencies import Latencies, latencies
from audit.order_history import OrderHistory
from audit.round_trips import ZERO, RoundTrip
from audit.sentences import is_by_kill_switch, sentence
from audit.slippage import Slippage, history_slippage
from audit.trace_search import Found, TraceIndex
from market.time import format_new_york, format_utc
from risk.records import ApprovalRecord, RefusalRecord

NEW_YORK_PLACES = 6


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One record on the way of an order, and how long after the one before it, and after the decision."""

    seq: int
    ts_ns: int
    new_york: str
    utc: str
    kind: str
    who: str
    what: str
    why: str
    caused_by: int | None
    since_previous_ns: int | None
    since_first_ns: int


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate said to a command; rule, value and limit are those of a refusal."""

    seq: int
    ts_ns: int
    command: str
    is_approved: bool
    rule: str | None = None
    value: str | None = None
    limit: str | None = None
    reason: str | None = None


class OrderTrace(msgspec.Struct, frozen=True, kw_only=True):
    """One order from its signal to its last fill.

    `missing` names what an order of a strategy must have and the journal does not: empty when the order is
    explained in full. `decisions` holds later ones too (a changed price, a cancel).
    """

    client_order_id: str
    venue_order_id: str | None
    correlation_id: str | None
    strategy_id: str
    instrument_id: str
    status: str
    signal: DecisionRecord | None
    decisions: tuple[DecisionRecord, ...]
    terms: OrderRecord | None
    verdicts: tuple[Verdict, ...]
    fills: tuple[FillRecord, ...]
    filled_quantity: int
    average_price: Decimal | None
    fees_usd: Decimal
    slippage: Slippage
    slippage_bps: float | None
    latencies: Latencies
    steps: tuple[Step, ...]
    missing: tuple[str, ...]


class TripTrace(msgspec.Struct, frozen=True, kw_only=True):
    """The trade that an order's fills belong to, with what it earned in USD."""

    trip_id: str
    strategy_id: str
    instrument_id: str
    side: str
    quantity: int
    open_quantity: int
    entry_ts_ns: int
    exit_ts_ns: int | None
    entry_price: Decimal
    exit_price: Decimal | None
    gross_usd: Decimal
    fees_usd: Decimal
    net_usd: Decimal
    entry_orders: tuple[str, ...]
    exit_orders: tuple[str, ...]


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal knows of an id. `decisions` holds those that became no order: suppressed, or refused."""

    asked: str
    found_as: tuple[str, ...]
    orders: tuple[OrderTrace, ...]
    decisions: tuple[Step, ...]
    round_trips: tuple[TripTrace, ...]

    @property
    def seqs(self) -> frozenset[int]:
        """The journal's records that it is made of."""
        of_orders = (step.seq for order in self.orders for step in order.steps)
        return frozenset(of_orders) | {step.seq for step in self.decisions}

    @property
    def names(self) -> frozenset[str]:
        """What a note about any of it may be about: ids of orders, decisions, executions and round trips."""
        names: set[str | None] = {self.asked, *(trip.trip_id for trip in self.round_trips)}
        for order in self.orders:
            names |= {order.client_order_id, order.venue_order_id, order.correlation_id}
            names |= {fill.trade_id for fill in order.fills}
        return frozenset(name for name in names if name is not None)


def trace(entries: Iterable[Entry], asked: str) -> Trace:
    """Return everything about `asked`; raises `NotFoundError` with near matches where nothing has that id."""
    index = TraceIndex(entries)
    return trace_of(index, index.find(asked))


def trace_of(index: TraceIndex, found: Found) -> Trace:
    """Return everything about what was found; an index serves any number of traces."""
    decided = {entry.seq for history in found.orders for entry in history.decisions}
    loose = [entry for entry in found.decisions if entry.seq not in decided]
    trips = [trip for trip in index.trips if _touches(trip, found)]
    return Trace(
        asked=found.asked,
        found_as=found.found_as,
        orders=tuple(order_trace(history) for history in found.orders),
        decisions=tuple(_steps(loose)),
        round_trips=tuple(_trip_trace(trip) for trip in trips),
    )


def order_trace(history: OrderHistory) -> OrderTrace:
    """Return one order from its signal to its last fill."""

    paid = sum((entry.body.quantity * entry.body.price for entry in history.fills), ZERO)
    executed = sum(entry.body.quantity for entry in history.fills)
    cost_of_fills = history_slippage(history)
    return OrderTrace(
        client_order_id=history.client_order_id,
        venue_order_id=history.venue_order_id,
        correlation_id=history.correlation_id,
        strategy_id=history.strategy_id,
        instrument_id=history.instrument_id,
        status=history.status,
        signal=history.signal.body if history.signal else None,
        decisions=tuple(entry.body for entry in history.decisions),
        terms=history.order.body if history.order else None,
        verdicts=tuple(_verdict(entry) for entry in history.verdicts),
        fills=tuple(entry.body for entry in (*history.fills, *history.legs)),
        filled_quantity=history.filled_quantity,
        average_price=paid / executed if executed else None,
        fees_usd=history.fees_usd,
        slippage=cost_of_fills,
        slippage_bps=cost_of_fills.mid_bps,
        latencies=latencies(history),
        steps=tuple(_steps(history.entries())),
        missing=tuple(_missing(history)),
    )


def _verdict(entry: Entry) -> Verdict:
    body: ApprovalRecord | RefusalRecord = entry.body
    if isinstance(body, ApprovalRecord):
        return Verdict(seq=entry.seq, ts_ns=entry.ts_ns, command=body.command, is_approved=True)
    return Verdict(
        seq=entry.seq,
        ts_ns=entry.ts_ns,
        command=body.command,
        is_approved=False,
        rule=body.rule,
        value=body.value,
        limit=body.limit,
        reason=body.reason,
    )


def _missing(history: OrderHistory) -> Iterator[str]:
    """Yield what an explained order has and this one lacks.

    A halt's order needs no decision; one that was found working has neither decision nor verdict here.
    """
    if history.order is None:
        yield "terms: no record of the order as it was made"
    by_halt = history.order is not None and is_by_kill_switch(history.order.body)
    if history.signal is None and not by_halt and not history.is_found:
        yield "signal: no decision with its correlation id"
    was_let_pass = any(isinstance(entry.body, ApprovalRecord) for entry in history.verdicts)
    if history.fills and not was_let_pass and not history.is_found:
        yield "verdict: filled, and no record that the gate let it pass"


def _steps(entries: Sequence[Entry]) -> Iterator[Step]:
    previous_ns: int | None = None
    for entry in entries:
        words = sentence(entry.body)
        yield Step(
            seq=entry.seq,
            ts_ns=entry.ts_ns,
            new_york=format_new_york(entry.ts_ns, places=NEW_YORK_PLACES),
            utc=format_utc(entry.ts_ns),
            kind=entry.kind,
            who=words.who,
            what=words.what,
            why=words.why,
            caused_by=entry.caused_by,
            since_previous_ns=None if previous_ns is None else entry.ts_ns - previous_ns,
            since_first_ns=entry.ts_ns - entries[0].ts_ns,
        )
        previous_ns = entry.ts_ns


def _touches(trip: RoundTrip, found: Found) -> bool:
    if found.trip_id is not None:
        return trip.trip_id == found.trip_id
    return not {history.client_order_id for history in found.orders}.isdisjoint(trip.orders)


def _trip_trace(trip: RoundTrip) -> TripTrace:
    return TripTrace(
        trip_id=trip.trip_id,
        strategy_id=trip.strategy_id,
        instrument_id=trip.instrument_id,
        side=trip.side,
        quantity=trip.quantity,
        open_quantity=trip.open_quantity,
        entry_ts_ns=trip.entry_ts_ns,
        exit_ts_ns=trip.exit_ts_ns,
        entry_price=trip.entry_price,
        exit_price=trip.exit_price,
        gross_usd=trip.gross_usd,
        fees_usd=trip.fees_usd,
        net_usd=trip.net_usd,
        entry_orders=trip.entry_orders,
        exit_orders=trip.exit_orders,
    )
