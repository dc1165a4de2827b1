"""The gate's own record of positions and reservations, so that no burst outruns the broker's answers.

An approved order is reserved at once, at its worst (the largest of its acknowledged and its requested
quantities), and released by what ends it. A modification reserves the larger of old and new until the
broker answers. A spread reserves its legs; what its legs have not reported as filled stays reserved,
so that a naked leg counts from the start. A canceled order keeps counting for a grace period, because
a fill may arrive after its cancel.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from risk.intent import InstrumentTerms, OrderIntent
from risk.snapshot import Exposure, Quote

MAX_PENDING_CHANGES = 16
"""Unanswered modifications of one order that the ledger keeps apart; a further one is refused."""
_ZERO = Decimal(0)

MAX_REMEMBERED_FILLS = 100_000
"""Executions kept to recognise one that is reported twice."""


class Reservation:
    """One order that may still fill. Quantities are shares or contracts of the order, 0 or more."""

    __slots__ = (
        "changed_at_ns", "closed_at_ns", "filled", "group_id", "intent", "is_cancel_pending",
        "is_open", "leg_filled", "paid_usd", "pending", "price", "quantity", "sign",
    )  # fmt: skip

    def __init__(self, intent: OrderIntent, filled: int = 0) -> None:
        self.intent = intent
        self.sign = intent.sign
        self.quantity = intent.quantity + filled
        self.price = intent.price
        self.filled = filled
        self.group_id = intent.group_id
        self.pending: list[tuple[int, Decimal | None]] = []
        self.leg_filled: dict[str, int] = {}
        self.paid_usd = Decimal(0)
        self.is_open = True
        self.is_cancel_pending = False
        self.changed_at_ns = 0
        self.closed_at_ns: int | None = None
        if filled:
            for leg in intent.terms.components:
                self.leg_filled[leg.terms.instrument_id] = filled * abs(leg.ratio)

    @property
    def committed(self) -> int:
        """The most of the order that can have filled in the end."""
        if not self.is_open:
            return self.quantity if self.closed_at_ns is not None else self.filled
        worst = self.quantity
        for quantity, _ in self.pending:
            worst = max(worst, quantity)
        return max(worst, self.filled)

    def remaining(self, instrument_id: str, ratio: int) -> int:
        """Shares or contracts of one leg that may still be added to its position."""
        return max(self.committed * abs(ratio) - self.leg_filled.get(instrument_id, 0), 0)

    def prices(self) -> list[Decimal]:
        """The prices at which the order may fill, acknowledged and requested; empty for a market order."""
        known = [price for _, price in self.pending if price is not None]
        if self.price is not None:
            known.append(self.price)
        return known


class Book:
    """Positions by strategy, and the reservations that touch one instrument.

    What ends in `_known` was computed last time; `forget` makes it be computed anew. `value_known` is
    the worst value in USD at `quote_known`.
    """

    __slots__ = (
        "highest_known",
        "positions",
        "quote_known",
        "terms",
        "value_known",
        "working",
        "worst_known",
    )

    def __init__(self, terms: InstrumentTerms) -> None:
        self.terms = terms
        self.positions: dict[str, int] = {}
        self.working: dict[str, tuple[Reservation, int]] = {}
        self.worst_known: Exposure | None = None
        self.highest_known: Decimal | None = None
        self.quote_known: Quote | None = None
        self.value_known = _ZERO

    def forget(self) -> None:
        """Compute exposure, highest price and value anew when they are asked for next."""
        self.worst_known = None
        self.quote_known = None

    @property
    def net(self) -> int:
        """The account's position: the sum over strategies."""
        return sum(self.positions.values())


class Ledger:
    """Positions and reservations of one account. `grace_ns`: how long a canceled order still counts."""

    def __init__(self, *, grace_ns: int) -> None:
        self.books: dict[str, Book] = {}
        self.reservations: dict[str, Reservation] = {}
        self._grace_ns = grace_ns
        self._fills_seen: dict[tuple[str, str, str], None] = {}
        self._closing: deque[tuple[int, str]] = deque()
        self._lingering: set[str] = set()
        self.symbols: dict[str, int] = {}
        """For each symbol held or working, how many of its instruments."""
        self.option_books = 0

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

    def closes(self, intent: OrderIntent, *, ignores_canceling: bool = False) -> bool:
        """Return whether every leg of the intent only closes what is held.

        It closes when it lowers the position of its own strategy or of the whole account, after every
        working order of its direction; with `ignores_canceling` those whose cancel is under way, or
        that were canceled within the grace period, do not stand in the way.
        """
        for leg in intent.terms.components:
            book = self.books.get(leg.terms.instrument_id)
            if book is None:
                return False
            capacity = self._leg_capacity(book, intent, leg.ratio, ignores_canceling)
            if self.adds(intent, leg.terms.instrument_id, leg.ratio) > capacity:
                return False
        return True

    def adds(self, intent: OrderIntent, instrument_id: str, ratio: int) -> int:
        """Return the most that the intent may still add to one leg's position, 0 or more.

        Of a modification the larger of old and new, less what the leg has reported as filled.
        """
        reservation = self.reservations.get(intent.order_id)
        if reservation is None:
            return intent.quantity * abs(ratio)
        wanted = (intent.quantity + reservation.filled) * abs(ratio)
        left = wanted - reservation.leg_filled.get(instrument_id, 0)
        return max(left, reservation.remaining(instrument_id, ratio))

    def exposure_after(self, intent: OrderIntent, instrument_id: str, ratio: int) -> Exposure:
        """Return the worst case of one instrument once the intent is reserved."""
        book = self.books.get(instrument_id)
        added = self._unless_dormant(intent, self.adds(intent, instrument_id, ratio))
        added = added if intent.sign * ratio > 0 else -added
        if book is None:
            return Exposure(max(added, 0), max(-added, 0))
        return self._exposure(book, intent, added)

    def exposure(self, instrument_id: str) -> Exposure:
        """Return the worst case of one instrument as it stands."""
        book = self.books.get(instrument_id)
        return Exposure(0, 0) if book is None else self._known_exposure(book)

    def highest_price(self, instrument_id: str) -> Decimal:
        """Return the highest price at which a working order of the instrument may fill, 0 without one."""
        book = self.books.get(instrument_id)
        if book is None:
            return _ZERO
        self._known_exposure(book)
        return book.highest_known or _ZERO

    def worst_value(self, book: Book, price: Decimal) -> Decimal:
        """Return the value of the book's worst case at `price` or its highest working price, if higher."""
        worst = self._known_exposure(book).worst
        highest = book.highest_known
        return (price if highest is None or price >= highest else highest) * worst

    def _known_exposure(self, book: Book) -> Exposure:
        if book.worst_known is None:
            book.worst_known = self._exposure(book, None, 0)
            prices = [price for reservation, _ in book.working.values() for price in reservation.prices()]
            book.highest_known = max(prices, default=_ZERO)
        return book.worst_known

    # -- Reserving --------------------------------------------------------------------------------

    def reserve(self, intent: OrderIntent, *, filled: int = 0) -> None:
        """Reserve a new order at its full quantity (`filled` of it done: an order found on start)."""
        reservation = Reservation(intent, filled)
        self.reservations[intent.order_id] = reservation
        for leg in intent.terms.components:
            book = self.book(leg.terms)
            book.working[intent.order_id] = (reservation, leg.ratio)
            book.forget()

    def reserve_change(self, order_id: str, quantity: int, price: Decimal | None) -> None:
        """Reserve the larger of an order and its modification to `quantity` in total at `price`."""
        reservation = self.reservations[order_id]
        reservation.pending.append((quantity, price))
        self._forget(reservation)

    def parent(self, intent: OrderIntent) -> Reservation | None:
        """Return the working order whose fill alone activates the intent, None when there is none.

        It must be of the same strategy and instrument, and of the other side.
        """
        parent = None if intent.protects_id is None else self.reservations.get(intent.protects_id)
        if parent is None or not parent.is_open or parent.sign == intent.sign:
            return None
        same_owner = parent.intent.strategy_id == intent.strategy_id
        same_terms = parent.intent.terms.instrument_id == intent.terms.instrument_id
        return parent if same_owner and same_terms else None

    def pending_changes(self, order_id: str) -> int:
        """Return how many modifications of the order the broker has not answered."""
        reservation = self.reservations.get(order_id)
        return 0 if reservation is None else len(reservation.pending)

    def book(self, terms: InstrumentTerms) -> Book:
        """Return the book of an instrument, opening it when there is none."""
        book = self.books.get(terms.instrument_id)
        if book is None:
            book = self.books[terms.instrument_id] = Book(terms)
            self.symbols[terms.symbol] = self.symbols.get(terms.symbol, 0) + 1
            self.option_books += terms.kind == "option"
        return book

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
        """Apply the broker's word of `ts_ns` that the order has `quantity` in total at `price`.

        Words that arrive out of order are dropped: the latest counts, of equally late ones the larger.
        """
        reservation = self.reservations.get(order_id)
        if reservation is None or ts_ns < reservation.changed_at_ns:
            return
        if ts_ns == reservation.changed_at_ns and quantity < reservation.quantity:
            return
        self._forget(reservation)
        reservation.changed_at_ns = ts_ns
        reservation.quantity = quantity
        reservation.price = price
        pending = reservation.pending
        if (quantity, price) in pending:
            del pending[: pending.index((quantity, price)) + 1]

    def change_rejected(self, order_id: str) -> None:
        """Drop one unanswered modification: of several the smallest, for it is not said which was meant."""
        reservation = self.reservations.get(order_id)
        if reservation is not None and reservation.pending:
            reservation.pending.remove(min(reservation.pending, key=lambda change: change[0]))
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
        paid_usd: Decimal = Decimal(0),
    ) -> None:
        """Book a fill: of a stock, an option or a spread's leg as position, of a spread as progress.

        `paid_usd` is the money that the fill paid, negative when it received some.
        """
        reservation = self.reservations.get(order_id)
        if terms.kind != "spread":
            book = self.book(terms)
            book.positions[strategy_id] = book.positions.get(strategy_id, 0) + signed_quantity
            book.forget()
            self._tidy(book, strategy_id)
        if reservation is None:
            return
        if terms.instrument_id == reservation.intent.terms.instrument_id:
            reservation.filled += abs(signed_quantity)
        if terms.kind != "spread":
            seen = reservation.leg_filled
            seen[terms.instrument_id] = seen.get(terms.instrument_id, 0) + abs(signed_quantity)
            reservation.paid_usd += paid_usd
        self._drop_if_done(order_id, reservation)

    def closed(self, order_id: str, now_ns: int, *, may_fill_late: bool) -> None:
        """End an order; with `may_fill_late` (canceled, expired) its rest counts for the grace period."""
        reservation = self.reservations.get(order_id)
        if reservation is None or not reservation.is_open:
            return
        reservation.quantity = reservation.committed
        reservation.pending.clear()
        reservation.is_open = False
        self._lingering.add(order_id)
        if may_fill_late and self._grace_ns and reservation.filled < reservation.quantity:
            reservation.closed_at_ns = now_ns
            self._closing.append((now_ns + self._grace_ns, order_id))
        self._drop_if_done(order_id, reservation)

    def release_expired(self, now_ns: int) -> None:
        """Let go of canceled orders whose grace period is over at `now_ns`."""
        while self._closing and self._closing[0][0] <= now_ns:
            _, order_id = self._closing.popleft()
            reservation = self.reservations.get(order_id)
            if reservation is not None:
                reservation.closed_at_ns = None
                self._drop_if_done(order_id, reservation)

    # -- Arithmetic -------------------------------------------------------------------------------

    def _forget(self, reservation: Reservation) -> None:
        for leg in reservation.intent.terms.components:
            self.books[leg.terms.instrument_id].forget()

    def _drop_if_done(self, order_id: str, reservation: Reservation) -> None:
        self._forget(reservation)
        if reservation.is_open and reservation.filled < reservation.committed:
            return
        legs = reservation.intent.terms.components
        if any(reservation.remaining(leg.terms.instrument_id, leg.ratio) for leg in legs):
            reservation.is_open = False  # finished as an order, but a leg's fill is still to come
            self._lingering.add(order_id)
            return
        del self.reservations[order_id]
        self._lingering.discard(order_id)
        for leg in legs:
            book = self.books[leg.terms.instrument_id]
            del book.working[order_id]
            self._tidy(book, reservation.intent.strategy_id)

    def _tidy(self, book: Book, strategy_id: str) -> None:
        if not book.positions.get(strategy_id, 1):
            del book.positions[strategy_id]
        if not book.positions and not book.working:
            self._close_book(book.terms)

    def _close_book(self, terms: InstrumentTerms) -> None:
        del self.books[terms.instrument_id]
        self.option_books -= terms.kind == "option"
        self.symbols[terms.symbol] -= 1
        if not self.symbols[terms.symbol]:
            del self.symbols[terms.symbol]

    def _leg_capacity(self, book: Book, intent: OrderIntent, ratio: int, ignores_canceling: bool) -> int:
        direction = intent.sign * (1 if ratio > 0 else -1)
        working = self._working(book, intent, direction, ignores_canceling=ignores_canceling)
        own = -direction * book.positions.get(intent.strategy_id, 0) - working.get(intent.strategy_id, 0)
        account = -direction * book.net - sum(working.values())
        return max(own, account, 0)

    def _working(
        self, book: Book, intent: OrderIntent | None, direction: int, *, ignores_canceling: bool = False
    ) -> dict[str, int]:
        """Sum what works in `direction` by strategy; of an OCA group only the largest order counts.

        The intent's own order and those of its group are left out: they are the same risk.
        """
        working: dict[str, int] = {}
        groups: dict[tuple[str, str], int] = {}
        for reservation, ratio in book.working.values():
            if reservation.sign * ratio * direction < 0 or _is_same_risk(reservation, intent):
                continue
            if ignores_canceling and (reservation.is_cancel_pending or not reservation.is_open):
                continue
            left = self._active(reservation, book.terms.instrument_id, ratio)
            strategy_id = reservation.intent.strategy_id
            if reservation.group_id is not None:
                key = (strategy_id, reservation.group_id)
                largest = groups.get(key, 0)
                left, groups[key] = max(left - largest, 0), max(left, largest)
            working[strategy_id] = working.get(strategy_id, 0) + left
        return working

    def _active(self, reservation: Reservation, instrument_id: str, ratio: int) -> int:
        return self._unless_dormant(reservation.intent, reservation.remaining(instrument_id, ratio))

    def _unless_dormant(self, intent: OrderIntent, left: int) -> int:
        """Return what of an order can fill: the venue holds a bracket's child until its parent fills."""
        parent = self.parent(intent)
        return left if parent is None else min(left, parent.filled)

    def _exposure(self, book: Book, intent: OrderIntent | None, added: int) -> Exposure:
        buys = self._working(book, intent, 1)
        sells = self._working(book, intent, -1)
        if intent is not None and added:
            for reservation, ratio in book.working.values():
                if _is_same_risk(reservation, intent) and reservation.sign * ratio * added > 0:
                    left = self._active(reservation, book.terms.instrument_id, ratio)
                    added = max(added, left) if added > 0 else min(added, -left)
            side = buys if added > 0 else sells
            side[intent.strategy_id] = side.get(intent.strategy_id, 0) + abs(added)
        worst_long = worst_short = 0
        for strategy_id in book.positions.keys() | buys.keys() | sells.keys():
            position = book.positions.get(strategy_id, 0)
            worst_long += max(position + buys.get(strategy_id, 0), 0)
            worst_short += max(sells.get(strategy_id, 0) - position, 0)
        return Exposure(worst_long, worst_short)


def _is_same_risk(reservation: Reservation, intent: OrderIntent | None) -> bool:
    """Whether only one of the two can fill: the order that is modified, or one of its OCA group."""
    if intent is None:
        return False
    earlier = reservation.intent
    if earlier.order_id == intent.order_id:
        return True
    if intent.group_id is None or reservation.group_id != intent.group_id:
        return False
    return earlier.strategy_id == intent.strategy_id and earlier.side == intent.side
