"""The life of one symbol, FLAT -> ENTERING -> OPEN -> EXITING -> FLAT, as a pure state machine.

Order events only update what is known; commands come out of `request` (the decision wants something)
and `advance` (time or the session demands something). So a fill or a denial that arrives while a
command is being sent cannot recurse, and a replay gives the same commands.

Promises, held by property tests over random event streams:

- one entry works at a time, only in phase TRADING, and never more than `shares_max` shares;
- the exits that work never add up to more than is held: a late fill of a cancelled entry is exited
  afterwards, and an exit that a late fill made too large is withdrawn;
- at most `replaces_per_minute_max` replaces in any minute;
- what is held when the session ends, when the strategy stands down, or on the wrong side is exited, and
  an exit that does not fill is worked to the market (`strategies.intraday.exits`).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

import msgspec

from market.session_windows import SessionPhase
from market.time import NS_PER_MS
from strategies.intents import Cancel, Enter, Exit, Intent, Replace, Side
from strategies.intraday.correlation import CorrelationIds
from strategies.intraday.exits import Exits
from strategies.intraday.holding import FLAT, Holding
from strategies.intraday.moment import Moment
from strategies.intraday.orders import Command, OrderState, WorkingOrder
from strategies.intraday.parameters import IntradayParameters
from strategies.intraday.pauses import Pauses, ReplaceRate
from strategies.intraday.position import Fill, Position
from strategies.intraday.pricing import entry_price, on_grid


class State(StrEnum):
    """Where a symbol stands."""

    FLAT = "flat"
    ENTERING = "entering"
    OPEN = "open"
    EXITING = "exiting"


class Suppressed(msgspec.Struct, frozen=True):
    """An intent that was not sent, and why (a stable snake_case word)."""

    reason: str


class Lifecycle:
    """One symbol's position and working orders, and every rule about when to send what."""

    __slots__ = (
        "_entered_side",
        "_ids",
        "_parameters",
        "_rate",
        "_shares_max",
        "entry",
        "exits",
        "is_standing_down",
        "pauses",
        "position",
    )

    def __init__(self, parameters: IntradayParameters, *, ids: CorrelationIds, shares_max: int) -> None:
        self._parameters = parameters
        self._ids = ids
        self._shares_max = shares_max
        self._rate = ReplaceRate(parameters.replaces_per_minute_max)
        self._entered_side: Side | None = None
        self.position = Position()
        self.entry: WorkingOrder | None = None
        self.exits = Exits(parameters, ids=ids, rate=self._rate)
        self.pauses = Pauses(parameters)
        self.is_standing_down = False

    @property
    def state(self) -> State:
        """Where the symbol stands now."""
        if self.exits.is_under_way:
            return State.EXITING
        if self.entry is not None:
            return State.ENTERING
        return State.OPEN if self.position.shares else State.FLAT

    @property
    def is_idle(self) -> bool:
        """Whether nothing is held, works or is wanted, so that time alone demands nothing."""
        return self.entry is None and not self.position.shares and not self.exits.is_under_way

    def holding(self) -> Holding:
        """Return what a decision may know of it; `FLAT` itself when idle."""
        if self.is_idle:
            return FLAT
        position, entry = self.position, self.entry
        return Holding(
            shares=position.shares,
            average_price=position.average_price,
            opened_ns=position.opened_ns,
            entry_side=entry.side if entry else None,
            entry_price=entry.limit_price if entry else None,
            entry_sent_ns=entry.sent_ns if entry else 0,
            is_exiting=self.exits.is_under_way,
        )

    def stand_down(self) -> None:
        """Enter nothing any more; `advance` withdraws the entry and exits what is held."""
        self.is_standing_down = True

    def adopt(self, shares: int, *, average_price: float, opened_ns: int) -> None:
        """Take over a position found at start-up: signed shares, USD a share, ns UTC."""
        self.position = Position(shares, average_price, opened_ns)
        self._entered_side = None if not shares else "buy" if shares > 0 else "sell"

    # What the decision wants ---------------------------------------------------------------------------

    def request(self, intent: Intent, reason: str, moment: Moment) -> Sequence[Command] | Suppressed:
        """Return the commands that carry out `intent`, or why it is suppressed.

        No commands means that nothing needs to be sent: a `Hold`, a request that is already under way, a
        replace at the same price.
        """
        if isinstance(intent, Enter):
            return self._enter(intent, reason, moment)
        if isinstance(intent, Replace):
            return self._replace(intent, reason, moment)
        if isinstance(intent, Cancel):
            return self._cancel(reason, moment)
        if isinstance(intent, Exit):
            return self._exit(intent, reason, moment)
        return ()

    def _enter(self, enter: Enter, reason: str, moment: Moment) -> Sequence[Command] | Suppressed:
        refusal = self._entry_refusal(enter, moment)
        if refusal is not None:
            return Suppressed(refusal)
        self.pauses.use(enter.side)
        self._entered_side = enter.side
        self.entry = WorkingOrder(
            correlation_id=self._ids.next(moment.now_ns),
            purpose="entry",
            side=enter.side,
            quantity=enter.quantity,
            limit_price=self._entry_price(enter, moment),
            sent_ns=moment.now_ns,
            priced_ns=moment.now_ns,
        )
        return (self.entry.placed(reason, "day" if enter.style == "passive" else "ioc"),)

    def _entry_refusal(self, enter: Enter, moment: Moment) -> str | None:
        return (
            self._standing_refusal(moment)
            or self._size_refusal(enter)
            or (None if moment.is_priced and moment.bid < moment.ask else "no_valid_quote")
            or self.pauses.reason(enter.side, moment.now_ns)
        )

    def _standing_refusal(self, moment: Moment) -> str | None:
        if self.is_standing_down:
            return "standing_down"
        if moment.phase is not SessionPhase.TRADING:
            return "outside_session_window"
        if self.exits.is_under_way:
            return "exit_in_progress"
        if self.entry is not None:
            return "entry_already_working"
        return "position_already_open" if self.position.shares else None

    def _size_refusal(self, enter: Enter) -> str | None:
        if enter.side == "sell" and not self._parameters.allow_short:
            return "short_not_allowed"
        return None if 1 <= enter.quantity <= self._shares_max else "quantity_out_of_bounds"

    def _entry_price(self, enter: Enter, moment: Moment) -> Decimal:
        if enter.limit_price is not None:
            return on_grid(enter.limit_price, enter.side)
        offset = self._parameters.marketable_offset_ticks
        return entry_price(enter.side, enter.style, bid=moment.bid, ask=moment.ask, offset_ticks=offset)

    def _replace(self, replace: Replace, reason: str, moment: Moment) -> Sequence[Command] | Suppressed:
        entry = self.entry
        if entry is None:
            return Suppressed("nothing_to_replace")
        if moment.phase is not SessionPhase.TRADING:
            return Suppressed("outside_session_window")
        price = on_grid(replace.limit_price, entry.side)
        is_leaving = self.exits.is_under_way or self.is_standing_down
        if is_leaving or not entry.is_settled or price == entry.limit_price:
            return ()
        now_ns = moment.now_ns
        if now_ns - entry.priced_ns < self._retry_ns or not self._rate.allows(now_ns):
            return Suppressed("replace_rate")
        self._rate.count(now_ns)
        return (entry.repriced(price, now_ns=now_ns, reason=reason),)

    def _cancel(self, reason: str, moment: Moment) -> Sequence[Command] | Suppressed:
        if self.entry is None:
            return Suppressed("nothing_to_cancel")
        if not self.entry.may_withdraw(moment.now_ns, retry_ns=self._retry_ns):
            return ()
        return (self.entry.withdrawn(now_ns=moment.now_ns, reason=reason),)

    def _exit(self, intent: Exit, reason: str, moment: Moment) -> Sequence[Command] | Suppressed:
        if not self.position.shares:
            return Suppressed("nothing_to_exit") if self.entry is None else self._cancel(reason, moment)
        self.exits.demand(reason, intent.style, moment.now_ns)
        return self.advance(moment)

    @property
    def _retry_ns(self) -> int:
        return self._parameters.replace_interval_ms * NS_PER_MS

    # What time and the session demand ---------------------------------------------------------------

    def advance(self, moment: Moment) -> Sequence[Command]:
        """Return what is due at `moment`: entries to withdraw, exits to begin or to work."""
        if self.is_idle:
            return ()
        if self.position.shares:
            reason = self._forced_exit_reason(moment)
            if reason is not None:
                self.exits.demand(reason, "marketable", moment.now_ns)
        withdrawal = self._tend_entry(moment)
        exits = self.exits.tend(self.position, moment, entry_works=self.entry is not None)
        return (*withdrawal, *exits)

    def _forced_exit_reason(self, moment: Moment) -> str | None:
        shares = self.position.shares
        if moment.phase is SessionPhase.FLATTEN:
            return "flat_before_close"
        if self.is_standing_down:
            return "standing_down"
        if moment.phase is not SessionPhase.CLOSED and self.position.opened_ns < moment.session_open_ns:
            return "left_from_earlier_session"
        if self._entered_side != ("buy" if shares > 0 else "sell"):
            return "unintended_position"
        if shares < 0 and not self._parameters.allow_short:
            return "short_not_allowed"
        return "position_above_limit" if abs(shares) > self._shares_max else None

    def _tend_entry(self, moment: Moment) -> Sequence[Command]:
        entry = self.entry
        if entry is None or not entry.may_withdraw(moment.now_ns, retry_ns=self._retry_ns):
            return ()
        reason = self._withdrawal_reason(entry, moment)
        return () if reason is None else (entry.withdrawn(now_ns=moment.now_ns, reason=reason),)

    def _withdrawal_reason(self, entry: WorkingOrder, moment: Moment) -> str | None:
        if self.exits.request is not None:
            return self.exits.request.reason
        if self.is_standing_down:
            return "standing_down"
        if moment.phase is not SessionPhase.TRADING:
            return "outside_session_window"
        if moment.now_ns - entry.sent_ns >= self._parameters.entry_timeout_ms * NS_PER_MS:
            return "entry_timeout"
        return None

    # What the venue reports ------------------------------------------------------------------------

    def on_accepted(self, correlation_id: str) -> None:
        """The venue works the order."""
        order = self.live_order(correlation_id)
        if order is not None:
            self.pauses.accept()
            if order.state is OrderState.SENT:
                order.state = OrderState.WORKING

    def on_fill(self, correlation_id: str | None, fill: Fill) -> None:
        """Shares were bought or sold; counted also for an order that is no longer known."""
        was_held = self.position.shares != 0
        self.position.apply(fill)
        if was_held and not self.position.shares:
            self.pauses.cool_down(fill.ts_ns)
        order = self.live_order(correlation_id)
        if order is not None:
            order.filled += fill.quantity
            if order.remaining <= 0:
                self._end(order, fill.ts_ns)
        self._settle()

    def on_ended(self, correlation_id: str, ts_ns: int) -> None:
        """The order was cancelled or expired at `ts_ns`; what it filled stays counted."""
        order = self.live_order(correlation_id)
        if order is not None:
            self._end(order, ts_ns)
            self._settle()

    def on_refused(self, correlation_id: str, ts_ns: int) -> None:
        """The order was denied by a limit of ours or rejected by the venue: back off."""
        order = self.live_order(correlation_id)
        if order is None:
            return
        if order.purpose == "entry":
            self.entry = None
            self.pauses.back_off(ts_ns)
        else:
            self.exits.on_refused(order, ts_ns)
        self._settle()

    def on_updated(self, correlation_id: str, *, quantity: int, limit_price: Decimal | None) -> None:
        """The order works for `quantity` shares, filled ones included, at `limit_price` now."""
        order = self.live_order(correlation_id)
        if order is not None:
            order.quantity, order.limit_price = quantity, limit_price
            if order.state is OrderState.REPLACING:
                order.state = OrderState.WORKING

    def on_reprice_refused(self, correlation_id: str) -> None:
        """The order keeps its old price; an exit goes to the market instead."""
        order = self.live_order(correlation_id)
        if order is not None and order.state is OrderState.REPLACING:
            order.state = OrderState.WORKING
            if order.purpose == "exit":
                self.exits.on_reprice_refused()

    def on_cancel_refused(self, correlation_id: str) -> None:
        """The order still works; `advance` asks again after a while if it must still go."""
        order = self.live_order(correlation_id)
        if order is not None and order.state is OrderState.CANCELLING:
            order.state = OrderState.WORKING

    def live_order(self, correlation_id: str | None) -> WorkingOrder | None:
        """Return the entry or exit of this id if it has not ended."""
        for order in (self.entry, self.exits.order):
            if order is not None and order.correlation_id == correlation_id:
                return order
        return None

    def _end(self, order: WorkingOrder, now_ns: int) -> None:
        if order.purpose == "exit":
            self.exits.order = None
            return
        self.entry = None
        if not order.filled:
            self.pauses.cool_down(now_ns)

    def _settle(self) -> None:
        """Want no exit any more when nothing is held and no entry can fill."""
        if not self.position.shares and self.entry is None:
            self.exits.request = None
