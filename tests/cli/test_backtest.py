"""`harvester backtest` and `harvester demo`, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import strategies
from cli.__main__ import main
from tests.backtests.markets import steady_quotes, write_market
from tests.backtests.replays import profile


def _json(capsys: pytest.CaptureFixture[str], words: list[str], *, code: int = 0) -> dict[str, Any]:
    assert main([*words, "--json"]) == code
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return write_market(tmp_path / "catalog", quotes=steady_quotes(seconds=5))


@pytest.fixture
def profile_file(tmp_path: Path) -> str:
    profile(tmp_path)
    return str(tmp_path / "test.toml")


def test_prints_a_summary_and_where_the_rest_is(
    catalog: Path, profile_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "run"
    assert main(["backtest", profile_file, "--catalog", str(catalog), "--output", str(output)]) == 0
    text = capsys.readouterr().out
    for word in ("trades", "gross", "fees", "net", "max drawdown", "refusals", "result hash"):
        assert word in text
    assert str(output / "report.html") in text.replace("\n", "")
    assert (output / "report.html").is_file()


def test_prints_one_json_object_with_the_content_of_run_json(
    catalog: Path, profile_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "run"
    answer = _json(capsys, ["backtest", profile_file, "--catalog", str(catalog), "--output", str(output)])
    written = json.loads((output / "run.json").read_text())
    assert {key: answer[key] for key in written} == written
    assert (answer["run_directory"], answer["report"]) == (str(output), str(output / "report.html"))


def test_overrides_count_and_change_the_profile_hash(
    catalog: Path, profile_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["backtest", profile_file, "--catalog", str(catalog), "--output", str(tmp_path / "run")]
    plain = _json(capsys, words)
    changed = _json(capsys, [*words, "--set", "backtest.latency_ms=7"])
    assert (plain["latency_ms"], changed["latency_ms"]) == (0, 7)
    assert plain["profile_hash"] != changed["profile_hash"]


def test_a_profile_that_names_no_catalog_asks_for_one(
    profile_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error = _json(capsys, ["backtest", profile_file], code=2)["error"]
    assert "--catalog DIR" in error["message"]


def test_a_catalog_without_the_symbol_is_a_users_error(
    tmp_path: Path, profile_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_market(tmp_path / "other", symbol="ZWZZT", quotes=steady_quotes(seconds=1))
    error = _json(capsys, ["backtest", profile_file, "--catalog", str(other)], code=2)["error"]
    assert "ZVZZT has no quotes" in error["message"]


def test_a_missing_profile_is_a_users_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert _json(capsys, ["backtest", "nowhere.toml"], code=2)["error"]["exit_code"] == 2


@pytest.mark.parametrize("below", ["", "x", "x/y"])
@pytest.mark.parametrize("command", ["demo", "backtest", "drill"])
def test_an_output_at_or_below_a_file_is_refused_before_any_work(
    command: str,
    below: str,
    catalog: Path,
    profile_file: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = {"backtest": [profile_file, "--catalog", str(catalog)], "drill": ["--all"]}.get(command, [])
    output = Path(profile_file) / below
    error = _json(capsys, [command, *words, "--output", str(output)], code=2)["error"]
    assert "test.toml is a file" in error["message"]
    assert "--output" in error["message"]


@pytest.mark.parametrize("words", [["backtest", "{profile}"], ["ingest", "csv", "{data}", "--symbol", "F"]])
def test_a_catalog_below_a_file_is_a_users_error(
    words: list[str], profile_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "quotes.csv"
    data.write_text("ts_event,bid,ask,bid_size,ask_size\n2024-01-02T14:30:00Z,1,2,3,4\n", encoding="utf-8")
    typed = [word.format(profile=profile_file, data=data) for word in words]
    error = _json(capsys, [*typed, "--catalog", f"{profile_file}/x"], code=2)["error"]
    assert "test.toml is a file" in error["message"]
    assert "--catalog" in error["message"]


@pytest.mark.parametrize("name", ["thesis.md", "catalogue", "run.json"])
def test_the_demo_writes_into_no_folder_of_something_else(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "docs"
    output.mkdir()
    (output / name).touch()
    error = _json(capsys, ["demo", "--output", str(output)], code=2)["error"]
    assert f"docs holds {name}, which is not part of a demo" in error["message"]
    assert [path.name for path in output.iterdir()] == [name]


@pytest.mark.parametrize(
    ("parameter", "raised"),
    [
        ("raise_at_ns", "RuntimeError: scripted failure at 2013-10-07"),
        ("mistype_at_ns", "ValueError: Decision intent is 'buy'"),
    ],
)
def test_a_strategy_that_raises_is_its_authors_error_and_leaves_no_run(
    parameter: str,
    raised: str,
    catalog: Path,
    profile_file: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    decisions = Path(__file__).parents[1] / "strategies" / "decisions"
    monkeypatch.setattr(strategies, "__path__", [*strategies.__path__, str(decisions)])
    words = ["backtest", profile_file, "--catalog", str(catalog), "--output", str(tmp_path / "run")]
    words += ["--set", "strategies.harvester.decision=scripted"]
    words += ["--set", f"strategies.harvester.parameters={{{parameter}=1}}"]
    error = _json(capsys, [*words, "--set", "session.open_ramp_minutes=0"], code=2)["error"]
    assert error["type"] == "StrategyError"
    assert "Your strategy strategies/scripted.py, line" in error["message"]
    assert f"raised {raised}" in error["message"]
    assert "for ZVZZT" in error["message"]
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_demo_trades_on_a_day_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    first = _json(capsys, ["demo", "--output", "out"])
    assert first["counts"]["round_trips"] > 0
    assert first["elapsed_seconds"] < 60
    assert Path(first["report"]).is_file()
    assert (first["seed"], first["catalog"]) == (7, str(Path("out") / "catalog"))
    assert not Path("data").exists()
    again = _json(capsys, ["demo", "--output", "out"])
    assert again["result_hash"] == first["result_hash"]


@pytest.mark.slow
def test_another_seed_of_the_demo_is_another_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    other = _json(capsys, ["demo", "--seed", "8"])
    assert other["catalog"] == str(Path("data") / "demo-seed-8")
    assert Path(other["run_directory"]).parent == Path("runs")
