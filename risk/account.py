"""The gate's picture of one account, and the snapshot of it that the rules judge.

Pure state: it changes by approved intents and by events alone, and asks the `MarketView` for prices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from market.time import NS_PER_MINUTE, NS_PER_MS, NS_PER_SECOND, new_york_date, new_york_midnight_ns
from risk.book import Book
from risk.breaker_file import BreakerRecord
from risk.flatten import Flattening
from risk.intent import InstrumentTerms, OrderIntent
from risk.ledger import Ledger
from risk.limits import RiskLimits
from risk.market_view import MarketView
from risk.option_book import OptionBook
from risk.performance import Performance
from risk.rates import SlidingCount
from risk.sent_intents import SentIntents
from risk.session_view import SessionView
from risk.snapshot import Exposure, Quote, Snapshot, Touch

ZERO = Decimal(0)
ONE_DAY = timedelta(days=1)
HALF_DAY_NS = 12 * 60 * NS_PER_MINUTE
LONGEST_BREAK_DAYS = 10
"""Days that the exchange may be closed in a row, with a wide margin."""
RUNAWAY_MULTIPLE = 10
"""A strategy that tries to send this many times the order rate runs away, and halts everything."""


class Account:
    """Positions, reservations, rates, profit and pauses of one account.

    `flattenings` are those that run; `kill_switch_order` is the id of the order that it sends just now.
    """

    def __init__(
        self,
        limits: RiskLimits,
        market: MarketView,
        *,
        allowed_symbols: frozenset[str],
        record: BreakerRecord,
    ) -> None:
        self.limits = limits
        self.market = market
        self.allowed_symbols = allowed_symbols
        self.breaker = record.breaker
        self.paused_symbols = dict(record.paused_symbols)
        self.all_paused_by = record.all_paused_by
        self.ledger = Ledger(grace_ns=limits.canceled_order_grace_ms * NS_PER_MS)
        self.performance = Performance(
            max_losses=limits.max_consecutive_losses, pause_minutes=limits.consecutive_loss_pause_minutes
        )
        self.sent = SentIntents(window_ns=limits.duplicate_window_ms * NS_PER_MS)
        self.orders = SlidingCount(NS_PER_SECOND)
        self.attempts = SlidingCount(NS_PER_SECOND)
        self.replaces = SlidingCount(NS_PER_MINUTE)
        self.rejects = SlidingCount(NS_PER_MINUTE)
        self.flattenings: list[Flattening] = []
        self.kill_switch_order: str | None = None
        self.options = OptionBook(self.ledger, self.performance, market)
        self._restored_day = record.day
        self._day_starts_ns = self._day_ends_ns = 0

    def is_running_away(self, now_ns: int) -> bool:
        """Whether strategies try to send far more than the rate allows, refused or not."""
        return self.attempts.count(now_ns) > RUNAWAY_MULTIPLE * self.limits.max_orders_per_second

    @property
    def day(self) -> date | None:
        """The day in New York; None before the first."""
        return self.performance.day

    def roll_day(self, now_ns: int) -> None:
        """Begin the day in New York that `now_ns` lies in, unless it has begun.

        The first may be that of an earlier run's file, or follow on it.
        """
        if self._day_starts_ns <= now_ns < self._day_ends_ns:
            return
        day = new_york_date(now_ns)
        self._day_starts_ns = new_york_midnight_ns(day)
        self._day_ends_ns = new_york_midnight_ns(day + ONE_DAY)
        self.performance.start_day(day, now_ns)
        restored, self._restored_day = self._restored_day, None
        if restored is None:
            return
        if restored.day == day:
            self.performance.restore(restored)
        elif self._has_no_session_between(restored.day, day):
            self.performance.carry_over(restored)

    def _has_no_session_between(self, earlier: date, day: date) -> bool:
        """Whether `earlier` is the last day before `day` at whose end positions had a value."""
        between = (day - earlier).days - 1
        if not 0 <= between <= LONGEST_BREAK_DAYS:
            return False
        noons = (
            new_york_midnight_ns(earlier + ONE_DAY * (count + 1)) + HALF_DAY_NS for count in range(between)
        )
        return all(self.market.session(noon_ns).day is None for noon_ns in noons)

    def look(self, now_ns: int) -> None:
        """Follow the quotes of what is held, while the session is open."""
        session = self.market.session(now_ns)
        if session.day is not None and session.phase != "closed":
            self.performance.look(self.market.quote, session.day.open_ns, now_ns)

    def unpriced(self, now_ns: int) -> list[str]:
        """Return what is held and has shown no quote worth believing for too long; nothing out of session."""
        session = self.market.session(now_ns)
        if session.day is None or session.phase == "closed":
            return []
        since_ns = now_ns - self.limits.max_data_silence_seconds * NS_PER_SECOND
        if since_ns < max(session.day.open_ns, self.performance.started_ns):
            return []
        return self.performance.unseen_since(since_ns)

    def is_reducing(self, intent: OrderIntent) -> bool:
        """Return whether the intent can only lower risk: it closes what is held, or protects an entry."""
        terms = intent.terms
        is_stock = terms.kind == "stock"
        if is_stock and intent.protects_id is None and not intent.replaces:
            book = self.ledger.books.get(terms.instrument_id)  # the usual opening, told at once
            if book is None or not book.is_against(intent):
                return False
        may_close = self.ledger.closes(intent, live_only=True)
        if may_close and self.ledger.closes(intent):
            return is_stock or self.options.is_reducing(intent)
        if not is_stock:
            return may_close and self._may_close_again(intent)
        if not (may_close or (intent.protects_id is not None and self._protects(intent))):
            return False
        return self._adds_no_reach(intent)

    def _may_close_again(self, intent: OrderIntent) -> bool:
        """Whether an option order may close what one canceled within the grace period did not.

        A late fill of that one would leave a naked short, so a strategy waits while the breaker is RUNNING.
        """
        options = self.limits.options
        must_wait = self.breaker.state == "RUNNING" and intent.order_id != self.kill_switch_order
        if options is None or must_wait:
            return False
        return self.options.closes_again(intent, max_contracts=options.max_contracts_per_leg)

    def is_flattening(self, symbol: str) -> bool:
        """Whether the kill switch is to close a symbol, now or once it can."""
        return any(each.covers(symbol) for each in self.flattenings)

    def yields_to_kill_switch(self, intent: OrderIntent) -> bool:
        """Whether the kill switch closes the symbol right now, and the order is not its own."""
        if intent.order_id == self.kill_switch_order:
            return False
        symbol = intent.terms.symbol
        return any(each.is_closing and each.covers(symbol) for each in self.flattenings)

    def snapshot(self, intent: OrderIntent, session: SessionView, now_ns: int) -> Snapshot:
        """Return what the rules judge `intent` by at `now_ns`."""
        terms, market, ledger = intent.terms, self.market, self.ledger
        name, is_stock = terms.instrument_id, terms.kind == "stock"
        quote = market.quote(terms)
        touches, value_of_others = self._others(name)
        touches[name] = quote
        price = intent.limit_price
        if price is None and quote is not None:
            price = quote.ask if intent.side == "buy" else quote.bid
            if intent.trigger_price is not None and intent.trigger_price > price:
                price = intent.trigger_price  # below it a stop fires at once, at the touch
        instruments = ledger.symbols.get(terms.symbol, 0)
        value: Decimal | None = ZERO
        if is_stock:
            exposure = ledger.exposure_after(intent, name, 1)
            exposures = {name: exposure}
            value = of_symbol = self._stock_value(name, quote, exposure.worst, price)
            if instruments and instruments > (name in ledger.books):  # other listings, or options
                listings = self._other_listings(terms)
                exposures[name] = _together(exposure, listings)
                of_symbol = _with_listings(value, listings, touches)
        else:
            exposures, of_symbol = self._exposures_after(intent), value
        day, open_profit = self.performance.day_and_symbol(touches, terms.symbol)
        return Snapshot(  # by position, for speed; a test holds that each value lands in its field
            now_ns,
            self.breaker,
            self._pause(terms.symbol) if self.all_paused_by or self.paused_symbols else None,
            session,
            self.allowed_symbols,
            quote,
            market.last_price(terms),
            None if price is None else price * (intent.quantity * terms.multiplier),
            exposures,
            of_symbol,
            None if value is None or value_of_others is None else value + value_of_others,
            len(ledger.symbols) + (not instruments),
            ledger.open_orders + 1,
            self.orders.count(now_ns),
            self.replaces.count(now_ns),
            self.sent.earlier(intent, now_ns),
            market.funds_usd(),
            day,
            None if open_profit is None else -open_profit if open_profit < 0 else ZERO,
            self.options.risk_after(intent),
        )

    def _pause(self, symbol: str) -> str | None:
        """Return what keeps a symbol from being opened, and by whom; None when nothing does."""
        if self.all_paused_by is not None:
            return f"everything, by {self.all_paused_by}"
        by = self.paused_symbols.get(symbol)
        return None if by is None else f"{symbol}, by {by}"

    def _protects(self, intent: OrderIntent) -> bool:
        """Whether the intent is a bracket's child that closes no more than its parent opens."""
        parent = self.ledger.parent(intent)
        if parent is None:
            return False
        others = 0  # and what has filled, of a modified order too: that part is closed already
        for order_id, reservation in self.ledger.reservations.items():
            sibling = reservation.intent
            if sibling.protects_id != intent.protects_id:
                continue
            shares_fills = intent.group_id is not None and sibling.group_id == intent.group_id
            is_counted = order_id == intent.order_id or shares_fills
            others += reservation.filled if is_counted else reservation.committed
        least = min([parent.quantity, *(quantity for quantity, _ in parent.pending)])
        return intent.quantity + others <= least

    def _adds_no_reach(self, intent: OrderIntent) -> bool:
        """Whether its symbol stays within the position limit, or at least exceeds it no further."""
        listings = self._other_listings(intent.terms)
        name, ledger = intent.terms.instrument_id, self.ledger
        after = _together(ledger.exposure_after(intent, name, 1), listings).worst
        limit = self.limits.max_position_shares_per_symbol
        return after <= limit or after <= _together(ledger.exposure(name), listings).worst

    def _other_listings(self, terms: InstrumentTerms) -> list[Book]:
        """Return the books of the same stock or option under another id: listed elsewhere."""
        contract = _contract(terms)
        return [
            book
            for book in self.ledger.books.values()
            if book.terms.symbol == terms.symbol
            and book.terms.instrument_id != terms.instrument_id
            and _contract(book.terms) == contract
        ]

    def _stock_value(
        self, instrument_id: str, quote: Quote | None, worst: int, order_price: Decimal | None
    ) -> Decimal | None:
        """Value of `worst` shares of the order's stock at the worst price in play."""
        if quote is None or order_price is None:
            return None
        price = quote.ask
        if order_price > price:
            price = order_price
        book = self.ledger.books.get(instrument_id)
        if book is not None:
            highest = book.highest_price()
            price = highest if highest > price else price
        return price * worst

    def _others(self, instrument_id: str) -> tuple[dict[str, Touch | None], Decimal | None]:
        """Return the touch of every other instrument in the books, and the value of those that are stocks."""
        touch_of, total = self.market.touch, ZERO
        touches: dict[str, Touch | None] = {}
        is_known = True
        for other_id, book in self.ledger.books.items():
            if other_id == instrument_id:
                continue
            touches[other_id] = touch = touch_of(book.terms)
            if book.is_stock:
                if touch is None:
                    is_known = False
                else:
                    total += book.worst_value(touch)
        return touches, total if is_known else None

    def _exposures_after(self, intent: OrderIntent) -> dict[str, Exposure]:
        exposures: dict[str, Exposure] = {}
        for leg in intent.terms.components:
            name = leg.terms.instrument_id
            exposure = self.ledger.exposure_after(intent, name, leg.ratio)
            exposures[name] = _together(exposure, self._other_listings(leg.terms))
        return exposures


def _contract(terms: InstrumentTerms) -> tuple[object, ...]:
    """Return what is one thing wherever it is listed."""
    return terms.kind, terms.symbol, terms.right, terms.strike, terms.expiration_ns, terms.multiplier


def _together(exposure: Exposure, listings: Iterable[Book]) -> Exposure:
    """Return the worst case of one instrument and of others; they never net."""
    longest, shortest = exposure.worst_long, exposure.worst_short
    for book in listings:
        other = book.exposure()
        longest, shortest = longest + other.worst_long, shortest + other.worst_short
    return Exposure(longest, shortest)


def _with_listings(
    value: Decimal | None, listings: Iterable[Book], touches: Mapping[str, Touch | None]
) -> Decimal | None:
    """Return `value` plus the value of the other listings; None when a price is unknown."""
    for book in listings:
        touch = touches[book.terms.instrument_id]
        if value is None or touch is None:
            return None
        value += book.worst_value(touch)
    return value
