"""Bad rows are named, counted and left out; a file that is not what it claims is refused whole."""

from __future__ import annotations

import gzip
import random
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.csv_source.writer import RowWriter
from market.errors import DataError, NotFoundError
from tests.catalog.csv_source.csv_files import (
    GOOD_QUOTE,
    OPEN_NS,
    QUOTE_HEADER,
    ingest,
    quote_rows,
    rejects,
    stored,
    write_csv,
)

NEXT = OPEN_NS + 1


def bad_quote(tmp_path: Path, **values: object) -> list[tuple[int, str, str, str]]:
    """Ingest a good row, one with `values`, a good row; return what was rejected."""
    row = dict(zip(QUOTE_HEADER, GOOD_QUOTE, strict=True)) | {"ts": NEXT} | values
    last = (OPEN_NS + 2, *GOOD_QUOTE[1:])
    path = write_csv(tmp_path / "q.csv", [GOOD_QUOTE, tuple(row.values()), last])
    result = ingest(path, tmp_path / "catalog", "BAC")
    assert (result.rows, result.rejected) == (2, 1)
    assert [quote["ts_event"] for quote in stored(tmp_path / "catalog")] == [OPEN_NS, OPEN_NS + 2]
    return rejects(tmp_path / "catalog", result)


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("bid", "abc", "is not a number"),
        ("bid", "", "is empty"),
        ("ask", "NaN", "is not a number"),
        ("bid", "null", "is empty"),
        ("bid", "0", "is not above 0"),
        ("ask", "-13.91", "is not above 0"),
        ("bid", "13.90001", "has more than 4 decimals (--round-prices rounds)"),
        ("bid", "13.899999618530273", "has more than 4 decimals (--round-prices rounds)"),
        ("bid", "1000000001", "is above 1,000,000,000 USD"),
        ("bid", "1" + "0" * 40, "is above 1,000,000,000 USD"),
        ("bid", "inf", "is above 1,000,000,000 USD"),
        ("bid_size", "-1", "is below 0"),
        ("bid_size", "0.5", "is not a whole number of shares"),
        ("ask_size", "", "is empty"),
        ("ask_size", "1e15", "is above 10,000,000,000 shares"),
        ("ask_size", "many", "is not a number"),
        ("ts", "soon", "is not a time as this file writes them"),
        ("ts", "", "is empty"),
        ("ts", "12", "is not between 1980 and 2100"),
        ("ts", OPEN_NS - 1, "is earlier than a row before it"),
    ],
)
def test_a_bad_value_is_named_with_line_column_value_and_reason(
    tmp_path: Path, column: str, value: object, why: str
) -> None:
    assert bad_quote(tmp_path, **{column: value}) == [(3, column, str(value), why)]


def test_decimal_commas_are_named(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    rows = ["ts;bid;ask;bid_size;ask_size", f"{OPEN_NS};13.90;13.91;1;1", f"{NEXT};13,90;13.91;1;1"]
    path.write_text("\n".join(rows))
    ((line, column, value, why),) = rejects(tmp_path / "c", ingest(path, tmp_path / "c", "BAC"))
    assert (line, column, value) == (3, "bid", "13,90")
    assert why.startswith("is not a number: it has a comma; write decimals with a point")


@pytest.mark.parametrize("symbol", ["B AC/..", "..", "BAC-X", "", "7UP", "ABCDEFGHIJKL"])
def test_a_symbol_that_a_profile_could_not_name_is_refused(tmp_path: Path, symbol: str) -> None:
    path = write_csv(tmp_path / "q.csv", quote_rows([OPEN_NS]))
    with pytest.raises(DataError, match=r"is no symbol.*BRK\.B"):
        ingest(path, tmp_path / "catalog", symbol)
    assert not (tmp_path / "catalog").exists()


@pytest.mark.parametrize("asked", [{"start": date(2013, 10, 8)}, {"end": date(2013, 10, 6)}])
@pytest.mark.parametrize("has_symbols", [True, False])
def test_dates_that_the_file_does_not_have_are_named_with_those_it_has(
    tmp_path: Path, asked: dict[str, date], has_symbols: bool
) -> None:
    header = (*QUOTE_HEADER, "symbol") if has_symbols else QUOTE_HEADER
    rows = [(*row, "BAC") if has_symbols else row for row in quote_rows([OPEN_NS, NEXT])]
    path = write_csv(tmp_path / "q.csv", rows, header)
    message = r"q\.csv has no rows (from|to) 2013-10-0[68]: its rows are of 2013-10-07 to 2013-10-07"
    with pytest.raises(DataError, match=message):
        ingest(path, tmp_path / "catalog", "BAC", **asked)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2013-11-03 01:30:00", "is ambiguous in America/New_York: the clocks showed it twice"),
        ("2013-03-10 02:30:00", "does not exist in America/New_York: the clocks skipped it"),
    ],
)
@pytest.mark.parametrize("time_format", [None, "%Y-%m-%d %H:%M:%S"])
def test_local_times_that_the_clocks_showed_twice_or_never_are_told_apart(
    tmp_path: Path, text: str, why: str, time_format: str | None
) -> None:
    times = ["2013-03-08 09:30:00", text, "2013-11-04 09:30:00"]
    path = write_csv(tmp_path / "q.csv", quote_rows(times))
    result = ingest(path, tmp_path / "c", "BAC", time_zone="America/New_York", time_format=time_format)
    ((line, column, value, found),) = rejects(tmp_path / "c", result)
    assert (line, column, value) == (3, "ts", text)
    assert found.startswith(why)


def test_a_crossed_quote_is_a_matter_of_quality_not_of_form(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "q.csv", [(OPEN_NS, "13.95", "13.90", 0, 0)])
    assert ingest(path, tmp_path / "catalog", "BAC").rejected == 0


def test_rows_of_the_wrong_length_and_broken_quotes_are_named(tmp_path: Path) -> None:
    good = ",".join(map(str, GOOD_QUOTE))
    lines = [",".join(QUOTE_HEADER), good, "1,2,3", "", f'"{good}', good, f"{good},9", good]
    path = tmp_path / "q.csv"
    path.write_text("\n".join(lines))
    result = ingest(path, tmp_path / "catalog", "BAC")
    assert result.rows == 3
    assert [(line, why) for line, _, _, why in rejects(tmp_path / "catalog", result)] == [
        (3, "has 3 columns, the header has 5"),
        (5, "has 1 columns, the header has 5"),
        (7, "has 6 columns, the header has 5"),
    ]


TRADE_HEADER = ("ts", "price", "size", "side", "trade_id", "symbol")


@pytest.mark.parametrize(
    ("position", "value", "why"),
    [
        (2, 0, "is below 1 share"),
        (3, "sideways", "is neither buy, sell nor empty"),
        (4, "x" * 37, "is longer than 36 characters"),
        (4, "ü", "is not ASCII"),
        (5, "B/\\C", "is no symbol"),
        (5, "", "is no symbol"),
    ],
)
def test_bad_trades_are_named(tmp_path: Path, position: int, value: object, why: str) -> None:
    good = [OPEN_NS, "13.9", 100, "b", "t1", "BAC"]
    bad = [*good[:position], value, *good[position + 1 :]]
    path = write_csv(tmp_path / "t.csv", [good, bad, good], TRADE_HEADER)
    result = ingest(path, tmp_path / "catalog")
    assert rejects(tmp_path / "catalog", result) == [(3, TRADE_HEADER[position], str(value), why)]
    assert len(stored(tmp_path / "catalog", "trade_ticks")) == 2


@pytest.mark.parametrize(
    ("corners", "column", "why"),
    [
        (("10", "9.99", "9.98", "9.99"), "high", "is below the open, low or close"),
        (("10", "11", "10.5", "11"), "low", "is above the open or close"),
        (("10", "11", "9", "11.0001"), "high", "is below the open, low or close"),
    ],
)
def test_bars_that_contradict_themselves_are_named(
    tmp_path: Path, corners: tuple[str, ...], column: str, why: str
) -> None:
    header = ("ts", "open", "high", "low", "close", "volume")
    rows = [(OPEN_NS, 10, 11, 9, 10, 5), (OPEN_NS + 10**9, *corners, 5)]
    result = ingest(write_csv(tmp_path / "b.csv", rows, header), tmp_path / "catalog", "BAC", bar="1-SECOND")
    value = dict(zip(header[1:5], corners, strict=True))[column]
    assert rejects(tmp_path / "catalog", result) == [(3, column, value, why)]


def test_a_bar_that_contradicts_itself_is_named_beside_another_fault(tmp_path: Path) -> None:
    header = ("ts", "open", "high", "low", "close", "volume")
    corners = [(10, 11, 9, 10), (10, 11, -9, 10), (10, 9, 8, 10)]
    rows = [(OPEN_NS + row, *corner, 5) for row, corner in enumerate(corners)]
    result = ingest(write_csv(tmp_path / "b.csv", rows, header), tmp_path / "catalog", "BAC", bar="1-SECOND")
    assert [(line, column) for line, column, _, _ in rejects(tmp_path / "catalog", result)] == [
        (3, "low"),
        (4, "high"),
    ]


@settings(max_examples=30, deadline=None)
@given(st.sets(st.integers(0, 119)), st.sampled_from(["x", "-1", "", "1.00001"]), st.booleans())
def test_exactly_the_bad_rows_are_left_out_wherever_they_are(
    tmp_path_factory: pytest.TempPathFactory, positions: set[int], value: str, is_in_pieces: bool
) -> None:
    folder = tmp_path_factory.mktemp("rejects")
    rows = quote_rows([OPEN_NS + row for row in range(120)])
    for position in positions:
        rows[position] = (rows[position][0], value, *rows[position][2:])
    path = write_csv(folder / "q.csv", rows)
    with pytest.MonkeyPatch.context() as patch:
        if is_in_pieces:
            patch.setattr("catalog.csv_source.parsing.CAREFUL_BYTES", 200)
        if len(positions) == 120:
            return
        result = ingest(path, folder / "catalog", "BAC")
    kept = [OPEN_NS + row for row in range(120) if row not in positions]
    assert [quote["ts_event"] for quote in stored(folder / "catalog")] == kept
    if positions:
        named = rejects(folder / "catalog", result)
        assert [(line, text) for line, _, text, _ in named] == [(row + 2, value) for row in sorted(positions)]


def test_rounding_takes_what_would_have_too_many_decimals(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "q.csv", [(OPEN_NS, "13.899999618530273", "13.91006", 1, 1)])
    ingest(path, tmp_path / "catalog", "BAC", round_prices=True)
    (quote,) = stored(tmp_path / "catalog")
    assert (quote["bid_price"], quote["ask_price"]) == ("13.9000", "13.9101")


def _refused(path: Path, tmp_path: Path, message: str, error: type[Exception] = DataError) -> None:
    with pytest.raises(error, match=message):
        ingest(path, tmp_path / "catalog", "BAC")
    assert not (tmp_path / "catalog").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n", "the first line is empty"),
        (b"ts,bid,ask,bid_size,ask_size\n\n", "names columns .* but has no rows"),
        (bytes(range(256)) * 20, "is binary, not CSV text"),
        ("ts,bid,ask,bid_size,ask_size\n".encode("utf-16"), "is binary"),
        ("ts,bid,ask,bid_size,größe\n".encode("latin-1"), "is not UTF-8 text"),
        (b"PK\x03\x04 and so on", "is a ZIP archive"),
        (b"PAR1 but not really", "is no sound Parquet file"),
        (b"ts,bid,ask,bid_size,bid_size\n1,2,3,4,5\n", "'bid_size' appears more than once"),
        (b"a,b\n1,2\n", "lacks a column"),
        (b"x" * 3_000_000, "the first line is empty or too long"),
    ],
)
def test_a_file_that_is_not_what_it_claims_is_refused_whole(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "q.csv"
    path.write_bytes(content)
    _refused(path, tmp_path, message)


def test_a_file_of_bad_rows_only_is_refused_naming_the_first(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "q.csv", [(OPEN_NS, "x", 1, 1, 1), (OPEN_NS, 0, 1, 1, 1)])
    _refused(path, tmp_path, "no usable row, 2 rejected, the first in line 2: bid 'x' is not a number")


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "q.csv", [GOOD_QUOTE])
    with path.open("a") as file:
        file.write("9" * 6_000_000)
    _refused(path, tmp_path, "has a line of more than 65536 bytes")


def test_a_file_out_of_order_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "q.csv", quote_rows([OPEN_NS - row for row in range(10)]))
    _refused(path, tmp_path, r"not in order of time: 9 rows .* Sort it by 'ts'")


@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_a_compressed_file_cut_short_is_refused(tmp_path: Path, keep: float) -> None:
    chance = random.Random(7)
    rows = quote_rows(sorted(OPEN_NS + chance.randrange(10**12) for _ in range(100_000)))
    plain = write_csv(tmp_path / "plain.csv", rows).read_bytes()
    gz, zst = tmp_path / "q.csv.gz", tmp_path / "q.csv.zst"
    whole = gzip.compress(plain, 1)
    gz.write_bytes(whole[: int(len(whole) * keep)])
    _refused(gz, tmp_path, "is damaged or cut short")
    with pa.CompressedOutputStream(str(zst), "zstd") as stream:
        stream.write(plain)
    whole = zst.read_bytes()
    zst.write_bytes(whole[: int(len(whole) * keep)])
    _refused(zst, tmp_path, "is damaged or cut short")


def test_a_file_that_grows_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_csv(tmp_path / "q.csv", [GOOD_QUOTE])
    finish = RowWriter.finish

    def finish_late(writer: RowWriter) -> None:
        finish(writer)
        path.write_text(path.read_text() + "1,2,3,4,5\n")

    monkeypatch.setattr(RowWriter, "finish", finish_late)
    _refused(path, tmp_path, "was changed while it was read")


def test_what_does_not_exist_is_named(tmp_path: Path) -> None:
    _refused(tmp_path / "none.csv", tmp_path, r"none\.csv does not exist", NotFoundError)
