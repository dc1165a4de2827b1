"""Headerless CSV becomes exact integers; what cannot be read is named by line, column and reason."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import headerless_rows
from catalog.headerless_rows import (
    SECONDS_WITH_NANOSECONDS,
    WALL_CLOCK_MINUTE,
    Layout,
    Rows,
    RowTally,
    opened,
    read_rows,
)
from market.errors import DataError

LAYOUT = Layout(
    title="test",
    columns=("time", "price", "note", "size"),
    types={"time": SECONDS_WITH_NANOSECONDS, "price": pa.int64(), "size": pa.int64()},
    may_be_empty=frozenset({"size"}),
)


class Rejects(list[tuple[int, str, str, str]]):
    def __call__(self, *, line: int, column: str, value: str, why: str) -> None:
        self.append((line, column, value, why))


def read(text: str, layout: Layout = LAYOUT) -> tuple[Rows, Rejects]:
    rejects = Rejects()
    blocks = list(read_rows(io.BytesIO(text.encode()), layout, RowTally(layout.title, rejects)))
    return Rows(
        np.concatenate([block.lines for block in blocks]),
        {name: np.concatenate([block[name] for block in blocks]) for name in layout.types},
    ), rejects


@settings(deadline=None)
@given(st.integers(0, 86_399), st.integers(0, 999_999_999), st.integers(0, 9))
def test_converts_decimal_seconds_to_nanoseconds_exactly(seconds: int, nanoseconds: int, places: int) -> None:
    kept = nanoseconds // 10 ** (9 - places) * 10 ** (9 - places)
    fraction = f".{kept:09d}"[: places + 1] if places else ""
    rows, rejects = read(f"{seconds}{fraction},1,x,1\n")
    assert rows["time"].tolist() == [seconds * 10**9 + kept]
    assert not rejects


def test_reads_an_empty_field_as_zero_only_where_it_may_be_empty() -> None:
    rows, rejects = read("1,5,x,\n2,,x,3\n3,7,x,4\n")
    assert rows["size"].tolist() == [0, 4]
    assert rejects == [(2, "price", "", "is not a whole number")]


@pytest.mark.parametrize(
    ("line", "column", "why"),
    [
        ("1,5,x", "", "has 3 fields instead of 4"),
        ("1,5,x,1,9", "", "has 5 fields instead of 4"),
        ("", "", "has 1 fields instead of 4"),
        ("1.0000000001,5,x,1", "time", "is not seconds with at most 9 decimals"),
        ("noon,5,x,1", "time", "is not seconds with at most 9 decimals"),
        ("1,5.5,x,1", "price", "is not a whole number"),
        ("1,99999999999999999999,x,1", "price", "is not a whole number"),
        ("1,5,x,many", "size", "is not a whole number"),
    ],
)
def test_names_a_bad_row_and_keeps_the_others(line: str, column: str, why: str) -> None:
    rows, rejects = read(f"1,10,a,1\n{line}\n3,30,c,3\n")
    assert rows.lines.tolist() == [1, 3]
    assert rows["price"].tolist() == [10, 30]
    assert [(found[0], found[1], found[3]) for found in rejects] == [(2, column, why)]


def test_counts_lines_over_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headerless_rows, "BLOCK_BYTES", 64)
    lines = [f"{number},{number * 10},x,1" for number in range(1, 101)]
    lines[70] = "bad,710,x,1"
    rows, rejects = read("\n".join(lines))  # no newline at the end either
    assert rows.lines.tolist() == [number for number in range(1, 101) if number != 71]
    assert rows["price"].tolist() == [number * 10 for number in range(1, 101) if number != 71]
    assert [found[0] for found in rejects] == [71]


def test_reads_windows_line_ends() -> None:
    rows, rejects = read("1,10,a,1\r\n2,20,b,2\r\n")
    assert (rows["size"].tolist(), rejects) == ([1, 2], [])


def test_reads_wall_clock_minutes() -> None:
    layout = Layout("clock", ("time",), {"time": WALL_CLOCK_MINUTE})
    rows, rejects = read("19980102 09:00\n20000229 23:59\n20210331 15:00\n", layout)
    assert rows["time"].tolist() == [883_731_600, 951_868_740, 1_617_202_800]
    assert not rejects


@pytest.mark.parametrize(
    "text",
    [
        "19980231 10:00",
        "19981301 10:00",
        "19980100 10:00",
        "19980102 24:00",
        "19980102",
        "1998010a 09:00",
        "19980102T09:00",
    ],
)
def test_names_times_that_do_not_exist(text: str) -> None:
    layout = Layout("clock", ("time",), {"time": WALL_CLOCK_MINUTE})
    rows, rejects = read(f"19980102 09:00\n{text}\n20210331 15:00\n", layout)
    assert rows["time"].tolist() == [883_731_600, 1_617_202_800]
    assert rejects == [(2, "time", text, "is not a time like 19980102 09:00")]


def test_refuses_a_file_of_mostly_bad_rows_and_shows_the_first() -> None:
    with pytest.raises(
        DataError, match=r"not a test file: 2 of 3 rows are wrong; line 1 price: 'b' is not a whole number"
    ):
        read("1,b,c,4\n2,x,x,1\n3,30,c,3\n")


def test_a_broken_last_line_is_one_bad_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headerless_rows, "BLOCK_BYTES", 64)
    rows, rejects = read("1,10,a,1\n" * 50 + "1,1")
    assert (len(rows), [found[0] for found in rejects]) == (50, [51])


def test_refuses_a_file_that_turns_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headerless_rows, "BLOCK_BYTES", 64)
    with pytest.raises(DataError, match="not a test file: "):
        read("1,10,a,1\n" * 20 + "x,10,a,1\n" * 40)


def test_refuses_binary_content() -> None:
    with pytest.raises(DataError, match="not a test file"):
        read("\x00\x01\x02\x03" * 50)


def test_refuses_a_truncated_gzip_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(b"1,10,a,1\n" * 10_000)[:-20])
    with opened(path) as stream, pytest.raises(DataError, match="damaged"):
        list(read_rows(stream, LAYOUT, RowTally("test", Rejects())))


def test_tells_progress_of_every_byte_of_the_file(tmp_path: Path) -> None:
    class Heard:
        total = 0

        def begin(self, label: str, total_bytes: int) -> None: ...

        def advance(self, n_bytes: int) -> None:
            self.total += n_bytes

    for name, data in (("a.csv", b"1,10,a,1\n" * 99), ("a.csv.gz", gzip.compress(b"1,10,a,1\n" * 99))):
        heard, path = Heard(), tmp_path / name
        path.write_bytes(data)
        with opened(path, heard) as stream:
            assert sum(map(len, read_rows(stream, LAYOUT, RowTally("test", Rejects())))) == 99
        assert heard.total == len(data)
