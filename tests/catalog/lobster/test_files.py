"""Files are recognised by their names and put together by symbol, day, window and levels."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

import pytest

from catalog.lobster.files import NamedFile, count_rows, find_days
from market.errors import DataError, NotFoundError

WINDOW = "34200000_57600000"


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_text("")


def test_reads_a_name() -> None:
    file = NamedFile.parse(Path("brk.b_2012-06-21_34200000_57600000_message_10.csv.gz"))
    assert file is not None
    assert (file.symbol, file.day, file.levels) == ("BRK.B", date(2012, 6, 21), 10)
    assert file.window_ms == (34_200_000, 57_600_000)
    assert not file.is_sample


@pytest.mark.parametrize(
    "name",
    [
        "AAPL.csv",
        "AAPL_2012-06-31_message_10.csv",
        "AAPL_1912-06-21_message_10.csv",
        "AAPL_2012-06-21_message_0.csv",
        "AAPL_2012-06-21.csv",
    ],
)
def test_other_names_say_nothing(name: str) -> None:
    assert NamedFile.parse(Path(name)) is None


def test_takes_the_whole_file_of_most_levels_and_its_companions(tmp_path: Path) -> None:
    touch(
        tmp_path,
        f"AAPL_2012-06-21_{WINDOW}_message_5.csv",
        f"AAPL_2012-06-21_{WINDOW}_message_10.csv",
        f"AAPL_2012-06-21_{WINDOW}_orderbook_5.csv",
        f"AAPL_2012-06-21_{WINDOW}_orderbook_10.csv",
        f"AAPL_2012-06-22_{WINDOW}_orderbook_10.csv",
        "AAPL_2012-06-21_message_50_first999.csv",
        f"AAPL_2012-06-21_{WINDOW}_bbo_rowaligned.csv",
    )
    days, passed_over = find_days(tmp_path, symbols=None, start=None, end=None)
    assert len(days) == 1
    assert [path.name.removeprefix("AAPL_2012-06-21_") for path in days[0].paths] == [
        f"{WINDOW}_message_10.csv",
        f"{WINDOW}_orderbook_10.csv",
        f"{WINDOW}_bbo_rowaligned.csv",
    ]
    assert len(passed_over) == 2


def test_a_sample_has_the_sample_beside_it(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "AAPL_2012-06-21_message_10_first999.csv",
        "AAPL_2012-06-21_orderbook_10_first999.csv",
        "AAPL_2012-06-21_orderbook_10.csv",
        "AAPL_2012-06-21_bbo_rowaligned.csv",
    )
    path = tmp_path / "AAPL_2012-06-21_message_10_first999.csv"
    (day,), _ = find_days(path, symbols=None, start=None, end=None)
    assert day.book is not None
    assert day.book.path.name == "AAPL_2012-06-21_orderbook_10_first999.csv"
    assert day.bbo is None


def test_does_not_take_the_book_of_another_window(tmp_path: Path) -> None:
    touch(tmp_path, f"A_2012-06-21_{WINDOW}_message_5.csv", "A_2012-06-21_34200000_36000000_orderbook_5.csv")
    (day,), _ = find_days(tmp_path, symbols=None, start=None, end=None)
    assert day.book is None


def test_selects_symbols_and_days(tmp_path: Path) -> None:
    touch(
        tmp_path, *(f"{symbol}_2012-06-{day}_message_5.csv" for symbol in ("A", "B") for day in (20, 21, 22))
    )
    days, _ = find_days(tmp_path, symbols=["b "], start=date(2012, 6, 21), end=date(2012, 6, 21))
    assert [(day.symbol, day.day.day) for day in days] == [("B", 21)]


def test_says_what_there_is_when_nothing_fits(tmp_path: Path) -> None:
    touch(tmp_path, "A_2012-06-21_message_5.csv")
    with pytest.raises(NotFoundError, match="A 2012-06-21"):
        find_days(tmp_path, symbols=["B"], start=None, end=None)


def test_refuses_a_file_whose_name_says_nothing(tmp_path: Path) -> None:
    touch(tmp_path, "messages.csv")
    with pytest.raises(DataError, match=r"messages\.csv is not the name of a LOBSTER message file"):
        find_days(tmp_path / "messages.csv", symbols=None, start=None, end=None)


def test_says_that_a_path_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="does not exist"):
        find_days(tmp_path / "nowhere", symbols=None, start=None, end=None)


@pytest.mark.parametrize(("text", "rows"), [(b"", 0), (b"a\nb\n", 2), (b"a\nb", 2), (b"\n", 1)])
def test_counts_rows_with_or_without_a_last_newline(tmp_path: Path, text: bytes, rows: int) -> None:
    for name, data in (("a.csv", text), ("a.csv.gz", gzip.compress(text))):
        (tmp_path / name).write_bytes(data)
        assert count_rows(tmp_path / name) == rows
