"""`harvester ingest csv` at the command line: one command, a readable answer, and no half-done work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.__main__ import main
from tests.catalog.csv_source.csv_files import GOOD_QUOTE, OPEN_NS, quote_rows, write_csv
from tests.catalog.lean.lean_folder import LeanFolder
from tests.catalog.stored_columns import snapshot


@pytest.fixture
def quotes(tmp_path: Path) -> Path:
    """Two good rows and a bad one between them."""
    bad = (OPEN_NS + 1, "x", 14, 1, 1)
    return write_csv(tmp_path / "bac.csv", [GOOD_QUOTE, bad, *quote_rows([OPEN_NS + 2])])


def _json(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    reply: dict[str, Any] = json.loads(capsys.readouterr().out)
    return reply


def test_a_file_is_ingested_and_the_bad_row_named(
    quotes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "catalog"
    assert main(["ingest", "csv", str(quotes), "--catalog", str(root), "--symbol", "BAC"]) == 0
    output = capsys.readouterr().out
    assert f"2 rows of BAC.SMART from {quotes} into {root}" in output
    assert "from 2013-10-07 09:30:00.000 EDT" in output
    assert "1 rows rejected" in output
    assert "bac.csv line 3: bid 'x' is not a number" in output


def test_json_is_one_object_and_repeating_says_unchanged(
    quotes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["ingest", "csv", str(quotes), "--catalog", str(tmp_path / "c"), "--symbol", "BAC", "--json"]
    assert main(command) == 0
    first = _json(capsys)
    before = snapshot(tmp_path / "c")
    assert main(command) == 0
    again = _json(capsys)
    assert (first["rows"], first["rejected"], first["unchanged"]) == (2, 1, False)
    assert again == first | {"unchanged": True}
    assert all((tmp_path / "c" / name).is_file() for name in [*first["files"], first["rejects_file"]])
    assert snapshot(tmp_path / "c") == before


def test_a_users_error_is_one_message_and_exit_code_2(
    quotes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "catalog"
    assert main(["ingest", "csv", str(quotes), "--catalog", str(root)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "--symbol BAC" in captured.err
    assert not root.exists()
    assert main(["ingest", "csv", str(tmp_path / "no.csv"), "--catalog", str(root), "--json"]) == 2
    assert "does not exist" in _json(capsys)["error"]["message"]


def test_columns_dates_and_options_reach_the_ingest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header = ("when", "sym", "o", "h", "l", "c", "shares")
    rows = [
        ("2013-10-07 09:30:00", "BAC", 13, 14, 12, 13, 1),
        ("2013-10-08 09:30:00", "BAC", 13, 14, 12, 13.00001, 1),
        ("2013-10-08 09:30:00", "SPY", 13, 14, 12, 13, 1),
        ("2013-10-09 09:30:00", "BAC", 13, 14, 12, 13, 1),
    ]
    path = write_csv(tmp_path / "b.csv", rows, header)
    reading = "--columns ts=when,volume=shares --time-zone America/New_York --bar 1-MINUTE --round-prices"
    selection = "--symbol BAC --start 2013-10-08 --end 2013-10-08 --json"
    command = ["ingest", "csv", str(path), "--catalog", str(tmp_path / "c")]
    assert main([*command, *reading.split(), *selection.split()]) == 0
    reply = _json(capsys)
    assert (reply["rows"], reply["rejected"], reply["instruments"]) == (1, 0, ["BAC.SMART"])
    assert reply["files"][0].startswith("data/bar/BAC.SMART-1-MINUTE-LAST-EXTERNAL/2013-10-08T13-31-00")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--start", "7.10.2013"], "is not a date"),
        (["--start", "2013-10-08", "--end", "2013-10-07"], "before --start"),
        (["--kind", "quotes"], "kind"),
        (["--time-unit", "min"], "time-unit"),
        (["--time-zone", "Mars"], "'Mars' is unknown"),
    ],
)
def test_options_that_cannot_be_are_explained(
    quotes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    command = ["ingest", "csv", str(quotes), "--catalog", str(tmp_path / "c"), "--symbol", "BAC"]
    assert main([*command, *arguments]) == 2
    assert message in capsys.readouterr().err


def test_quotes_from_bars_are_asked_for_by_a_flag(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lean = LeanFolder(tmp_path / "lean")
    bar = "1670000,1670000,1670000,1670000,100"
    lean.day("second", "spy", "20131007", "quote", [f"34200000,{bar},{bar}"])
    lean.years("daily", "spy", ["20131007 00:00,1670000,1670000,1670000,1670000,1"])
    command = ["ingest", "lean", str(lean.root), "--catalog", str(tmp_path / "c"), "--quotes-from-bars"]
    assert main([*command, "--resolution", "daily"]) == 2
    assert "hold daily. Say --resolution second" in " ".join(capsys.readouterr().err.split())
    assert main([*command, "--resolution", "second", "--json"]) == 0
    assert _json(capsys)["rows"] == 3


@pytest.mark.parametrize("source", ["csv", "lean", "lobster"])
def test_help_shows_an_example_and_every_flag_of_the_contract(
    source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ingest", source, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"harvester ingest {source}" in text
    for flag in ("--catalog", "--symbol", "--start", "--end", "--replace", "--json"):
        assert flag in text
    assert ("--columns" in text) == (source == "csv")


def test_dividends_are_ingested_as_the_other_sources_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, root = tmp_path / "paid.csv", tmp_path / "catalog"
    path.write_text(
        "Ex,Cash,Said\n2024-03-14,0.485,2024-02-15\n2024-03-16,0.4,2024-02-15\n", encoding="utf-8"
    )
    columns = "ex_date=Ex,amount=Cash,declared=Said"
    command = [
        "ingest",
        "dividends",
        str(path),
        "--catalog",
        str(root),
        "--symbol",
        "KO",
        "--columns",
        columns,
    ]
    assert main(command) == 0
    output = capsys.readouterr().out
    assert f"1 rows of KO from {path} into {root}" in output
    assert "paid.csv line 3: ex_date '2024-03-16' is a day without a session" in output
    before = snapshot(root)
    assert main([*command, "--json"]) == 0
    assert _json(capsys)["unchanged"]
    assert snapshot(root) == before
    assert main(["ingest", "dividends", str(path), "--catalog", str(root)]) == 2
    assert "no column ex_date" in capsys.readouterr().err
