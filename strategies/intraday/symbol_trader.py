"""One symbol, from ticks to commands and records, without any framework.

The shell feeds quotes and trades, calls `step` at its cadence and carries out what comes back; it tells
the lifecycle what became of the orders. Equal ticks and events give equal commands and records.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec

from audit.events import DecisionRecord
from market.features import FeatureSnapshot, QuoteFeatures, Vwap, book_imbalance, book_microprice
from market.session_windows import SessionPhase, SessionWindow
from market.time import NS_PER_MS
from strategies.intents import Decision, Hold
from strategies.intraday.decision_log import Action, DecisionLog
from strategies.intraday.holding import FLAT, Holding
from strategies.intraday.lifecycle import Lifecycle, Suppressed
from strategies.intraday.moment import Moment
from strategies.intraday.orders import Command
from strategies.intraday.parameters import IntradayParameters
from strategies.intraday.pauses import PauseState
from strategies.intraday.position import Fill

Levels = Sequence[tuple[float, float]]
"""(price in USD, shares) of one side of a book, best first."""
ReadDepth = Callable[[], tuple[Levels, Levels] | None]
"""Returns bids and asks, or None when there is no usable book."""
Decide = Callable[[FeatureSnapshot, Holding, Any], Decision]
"""A decision function; its third argument is its own `Parameters`."""


class Step(msgspec.Struct, frozen=True):
    """What a step gave: records to publish, then commands to carry out."""

    records: tuple[DecisionRecord, ...]
    commands: tuple[Command, ...]


class SavedState(msgspec.Struct, frozen=True, kw_only=True):
    """What of a symbol survives a restart. Positions and orders come from Nautilus' cache."""

    sequence: int
    pauses: PauseState


class SymbolTrader:
    """Features, lifecycle and log of one symbol under one decision function."""

    __slots__ = (
        "_decide",
        "_ids",
        "_interval_ns",
        "_parameters",
        "_quote_age_max_ns",
        "_read_depth",
        "_shares_max",
        "decide_at_ns",
        "features",
        "lifecycle",
        "log",
        "on_quote",
        "vwap",
    )

    def __init__(
        self,
        decide: Decide,
        parameters: IntradayParameters,
        *,
        log: DecisionLog,
        shares_max: int,
        read_depth: ReadDepth | None = None,
    ) -> None:
        self._decide = decide
        self._parameters = parameters
        self._ids = log.ids
        self._interval_ns = parameters.decision_interval_ms * NS_PER_MS
        self._quote_age_max_ns = parameters.quote_age_ms_max * NS_PER_MS
        self._read_depth = read_depth
        self._shares_max = shares_max
        self.log = log
        self.features = QuoteFeatures(parameters.feature_settings())
        self.on_quote = self.features.on_quote  # called at every tick: bound once
        self.vwap = Vwap()
        self.lifecycle = self._new_lifecycle()
        self.decide_at_ns = 0
        """The next instant, in ns UTC, at which `step` has something to do."""

    @property
    def instrument_id(self) -> str:
        """The id of the symbol's instrument."""
        return self.log.instrument_id

    def start_session(self) -> None:
        """Forget the market of the day before; positions, orders and pauses stay."""
        self.features.reset()
        self.vwap.reset()
        self.decide_at_ns = 0

    def reset(self) -> None:
        """Forget everything, as before a new backtest."""
        self.start_session()
        self._ids.sequence = 0
        self.log.forget()
        self.lifecycle = self._new_lifecycle()

    def begin_again(self) -> None:
        """Forget position and orders, which changed unseen; pauses stay."""
        pauses = self.lifecycle.pauses.state()
        self.lifecycle = self._new_lifecycle()
        self.lifecycle.pauses.restore(pauses)

    def _new_lifecycle(self) -> Lifecycle:
        return Lifecycle(self._parameters, ids=self._ids, shares_max=self._shares_max)

    def step(self, now_ns: int, window: SessionWindow) -> Step | None:
        """Do what is due at `now_ns` (ns UTC); None when nothing came of it."""
        self.decide_at_ns = now_ns + self._interval_ns
        phase = window.phase(now_ns)
        if self.lifecycle.is_idle:
            if phase is not SessionPhase.TRADING:
                return None
            return self._ask(None, now_ns, window, phase)
        moment = self._moment(now_ns, window, phase)
        due = self.lifecycle.advance(moment)
        asked = self._ask(moment, now_ns, window, phase)
        if not due:
            return asked
        records = tuple(self.log.sent(command, now_ns) for command in due)
        if asked is None:
            return Step(records, tuple(due))
        return Step((*records, *asked.records), (*due, *asked.commands))

    def _ask(
        self, moment: Moment | None, now_ns: int, window: SessionWindow, phase: SessionPhase
    ) -> Step | None:
        """Ask the decision function and put its intent to the lifecycle."""
        features = None if self.lifecycle.is_standing_down else self._snapshot(now_ns)
        if features is None:
            return None
        decision = self._decide(features, self._holding(), self._parameters)
        intent = decision.intent
        if isinstance(intent, Hold):
            self.lifecycle.observe(intent)
            return None if intent.signal is None else self._suppress(decision, decision.reason, now_ns)
        if moment is None:
            moment = self._moment(now_ns, window, phase)
        commands = self.lifecycle.request(intent, decision.reason, moment)
        if isinstance(commands, Suppressed):
            return self._suppress(decision, commands.reason, now_ns)
        if not commands:
            return None
        records = tuple(self.log.sent(command, now_ns, decision) for command in commands)
        return Step(records, tuple(commands))

    def _suppress(self, decision: Decision, reason: str, now_ns: int) -> Step | None:
        record = self.log.suppressed(decision, reason, now_ns)
        return None if record is None else Step((record,), ())

    def _snapshot(self, now_ns: int) -> FeatureSnapshot | None:
        depth = None if self._read_depth is None else self._read_depth()
        if depth is None:
            return self.features.snapshot(now_ns, vwap=self.vwap.value)
        bids, asks = depth
        levels = self._parameters.book_levels
        imbalance = book_imbalance([size for _, size in bids], [size for _, size in asks], levels)
        return self.features.snapshot(
            now_ns,
            vwap=self.vwap.value,
            book_imbalance=imbalance,
            book_microprice=book_microprice(bids, asks, levels),
        )

    def _holding(self) -> Holding:
        lifecycle = self.lifecycle
        if lifecycle.is_idle:
            return FLAT
        position, entry = lifecycle.position, lifecycle.entry
        return Holding(
            shares=position.shares,
            average_price=position.average_price,
            opened_ns=position.opened_ns,
            entry_side=entry.side if entry else None,
            entry_price=entry.limit_price if entry else None,
            entry_sent_ns=entry.sent_ns if entry else 0,
            is_exiting=lifecycle.exits.is_under_way,
        )

    def _moment(self, now_ns: int, window: SessionWindow, phase: SessionPhase) -> Moment:
        features = self.features
        is_fresh = features.is_valid and now_ns - features.ts_ns <= self._quote_age_max_ns
        return Moment(
            now_ns=now_ns,
            phase=phase,
            session_open_ns=window.open_ns,
            bid=features.bid if is_fresh else 0.0,
            ask=features.ask if is_fresh else 0.0,
        )

    def stand_down(self, now_ns: int, window: SessionWindow) -> Step | None:
        """Enter nothing any more and return what closes all that is open."""
        self.lifecycle.stand_down()
        moment = self._moment(now_ns, window, window.phase(now_ns))
        commands = tuple(self.lifecycle.advance(moment))
        if not commands:
            return None
        return Step(tuple(self.log.sent(command, now_ns) for command in commands), commands)

    # What became of orders; each makes the next tick a decision -----------------------------------------

    def on_fill(self, correlation_id: str | None, fill: Fill) -> None:
        """Count a fill, also one of an order that is not known (None)."""
        self.lifecycle.on_fill(correlation_id, fill)
        self.decide_at_ns = 0

    def on_ended(self, correlation_id: str, ts_ns: int) -> None:
        """The order was cancelled or expired at `ts_ns` (ns UTC)."""
        self.lifecycle.on_ended(correlation_id, ts_ns)
        self.decide_at_ns = 0

    def on_order_refused(
        self, correlation_id: str, reason: str, ts_ns: int, *, refused_by: str
    ) -> DecisionRecord | None:
        """The order was denied or rejected; returns the record, None for an order that ended before."""
        order = self.lifecycle.live_order(correlation_id)
        if order is None:
            return None
        self.lifecycle.on_refused(correlation_id, ts_ns)
        self.decide_at_ns = 0
        action: Action = "enter" if order.purpose == "entry" else "exit"
        return self.log.refused(order, action, reason, ts_ns, refused_by=refused_by)

    def on_request_refused(
        self, correlation_id: str, action: Literal["replace", "cancel"], ts_ns: int, *, refused_by: str
    ) -> DecisionRecord | None:
        """A replace or cancel was refused; returns the record, None for an order that ended before."""
        order = self.lifecycle.live_order(correlation_id)
        if order is None:
            return None
        if action == "replace":
            self.lifecycle.on_reprice_refused(correlation_id)
        else:
            self.lifecycle.on_cancel_refused(correlation_id)
        self.decide_at_ns = 0
        return self.log.refused(order, action, f"{action}_rejected", ts_ns, refused_by=refused_by)

    # Restarts ------------------------------------------------------------------------------------------

    def saved_state(self) -> SavedState:
        """Return what must survive a restart."""
        return SavedState(sequence=self._ids.sequence, pauses=self.lifecycle.pauses.state())

    def restore(self, state: SavedState) -> None:
        """Take over what survived a restart."""
        self._ids.sequence = max(self._ids.sequence, state.sequence)
        self.lifecycle.pauses.restore(state.pauses)
