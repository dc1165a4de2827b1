"""One order that may still fill, counted at its worst from its approval to its end.

Until the broker answers a modification the larger of old and new counts (`risk.changes`). Of a spread
each leg counts until it has reported its own fills, so that a naked leg counts from the start. A canceled
order counts on for a grace period, because a fill may arrive after its cancel.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from risk.changes import Changes, Terms
from risk.intent import OrderIntent
from risk.snapshot import ZERO

MAX_PENDING_CHANGES = 16
"""Unanswered modifications of one order that are kept apart; the gate refuses a further one."""


class Reservation(msgspec.Struct):
    """Quantities are shares or contracts of the order, 0 or more; times ns UTC; made by `reserve`.

    `committed` is the most of the order that can have filled in the end, `highest_price` the highest at
    which it may fill, in USD a share (0: a market order). `quantity` at `price` is what the broker last
    reported, `pending` what else may work, now or once it has acted on what was sent. `leg_filled` has
    what each leg (of a stock or an option: the instrument itself) has reported, `paid_usd` the money.
    """

    intent: OrderIntent
    sign: int
    quantity: int
    committed: int
    price: Decimal | None
    highest_price: Decimal
    group_id: str | None
    filled: int
    pending: list[Terms] = []
    leg_filled: dict[str, int] = {}
    paid_usd: Decimal = ZERO
    is_open: bool = True
    is_cancel_pending: bool = False
    closed_at_ns: int | None = None
    changes: Changes | None = None
    is_trigger_moved: bool = False
    may_work_on: bool = False

    def remaining(self, instrument_id: str, ratio: int) -> int:
        """Shares or contracts of one leg that may still be added to its position."""
        left = self.committed * (ratio if ratio > 0 else -ratio) - self.leg_filled.get(instrument_id, 0)
        return left if left > 0 else 0

    def prices(self) -> list[Decimal]:
        """The prices at which the order may fill, acknowledged and requested; empty for a market order."""
        known = [price for _, price in self.pending if price is not None]
        if self.price is not None:
            known.append(self.price)
        return known

    def may_trigger_otherwise(self, intent: OrderIntent) -> bool:
        """Whether a modification has another trigger than the order; once moved, it is no longer known."""
        return self.is_trigger_moved or intent.trigger_price != self.intent.trigger_price

    def request(self, quantity: int, price: Decimal | None) -> None:
        """Count a modification to `quantity` in total at `price` that is sent to the broker now."""
        changes = self._changes()
        changes.request((quantity, price))
        self._take(changes)

    def withdraw(self) -> None:
        """Take the last requested modification back: it was not sent after all."""
        if self.changes is not None and self.is_open:
            self.changes.withdraw()
            self._take(self.changes)

    def accept(self, quantity: int, price: Decimal | None, ts_ns: int) -> None:
        """Take the broker's word of `ts_ns` that the order has `quantity` in total at `price`."""
        if not self.is_open:  # what it had at its end is not less than that
            self.quantity = max(self.quantity, quantity)
            self._recount()
            return
        changes = self._changes()
        changes.accept((quantity, price), ts_ns)
        self._take(changes)

    def reject_change(self, ts_ns: int) -> None:
        """Take the broker's refusal, of `ts_ns`, of some modification."""
        if self.changes is not None and self.is_open:
            self.changes.reject(ts_ns)
            self._take(self.changes)

    def fill(self, count: int) -> None:
        """Book `count` of the order as filled."""
        self.filled += count
        self._recount()

    def fill_leg(self, instrument_id: str, count: int, paid_usd: Decimal) -> None:
        """Book a leg's report of `count` filled, which paid `paid_usd` (negative: received)."""
        self.leg_filled[instrument_id] = self.leg_filled.get(instrument_id, 0) + count
        self.paid_usd += paid_usd

    def close(self, now_ns: int | None) -> None:
        """End the order; with the time of its end what is not filled goes on counting until `expire`."""
        self.quantity = self.committed
        self.pending.clear()
        self.is_open = False
        self.closed_at_ns = now_ns
        self._recount()

    def expire(self) -> None:
        """End the grace period of a closed order: from now on only what has filled counts."""
        self.closed_at_ns = None
        self._recount()

    def _changes(self) -> Changes:
        if self.changes is None:
            self.changes = Changes((self.quantity, self.price), 0)
        return self.changes

    def _take(self, changes: Changes) -> None:
        (self.quantity, self.price), *self.pending = changes.possible
        self._recount()

    def _recount(self) -> None:
        if not self.is_open:
            self.committed = self.quantity if self.closed_at_ns is not None else self.filled
            return
        self.committed = max(self.quantity, self.filled, *[quantity for quantity, _ in self.pending])
        self.highest_price = max(self.prices(), default=ZERO)


def reserve(intent: OrderIntent, filled: int = 0) -> Reservation:
    """Return the reservation of an order of which `filled` is done and the intent's quantity is open."""
    price, quantity = intent.price, intent.quantity + filled
    highest = ZERO if price is None else price
    reservation = Reservation(  # by position, for speed
        intent, intent.sign, quantity, quantity, price, highest, intent.group_id, filled
    )
    if filled:
        for leg in intent.terms.components:
            reservation.leg_filled[leg.terms.instrument_id] = filled * abs(leg.ratio)
    return reservation


def parent_of(intent: OrderIntent, orders: Mapping[str, Reservation]) -> Reservation | None:
    """Return the working order whose fill alone activates the intent, None when there is none.

    It must be of the same strategy and instrument, and of the other side.
    """
    parent = None if intent.protects_id is None else orders.get(intent.protects_id)
    if parent is None or not parent.is_open or parent.sign == intent.sign:
        return None
    same_owner = parent.intent.strategy_id == intent.strategy_id
    same_terms = parent.intent.terms.instrument_id == intent.terms.instrument_id
    return parent if same_owner and same_terms else None
