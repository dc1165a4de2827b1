"""One symbol, from ticks to commands and records, without any framework.

The shell feeds quotes and trades, calls `step` at its cadence and carries out what comes back; it tells
what became of the orders. Equal ticks and events give equal commands and records.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Literal, overload

import msgspec

from audit.events import DecisionRecord
from market.features import FeatureSnapshot, QuoteFeatures, Vwap, book_imbalance, book_microprice
from market.session_windows import SessionPhase, SessionWindow
from market.time import NS_PER_MS
from strategies.intents import Decision, Hold
from strategies.intraday.decision_log import Action, Asked, DecisionLog
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


SESSION_OVER = Step((), ())
"""Says that the session has closed: the shell must `await_session` the next."""
NO_WINDOW = SessionWindow(open_ns=0, ramp_end_ns=0, cutoff_ns=0, flat_ns=0, close_ns=0, no_trade_ns=())
"""Over before anything begins."""


class SavedState(msgspec.Struct, frozen=True, kw_only=True):
    """What of a symbol survives a restart. Positions and orders come from Nautilus' cache."""

    sequence: int
    pauses: PauseState


class SymbolTrader:
    """Features, lifecycle and log of one symbol under one decision function."""

    __slots__ = (
        "_decide",
        "_features",
        "_holding",
        "_interval_ns",
        "_is_new_session",
        "_is_paused",
        "_lifecycle",
        "_log",
        "_parameters",
        "_quote_age_max_ns",
        "_read_depth",
        "_shares_max",
        "_vwap",
        "_window",
        "decide_at_ns",
        "on_quote",
        "on_trade",
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
        self._interval_ns = parameters.decision_interval_ms * NS_PER_MS
        self._quote_age_max_ns = parameters.quote_age_ms_max * NS_PER_MS
        self._read_depth = read_depth
        self._shares_max = shares_max
        self._log = log
        self._features = QuoteFeatures(parameters.feature_settings())
        self.on_quote = self._features.on_quote  # called at every tick: bound once
        self._vwap = Vwap()
        self.on_trade = self._vwap.on_trade
        self._lifecycle = self._new_lifecycle()
        self._holding: Holding | None = FLAT  # None when it must be read anew; FLAT means idle
        self._window = NO_WINDOW
        self._is_new_session = True
        self._is_paused = False
        self.decide_at_ns = 0
        """The next instant, in ns UTC, at which `step` has something to do."""

    def _new_lifecycle(self) -> Lifecycle:
        return Lifecycle(self._parameters, ids=self._log.ids, shares_max=self._shares_max)

    @property
    def instrument_id(self) -> str:
        """The id of the symbol's instrument."""
        return self._log.instrument_id

    @property
    def is_idle(self) -> bool:
        """Whether nothing is held, works or is wanted."""
        return self._lifecycle.is_idle

    # Deciding ------------------------------------------------------------------------------------------

    def await_session(self, window: SessionWindow) -> None:
        """Sleep until `window` opens; the market seen before is then forgotten."""
        self._window = window
        self._is_new_session = True
        self.decide_at_ns = window.open_ns

    def step(self, now_ns: int) -> Step | None:
        """Do what is due at `now_ns` (ns UTC); None when nothing came of it, `SESSION_OVER` at the close.

        Raises whatever the decision function raises; nothing has changed then.
        """
        window = self._window
        if now_ns >= window.close_ns:
            return SESSION_OVER
        self.decide_at_ns = now_ns + self._interval_ns
        if self._is_new_session or self._is_paused:
            return self._wake_up(now_ns)
        phase = window.phase(now_ns)
        holding = self._current_holding() if self._holding is None else self._holding
        if holding is not FLAT:
            return self._tend(holding, self._moment(now_ns, phase))
        if phase is not SessionPhase.TRADING or self._lifecycle.is_standing_down:
            return None
        features = self._snapshot(now_ns)
        if features is None:
            return None
        decision = self._decide(features, FLAT, self._parameters)
        if type(decision.intent) is Hold and decision.intent.signal is None:  # by far the most frequent
            self._lifecycle.pauses.lapse()
            return None
        return self._follow(Asked(decision, features), self._moment(now_ns, phase))

    def _wake_up(self, now_ns: int) -> Step | None:
        """Begin the session at its first instant; before it, and while paused, sleep on."""
        if now_ns < self._window.open_ns:
            self.decide_at_ns = self._window.open_ns
        elif not self._is_paused:
            self._is_new_session = False
            self._features.reset()
            self._vwap.reset()
            if self._holding is not FLAT:
                return self.step(now_ns)
        return None

    def _tend(self, holding: Holding, moment: Moment) -> Step | None:
        """Do what time demands of open orders and positions, and what the decision function asks for.

        It is asked first: if it raises, no command has been made that nobody would send.
        """
        features = None if self._lifecycle.is_standing_down else self._snapshot(moment.now_ns)
        decision = None if features is None else self._decide(features, holding, self._parameters)
        due = self._demanded(moment)
        if features is None or decision is None:
            return due
        return _joined(due, self._follow(Asked(decision, features), moment))

    def _demanded(self, moment: Moment) -> Step | None:
        commands = tuple(self._lifecycle.advance(moment))
        if not commands:
            return None
        self._holding = None
        return Step(tuple(self._log.sent(command, moment.now_ns) for command in commands), commands)

    def _follow(self, asked: Asked, moment: Moment) -> Step | None:
        """Put the intent of a decision to the lifecycle."""
        decision = asked.decision
        intent = decision.intent
        if isinstance(intent, Hold):
            return None if intent.signal is None else self._suppress(asked, decision.reason)
        commands = self._lifecycle.request(intent, decision.reason, moment)
        if isinstance(commands, Suppressed):
            return self._suppress(asked, commands.reason)
        self._holding = None
        if not commands:
            return None
        records = tuple(self._log.sent(command, moment.now_ns, asked) for command in commands)
        return Step(records, tuple(commands))

    def _suppress(self, asked: Asked, reason: str) -> Step | None:
        record = self._log.suppressed(asked, reason)
        return None if record is None else Step((record,), ())

    def _snapshot(self, now_ns: int) -> FeatureSnapshot | None:
        depth = None if self._read_depth is None else self._read_depth()
        if depth is None:
            return self._features.snapshot(now_ns, vwap=self._vwap.value)
        bids, asks = depth
        levels = self._parameters.book_levels
        imbalance = book_imbalance([size for _, size in bids], [size for _, size in asks], levels)
        return self._features.snapshot(
            now_ns,
            vwap=self._vwap.value,
            book_imbalance=imbalance,
            book_microprice=book_microprice(bids, asks, levels),
        )

    def _current_holding(self) -> Holding:
        self._holding = holding = self._lifecycle.holding()
        return holding

    def _moment(self, now_ns: int, phase: SessionPhase) -> Moment:
        features = self._features
        is_fresh = features.is_valid and now_ns - features.ts_ns <= self._quote_age_max_ns
        bid, ask = (features.bid, features.ask) if is_fresh else (0.0, 0.0)
        return Moment(now_ns, phase, self._window.open_ns, bid, ask)

    def stand_down(self, now_ns: int) -> Step | None:
        """Enter nothing any more and return what closes all that is open."""
        self._lifecycle.stand_down()
        return self._demanded(self._moment(now_ns, self._window.phase(now_ns)))

    def fail(self, error: Exception, now_ns: int) -> Step:
        """Stand down because the decision function raised `error`, and put that on record."""
        return _joined(Step((self._log.failed(error, now_ns),), ()), self.stand_down(now_ns))

    def pause(self) -> None:
        """Enter nothing any more, and do nothing until `unpause`: somebody else closes what is open."""
        self._lifecycle.stand_down()
        self._is_paused = True

    def unpause(self) -> None:
        """Look after what is left."""
        self._is_paused = False
        self._look_again()

    # What became of orders; most of it makes the next tick a decision ----------------------------------

    def on_accepted(self, correlation_id: str) -> None:
        """The venue works the order."""
        self._lifecycle.on_accepted(correlation_id)

    def on_updated(self, correlation_id: str, *, quantity: int, limit_price: Decimal | None) -> None:
        """The order works for `quantity` shares, filled ones included, at `limit_price` USD now."""
        self._lifecycle.on_updated(correlation_id, quantity=quantity, limit_price=limit_price)
        self._holding = None

    def on_fill(self, correlation_id: str | None, fill: Fill) -> None:
        """Count a fill, also one of an order that is not known (None)."""
        self._lifecycle.on_fill(correlation_id, fill)
        self._look_again()

    def on_ended(self, correlation_id: str, ts_ns: int) -> None:
        """The order was cancelled or expired at `ts_ns` (ns UTC)."""
        self._lifecycle.on_ended(correlation_id, ts_ns)
        self._look_again()

    def on_order_refused(
        self, correlation_id: str, reason: str, ts_ns: int, *, refused_by: str
    ) -> DecisionRecord | None:
        """The order was denied or rejected; returns the record, None for an order that ended before."""
        order = self._lifecycle.live_order(correlation_id)
        if order is None:
            return None
        self._lifecycle.on_refused(correlation_id, ts_ns)
        self._look_again()
        action: Action = "enter" if order.purpose == "entry" else "exit"
        return self._log.refused(order, action, reason, ts_ns, refused_by=refused_by)

    def on_request_refused(
        self, correlation_id: str, action: Literal["replace", "cancel"], ts_ns: int, *, refused_by: str
    ) -> DecisionRecord | None:
        """A replace or cancel was refused; returns the record, None for an order that ended before."""
        order = self._lifecycle.live_order(correlation_id)
        if order is None:
            return None
        if action == "replace":
            self._lifecycle.on_reprice_refused(correlation_id)
        else:
            self._lifecycle.on_cancel_refused(correlation_id)
        self._look_again()
        return self._log.refused(order, action, f"{action}_rejected", ts_ns, refused_by=refused_by)

    def _look_again(self) -> None:
        self._holding = None
        self.decide_at_ns = 0

    # Restarts ------------------------------------------------------------------------------------------

    def adopt(self, shares: int, *, average_price: float, opened_ns: int) -> None:
        """Take over a position found at start-up: signed shares, USD a share, ns UTC."""
        self._lifecycle.adopt(shares, average_price=average_price, opened_ns=opened_ns)
        self._look_again()

    def begin_again(self) -> None:
        """Forget position and orders, which changed unseen; pauses stay."""
        pauses = self._lifecycle.pauses.state()
        self._lifecycle = self._new_lifecycle()
        self._lifecycle.pauses.restore(pauses)
        self._look_again()

    def reset(self) -> None:
        """Forget everything, as before a new backtest."""
        self._log.reset()
        self._lifecycle = self._new_lifecycle()
        self._holding = FLAT
        self._is_paused = False
        self.await_session(NO_WINDOW)

    def saved_state(self) -> SavedState:
        """Return what must survive a restart."""
        return SavedState(sequence=self._log.ids.sequence, pauses=self._lifecycle.pauses.state())

    def restore(self, state: SavedState) -> None:
        """Take over what survived a restart."""
        self._log.ids.sequence = max(self._log.ids.sequence, state.sequence)
        self._lifecycle.pauses.restore(state.pauses)


@overload
def _joined(first: Step, second: Step | None) -> Step: ...
@overload
def _joined(first: Step | None, second: Step | None) -> Step | None: ...
def _joined(first: Step | None, second: Step | None) -> Step | None:
    if first is None or second is None:
        return first or second
    return Step(first.records + second.records, first.commands + second.commands)
