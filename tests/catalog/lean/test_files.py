"""Lean's equity files are known by folder and name, or by the name of the text inside."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from catalog.lean.files import Content, Resolution, find_files, opened_entry
from market.errors import DataError, NotFoundError
from tests.catalog.lean.lean_folder import LeanFolder, write_zip


@pytest.fixture
def lean(tmp_path: Path) -> LeanFolder:
    return LeanFolder(tmp_path / "lean")


def test_finds_equities_and_passes_over_everything_else(lean: LeanFolder) -> None:
    lean.day("tick", "bac", "20131007", "quote", ["x"])
    lean.day("minute", "BRK.B", "20131007", "trade", ["x"])
    lean.years("hour", "bac", ["x"])
    write_zip(lean.root / "option/usa/minute/goog/20151224_quote_american.zip", "a.csv", ["x"])
    write_zip(lean.root / "index/usa/minute/spx/20210104_trade.zip", "a.csv", ["x"])
    write_zip(lean.root / "forex/oanda/hour/eurusd.zip", "a.csv", ["x"])
    write_zip(lean.usa / "minute/bac/notes.zip", "a.csv", ["x"])
    found = [(file.resolution, file.content, file.ticker, file.day) for file in find_files(lean.root)]
    assert found == [
        (Resolution.HOUR, Content.TRADE, "bac", None),
        (Resolution.MINUTE, Content.TRADE, "brk.b", date(2013, 10, 7)),
        (Resolution.TICK, Content.QUOTE, "bac", date(2013, 10, 7)),
    ]


def test_finds_the_folder_of_one_ticker(lean: LeanFolder) -> None:
    for day in ("20131007", "20131008"):
        path = lean.day("second", "bac", day, "trade", ["x"])
    assert [file.day for file in find_files(path.parent)] == [date(2013, 10, 7), date(2013, 10, 8)]


@pytest.mark.parametrize(
    ("entry", "resolution", "content"),
    [
        ("20131007_bac_Trade_Tick.csv", Resolution.TICK, Content.TRADE),
        ("20131007_bac_minute_quote.csv", Resolution.MINUTE, Content.QUOTE),
    ],
)
def test_knows_a_zip_out_of_its_folder_by_what_is_inside(
    tmp_path: Path, entry: str, resolution: Resolution, content: Content
) -> None:
    (file,) = find_files(write_zip(tmp_path / "download.zip", entry, ["x"]))
    assert (file.resolution, file.content, file.ticker, file.day) == (
        resolution,
        content,
        "bac",
        date(2013, 10, 7),
    )


def test_refuses_a_zip_that_says_nothing(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"not a Lean equity file: neither its path nor its content 'bac\.csv'"
    ):
        find_files(write_zip(tmp_path / "bac.zip", "bac.csv", ["x"]))


def test_refuses_what_is_no_zip(tmp_path: Path) -> None:
    path = tmp_path / "20131007_trade.zip"
    path.write_text("hello")
    with pytest.raises(DataError, match="no zip file or is damaged"):
        find_files(path)


def test_refuses_a_zip_of_several_texts(lean: LeanFolder) -> None:
    import zipfile

    path = lean.day("minute", "bac", "20131007", "trade", ["x"])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("second.csv", "x")
    (file,) = find_files(path)
    with pytest.raises(DataError, match="holds 2 files"), opened_entry(file):
        pass


def test_refuses_a_zip_with_the_text_of_another(lean: LeanFolder) -> None:
    path = lean.usa / "tick/bac/20131007_trade.zip"
    (file,) = find_files(write_zip(path, "20131007_bac_minute_trade.csv", ["x"]))
    with pytest.raises(
        DataError, match=r"should hold bac tick trade .* has 20131007_bac_minute_trade\.csv inside"
    ):
        opened_entry(file).__enter__()


def test_says_that_a_folder_holds_none(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="No Lean equity data"):
        find_files(tmp_path)
    with pytest.raises(NotFoundError, match="does not exist"):
        find_files(tmp_path / "nowhere")
