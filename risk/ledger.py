"""The gate's own record of positions and reservations, so that no burst outruns the broker's answers.

An approved order is reserved at once, at its worst, and released by what ends it. A spread reserves
its legs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from decimal import Decimal

from risk.book import Book
from risk.intent import InstrumentTerms, Leg, OrderIntent
from risk.reservation import Reservation, parent_of, reserve
from risk.snapshot import ZERO, Exposure

MAX_REMEMBERED_FILLS = 100_000
"""Executions kept to recognise one that is reported twice."""


class Ledger:
    """Positions and reservations of one account. `grace_ns`: how long a canceled order still counts.

    `symbols` has for each symbol, held or working, the number of its instruments; `option_books` is
    how many of all instruments are options.
    """

    def __init__(self, *, grace_ns: int) -> None:
        self.books: dict[str, Book] = {}
        self.reservations: dict[str, Reservation] = {}
        self.symbols: dict[str, int] = {}
        self.option_books = 0
        self.grace_ns = grace_ns
        self._fills_seen: dict[tuple[str, str, str], None] = {}
        self._closing: deque[tuple[int, str]] = deque()
        self._lingering: set[str] = set()

    # -- Reading ----------------------------------------------------------------------------------

    @property
    def open_orders(self) -> int:
        """Orders sent and not yet finished."""
        return len(self.reservations) - len(self._lingering)

    def position(self, strategy_id: str, instrument_id: str) -> int:
        """Shares or contracts that the strategy holds, negative when short."""
        book = self.books.get(instrument_id)
        return 0 if book is None else book.positions.get(strategy_id, 0)

    def net(self, instrument_id: str) -> int:
        """Shares or contracts that the account holds, negative when short."""
        book = self.books.get(instrument_id)
        return 0 if book is None else book.net

    def closes(self, intent: OrderIntent, *, live_only: bool = False) -> bool:
        """Return whether every leg of the intent only closes what is held.

        It closes when it lowers the position of its own strategy or of the whole account, after every
        working order of its direction. With `live_only` those whose cancel is under way, or that were
        canceled within the grace period, do not stand in the way, nor what of a bracket's child sleeps.
        """
        for leg in intent.terms.components:
            book = self.books.get(leg.terms.instrument_id)
            if book is None:
                return False
            capacity = book.capacity(intent, leg.ratio, live_only=live_only)
            if capacity < self.adds(intent, leg.terms.instrument_id, leg.ratio):
                return False
        return True

    def adds(self, intent: OrderIntent, instrument_id: str, ratio: int) -> int:
        """Return the most that the intent may still add to one leg's position, 0 or more.

        Of a modification the larger of old and new, less what the leg has reported as filled.
        """
        reservation = self.reservations.get(intent.order_id)
        if reservation is None:
            return intent.quantity * (ratio if ratio > 0 else -ratio)
        wanted = (intent.quantity + reservation.filled) * abs(ratio)
        left = wanted - reservation.leg_filled.get(instrument_id, 0)
        return max(left, reservation.remaining(instrument_id, ratio))

    def exposure_after(self, intent: OrderIntent, instrument_id: str, ratio: int) -> Exposure:
        """Return the worst case of one instrument once the intent is reserved."""
        if intent.order_id in self.reservations:
            added = self.adds(intent, instrument_id, ratio)
        else:
            added = intent.quantity * (ratio if ratio > 0 else -ratio)
        if (intent.side == "buy") != (ratio > 0):
            added = -added
        book = self.books.get(instrument_id)
        if book is None:
            return Exposure(added, 0) if added > 0 else Exposure(0, -added)
        return book.exposure_with(intent, added)

    def exposure(self, instrument_id: str) -> Exposure:
        """Return the worst case of one instrument as it stands."""
        book = self.books.get(instrument_id)
        return Exposure(0, 0) if book is None else book.exposure()

    def highest_price(self, instrument_id: str) -> Decimal:
        """Return the highest price at which a working order of the instrument may fill, 0 without one."""
        book = self.books.get(instrument_id)
        return ZERO if book is None else book.highest_price()

    def parent(self, intent: OrderIntent) -> Reservation | None:
        """Return the working order whose fill alone activates the intent, None when there is none."""
        return parent_of(intent, self.reservations)

    def closed_by_children(self, order_id: str) -> int:
        """Return the most that the children of a bracket's entry may trade; of an OCA group the largest."""
        alone, groups = 0, dict[str, int]()
        for reservation in self.reservations.values():
            if reservation.intent.protects_id != order_id:
                continue
            group = reservation.group_id
            if group is None:
                alone += reservation.committed
            else:
                groups[group] = max(groups.get(group, 0), reservation.committed)
        return alone + sum(groups.values())

    def pending_changes(self, order_id: str) -> int:
        """Return how many modifications of the order the broker has not answered."""
        reservation = self.reservations.get(order_id)
        return 0 if reservation is None else len(reservation.pending)

    # -- Reserving --------------------------------------------------------------------------------

    def reserve(self, intent: OrderIntent, *, filled: int = 0) -> None:
        """Reserve a new order at its full quantity (`filled` of it done: an order found on start)."""
        reservation, order_id = reserve(intent, filled), intent.order_id
        self.reservations[order_id] = reservation
        for leg in intent.terms.components:
            terms = leg.terms
            book = self.books.get(terms.instrument_id) or self._book(terms)
            book.working[order_id] = (reservation, leg.ratio)
            book.forget()

    def reserve_change(self, order_id: str, quantity: int, price: Decimal | None) -> None:
        """Reserve the larger of an order and its modification to `quantity` in total at `price`."""
        reservation = self.reservations[order_id]
        reservation.request(quantity, price)
        self._forget(reservation)

    def withdraw_change(self, order_id: str) -> None:
        """Take the last modification of an order back: it was reserved, and not sent after all."""
        reservation = self.reservations.get(order_id)
        if reservation is not None:
            reservation.withdraw()
            self._forget(reservation)

    # -- Events -----------------------------------------------------------------------------------

    def cancel_requested(self, order_id: str) -> None:
        """Note that a cancel was sent; the order counts until the broker answers."""
        reservation = self.reservations.get(order_id)
        if reservation is not None:
            reservation.is_cancel_pending = True

    def cancel_rejected(self, order_id: str) -> None:
        """Note that the order works on."""
        reservation = self.reservations.get(order_id)
        if reservation is not None:
            reservation.is_cancel_pending = False

    def changed(self, order_id: str, quantity: int, price: Decimal | None, ts_ns: int) -> None:
        """Apply the broker's word of `ts_ns` that the order has `quantity` in total at `price`."""
        reservation = self.reservations.get(order_id)
        if reservation is not None:
            reservation.accept(quantity, price, ts_ns)
            self._forget(reservation)

    def change_rejected(self, order_id: str, ts_ns: int) -> None:
        """Apply the broker's refusal, of `ts_ns`, of some modification."""
        reservation = self.reservations.get(order_id)
        if reservation is not None:
            reservation.reject_change(ts_ns)
            self._forget(reservation)

    def is_new_fill(self, order_id: str, instrument_id: str, trade_id: str) -> bool:
        """Return whether this execution was not reported before, and remember it."""
        key = (order_id, instrument_id, trade_id)
        if key in self._fills_seen:
            return False
        self._fills_seen[key] = None
        if len(self._fills_seen) > MAX_REMEMBERED_FILLS:
            del self._fills_seen[next(iter(self._fills_seen))]
        return True

    def filled(
        self,
        order_id: str,
        strategy_id: str,
        terms: InstrumentTerms,
        signed_quantity: int,
        *,
        paid_usd: Decimal = ZERO,
    ) -> None:
        """Book a fill: of a stock, an option or a spread's leg as position, of a spread as progress.

        `paid_usd` is the money that the fill paid, negative when it received some.
        """
        reservation = self.reservations.get(order_id)
        if terms.kind != "spread":
            book = self._book(terms)
            book.positions[strategy_id] = book.positions.get(strategy_id, 0) + signed_quantity
            book.forget()
            self._tidy(book, strategy_id)
        if reservation is None:
            return
        count = abs(signed_quantity)
        if terms.instrument_id == reservation.intent.terms.instrument_id:
            reservation.fill(count)
        if terms.kind != "spread":
            reservation.fill_leg(terms.instrument_id, count, paid_usd)
        self._drop_if_done(order_id, reservation)

    def closed(self, order_id: str, now_ns: int, *, may_fill_late: bool, may_work_on: bool = False) -> None:
        """End an order; with `may_fill_late` (canceled, expired) its rest counts for the grace period.

        So it does with `may_work_on`, where the end is only supposed and the broker may work on.
        """
        reservation = self.reservations.get(order_id)
        if reservation is None or not reservation.is_open:
            return
        reservation.may_work_on = may_work_on
        if (may_fill_late or may_work_on) and self.grace_ns and reservation.filled < reservation.committed:
            reservation.close(now_ns)
            self._closing.append((now_ns + self.grace_ns, order_id))
        else:
            reservation.close(None)
        self._drop_if_done(order_id, reservation)

    def release(self, order_id: str) -> None:
        """Let go of an ended order whose grace period is not over: it is certain that nothing more fills."""
        reservation = self.reservations[order_id]
        reservation.expire()
        self._drop_if_done(order_id, reservation)

    def release_expired(self, now_ns: int) -> None:
        """Let go of canceled orders whose grace period is over at `now_ns`."""
        while self._closing and self._closing[0][0] <= now_ns:
            _, order_id = self._closing.popleft()
            reservation = self.reservations.get(order_id)
            if reservation is not None:
                self.release(order_id)

    # -- Inside -----------------------------------------------------------------------------------

    def _book(self, terms: InstrumentTerms) -> Book:
        book = self.books.get(terms.instrument_id)
        if book is None:
            book = self.books[terms.instrument_id] = Book(terms, self.reservations)
            self.symbols[terms.symbol] = self.symbols.get(terms.symbol, 0) + 1
            self.option_books += terms.kind == "option"
        return book

    def _forget(self, reservation: Reservation) -> None:
        for leg in reservation.intent.terms.components:
            self.books[leg.terms.instrument_id].forget()

    def _drop_if_done(self, order_id: str, reservation: Reservation) -> None:
        legs = reservation.intent.terms.components
        if reservation.is_open and reservation.filled < reservation.committed:
            self._recount(legs)
            return
        if any(reservation.remaining(leg.terms.instrument_id, leg.ratio) for leg in legs):
            reservation.is_open = False  # finished as an order, but a fill may still come
            if not (reservation.may_work_on and reservation.closed_at_ns):
                self._lingering.add(order_id)
            self._recount(legs)
            return
        del self.reservations[order_id]
        self._lingering.discard(order_id)
        for leg in legs:
            book = self.books[leg.terms.instrument_id]
            del book.working[order_id]
            self._tidy(book, reservation.intent.strategy_id)
        self._recount(legs)

    def _recount(self, legs: Iterable[Leg]) -> None:
        for leg in legs:
            book = self.books.get(leg.terms.instrument_id)
            if book is not None:
                book.count()

    def _tidy(self, book: Book, strategy_id: str) -> None:
        if not book.positions.get(strategy_id, 1):
            del book.positions[strategy_id]
        if book.positions or book.working:
            return
        terms = book.terms
        del self.books[terms.instrument_id]
        self.option_books -= terms.kind == "option"
        self.symbols[terms.symbol] -= 1
        if not self.symbols[terms.symbol]:
            del self.symbols[terms.symbol]
