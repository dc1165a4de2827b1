"""Closing a position: one exit order at a time, worked towards the market until the position is gone.

A passive exit rests at the best price of its own side; when it does not fill it is repriced through the
opposite best price, each time deeper, and at last withdrawn and replaced by a market order. A refused
exit is tried again for as long as shares are held and the exchange is open: a position is never trapped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from market.session_windows import SessionPhase
from market.time import NS_PER_MS
from strategies.intents import ExitStyle, Side
from strategies.intraday.correlation import CorrelationIds
from strategies.intraday.moment import Moment
from strategies.intraday.orders import Command, WorkingOrder
from strategies.intraday.parameters import IntradayParameters
from strategies.intraday.pauses import ReplaceRate
from strategies.intraday.position import Position
from strategies.intraday.pricing import exit_price

_START_LEVEL: dict[ExitStyle, int] = {"passive": 0, "marketable": 1, "market": 1}


@dataclass(slots=True, kw_only=True)
class ExitRequest:
    """A position that must go.

    `level` says how deep the next limit reaches (0 is passive), `is_overdue` that it should be worked at
    once, without the usual patience.
    """

    reason: str
    since_ns: int
    level: int
    to_market: bool
    reprices: int = 0
    is_overdue: bool = False


class Exits:
    """The exit order of one symbol, and the request that it serves."""

    __slots__ = ("_ids", "_not_before_ns", "_parameters", "_rate", "order", "request")

    def __init__(self, parameters: IntradayParameters, *, ids: CorrelationIds, rate: ReplaceRate) -> None:
        self._parameters = parameters
        self._ids = ids
        self._rate = rate
        self._not_before_ns = 0
        self.order: WorkingOrder | None = None
        self.request: ExitRequest | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether an exit is wanted or still works."""
        return self.order is not None or self.request is not None

    def demand(self, reason: str, style: ExitStyle, now_ns: int) -> None:
        """Ask for the position to go; a second demand counts only if it is more urgent."""
        level, to_market = _START_LEVEL[style], style == "market"
        request = self.request
        if request is None:
            self.request = ExitRequest(reason=reason, since_ns=now_ns, level=level, to_market=to_market)
        elif not request.to_market and (to_market or level > request.level):
            request.level, request.to_market, request.is_overdue = level, to_market, True

    def tend(self, position: Position, moment: Moment, *, entry_works: bool) -> Sequence[Command]:
        """Return what is due: the exit to place, to move or to withdraw."""
        if self.order is not None:
            return self._work(self.order, position, moment)
        request = self.request
        if request is None or not position.shares or not self._may_place(request, moment, entry_works):
            return ()
        side = position.closing_side
        self.order = WorkingOrder(
            correlation_id=self._ids.next(moment.now_ns),
            purpose="exit",
            side=side,
            quantity=abs(position.shares),
            limit_price=None if request.to_market else self._price(side, request.level, moment),
            sent_ns=moment.now_ns,
            priced_ns=moment.now_ns,
        )
        return (self.order.placed(request.reason, "day"),)

    def _may_place(self, request: ExitRequest, moment: Moment, entry_works: bool) -> bool:
        if moment.phase is SessionPhase.CLOSED or moment.now_ns < self._not_before_ns:
            return False
        wait_ns = self._parameters.entry_cancel_wait_ms * NS_PER_MS
        return not entry_works or moment.now_ns - request.since_ns >= wait_ns

    def _work(self, order: WorkingOrder, position: Position, moment: Moment) -> Sequence[Command]:
        now_ns = moment.now_ns
        if order.remaining > _closable_shares(position, order.side):
            return self._withdraw(order, now_ns, "exit_exceeds_position")
        request = self.request
        if request is None or order.limit_price is None or not order.is_settled:
            return ()
        patience_ns = self._parameters.exit_reprice_ms * NS_PER_MS
        if not request.is_overdue and now_ns - order.priced_ns < patience_ns:
            return ()
        price = self._next_price(order.side, request, moment)
        if price is None:
            request.to_market = True
            return self._withdraw(order, now_ns, "exit_to_market")
        if price == order.limit_price:
            order.priced_ns = now_ns
            return ()
        self._rate.count(now_ns)
        return (order.repriced(price, now_ns=now_ns, reason="exit_repriced"),)

    def _next_price(self, side: Side, request: ExitRequest, moment: Moment) -> Decimal | None:
        """Return the next, deeper limit; None when it is time for a market order."""
        exhausted = request.reprices >= self._parameters.exit_reprices_max
        if request.to_market or exhausted or not self._rate.allows(moment.now_ns):
            return None
        request.reprices += 1
        if not request.is_overdue:  # an overdue request already carries its level
            request.level += 1
        request.is_overdue = False
        return self._price(side, request.level, moment)

    def _price(self, side: Side, level: int, moment: Moment) -> Decimal | None:
        if not moment.is_priced:
            return None
        offset = self._parameters.marketable_offset_ticks
        return exit_price(side, level=level, bid=moment.bid, ask=moment.ask, offset_ticks=offset)

    def _withdraw(self, order: WorkingOrder, now_ns: int, reason: str) -> Sequence[Command]:
        if not order.may_withdraw(now_ns, retry_ns=self._parameters.replace_interval_ms * NS_PER_MS):
            return ()
        return (order.withdrawn(now_ns=now_ns, reason=reason),)

    def on_refused(self, order: WorkingOrder, ts_ns: int) -> None:
        """The exit was denied or rejected: try again after a pause, as a market order if it was a limit."""
        self.order = None
        self._not_before_ns = ts_ns + self._parameters.rejection_backoff_ms * NS_PER_MS
        if self.request is not None:
            self.request.to_market = order.limit_price is not None

    def on_reprice_refused(self) -> None:
        """The exit keeps its old price: go to the market instead."""
        if self.request is not None:
            self.request.to_market = self.request.is_overdue = True


def _closable_shares(position: Position, side: Side) -> int:
    held = position.shares
    return max(held if side == "sell" else -held, 0)
