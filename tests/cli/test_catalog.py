"""`harvester catalog show` and `check`, for people and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from catalog.store import CatalogStore
from catalog.synthetic_market import write_synthetic_market
from cli.__main__ import main
from tests.catalog.quality_checks.quality_builders import CENT, Planted, clean_quotes, clean_trades
from tests.catalog.synthetic.builders import small_spec


@pytest.fixture
def synthetic(tmp_path: Path) -> str:
    write_synthetic_market(small_spec(halt_probability=1.0), store=CatalogStore(tmp_path / "catalog"))
    return str(tmp_path / "catalog")


@pytest.fixture
def crossed(tmp_path: Path) -> str:
    quotes = clean_quotes().changed(1_200, bid_price=502 * CENT).changed(5, bid_price=501 * CENT)
    return str(Planted(streams=[quotes, clean_trades()]).write(tmp_path / "crossed"))


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")


def test_show_lists_streams_sources_and_halts(synthetic: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalog", "show", "--catalog", synthetic]) == 0
    out = capsys.readouterr().out
    assert "2 instruments" in out
    assert "order_book_deltas" in out
    assert "synthetic market, seed 7" in out
    assert out.count("2025-03-03 09:30:0") >= 4
    assert "Halts" in out


def test_show_says_that_there_is_no_manifest(crossed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalog", "show", "--catalog", crossed]) == 0
    out = capsys.readouterr().out
    assert "without a manifest" in out
    assert "ZVZZT.SMART" in out


def test_show_as_json_is_one_object(synthetic: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalog", "show", "--catalog", synthetic, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rows"] == sum(stream["rows"] for stream in found["streams"])
    assert [source["kind"] for source in found["sources"]] == ["synthetic"]
    assert found["problems"] == []


def test_show_reports_what_does_not_fit(synthetic: str, capsys: pytest.CaptureFixture[str]) -> None:
    next(Path(synthetic, "data/quote_tick/ZVZZT.SMART").glob("*.parquet")).unlink()
    assert main(["catalog", "show", "--catalog", synthetic]) == 0
    out = capsys.readouterr().out
    assert out.index("not on disk") < out.index("instrument ")


def test_a_file_and_a_folder_with_any_data_folder_are_no_catalog(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data" / "mine" / "data").mkdir(parents=True)
    (tmp_path / "data" / "mine" / "data" / "table.parquet").write_bytes(b"PAR1")
    (tmp_path / "README.md").write_text("x", encoding="utf-8")
    assert main(["catalog", "show", "--catalog", str(tmp_path)]) == 2
    assert "neither a manifest.json nor folders such as data/quote_tick" in capsys.readouterr().err
    assert main(["catalog", "show", "--catalog", str(tmp_path / "README.md")]) == 2
    assert "README.md is a file, not a catalog" in capsys.readouterr().err


def test_check_of_clean_data_says_so(synthetic: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalog", "check", "--catalog", synthetic, "--strict"]) == 0
    captured = capsys.readouterr()
    assert "6 streams checked: nothing found" in captured.out


def test_check_says_what_was_found_what_it_means_and_what_to_do(
    crossed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["catalog", "check", "--catalog", crossed]) == 0
    out = capsys.readouterr().out
    assert out.index("error crossed_quote") < out.index("warning locked_quote")
    assert "2025-03-03 12:50:00.000 EST: 5.02 x 1300 / 5.01 x 1700" in out
    assert "What to do: " in out
    assert "4,680 records in 2 streams checked. Findings: error 1, warning 1" in out


def test_check_as_json_is_one_object(crossed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalog", "check", "--catalog", crossed, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["records"], found["errors"], found["warnings"], found["infos"]) == (4_680, 1, 1, 0)
    assert [finding["check"] for finding in found["findings"]] == ["crossed_quote", "locked_quote"]
    assert found["findings"][0]["severity"] == "error"


@pytest.mark.parametrize("arguments", [["--strict"], ["--strict", "--json"]])
def test_strict_ends_with_2_on_errors_and_still_reports(
    crossed: str, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(["catalog", "check", "--catalog", crossed, *arguments]) == 2
    assert "crossed_quote" in capsys.readouterr().out


def test_strict_lets_warnings_pass(tmp_path: Path) -> None:
    quotes = clean_quotes().changed(5, bid_price=501 * CENT)
    root = Planted(streams=[quotes]).write(tmp_path / "locked")
    assert main(["catalog", "check", "--catalog", str(root), "--strict"]) == 0


def test_check_takes_symbols_and_dates(crossed: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["catalog", "check", "--catalog", crossed, "--symbol", "ZVZZT"]
    assert main([*arguments, "--start", "2025-03-04"]) == 2
    assert "No records in these dates; the catalog has 2025-03-03" in capsys.readouterr().err
    assert main([*arguments, "--end", "2025-03-03", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["records"] == 4_680


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--symbol", "NONE"], "no data of NONE"),
        (["--start", "monday"], "'monday' is not a date"),
        (["--start", "2025-03-04", "--end", "2025-03-03"], "after"),
    ],
)
def test_bad_input_ends_with_one_message_and_exit_code_2(
    crossed: str, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["catalog", "check", "--catalog", crossed, *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("command", ["show", "check"])
def test_a_folder_without_a_catalog_is_named(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["catalog", command, "--catalog", str(tmp_path / "nowhere")]) == 2
    assert "No catalog in" in capsys.readouterr().err
