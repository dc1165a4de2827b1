"""When contracts of many expiries settle, and when sessions close; calendars are made once."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from market.calendar import Session, TradingCalendar
from market.errors import DataError
from market.option_contracts import OptionClass, settlement_ns

_FIRST_YEAR, _LAST_YEAR = 1990, 2100
_SPAN_YEARS = 5


def expiry_ns_of(option_class: OptionClass, expiry: date) -> int:
    """Return the settlement instant of a class' expiry, ns UTC; raises `DataError` outside 1990 to 2100."""
    return _settlement(option_class.settlement, expiry)


def session_of(day: date) -> Session:
    """Return the session of `day`; raises `DataError` where the exchange is closed."""
    session = _calendar_of(day).session_on(day)
    if session is None:
        raise DataError(f"{day} is no session of the New York Stock Exchange.")
    return session


@lru_cache(maxsize=65_536)
def _settlement(settlement: str, expiry: date) -> int:
    return settlement_ns(expiry, settlement, _calendar_of(expiry))


def _calendar_of(day: date) -> TradingCalendar:
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise DataError(f"Date {day} is outside {_FIRST_YEAR} to {_LAST_YEAR}. Check the column of dates.")
    return _calendar(day.year // _SPAN_YEARS * _SPAN_YEARS)


@lru_cache(maxsize=16)
def _calendar(first_year: int) -> TradingCalendar:
    # A week more at the start: the expiry of a holiday settles with the session before it.
    return TradingCalendar(date(first_year - 1, 12, 24), date(first_year + _SPAN_YEARS - 1, 12, 31))
