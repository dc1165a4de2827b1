"""The table of sessions says what the calendar package says, on every day of fifty years."""

from __future__ import annotations

from datetime import date

import pytest

from market.calendar import TradingCalendar
from market.session_table import (
    FIRST_DAY,
    LAST_DAY,
    made_table,
    session_table,
    sessions_of_the_package,
)

REMEDY = "exchange_calendars says otherwise now: run `python -m market.session_table` and read the difference"


def test_the_table_says_what_the_package_says_on_every_day() -> None:
    assert list(session_table().sessions(FIRST_DAY, LAST_DAY)) == sessions_of_the_package(
        FIRST_DAY, LAST_DAY
    ), REMEDY


def test_the_table_is_what_the_package_makes_today() -> None:
    made, kept = made_table(), session_table()
    assert (made.closed, made.hours) == (kept.closed, kept.hours), REMEDY


@pytest.mark.parametrize(
    ("start", "end", "is_covered"),
    [
        (FIRST_DAY, LAST_DAY, True),
        (date(1989, 12, 31), FIRST_DAY, False),
        (LAST_DAY, date(2041, 1, 1), False),
    ],
)
def test_the_table_knows_where_it_ends(start: date, end: date, is_covered: bool) -> None:
    assert session_table().covers(start, end) is is_covered


def test_days_beyond_the_table_come_from_the_package() -> None:
    start, end = date(2040, 12, 1), date(2041, 1, 31)
    sessions = TradingCalendar(start, end).sessions(start, end)
    assert [tuple(session_fields) for session_fields in sessions_of_the_package(start, end)] == [
        (each.date, each.open_ns, each.close_ns, each.is_early_close) for each in sessions
    ]
    assert sessions[-1].date == date(2041, 1, 31)
