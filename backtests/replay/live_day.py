"""Replays a day that a live node recorded: its data, and what the broker and time told it, at their place.

The strategies run in a kernel with Nautilus' own data engine and cache and without a venue: their orders
go nowhere, and what became of them is taken from the journal, each event after the market data record
that it followed then. Orders are known by the decision that made them, never by their id. Nothing is
assumed about fills, and no clock runs: decisions depend on what was recorded alone. Where a node was
started again within the day, a new one takes over from there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from audit.events import (
    KIND_OF,
    AlertRecord,
    DecisionRecord,
    Entry,
    FillRecord,
    OpenedRecord,
    OrderEventRecord,
    OrderRecord,
    PositionRecord,
)
from backtests.replay.recorded_feed import recorded_feed
from backtests.replay.recorded_run import RecordedRun
from backtests.replay.replayed_node import ReplayedNode
from configs.profile import LoadedProfile
from strategies.intraday.correlation import correlation_id_of

INPUT_KINDS = ("opened", "node", "alert", "order", "order_event", "fill", "position")
"""Kinds of records that a replay of a live day is driven by."""

_END_NS = 2**63


class LiveReplay(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a replay in the journal's form: decisions, and what became of them; how much went in.

    `left_over` are events of orders that the replay did not send: it had parted before.
    """

    entries: tuple[Entry, ...]
    records: int
    events: int
    left_over: int

    @property
    def decisions(self) -> list[DecisionRecord]:
        """What was decided, in order."""
        return [entry.body for entry in self.entries if entry.kind == "decision"]


def replay_live_day(run: RecordedRun, loaded: LoadedProfile) -> LiveReplay:
    """Replay `run` under the profile `loaded`; raises what a decision function of it raises.

    A node that was started again later in the day has the profile that it was started with.
    """
    day = _Day(run, loaded)
    try:
        return day.replayed(recorded_feed(run.catalog))
    finally:
        day.close()


class _Day:
    """Feeds data records in order, and after each what the journal has at its place."""

    def __init__(self, run: RecordedRun, loaded: LoadedProfile) -> None:
        self._run = run
        self._inputs = tuple(run.entries(*INPUT_KINDS))
        self._next = 0
        self._correlation_of: dict[str, str | None] = {}  # by the recorded client order id
        self._entries: list[Entry] = []
        self._left_over = self._events = 0
        self._is_begun = False
        self._node = ReplayedNode(run, loaded, on_decision=self._on_decision)

    def replayed(self, feed: Iterable[Any]) -> LiveReplay:
        """Replay everything and return what was decided."""
        records = 0
        self._inject_until(None)
        for record in feed:
            self._inject_until(record.ts_init - 1)
            self._node.process(record)
            self._inject_until(record.ts_init)
            records += 1
        self._inject_until(_END_NS)
        return LiveReplay(
            entries=tuple(self._entries),
            records=records,
            events=self._events,
            left_over=self._left_over,
        )

    def close(self) -> None:
        """Free the last node."""
        self._node.close()

    def _inject_until(self, market_ns: int | None) -> None:
        """Take from the journal what came before any data (None), or not after the record of that time."""
        while self._next < len(self._inputs):
            entry = self._inputs[self._next]
            if entry.market_ns is not None and (market_ns is None or entry.market_ns > market_ns):
                return
            self._next += 1
            self._inject(entry)

    def _inject(self, entry: Entry) -> None:
        body = entry.body
        if isinstance(body, OpenedRecord):
            self._open(body)
        elif isinstance(body, AlertRecord):
            self._node.alert(body)
        elif isinstance(body, PositionRecord):
            if body.event == "found":
                self._node.take_over(body)
                self._keep(body, entry.ts_ns)
        elif isinstance(body, OrderRecord):
            self._inject_order(body, entry.ts_ns)
        elif isinstance(body, OrderEventRecord | FillRecord):
            self._inject_event(body, entry.ts_ns)

    def _inject_order(self, order: OrderRecord, ts_ns: int) -> None:
        is_found = order.found_status is not None  # sent by a node before: no decision of this replay
        decision = None if is_found else _decision_of(order)
        self._correlation_of[order.client_order_id] = decision
        if decision is None or self._node.has_order(decision):
            self._keep(order, ts_ns)

    def _inject_event(self, event: OrderEventRecord | FillRecord, ts_ns: int) -> None:
        told = self._node.order_event(event, self._correlation_of.get(event.client_order_id), ts_ns)
        self._events += told is True
        self._left_over += told is False
        if told is not False:
            self._keep(event, ts_ns)

    def _open(self, opened: OpenedRecord) -> None:
        """Begin the day, or go on with the node that was started after the last one."""
        if not self._is_begun:
            self._is_begun = True
            return
        self._node.close()
        run = self._run.opened_as(opened)
        self._node = ReplayedNode(run, run.loaded(), on_decision=self._on_decision)

    def _on_decision(self, decision: DecisionRecord) -> None:
        self._keep(decision, decision.ts_ns, decision.correlation_id)

    def _keep(self, body: msgspec.Struct, ts_ns: int, correlation_id: str | None = None) -> None:
        seq, kind = len(self._entries) + 1, KIND_OF[type(body)]
        self._entries.append(Entry(seq=seq, ts_ns=ts_ns, kind=kind, body=body, correlation_id=correlation_id))


def _decision_of(order: OrderRecord) -> str | None:
    return correlation_id_of(list(order.tags))
