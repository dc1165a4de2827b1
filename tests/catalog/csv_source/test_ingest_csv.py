"""Quotes, trades and bars from files: what goes in is what the file says, however it is written."""

from __future__ import annotations

import functools
import gzip
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.csv_source.blocks import read_blocks
from catalog.store import CatalogStore
from market.errors import ConfigError, DataError, NotFoundError
from tests.catalog.csv_source.csv_files import (
    GOOD_QUOTE,
    OPEN_NS,
    QUOTE_HEADER,
    ingest,
    quote_rows,
    stored,
    write_csv,
)
from tests.catalog.stored_columns import snapshot

prices = st.integers(1, 10**9).map(lambda ten_thousandths: Decimal(ten_thousandths).scaleb(-4))
sizes = st.integers(0, 10**7)
steps = st.integers(0, 5_000_000_000)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(steps, prices, prices, sizes, sizes), min_size=1, max_size=30))
def test_quotes_in_the_catalog_are_those_of_the_file(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Any, ...]]
) -> None:
    folder = tmp_path_factory.mktemp("quotes")
    time = OPEN_NS
    lines = []
    for step, *values in rows:
        time += step
        lines.append((time, *values))
    ingest(write_csv(folder / "q.csv", lines), folder / "catalog", "BAC")
    read = stored(folder / "catalog")
    assert [
        (
            quote["ts_event"],
            Decimal(quote["bid_price"]),
            Decimal(quote["ask_price"]),
            int(quote["bid_size"]),
            int(quote["ask_size"]),
        )
        for quote in read
    ] == lines
    times = [quote["ts_init"] for quote in read]
    assert times == sorted(set(times))
    assert all(quote["ts_init"] >= quote["ts_event"] for quote in read)


def test_trades_carry_side_and_id(tmp_path: Path) -> None:
    header = ("ts", "price", "size", "side", "trade_id")
    rows = [
        (OPEN_NS, "13.9", 100, "buy", "t1"),
        (OPEN_NS, "13.91", 1, "S", ""),
        (OPEN_NS + 1, "1800.0001", 5, "", "t3"),
    ]
    ingest(write_csv(tmp_path / "t.csv", rows, header), tmp_path / "catalog", "BAC")
    trades = stored(tmp_path / "catalog", "trade_ticks")
    assert [(trade["price"], trade["size"], trade["aggressor_side"]) for trade in trades] == [
        ("13.9000", "100", "BUYER"),
        ("13.9100", "1", "SELLER"),
        ("1800.0001", "5", "NO_AGGRESSOR"),
    ]
    assert [trade["trade_id"] for trade in trades] == ["t1", str(trades[1]["ts_init"]), "t3"]


BAR_HEADER = ("timestamp", "symbol", "open", "high", "low", "close", "volume")


def test_bars_are_stamped_with_their_close(tmp_path: Path) -> None:
    rows = [("2013-10-07 09:30:00", "BAC", "13.90", "13.95", "13.80", "13.81", 0)]
    path = write_csv(tmp_path / "b.csv", rows, BAR_HEADER)
    ingest(path, tmp_path / "open", bar="15-minute", time_zone="America/New_York")
    ingest(path, tmp_path / "close", bar="15-MINUTE", time_zone="America/New_York", bar_stamp="close")
    (opened,), (closed,) = stored(tmp_path / "open", "bars"), stored(tmp_path / "close", "bars")
    assert opened["ts_event"] == OPEN_NS + 15 * 60 * 10**9
    assert closed["ts_event"] == OPEN_NS
    assert opened["bar_type"] == "BAC.SMART-15-MINUTE-LAST-EXTERNAL"
    assert [opened[name] for name in ("open", "high", "low", "close", "volume")] == [
        "13.9000",
        "13.9500",
        "13.8000",
        "13.8100",
        "0",
    ]


def test_bars_need_their_length(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "b.csv", [(OPEN_NS, "BAC", 1, 1, 1, 1, 1)], BAR_HEADER)
    with pytest.raises(ConfigError, match="say how long with --bar 1-MINUTE"):
        ingest(path, tmp_path / "catalog")
    with pytest.raises(ConfigError, match="'hour' is no bar length"):
        ingest(path, tmp_path / "catalog", bar="hour")
    assert not (tmp_path / "catalog").exists()


def _many(count: int, symbols: tuple[str, ...] = ("bac", "SPY", "F")) -> list[tuple[object, ...]]:
    return [
        (symbols[row * 7 % len(symbols)], *values)
        for row, values in enumerate(quote_rows([OPEN_NS + row * 1000 for row in range(count)]))
    ]


def test_a_symbol_column_parts_the_rows(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "q.csv", _many(300), ("symbol", *QUOTE_HEADER))
    result = ingest(path, tmp_path / "catalog")
    assert result.instruments == ("BAC.SMART", "F.SMART", "SPY.SMART")
    assert result.rows == len(stored(tmp_path / "catalog")) == 300
    only = ingest(path, tmp_path / "only", "bac")
    assert only.instruments == ("BAC.SMART",)
    expected = [quote for quote in stored(tmp_path / "catalog") if quote["instrument_id"] == "BAC.SMART"]
    assert stored(tmp_path / "only") == expected


def test_a_symbol_that_is_not_in_the_file_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "q.csv", _many(10), ("symbol", *QUOTE_HEADER))
    with pytest.raises(DataError, match=r"q\.csv has no row of XYZ; it has: BAC, F, SPY\."):
        ingest(path, tmp_path / "catalog", "BAC", "XYZ")
    assert not (tmp_path / "catalog").exists()


def test_a_file_without_symbols_needs_exactly_one(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "q.csv", [GOOD_QUOTE])
    with pytest.raises(ConfigError, match="--symbol BAC"):
        ingest(path, tmp_path / "catalog")
    with pytest.raises(ConfigError, match="Given were BAC, SPY"):
        ingest(path, tmp_path / "catalog", "BAC", "SPY")


def test_start_and_end_are_new_york_dates_both_included(tmp_path: Path) -> None:
    days = ["2013-10-06T23:59:59", "2013-10-07T00:00:00", "2013-10-08T23:59:59", "2013-10-09T00:00:00"]
    path = write_csv(tmp_path / "q.csv", quote_rows([f"{day}-04:00" for day in days]))
    result = ingest(path, tmp_path / "catalog", "BAC", start=date(2013, 10, 7), end=date(2013, 10, 8))
    assert (result.rows, result.rejected) == (2, 0)
    with pytest.raises(DataError, match="no rows from 2014-01-01: its rows are of 2013-10-06 to 2013-10-09"):
        ingest(path, tmp_path / "none", "BAC", start=date(2014, 1, 1))
    with pytest.raises(DataError, match="2013-10-07 is before --start 2013-10-08"):
        ingest(path, tmp_path / "none", "BAC", start=date(2013, 10, 8), end=date(2013, 10, 7))


def test_repeating_an_ingest_changes_nothing(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "q.csv", [*quote_rows([OPEN_NS, OPEN_NS + 1]), ("x", 1, 2, 3, 4)])
    first = ingest(path, tmp_path / "catalog", "BAC")
    before = snapshot(tmp_path / "catalog")
    moved = path.rename(tmp_path / "renamed.csv")
    again = ingest(moved, tmp_path / "catalog", "bac")
    assert (first.unchanged, again.unchanged) == (False, True)
    assert again.rows == first.rows
    assert snapshot(tmp_path / "catalog") == before


def test_a_corrected_file_replaces_the_first(tmp_path: Path) -> None:
    root = tmp_path / "catalog"
    ingest(write_csv(tmp_path / "q.csv", quote_rows([OPEN_NS, OPEN_NS + 9_000_000])), root, "BAC")
    corrected = write_csv(tmp_path / "q.csv", quote_rows([OPEN_NS, OPEN_NS + 5_000_000]))
    with pytest.raises(DataError, match="--replace"):
        ingest(corrected, root, "BAC")
    assert len(ingest(corrected, root, "BAC", replace=True).replaced) == 1
    assert [quote["ts_event"] for quote in stored(root)] == [OPEN_NS, OPEN_NS + 5_000_000]


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "csv.zst", "txt"])
def test_compressed_files_are_told_by_their_content(tmp_path: Path, ending: str) -> None:
    plain = write_csv(tmp_path / "plain.csv", quote_rows([OPEN_NS + row for row in range(2000)]))
    path = tmp_path / f"q.{ending}"
    if ending.endswith("gz"):
        path.write_bytes(gzip.compress(plain.read_bytes()))
    elif ending.endswith("zst"):
        with pa.CompressedOutputStream(str(path), "zstd") as stream:
            stream.write(plain.read_bytes())
    else:
        path.write_bytes(plain.read_bytes())
    ingest(path, tmp_path / "catalog", "BAC")
    ingest(plain, tmp_path / "expected", "BAC")
    assert stored(tmp_path / "catalog") == stored(tmp_path / "expected")


@pytest.mark.parametrize("separator", [";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_other_separators_line_ends_quotes_and_marks_are_read(
    tmp_path: Path, separator: str, end: str
) -> None:
    lines = [separator.join(QUOTE_HEADER), *(separator.join(f'"{value}"' for value in GOOD_QUOTE),) * 2]
    (tmp_path / "q.csv").write_bytes(("\ufeff" + end.join(lines)).encode())  # no newline at the end
    assert ingest(tmp_path / "q.csv", tmp_path / "catalog", "BAC").rows == 2


@pytest.mark.parametrize("block_bytes", [100, 1000, 4096])
def test_the_size_of_blocks_does_not_matter(
    tmp_path: Path, block_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = _many(200)
    rows[50] = ("BAC", OPEN_NS + 50_000, "oops", *rows[50][3:])
    rows[120] = ("BAC", OPEN_NS, *rows[120][2:])
    path = write_csv(tmp_path / "q.csv", rows, ("symbol", *QUOTE_HEADER))
    expected = ingest(path, tmp_path / "expected")
    in_small_blocks = functools.partial(read_blocks, block_bytes=block_bytes)
    monkeypatch.setattr("catalog.ingest_csv.read_blocks", in_small_blocks)
    assert ingest(path, tmp_path / "catalog") == expected
    assert snapshot(tmp_path / "catalog") == snapshot(tmp_path / "expected")


def test_a_folder_is_ingested_file_by_file(tmp_path: Path) -> None:
    folder = tmp_path / "days"
    folder.mkdir()
    for day in range(3):
        write_csv(folder / f"{day}.csv", quote_rows([OPEN_NS + day * 10**12]))
    (folder / "notes.txt").write_text("not data")
    result = ingest(folder, tmp_path / "catalog", "BAC")
    assert (result.rows, len(result.files), result.unchanged) == (3, 3, False)
    assert ingest(folder, tmp_path / "catalog", "BAC").unchanged
    write_csv(folder / "3.csv", [("x", 1, 2, 3, 4)])
    write_csv(folder / "4.csv", quote_rows([OPEN_NS + 4 * 10**12]))
    with pytest.raises(DataError, match=r"1 of 5 sources were refused, the others are in the cat.*3\.csv"):
        ingest(folder, tmp_path / "catalog", "BAC")
    assert len(CatalogStore(tmp_path / "catalog").manifest().ingests) == 4
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError, match=r"holds no file that ends with \.csv"):
        ingest(tmp_path / "empty", tmp_path / "catalog", "BAC")


def test_more_rows_than_a_row_group_arrive_in_order(tmp_path: Path) -> None:
    count = 300_000
    times = pa.array(range(OPEN_NS, OPEN_NS + count * 1000, 1000))
    table = pa.table({"ts": times, "bid": pa.array([13.9] * count), "ask": pa.array([13.91] * count)})
    table = table.append_column("bid_size", pa.array(range(count))).append_column(
        "ask_size", pa.array([1] * count)
    )
    pa.csv.write_csv(table, tmp_path / "q.csv")
    result = ingest(tmp_path / "q.csv", tmp_path / "catalog", "BAC")
    assert (result.rows, result.rejected) == (count, 0)
    import pyarrow.parquet as pq

    stored_times = pq.read_table(tmp_path / "catalog" / result.files[0])["ts_event"]
    assert stored_times.to_pylist() == times.to_pylist()
