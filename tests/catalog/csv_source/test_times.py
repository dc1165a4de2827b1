"""Times of every usual style become exact nanoseconds UTC, or are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.csv_source.times import EARLIEST_NS, LATEST_NS, TimeStyle, detect_time_format
from market.errors import ConfigError, DataError
from tests.catalog.csv_source.csv_files import ingest, quote_rows, rejects, stored, write_csv

MOMENT_NS = 1_381_152_600_123_456_789
OPEN = datetime(2013, 10, 7, 13, 30, tzinfo=UTC)


def ingested_times(tmp_path: Path, times: list[str], **options: object) -> list[int]:
    root = tmp_path / "catalog"
    ingest(write_csv(tmp_path / "q.csv", quote_rows(times)), root, "BAC", **options)
    return [quote["ts_event"] for quote in stored(root)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1381152600", 1_381_152_600_000_000_000),
        ("1381152600.123456789", MOMENT_NS),
        ("1381152600123", 1_381_152_600_123_000_000),
        ("1381152600123.456789", MOMENT_NS),
        ("1381152600123456", 1_381_152_600_123_456_000),
        ("1381152600123456789", MOMENT_NS),
        ("2013-10-07T13:30:00.123456789Z", MOMENT_NS),
        ("2013-10-07 09:30:00.123456789-04:00", MOMENT_NS),
        ("2013-10-07T09:30:00-0400", 1_381_152_600_000_000_000),
    ],
)
def test_times_that_state_their_zone_are_exact(tmp_path: Path, text: str, expected: int) -> None:
    assert ingested_times(tmp_path, [text]) == [expected]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("2013-10-07 09:30:00", {"time_zone": "America/New_York"}),
        ("2013-10-07T09:30", {"time_zone": "America/New_York"}),
        ("2013-10-07 13:30:00.000", {"time_zone": "UTC"}),
        ("10/07/2013 09:30:00", {"time_zone": "America/New_York", "time_format": "%m/%d/%Y %H:%M:%S"}),
        ("1381152600", {"time_unit": "s"}),
    ],
)
def test_times_without_zone_take_the_stated_one(
    tmp_path: Path, text: str, options: dict[str, object]
) -> None:
    assert ingested_times(tmp_path, [text], **options) == [1_381_152_600_000_000_000]


def test_a_date_of_eight_digits_is_a_date(tmp_path: Path) -> None:
    expected = int(datetime(2013, 10, 7, 4, tzinfo=UTC).timestamp()) * 10**9
    assert ingested_times(tmp_path, ["20131007"], time_zone="America/New_York") == [expected]


def test_a_zone_is_demanded_where_none_is_stated(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'2013-10-07 09:30:00' have no time zone.*--time-zone America"):
        ingested_times(tmp_path, ["2013-10-07 09:30:00"])
    with pytest.raises(ConfigError, match="'New York' is unknown"):
        ingested_times(tmp_path, ["2013-10-07 09:30:00"], time_zone="New York")


def test_what_is_no_time_is_refused_with_what_is_taken(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no time is understood; the first is 'noon'.*--time-format"):
        ingested_times(tmp_path, ["noon", "midnight"])
    with pytest.raises(DataError, match="the time 12345 has 5 digits"):
        ingested_times(tmp_path, ["12345"])


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - local by intention
        min_size=1,
        max_size=8,
    ),
    st.sampled_from(["America/New_York", "Europe/London", "UTC", "Australia/Lord_Howe"]),
)
def test_local_times_become_what_the_calendar_says(
    tmp_path_factory: pytest.TempPathFactory, moments: list[datetime], zone: str
) -> None:
    moments = sorted(moments)
    expected = sorted(int(_exact_ns(moment, zone)) for moment in moments if _is_unique(moment, zone))
    folder = tmp_path_factory.mktemp("times")
    texts = [moment.isoformat(sep=" ", timespec="microseconds") for moment in moments]
    path = write_csv(folder / "q.csv", quote_rows(texts))
    if not expected:
        with pytest.raises(DataError, match="no usable row"):
            ingest(path, folder / "catalog", "BAC", time_zone=zone)
        return
    ingest(path, folder / "catalog", "BAC", time_zone=zone)
    assert [quote["ts_event"] for quote in stored(folder / "catalog")] == expected


def _exact_ns(moment: datetime, zone: str) -> int:
    utc = moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return (utc - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


def _is_unique(moment: datetime, zone: str) -> bool:
    """Whether the clocks show `moment` exactly once."""
    offsets = {moment.replace(tzinfo=ZoneInfo(zone), fold=fold).utcoffset() for fold in (0, 1)}
    return len(offsets) == 1


def test_what_the_clocks_show_twice_or_never_is_rejected(tmp_path: Path) -> None:
    times = ["2013-11-03 00:59:00", "2013-11-03 01:30:00", "2013-11-03 02:30:00"]
    path = write_csv(tmp_path / "q.csv", quote_rows(times))
    result = ingest(path, tmp_path / "catalog", "BAC", time_zone="America/New_York")
    assert [(line, value) for line, _, value, _ in rejects(tmp_path / "catalog", result)] == [
        (3, "2013-11-03 01:30:00")
    ]
    skipped = write_csv(tmp_path / "s.csv", quote_rows(["2014-03-09 01:59:00", "2014-03-09 02:30:00"]))
    result = ingest(skipped, tmp_path / "catalog", "BAC", time_zone="America/New_York")
    assert [line for line, *_ in rejects(tmp_path / "catalog", result)] == [3]


@pytest.mark.parametrize("seconds", [EARLIEST_NS // 10**9 - 1, LATEST_NS // 10**9 + 1, -5, 2**62])
def test_times_outside_1980_to_2100_are_rejected(tmp_path: Path, seconds: int) -> None:
    path = write_csv(tmp_path / "q.csv", quote_rows([1381152600, seconds]))
    result = ingest(path, tmp_path / "catalog", "BAC")
    assert rejects(tmp_path / "catalog", result) == [(3, "ts", str(seconds), "is not between 1980 and 2100")]


def test_the_first_time_that_is_understood_decides() -> None:
    found = detect_time_format(
        ["", "x", "2013-10-07T13:30:00Z"], zone=None, unit=None, pattern=None, file="f"
    )
    assert found.style is TimeStyle.ZONED
