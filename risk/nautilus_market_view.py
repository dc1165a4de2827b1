"""Answers the gate's questions from Nautilus' cache, and keeps what it converted until that changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import QuoteTick, TradeTick
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Money

from market.calendar import TradingCalendar
from market.session_windows import SessionPhase, SessionRules, SessionWindow
from market.time import new_york_date, new_york_midnight_ns
from risk.intent import InstrumentTerms
from risk.market_view import Greeks
from risk.nautilus_fixed_point import PRICE_OF_RAW, SIZE_OF_RAW
from risk.nautilus_intents import InstrumentBook
from risk.session_view import SessionView, TradingDay
from risk.snapshot import Quote, Touch

GreeksSource = Callable[[str], Greeks | None]
"""Gives the greeks of an option by instrument id; None when they are unknown."""

_NO_SESSION = SessionView("closed", False, None)
_CALENDAR_MARGIN = timedelta(days=10)
_CALENDAR_SPAN = timedelta(days=400)


class _Line:
    """What was converted last of one instrument, and the ticks that it was made of."""

    __slots__ = ("instrument_id", "quote", "quote_tick", "touch", "touch_tick")

    def __init__(self, instrument_id: InstrumentId) -> None:
        self.instrument_id = instrument_id
        self.quote_tick: QuoteTick | None = None
        self.quote: Quote | None = None
        self.touch_tick: QuoteTick | None = None
        self.touch: Touch | None = None


class NautilusMarketView:
    """A `MarketView` over one cache; without a source of `greeks` they are unknown, and options refused."""

    def __init__(
        self,
        cache: Any,
        instruments: InstrumentBook,
        session_rules: SessionRules,
        *,
        calendar: TradingCalendar | None = None,
        greeks: GreeksSource | None = None,
    ) -> None:
        self._cache = cache
        self._quote_tick: Callable[[InstrumentId], QuoteTick | None] = cache.quote_tick
        self._trade_tick: Callable[[InstrumentId], TradeTick | None] = cache.trade_tick
        self._instruments = instruments
        self._session_rules = session_rules
        self._calendar = calendar
        self._greeks = greeks
        self._lines: dict[str, _Line] = {}
        self._balance: Money | None = None
        self._funds_usd: Decimal | None = None
        self._day_starts_ns = self._day_ends_ns = 0
        self._view_from_ns = self._view_until_ns = 0
        self._view = _NO_SESSION
        self._window: SessionWindow | None = None
        self._views: dict[SessionPhase, SessionView] = {}

    def quote(self, terms: InstrumentTerms) -> Quote | None:
        """Return the latest quote in the cache."""
        line = self._lines.get(terms.instrument_id) or self._line(terms)
        tick = self._quote_tick(line.instrument_id)
        if tick is not line.quote_tick:
            line.quote_tick = tick
            line.quote = (
                None
                if tick is None
                else Quote(
                    PRICE_OF_RAW[tick.bid_price.raw],
                    PRICE_OF_RAW[tick.ask_price.raw],
                    SIZE_OF_RAW[tick.bid_size.raw],
                    SIZE_OF_RAW[tick.ask_size.raw],
                    tick.ts_event,
                )
            )
        return line.quote

    def touch(self, terms: InstrumentTerms) -> Touch | None:
        """Return the prices of the latest quote in the cache, None while they cross or nobody bids."""
        line = self._lines.get(terms.instrument_id) or self._line(terms)
        tick = self._quote_tick(line.instrument_id)
        if tick is not line.touch_tick:
            line.touch_tick = tick
            line.touch = None
            if tick is not None:
                bid, ask = tick.bid_price.raw, tick.ask_price.raw
                if 0 < bid <= ask or (bid == 0 <= ask and terms.kind == "option"):  # that may be worthless
                    line.touch = Touch(PRICE_OF_RAW[bid], PRICE_OF_RAW[ask])
        return line.touch

    def last_price(self, terms: InstrumentTerms) -> Decimal | None:
        """Return the price of the latest trade in the cache."""
        line = self._lines.get(terms.instrument_id) or self._line(terms)
        trade = self._trade_tick(line.instrument_id)
        return None if trade is None else PRICE_OF_RAW[trade.price.raw]

    def greeks(self, terms: InstrumentTerms) -> Greeks | None:
        """Return the greeks of an option from the source given at installation."""
        return None if self._greeks is None else self._greeks(terms.instrument_id)

    def funds_usd(self) -> Decimal | None:
        """Return the total USD balance of the one account; None with no account or with several."""
        accounts = self._cache.accounts()
        if len(accounts) != 1:
            return None
        balance = accounts[0].balance_total(USD)
        if balance is not self._balance:
            self._balance = balance
            self._funds_usd = None if balance is None else balance.as_decimal()
        return self._funds_usd

    def session(self, now_ns: int) -> SessionView:
        """Return the session's phase; a day's windows are made once, a phase is looked up once."""
        if not self._view_from_ns <= now_ns < self._view_until_ns:
            self._look_at_the_clock(now_ns)
        return self._view

    def _look_at_the_clock(self, now_ns: int) -> None:
        if not self._day_starts_ns <= now_ns < self._day_ends_ns:
            self._open_day(new_york_date(now_ns))
        self._view, changes_ns = _NO_SESSION, None
        if self._window is not None:
            self._view, changes_ns = self._views[self._window.phase(now_ns)], self._window.changes_ns(now_ns)
        self._view_from_ns, self._view_until_ns = now_ns, changes_ns or self._day_ends_ns

    def _line(self, terms: InstrumentTerms) -> _Line:
        line = self._lines[terms.instrument_id] = _Line(self._instruments.nautilus_id(terms))
        return line

    def _open_day(self, day: date) -> None:
        calendar = self._calendar
        if calendar is None or not calendar.start <= day <= calendar.end:
            calendar = self._calendar = TradingCalendar(day - _CALENDAR_MARGIN, day + _CALENDAR_SPAN)
        session = calendar.session_on(day)
        self._window = None if session is None else SessionWindow.of(session, self._session_rules)
        times = None if session is None else TradingDay(session.open_ns, session.close_ns)
        self._views = {
            phase: SessionView(phase.value, phase is SessionPhase.TRADING, times, self._window)
            for phase in SessionPhase
        }
        self._day_starts_ns = new_york_midnight_ns(day)
        self._day_ends_ns = new_york_midnight_ns(day + timedelta(days=1))
