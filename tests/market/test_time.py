"""Instants are exact, and New York's clock is read with its daylight saving."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import DataError
from market.time import (
    NS_PER_MINUTE,
    NS_PER_SECOND,
    format_new_york,
    format_utc,
    new_york_date,
    new_york_midnight_ns,
    new_york_ns,
    parse_date,
    to_ns,
)

OPEN_2013_10_07_NS = 1_381_152_600 * NS_PER_SECOND  # 13:30 UTC, by `date -u -d @1381152600`


@pytest.mark.parametrize(
    "text",
    [
        "2013-10-07T09:30:00-04:00",
        "2013-10-07T13:30:00Z",
        "2013-10-07 13:30+00:00",
        "2013-10-07T13:30:00.000000000Z",
    ],
)
def test_one_instant_may_be_written_in_several_zones(text: str) -> None:
    assert to_ns(text) == OPEN_2013_10_07_NS


@given(
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)),  # noqa: DTZ001
    st.integers(0, 999),
    st.integers(-14 * 60, 14 * 60),
)
def test_text_keeps_every_nanosecond(naive: datetime, nanoseconds: int, offset_minutes: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
    head, tail = moment.strftime("%Y-%m-%dT%H:%M:%S"), moment.isoformat()[-6:]
    text = f"{head}.{moment.microsecond:06d}{nanoseconds:03d}{tail}"
    assert to_ns(text) == to_ns(moment) + nanoseconds


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001
def test_an_instant_reads_back_from_its_nanoseconds(naive: datetime) -> None:
    moment = naive.replace(tzinfo=UTC)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert epoch + timedelta(microseconds=to_ns(moment) // 1_000) == moment


@pytest.mark.parametrize("text", ["2013-10-07T09:30:00", "2013-10-07", "2013-10-07T09:30:00.5"])
def test_a_time_without_a_zone_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="no time zone"):
        to_ns(text)


def test_a_datetime_without_a_zone_is_refused() -> None:
    with pytest.raises(DataError, match="no time zone"):
        to_ns(datetime(2013, 10, 7))  # noqa: DTZ001


@pytest.mark.parametrize("text", ["", "today", "07/10/2013", "2013-13-01T00:00Z", "2013-10-07T25:00Z"])
def test_text_that_is_not_a_time_is_named(text: str) -> None:
    with pytest.raises(DataError, match="is not a time"):
        to_ns(text)


def test_a_time_finer_than_a_nanosecond_is_refused() -> None:
    with pytest.raises(DataError, match="finer than a nanosecond"):
        to_ns("2013-10-07T13:30:00.0000000001Z")


@pytest.mark.parametrize("text", ["2013-10-7", "20131007", "2013-W41-1", "7 October 2013", "2013-02-30", ""])
def test_only_year_month_day_is_a_date(text: str) -> None:
    with pytest.raises(DataError, match="year-month-day"):
        parse_date(text)


def test_a_date_is_parsed() -> None:
    assert parse_date("2013-10-07") == date(2013, 10, 7)


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2015, 3, 8), 23), (date(2015, 11, 1), 25), (date(2015, 7, 1), 24)],
)
def test_a_new_york_day_is_as_long_as_its_clock_change_makes_it(day: date, hours: int) -> None:
    length_ns = new_york_midnight_ns(day + timedelta(days=1)) - new_york_midnight_ns(day)
    assert length_ns == hours * 60 * NS_PER_MINUTE


@given(st.dates(min_value=date(1970, 1, 2), max_value=date(2199, 1, 1)))
def test_midnight_begins_its_date(day: date) -> None:
    midnight_ns = new_york_midnight_ns(day)
    assert new_york_date(midnight_ns) == day
    assert new_york_date(midnight_ns - 1) == day - timedelta(days=1)


def test_wall_clock_follows_daylight_saving() -> None:
    winter = new_york_ns(date(2015, 3, 6), time(9, 30))
    summer = new_york_ns(date(2015, 3, 9), time(9, 30))
    assert summer - winter == (3 * 24 - 1) * 60 * NS_PER_MINUTE


def test_times_are_shown_in_new_york_and_never_rounded_up() -> None:
    shown = format_new_york(OPEN_2013_10_07_NS + 999_999_999)
    assert shown == "2013-10-07 09:30:00.999 EDT"
    assert format_new_york(OPEN_2013_10_07_NS, places=0) == "2013-10-07 09:30:00 EDT"
    assert format_new_york(OPEN_2013_10_07_NS + 7, places=9) == "2013-10-07 09:30:00.000000007 EDT"
    assert format_new_york(to_ns("2015-12-24T18:00:00Z")) == "2015-12-24 13:00:00.000 EST"


@given(st.integers(0, 4_102_444_800 * NS_PER_SECOND))
def test_a_time_in_utc_keeps_every_nanosecond(ts_ns: int) -> None:
    assert to_ns(format_utc(ts_ns)) == ts_ns


def test_a_time_in_utc_has_a_fixed_width() -> None:
    assert format_utc(OPEN_2013_10_07_NS + 7) == "2013-10-07T13:30:00.000000007Z"
