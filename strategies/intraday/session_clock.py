"""The trading window that holds now or comes next."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

from market.calendar import TradingCalendar
from market.errors import DataError
from market.session_windows import SessionRules, SessionWindow
from market.time import new_york_date

_LOOK_AHEAD = timedelta(days=14)  # longer than the exchange has ever been closed since 1933


class SessionClock:
    """Answers which session counts at an instant, for any instant that the exchange calendar knows."""

    def __init__(self, rules: SessionRules) -> None:
        self._rules = rules

    def window_at(self, now_ns: int) -> SessionWindow:
        """Return the first session that closes after `now_ns` (ns UTC), under the rules."""
        day = new_york_date(now_ns)
        for session in _calendar_of(day.year).sessions(day, day + _LOOK_AHEAD):
            if session.close_ns > now_ns:
                return SessionWindow.of(session, self._rules)
        raise DataError(f"The exchange calendar has no session within {_LOOK_AHEAD.days} days of {day}.")


@lru_cache(maxsize=4)  # building one takes 0.15 s, and every strategy of every run asks for the same
def _calendar_of(year: int) -> TradingCalendar:
    return TradingCalendar(date(year, 1, 1), date(year, 12, 31) + _LOOK_AHEAD)
