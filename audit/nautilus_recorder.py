"""Fills a journal from any Nautilus kernel: of a BacktestEngine, a BacktestNode or a TradingNode alike.

It listens on the message bus before everybody else, so that a record stands before what follows from
it, and is the recorder of the risk gate. A record that cannot be kept is told to `on_failure`, which halts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol

import msgspec
from nautilus_trader.common.enums import ComponentState
from nautilus_trader.model.enums import OrderStatus
from nautilus_trader.model.events import OrderFilled, OrderInitialized
from nautilus_trader.model.identifiers import ClientOrderId

from audit.causes import Causes, Trail
from audit.events import (
    DECISIONS_TOPIC,
    CheckpointRecord,
    DecisionRecord,
    NodeRecord,
    OpenedRecord,
)
from audit.nautilus_records import (
    event_record,
    fill_record,
    found_position,
    order_record,
    position_record,
)
from audit.nautilus_valuation import Valuation
from audit.projection import Projection
from market.time import NS_PER_MINUTE
from risk.nautilus_gate import Gate
from risk.nautilus_kill_switch import TAG as KILL_SWITCH_TAG
from risk.nautilus_order_tags import DECISION_TAG
from risk.records import (
    ApprovalRecord,
    BreakerChangeRecord,
    CommandRecord,
    ReadingRecord,
    Recorder,
    RefusalRecord,
    RiskRecord,
)

NodeState = Literal["started", "stopped", "connected", "disconnected", "reconciled", "recovered"]

FIRST = 2_000
"""Priority of the subscriptions: above the risk gate's, which acts on what it hears."""
_STATES: dict[int, NodeState] = {
    ComponentState.RUNNING: "started",
    ComponentState.STOPPED: "stopped",
}
_TRADER = "Trader"


class Appender(Protocol):
    """What a recorder needs of a journal."""

    @property
    def failure(self) -> str | None:
        """Why nothing is kept any more, None while it is."""

    def append(
        self,
        body: msgspec.Struct,
        *,
        ts_ns: int,
        correlation_id: str | None = None,
        caused_by: int | None = None,
        market_ns: int | None = None,
    ) -> int:
        """Take a record to be written and return its `seq`; raises when it cannot be kept."""


class JournalRecorder:
    """Records everything that one kernel decides and does, from now on.

    `target` is an engine, a node's kernel or a TradingNode. `beside` is told the gate's records too.
    `market_ns` gives the `ts_init` of the last market data taken in, where that has its own clock (live).
    `projection` is the state of the journal that is continued, by default that of an empty one; the
    recorder keeps it up to date, for checkpoints and for whoever wants to read it.
    """

    def __init__(
        self,
        target: Any,
        journal: Appender,
        *,
        beside: Recorder | None = None,
        market_ns: Callable[[], int | None] | None = None,
        projection: Projection | None = None,
    ) -> None:
        kernel = getattr(target, "kernel", target)
        self.on_failure: Callable[[str, int], None] | None = None
        self.projection = projection or Projection()
        self._journal = journal
        self._beside = beside
        self._market_ns = market_ns
        self._clock = kernel.clock
        self._cache = kernel.cache
        self._causes = Causes()
        self._valuation = Valuation(kernel.cache)
        self._next_minute_ns = 0
        bus = kernel.msgbus
        bus.subscribe(topic=DECISIONS_TOPIC, handler=self._on_decision, priority=FIRST)
        bus.subscribe(topic="events.order.*", handler=self._on_order_event, priority=FIRST)
        bus.subscribe(topic="events.position.*", handler=self._on_position_event, priority=FIRST)
        bus.subscribe(topic="events.system.*", handler=self._on_component, priority=FIRST)

    # -- Told by the node -------------------------------------------------------------------------

    @property
    def failure(self) -> str | None:
        """Why records are being lost, None while all are kept."""
        return self._journal.failure

    def open(self, record: OpenedRecord) -> None:
        """Record the node, its configuration and its versions: the first record of a node."""
        self._append(record)

    def note(
        self, state: Literal["connected", "disconnected", "reconciled", "recovered"], detail: str
    ) -> None:
        """Record what became of the node or of its connection to the broker."""
        self._append(NodeRecord(state=state, detail=detail))

    def guard(self, gate: Gate) -> None:
        """Have `gate` halt when a record is lost; record its breaker and what the node holds already.

        Call it after `open` and after the gate is installed.
        """
        self.on_failure = gate.supervisor.recording_failed
        gate.supervisor.on_look = self.look
        now = gate.keeper.account.breaker
        known = self.projection.breaker
        if known is None or (known.state, known.causes) != (now.state, now.causes):
            record = BreakerChangeRecord(
                ts_ns=now.changed_at_ns,
                before=now.state,
                after=now.state,
                causes=now.causes,
                by=now.changed_by,
                reason=now.reason,
            )
            self._guarded(self._append, record)
        self.adopt_cache()

    def adopt_cache(self) -> None:
        """Record open orders and positions that Nautilus' cache holds and no record speaks of yet.

        `guard` does it; a live node does it again when it has reconciled.
        """
        self._guarded(self._adopt, None)

    def _adopt(self, _nothing: None) -> None:
        for order in self._cache.orders_open() + self._cache.orders_inflight():
            if self._causes.trail(order.client_order_id.value) is None:
                self._order(order.init_event, order)
        for position in self._cache.positions_open():
            if position.id.value not in self.projection.book.positions:
                multiplier, _ = self._valuation.terms(position.instrument_id)
                self._append(found_position(position, multiplier=multiplier))

    def look(self, now_ns: int) -> None:
        """Record a checkpoint once a minute; cheap, for whoever looks at the account regularly."""
        if now_ns >= self._next_minute_ns:
            self._guarded(self._checkpoint, None)

    # -- Told by the gate -------------------------------------------------------------------------

    def on_order(self, order: Any) -> None:
        """Record an order before its verdict, unless its sender has announced it on the bus."""
        if self._causes.trail(order.client_order_id.value) is None:
            self._guarded(self._order, order.init_event)

    def record(self, entry: RiskRecord) -> None:
        """Record what the gate decides; raises when it cannot be kept."""
        if self._beside is not None:
            self._beside.record(entry)
        match entry:
            case ApprovalRecord():
                if entry.command == "cancel":
                    self._untold_requests(entry.client_order_ids)
                self._verdict(entry, entry.client_order_ids)
            case RefusalRecord():
                seq = self._verdict(entry, (entry.client_order_id,))
                self._causes.signalled("runaway", seq, self._clock.timestamp_ns())
            case ReadingRecord():
                self._reading(entry)
            case BreakerChangeRecord():
                self._append(entry, None, self._causes.signal(entry.by, self._clock.timestamp_ns()))
            case CommandRecord():  # pragma: no branch - the last of the union
                self._command(entry)

    def _verdict(self, entry: ApprovalRecord | RefusalRecord, order_ids: tuple[str, ...]) -> int:
        trails = self._causes.trails(order_ids)
        first = trails[0] if trails else Trail(None, None)
        seq = self._append(entry, first.correlation_id, first.request)
        for trail in trails:
            trail.request = seq
        return seq

    def _untold_requests(self, order_ids: tuple[str, ...]) -> None:
        """Record the requests of `Strategy.cancel_all_orders`, which Nautilus applies and tells nobody of."""
        for name in order_ids:
            known = self.projection.orders.get(name)
            if known is not None and known.status != "PENDING_CANCEL":
                order = self._cache.order(ClientOrderId(name))
                if order is not None and order.status == OrderStatus.PENDING_CANCEL:
                    self._order_event(order.last_event)

    def _reading(self, entry: ReadingRecord) -> None:
        now_ns = self._clock.timestamp_ns()
        seq = self._append(entry, None, self._causes.signal("fill", now_ns))
        self._causes.signalled(entry.trigger.partition(":")[0], seq, now_ns)

    def _command(self, entry: CommandRecord) -> None:
        seq = self._append(entry, None, self._causes.signal(entry.by, self._clock.timestamp_ns()))
        if entry.command == "flatten_start":
            self._causes.flattening(seq)

    # -- Heard on the bus -------------------------------------------------------------------------

    def _on_decision(self, decision: DecisionRecord) -> None:
        self._guarded(self._decision, decision)

    def _on_order_event(self, event: Any) -> None:
        self._guarded(self._order_event, event)

    def _on_position_event(self, event: Any) -> None:
        self._guarded(self._position_event, event)

    def _on_component(self, event: Any) -> None:
        state = _STATES.get(event.state)
        if state is not None and event.component_type == _TRADER:
            self._guarded(self._append, NodeRecord(state=state))

    def _guarded(self, handler: Callable[[Any], Any], message: Any) -> None:
        """Call `handler`; what it cannot record is told to `on_failure`, without which it is raised."""
        try:
            handler(message)
        except Exception as error:
            if self.on_failure is None:
                raise
            self.on_failure(f"{type(error).__name__}: {error}", self._clock.timestamp_ns())

    def _decision(self, decision: DecisionRecord) -> None:
        name = decision.correlation_id
        seq = self._append(decision, name, self._causes.before_decision(name))
        if decision.outcome == "sent":
            self._causes.decided(name, seq)

    def _order_event(self, event: Any) -> None:
        kind = type(event)
        if kind is OrderInitialized:
            self._order(event)
            return
        order_id = event.client_order_id.value
        trail = self._causes.trail(order_id) or self._unannounced(event)
        if kind is OrderFilled:
            self._fill(event, trail)
        else:
            record = event_record(event)
            seq = self._append(record, trail.correlation_id, trail.cause_of(record.event))
            trail.happened(record.event, seq)

    def _order(self, init: Any, found: Any = None) -> Trail:
        tags = init.tags or ()
        decision = next(
            (tag.removeprefix(DECISION_TAG) for tag in tags if tag.startswith(DECISION_TAG)), None
        )
        record = order_record(init, order=found)
        trail = self._causes.trail(record.client_order_id)  # known: what waited goes to the venue
        if trail is None:
            is_flattening = KILL_SWITCH_TAG in tags
            trail = self._causes.begin(record.client_order_id, decision, is_flattening=is_flattening)
        trail.request = self._append(record, decision, trail.request or trail.working)
        return trail

    def _unannounced(self, event: Any) -> Trail:
        """Record the order of an event that came without its beginning: one that the broker told of."""
        order = self._cache.order(ClientOrderId(event.client_order_id.value))
        return Trail(None, None) if order is None else self._order(order.init_event)  # None: a spread's leg

    def _fill(self, event: Any, trail: Trail) -> None:
        multiplier, is_combination = self._valuation.terms(event.instrument_id)
        record = fill_record(event, multiplier=multiplier, is_combination=is_combination)
        seq = self._append(record, trail.correlation_id, trail.cause_of_fill)
        self._causes.signalled("fill", seq, self._clock.timestamp_ns())
        if not is_combination and record.position_id is not None:
            self._causes.filled(record.position_id, seq, quantity=record.quantity, trail=trail)

    def _position_event(self, event: Any) -> None:
        multiplier, _ = self._valuation.terms(event.instrument_id)
        record = position_record(event, multiplier=multiplier)
        if record is None:
            return
        quantity = round(float(event.last_qty))
        correlation_id, fill = self._causes.position_moved(record.position_id, quantity)
        seq = self._append(record, correlation_id, fill)
        self._checkpoint(seq)

    # -- Inside -----------------------------------------------------------------------------------

    def _append(
        self, body: msgspec.Struct, correlation_id: str | None = None, caused_by: int | None = None
    ) -> int:
        now_ns = self._clock.timestamp_ns()
        seq = self._journal.append(
            body,
            ts_ns=now_ns,
            correlation_id=correlation_id,
            caused_by=caused_by,
            market_ns=None if self._market_ns is None else self._market_ns(),
        )
        self.projection.take(body, now_ns, correlation_id)
        return seq

    def _checkpoint(self, caused_by: int | None) -> None:
        """Record what has been earned, after the position record `caused_by` or as time goes by."""
        now_ns = self._clock.timestamp_ns()
        self._next_minute_ns = now_ns - now_ns % NS_PER_MINUTE + NS_PER_MINUTE
        book = self.projection.book
        held = book.open_positions
        mids = self._valuation.mids([each.instrument_id for each in held])
        self._append(
            CheckpointRecord(
                realized_usd=book.realized_usd,
                unrealized_usd=book.unrealized_usd(mids),
                fees_usd=book.fees_usd,
                cash_usd=self._valuation.cash_usd(),
                open_positions=len(held),
                working_orders=len(self.projection.working_orders),
            ),
            None,
            caused_by,
        )
