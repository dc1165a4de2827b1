"""Profit and loss as the gate sees it: its own average prices, so that no other book can mislead it.

Money in USD, fees counted when the fill reports them. Open profit is what closing at the touch would
leave. One trade is the way of a strategy from flat to flat, or through zero to the other side, in one
symbol (of options: in one underlying, so that a condor is one trade). The day's result is `DayAccount`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal

import msgspec

from market.time import NS_PER_MINUTE
from risk.breaker_file import DayRecord
from risk.day_account import DayAccount
from risk.intent import InstrumentTerms
from risk.lot import Lot
from risk.marks import follow, mark_at
from risk.snapshot import DayResult, Quote, Touch

ZERO = Decimal(0)
QuoteSource = Callable[[InstrumentTerms], Quote | None]
"""Gives the latest quote of an instrument, or None."""


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of a stock or an option: signed quantity, price in USD a share, fee in USD.

    `executed_ns` (UTC) is the broker's time. `is_found`: no answer to an order told of it, but a
    comparison with the broker's books, which at a start repeats what an earlier run knew.
    """

    strategy_id: str
    terms: InstrumentTerms
    signed_quantity: int
    price: Decimal
    fee_usd: Decimal = ZERO
    executed_ns: int = 0
    is_found: bool = False


class Performance:
    """The day's profit, its high, and losses in a row; `pause_ns` after `max_losses` of them."""

    def __init__(self, *, max_losses: int, pause_minutes: int) -> None:
        self.lots: dict[tuple[str, str], Lot] = {}
        self.today = DayAccount()
        self.day: date | None = None
        self._max_losses = max_losses
        self._pause_ns = pause_minutes * NS_PER_MINUTE
        self._trades: dict[tuple[str, str, bool], Decimal] = {}
        self._realized = ZERO
        self._losses = 0
        self._paused_until_ns: int | None = None
        self._ended: tuple[DayRecord, Decimal] | None = None
        self._known_ns: int | None = None
        self._executed_ns: int | None = None
        self._started_ns = 0
        self._is_confirmed = False

    # -- Reading ----------------------------------------------------------------------------------

    @property
    def realized_usd(self) -> Decimal:
        """Realized profit of the day against average prices, fees counted."""
        return self._realized

    @property
    def is_flat(self) -> bool:
        """Whether nothing is held, as far as this run and the file of the last one know."""
        return not self.lots and not self.today.holdings

    @property
    def started_ns(self) -> int:
        """When the first day of this run began (ns UTC), 0 before."""
        return self._started_ns

    @property
    def consecutive_losses(self) -> int:
        """Losing trades since the last one that did not lose."""
        return self._losses

    @property
    def paused_until_ns(self) -> int | None:
        """Time in ns UTC until which losses in a row pause openings, None when they have not."""
        return self._paused_until_ns

    def option_cost_usd(self, strategy_id: str, symbol: str) -> Decimal:
        """Return the money that the open option trade has paid so far, fees counted; negative: received."""
        trade = (strategy_id, symbol, False)
        paid = sum((lot.cost_usd for lot in self._lots_of(trade)), ZERO)
        return paid - self._trades.get(trade, ZERO)

    def result(self) -> DayResult:
        """Return the day's result at the marks, the last prices worth believing."""
        return DayResult(self.today.profit(), self.today.high_usd, self._losses, self._paused_until_ns)

    def open_profit(self, symbol: str) -> Decimal:
        """Return the open profit in a symbol at the marks; what has none is left out."""
        marks = self.today.marks
        profits = (
            lot.open_profit(marks[lot.instrument_id])
            for lot in self.lots.values()
            if lot.symbol == symbol and lot.instrument_id in marks
        )
        return sum(profits, ZERO)

    def day_and_symbol(
        self, touches: Mapping[str, Touch | None], symbol: str
    ) -> tuple[DayResult | None, Decimal | None]:
        """Return the day's result, and the open profit of one symbol, were all closed at these prices.

        `touches` are by instrument id; one that is missing is unknown.
        """
        today, day, of_symbol = self.today, None, ZERO
        profit = today.profit_at(touches)
        if profit is not None:
            day = DayResult(profit, today.high_usd, self._losses, self._paused_until_ns)
        for lot in self.lots.values():
            if lot.symbol == symbol:
                touch = touches.get(lot.instrument_id)
                if touch is None:
                    return day, None
                of_symbol += lot.open_profit(touch)
        return day, of_symbol

    def unseen_since(self, since_ns: int) -> list[str]:
        """Return the instruments held of which no quote worth believing was seen since a time in ns UTC."""
        marks = self.today.marks
        held = {lot.instrument_id for lot in self.lots.values()}
        return sorted(name for name in held if name not in marks or marks[name].seen_ns < since_ns)

    # -- Looking ----------------------------------------------------------------------------------

    def look(self, quote_of: QuoteSource, open_ns: int, now_ns: int) -> None:
        """Follow the quotes of what is held, in the session that began at `open_ns`; count what was found."""
        marks, held = self.today.marks, {lot.instrument_id: lot.terms for lot in self.lots.values()}
        for name in marks.keys() - held.keys() - self.today.holdings.keys():
            del marks[name]
        for name, terms in held.items():
            quote = quote_of(terms)
            if quote is None or quote.ts_ns < open_ns:
                continue
            mark = follow(marks.get(name), quote, terms.kind, now_ns)
            if mark is not None:
                marks[name] = mark
        self.today.settle(self._held())

    # -- Booking ----------------------------------------------------------------------------------

    def apply(self, fill: Fill, now_ns: int) -> None:
        """Book a fill; one that an earlier run has counted moves the position, but not the day's result."""
        terms, quantity, fee = fill.terms, fill.signed_quantity, fill.fee_usd
        key = (fill.strategy_id, terms.instrument_id)
        lot = self.lots.get(key)
        if lot is None:
            lot = self.lots[key] = Lot(terms)
        held = lot.quantity
        profit = lot.apply(quantity, fill.price)
        has_turned = held * lot.quantity < 0
        fee_of_opening = fee * abs(lot.quantity) / abs(quantity) if has_turned else ZERO
        is_news = self._is_news(fill)
        if is_news:
            self._realized += profit - fee
            self._count(fill, now_ns)
        trade = (fill.strategy_id, terms.symbol, terms.kind == "stock")
        self._trades[trade] = self._trades.get(trade, ZERO) + profit - (fee - fee_of_opening)
        if lot.quantity == 0:
            del self.lots[key]
        if (lot.quantity == 0 or has_turned) and all(each is lot for each in self._lots_of(trade)):
            self._finish_trade(self._trades.pop(trade), now_ns, is_news=is_news)
        if has_turned:
            self._trades[trade] = self._trades.get(trade, ZERO) - fee_of_opening

    def adopt(self, strategy_id: str, terms: InstrumentTerms, quantity: int, price: Decimal) -> None:
        """Take over a position that was found: `quantity` more than is known, all of it at `price`."""
        key = (strategy_id, terms.instrument_id)
        lot = self.lots.pop(key, None)
        total = quantity if lot is None else lot.quantity + quantity
        if total:
            self.lots[key] = Lot(terms, total, price)

    def renew(self, terms: InstrumentTerms) -> None:
        """Count what is held of an instrument by its new terms, such as an adjusted multiplier."""
        for lot in self.lots.values():
            if lot.instrument_id == terms.instrument_id:
                lot.renew(terms)
        self.today.renew(terms.instrument_id, terms.multiplier)

    def confirm(self) -> None:
        """Take what is held for all there is: positions agree with the broker's."""
        self._is_confirmed = True
        self.today.confirm(self._held())

    # -- Days -------------------------------------------------------------------------------------

    def record(self) -> DayRecord | None:
        """Return the day for the file; None before the first one begins."""
        if self.day is None:
            return None
        return DayRecord(
            day=self.day,
            realized_usd=self._realized,
            high_usd=self.today.high_usd,
            consecutive_losses=self._losses,
            paused_until_ns=self._paused_until_ns,
            paid_usd=self.today.paid_usd,
            holdings=self.today.records(),
            executed_ns=self._executed_ns,
        )

    def start_day(self, day: date, now_ns: int) -> None:
        """Begin a day: what is held counts from its last price worth believing.

        A clock that ran ahead and goes back leads to the day that it had ended: that goes on.
        """
        self._started_ns = self._started_ns or now_ns
        if self._ended is not None and self._ended[0].day == day:
            self._reopen(*self._ended)
        elif self.day is None or day > self.day:
            ended = self.record()
            profit = self.today.begin()
            self._ended = None if ended is None else (ended, profit)
            self._realized = ZERO
            self._losses, self._paused_until_ns = 0, None
        self.day = day

    def _reopen(self, ended: DayRecord, profit_usd: Decimal) -> None:
        self.today.reopen(profit_usd, ended.high_usd)
        self._realized += ended.realized_usd
        self._losses += ended.consecutive_losses
        self._paused_until_ns = self._paused_until_ns or ended.paused_until_ns
        self._ended = None

    def restore(self, record: DayRecord) -> None:
        """Continue the day of a file after a restart."""
        self.today.restore(record)
        self._realized, self._losses = record.realized_usd, record.consecutive_losses
        self._paused_until_ns = record.paused_until_ns
        self._know(record)

    def carry_over(self, record: DayRecord) -> None:
        """Begin the day with what a file held at the end of the session before."""
        self.today.carry_over(record.holdings)
        self._know(record)

    # -- Inside -----------------------------------------------------------------------------------

    def _know(self, record: DayRecord) -> None:
        self._known_ns = self._executed_ns = record.executed_ns
        if self._is_confirmed:  # before the first day began, as a backtest does
            self.confirm()

    def _is_news(self, fill: Fill) -> bool:
        """Whether no run has counted the fill yet.

        At a start the broker's executions of the day are told again. Those after the last that the file
        knows, and before the start, happened while nobody watched. What is stamped later before
        positions are reconciled is Nautilus' own: a fill that it made up to match a position.
        """
        if not fill.is_found or self._is_confirmed:
            return True
        return self._known_ns is not None and self._known_ns < fill.executed_ns <= self._started_ns

    def _count(self, fill: Fill, now_ns: int) -> None:
        terms, quantity = fill.terms, fill.signed_quantity
        self._executed_ns = max(fill.executed_ns, self._executed_ns or 0)
        self.today.marks.setdefault(terms.instrument_id, mark_at(fill.price, now_ns))
        paid = quantity * fill.price * terms.multiplier + fill.fee_usd
        self.today.execute(terms.instrument_id, terms.multiplier, quantity, paid)

    def _held(self) -> dict[str, tuple[int, int]]:
        held: dict[str, tuple[int, int]] = {}
        for lot in self.lots.values():
            quantity, _ = held.get(lot.instrument_id, (0, 0))
            held[lot.instrument_id] = (quantity + lot.quantity, lot.terms.multiplier)
        return held

    def _lots_of(self, trade: tuple[str, str, bool]) -> list[Lot]:
        strategy_id, symbol, is_stock = trade
        return [
            lot
            for (owner, _), lot in self.lots.items()
            if owner == strategy_id and lot.terms.symbol == symbol and (lot.terms.kind == "stock") == is_stock
        ]

    def _finish_trade(self, profit: Decimal, now_ns: int, *, is_news: bool) -> None:
        if not is_news:
            return
        if profit >= 0:
            self._losses = 0
            return
        self._losses += 1
        if self._losses >= self._max_losses:
            self._paused_until_ns = now_ns + self._pause_ns
