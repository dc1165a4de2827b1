"""The calendar knows holidays, early closes and clock changes, and admits what it does not cover."""

from __future__ import annotations

from datetime import date

import pytest

from market.calendar import Session, TradingCalendar
from market.errors import DataError
from market.time import NS_PER_MINUTE, format_new_york, to_ns


@pytest.fixture(scope="module")
def calendar() -> TradingCalendar:
    return TradingCalendar(date(2012, 6, 1), date(2015, 12, 31))


def _session(calendar: TradingCalendar, day: date) -> Session:
    session = calendar.session_on(day)
    assert session is not None
    return session


def test_a_regular_session_runs_from_0930_to_1600(calendar: TradingCalendar) -> None:
    session = _session(calendar, date(2013, 10, 7))
    assert session.open_ns == to_ns("2013-10-07T09:30:00-04:00")
    assert session.close_ns == to_ns("2013-10-07T16:00:00-04:00")
    assert not session.is_early_close


@pytest.mark.parametrize(
    "day", [date(2015, 12, 24), date(2015, 11, 27), date(2013, 7, 3), date(2012, 11, 23)]
)
def test_early_closes_end_at_1300(calendar: TradingCalendar, day: date) -> None:
    session = _session(calendar, day)
    assert session.is_early_close
    assert format_new_york(session.close_ns, places=0)[11:16] == "13:00"


@pytest.mark.parametrize(
    "day",
    [
        date(2013, 10, 5),  # Saturday
        date(2015, 12, 25),  # Christmas
        date(2014, 4, 18),  # Good Friday
        date(2012, 10, 29),  # hurricane Sandy
    ],
)
def test_closed_days_have_no_session(calendar: TradingCalendar, day: date) -> None:
    assert calendar.session_on(day) is None


@pytest.mark.parametrize(("before", "after"), [((2015, 3, 6), (2015, 3, 9)), ((2015, 10, 30), (2015, 11, 2))])
def test_the_open_stays_at_0930_across_clock_changes(
    calendar: TradingCalendar, before: tuple[int, int, int], after: tuple[int, int, int]
) -> None:
    opens_ns = [_session(calendar, date(*day)).open_ns for day in (before, after)]
    assert {format_new_york(open_ns, places=0)[11:16] for open_ns in opens_ns} == {"09:30"}
    assert (opens_ns[1] - opens_ns[0]) % (24 * 60 * NS_PER_MINUTE) != 0


def test_a_session_includes_its_open_and_excludes_its_close(calendar: TradingCalendar) -> None:
    session = _session(calendar, date(2015, 12, 24))
    assert calendar.session_at(session.open_ns) == session
    assert calendar.session_at(session.close_ns - 1) == session
    assert calendar.session_at(session.open_ns - 1) is None
    assert calendar.session_at(session.close_ns) is None


def test_sessions_are_listed_with_both_ends(calendar: TradingCalendar) -> None:
    listed = calendar.sessions(date(2015, 12, 23), date(2015, 12, 28))
    assert [session.date.day for session in listed] == [23, 24, 28]


def test_a_year_has_as_many_sessions_as_the_exchange_held(calendar: TradingCalendar) -> None:
    assert len(calendar.sessions(date(2013, 1, 1), date(2013, 12, 31))) == 252


def test_one_closed_day_is_a_calendar_without_sessions() -> None:
    holiday = date(2015, 12, 25)
    assert TradingCalendar(holiday, holiday).sessions(holiday, holiday) == ()


def test_days_outside_the_range_are_unknown_not_closed(calendar: TradingCalendar) -> None:
    with pytest.raises(DataError, match="outside this calendar"):
        calendar.session_on(date(2016, 1, 4))
    with pytest.raises(DataError, match="outside this calendar"):
        calendar.session_at(to_ns("2016-01-04T15:00:00Z"))
    with pytest.raises(DataError, match="outside this calendar"):
        calendar.sessions(date(2012, 5, 31), date(2012, 6, 4))


def test_a_calendar_needs_its_start_before_its_end() -> None:
    with pytest.raises(DataError, match="earlier date first"):
        TradingCalendar(date(2015, 1, 2), date(2015, 1, 1))


@pytest.mark.parametrize(
    ("start", "end"),
    [(date(1, 1, 1), date(2015, 1, 2)), (date(1899, 12, 31),) * 2, (date(2015, 1, 2), date.max)],
)
def test_dates_beyond_what_nanoseconds_can_count_are_refused(start: date, end: date) -> None:
    with pytest.raises(DataError, match="only from 1900-01-01 to 2200-12-31"):
        TradingCalendar(start, end)


@pytest.mark.parametrize("day", [date(1900, 3, 5), date(2200, 12, 31)])
def test_the_first_and_last_years_are_known(day: date) -> None:
    assert TradingCalendar(day, day).session_on(day) is not None
