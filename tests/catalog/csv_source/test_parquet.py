"""Parquet files of other makers: the same rows, whatever types they chose."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from market.errors import ConfigError, DataError
from tests.catalog.csv_source.csv_files import OPEN_NS, ingest, rejects, stored

MOMENT = datetime(2013, 10, 7, 13, 30, tzinfo=UTC)


def write_parquet(path: Path, **columns: Any) -> Path:
    values = {
        "ts": pa.array([OPEN_NS, OPEN_NS + 1]),
        "bid": pa.array([13.9, 13.91]),
        "ask": pa.array([13.91, 2500.25]),
        "bid_size": pa.array([100, 200]),
        "ask_size": pa.array([100, 0]),
    }
    pq.write_table(pa.table(values | columns), path)
    return path


@pytest.mark.parametrize(
    "times",
    [
        pa.array([OPEN_NS, OPEN_NS + 1]),
        pa.array([OPEN_NS, OPEN_NS + 1], pa.uint64()),
        pa.array([MOMENT, MOMENT], pa.timestamp("us", "UTC")),
        pa.array([MOMENT, MOMENT], pa.timestamp("ms", "America/New_York")),
        pa.array(["2013-10-07T13:30:00Z"] * 2),
        pa.array(["2013-10-07T13:30:00Z"] * 2, pa.large_string()),
        pa.array(["2013-10-07T13:30:00Z"] * 2).dictionary_encode(),
        pa.array([OPEN_NS // 10**9] * 2, pa.int32()),
    ],
)
def test_times_of_every_type_are_read(tmp_path: Path, times: pa.Array) -> None:
    ingest(write_parquet(tmp_path / "q.parquet", ts=times), tmp_path / "catalog", "BAC")
    assert [quote["ts_event"] // 10 for quote in stored(tmp_path / "catalog")] == [OPEN_NS // 10] * 2


@pytest.mark.parametrize(
    "bids",
    [
        pa.array([13.9, 13.91]),
        pa.array([13.9, 13.91], pa.float32()),
        pa.array([Decimal("13.90"), Decimal("13.91")]),
        pa.array([Decimal("13.9000000"), Decimal("13.91")], pa.decimal128(30, 7)),
        pa.array(["13.9", " 13.91 "]),
    ],
)
def test_numbers_of_every_type_are_read(tmp_path: Path, bids: pa.Array) -> None:
    ingest(write_parquet(tmp_path / "q.parquet", bid=bids), tmp_path / "catalog", "BAC")
    assert [quote["bid_price"] for quote in stored(tmp_path / "catalog")] == ["13.9000", "13.9100"]


def test_whole_prices_and_sizes_as_floats_are_read(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "q.parquet", ask=pa.array([14, 15]), bid_size=pa.array([1e2, 2e2]))
    ingest(path, tmp_path / "catalog", "BAC")
    quotes = stored(tmp_path / "catalog")
    assert [(quote["ask_price"], quote["bid_size"]) for quote in quotes] == [
        ("14.0000", "100"),
        ("15.0000", "200"),
    ]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"bid": pa.array([None, 13.9])}, (1, "bid", "None", "is empty")),
        (
            {"bid": pa.array([13.90001, 13.9])},
            (1, "bid", "13.90001", "has more than 4 decimals (--round-prices rounds)"),
        ),
        ({"bid": pa.array([Decimal("13.9"), Decimal("-2.5")])}, (2, "bid", "-2.5", "is not above 0")),
        (
            {"bid": pa.array([Decimal("2500.00001"), Decimal("2500")])},
            (1, "bid", "2500.00001", "has more than 4 decimals (--round-prices rounds)"),
        ),
        ({"ask": pa.array(["13.9", "x"])}, (2, "ask", "x", "is not a number")),
        ({"ask_size": pa.array([100, -1])}, (2, "ask_size", "-1", "is below 0")),
        ({"ts": pa.array([OPEN_NS, 5])}, (2, "ts", "5", "is not between 1980 and 2100")),
        ({"ts": pa.array([OPEN_NS, None])}, (2, "ts", "None", "is empty")),
    ],
)
def test_bad_rows_are_named_by_their_number(
    tmp_path: Path, columns: dict[str, pa.Array], expected: tuple[int, str, str, str]
) -> None:
    result = ingest(write_parquet(tmp_path / "q.parquet", **columns), tmp_path / "catalog", "BAC")
    assert rejects(tmp_path / "catalog", result) == [expected]
    assert result.rows == 1


def test_times_without_zone_need_one(tmp_path: Path) -> None:
    naive = pa.array([datetime(2013, 10, 7, 9, 30)] * 2, pa.timestamp("ns"))  # noqa: DTZ001
    path = write_parquet(tmp_path / "q.parquet", ts=naive)
    with pytest.raises(ConfigError, match="--time-zone"):
        ingest(path, tmp_path / "catalog", "BAC")
    ingest(path, tmp_path / "catalog", "BAC", time_zone="America/New_York")
    assert [quote["ts_event"] for quote in stored(tmp_path / "catalog")] == [OPEN_NS] * 2


@pytest.mark.parametrize("values", [pa.array([1.38e9, 1.38e9]), pa.array([[1], [2]])])
def test_times_of_a_type_that_loses_digits_are_refused(tmp_path: Path, values: pa.Array) -> None:
    path = write_parquet(tmp_path / "q.parquet", ts=values)
    with pytest.raises(DataError, match="cannot be read as ts"):
        ingest(path, tmp_path / "catalog", "BAC")


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "q.parquet")
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(DataError, match="no sound Parquet file"):
        ingest(path, tmp_path / "catalog", "BAC")
    assert not (tmp_path / "catalog").exists()


def test_a_symbol_column_of_words_is_read(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "q.parquet", symbol=pa.array(["bac", "SPY"]).dictionary_encode())
    assert ingest(path, tmp_path / "catalog").instruments == ("BAC.SMART", "SPY.SMART")
