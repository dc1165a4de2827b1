"""When listings trade: sessions of the New York day, phases, and TWS's text for hours.

Known from captures (TSLA 2022-12-29): the form "20221229:0400-20221229:2000;20221231:CLOSED", six
days from today, time zone "US/Eastern". Modelled: options trade in the regular session only, index
options 15 minutes longer; extended hours end four hours after an early close.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from adapters.tws_simulator.interfaces import Listing, TradingPhase
from market.calendar import TradingCalendar
from market.time import NEW_YORK, NS_PER_MINUTE, new_york_date, new_york_midnight_ns, new_york_ns

HOURS_DAYS = 6
"""How many days TWS names, the present one included."""

CALENDAR_DAYS_BEFORE = 400
CALENDAR_DAYS_AFTER = 1200
PRE_MARKET_OPEN = time(4, 0)
AFTER_HOURS_MINUTES = 240
INDEX_OPTION_EXTRA_MINUTES = 15


class TradingHours:
    """Sessions around the day of the start; `is_always_open` makes every day one session of 24 hours.

    Days beyond the calendar (400 before to 1,200 after the start) count as open from Monday to Friday.
    """

    def __init__(self, around: date, *, is_always_open: bool = False) -> None:
        self._is_always_open = is_always_open
        self._sessions: dict[date, tuple[int, int]] = {}
        self._from, self._to = (
            around - timedelta(CALENDAR_DAYS_BEFORE),
            around + timedelta(CALENDAR_DAYS_AFTER),
        )
        if not is_always_open:
            calendar = TradingCalendar(self._from, self._to)
            for session in calendar.sessions(self._from, self._to):
                self._sessions[session.date] = (session.open_ns, session.close_ns)
        self._day_bounds = (0, 0)
        self._day = around

    def day_of(self, market_ns: int) -> date:
        """Return the New York date of `market_ns`; cheap while the day lasts."""
        start, end = self._day_bounds
        if not start <= market_ns < end:
            self._day = new_york_date(market_ns)
            end = new_york_midnight_ns(self._day + timedelta(days=1))
            self._day_bounds = (new_york_midnight_ns(self._day), end)
        return self._day

    def is_session(self, day: date) -> bool:
        """Return whether the exchange opens on `day`."""
        return self.session_on(day) is not None

    def session_on(self, day: date) -> tuple[int, int] | None:
        """Return open and close (ns) of the stocks' regular session on `day`, None when there is none."""
        if self._is_always_open:
            return new_york_midnight_ns(day), new_york_midnight_ns(day + timedelta(days=1))
        if self._from <= day <= self._to:
            return self._sessions.get(day)
        if day.weekday() > 4:
            return None
        return new_york_ns(day, time(9, 30)), new_york_ns(day, time(16, 0))

    def regular_session(self, listing: Listing, day: date) -> tuple[int, int] | None:
        """Return open and close (ns) of `listing`'s regular session on `day`, or None."""
        session = self.session_on(day)
        if session is None or self._is_always_open:
            return session
        extra = INDEX_OPTION_EXTRA_MINUTES if listing.is_option and listing.is_european else 0
        return session[0], session[1] + extra * NS_PER_MINUTE

    def trading_session(self, listing: Listing, day: date) -> tuple[int, int] | None:
        """Return when trading of any kind begins and ends on `day`, or None."""
        session = self.regular_session(listing, day)
        if session is None or self._is_always_open or listing.security_type != "STK":
            return session
        return new_york_ns(day, PRE_MARKET_OPEN), session[1] + AFTER_HOURS_MINUTES * NS_PER_MINUTE

    def phase(self, listing: Listing, market_ns: int) -> TradingPhase:
        """Return in which phase of its day `listing` is at `market_ns`."""
        day = self.day_of(market_ns)
        regular = self.regular_session(listing, day)
        if regular is None:
            return TradingPhase.CLOSED
        if regular[0] <= market_ns < regular[1]:
            return TradingPhase.REGULAR
        trading = self.trading_session(listing, day)
        is_outside = trading is not None and trading[0] <= market_ns < trading[1]
        return TradingPhase.OUTSIDE if is_outside else TradingPhase.CLOSED

    def sessions_between(
        self, listing: Listing, start_ns: int, end_ns: int, *, is_regular: bool
    ) -> list[tuple[int, int]]:
        """Return the sessions that overlap `[start_ns, end_ns)`, oldest first, each as open and close."""
        day, last = new_york_date(start_ns), new_york_date(max(start_ns, end_ns - 1))
        found = []
        while day <= last:
            session = (self.regular_session if is_regular else self.trading_session)(listing, day)
            if session is not None and session[0] < end_ns and session[1] > start_ns:
                found.append(session)
            day += timedelta(days=1)
        return found

    def text(self, listing: Listing, market_ns: int, *, is_liquid: bool) -> str:
        """Return TWS's `tradingHours`, or `liquidHours` when `is_liquid`, from the day of `market_ns`."""
        first = self.day_of(market_ns)
        parts = []
        for offset in range(HOURS_DAYS):
            day = first + timedelta(days=offset)
            session = (self.regular_session if is_liquid else self.trading_session)(listing, day)
            if session is None:
                parts.append(f"{day:%Y%m%d}:CLOSED")
            else:
                parts.append(f"{_minute(session[0])}-{_minute(session[1])}")
        return ";".join(parts)


def _minute(market_ns: int) -> str:
    return f"{datetime.fromtimestamp(market_ns // 1_000_000_000, NEW_YORK):%Y%m%d:%H%M}"
