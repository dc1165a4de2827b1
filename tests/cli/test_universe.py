"""`harvester universe` says what is kept and why the rest is not, for people and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.__main__ import main
from tests.catalog.day_catalog import DAY, liquid_and_thin


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    universe = tmp_path / "cheap.toml"
    universe.write_text('symbols = ["LQD", "DEAR", "NONE"]\n[rules]\nprice_usd_max = 10\n', encoding="utf-8")
    catalog = liquid_and_thin(tmp_path / "catalog")
    return ["universe", str(universe), "--catalog", str(catalog), "--date", DAY]


def test_the_table_says_why_each_symbol_was_dropped(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert main(arguments) == 0
    out = capsys.readouterr().out
    rows = {line.split()[1]: line for line in out.splitlines() if line.startswith("│")}
    assert "kept" in rows["LQD"]
    assert "50,000" in rows["LQD"]
    assert "price_usd_max: last price 50.6 USD is above 10" in rows["DEAR"]
    assert "has_data" in rows["NONE"]
    assert "1 of 3 symbols kept" in out


def test_json_is_one_object_with_decisions_and_figures(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["universe"], found["date"]) == ("cheap", DAY)
    assert (found["kept"], found["dropped"]) == (["LQD"], ["DEAR", "NONE"])
    liquid = found["symbols"][0]
    assert liquid["statistics"]["last_price"] == "5.0200"
    assert liquid["statistics"]["volume_shares"] == 50_000
    assert found["symbols"][1]["reasons"] == ["price_usd_max: last price 50.6 USD is above 10"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"--date": "2013-10-06"}, "has no data on 2013-10-06. It has: 2013-10-07. Choose one of these."),
        ({"--date": "2013-10-08"}, "has no data on 2013-10-08. It has: 2013-10-07. Choose one of these."),
        ({"--date": "1900-03-05"}, "has no data on 1900-03-05. It has: 2013-10-07."),
        ({"--date": "0001-01-01"}, "has no data on 0001-01-01."),
        ({"--date": "9999-12-31"}, "has no data on 9999-12-31."),
        ({"--date": "yesterday"}, "'yesterday' is not a date"),
        ({"--catalog": "nowhere"}, "No catalog in nowhere"),
    ],
)
def test_bad_input_ends_with_one_message_and_exit_code_2(
    arguments: list[str],
    capsys: pytest.CaptureFixture[str],
    change: dict[str, str],
    message: str,
) -> None:
    for option, value in change.items():
        arguments[arguments.index(option) + 1] = value
    assert main([*arguments, "--json"]) == 2
    captured = capsys.readouterr()
    assert message in json.loads(captured.out)["error"]["message"]
    assert message in captured.err
