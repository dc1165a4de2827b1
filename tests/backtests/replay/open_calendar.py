"""A trading calendar that is open while a test runs, whatever the hour, for strategies and gate alike."""

from __future__ import annotations

import time
from datetime import date

import pytest

from market.calendar import Session, TradingCalendar
from market.time import NS_PER_SECOND, new_york_date

HOUR_NS = 3600 * NS_PER_SECOND


class OpenNow(TradingCalendar):
    """A calendar with one session: it began two hours before now and lasts six more."""

    def __init__(self) -> None:
        now_ns = time.time_ns()
        self.start, self.end = date.min, date.max
        self._session = Session(new_york_date(now_ns), now_ns - 2 * HOUR_NS, now_ns + 6 * HOUR_NS, False)

    def session_on(self, day: date) -> Session:
        return self._session

    def sessions(self, start: date, end: date) -> tuple[Session, ...]:
        return (self._session,)


def open_calendar(monkeypatch: pytest.MonkeyPatch) -> OpenNow:
    """Have strategies of this process, recorded and replayed, know an `OpenNow` only; return it."""
    calendar = OpenNow()
    monkeypatch.setattr("strategies.intraday.session_clock._calendar_of", lambda _year: calendar)
    return calendar
