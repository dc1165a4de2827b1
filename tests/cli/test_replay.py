"""`harvester replay`: exit codes, one JSON object, and what people read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from cli import replay
from cli.__main__ import main
from tests.backtests.replay.recorded_backtest import recorded
from tests.backtests.replay.tampering import edit_record

__all__ = ["recorded"]


@pytest.fixture(scope="module")
def run_dir(recorded: Path) -> Path:
    """A short run on a synthetic day."""
    return recorded / "run"


def test_an_identical_replay_says_so_and_exits_with_0(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay.command(run_dir) == 0
    assert capsys.readouterr().out.startswith("Identical: ")


def test_one_json_object_holds_everything(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change = ["risk.max_consecutive_losses=1"]
    assert replay.command(run_dir, set_=change, json=True) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["mode"] == "what_if"
    assert shown["difference"]["verdict"]["cause"] == "limit"
    assert shown["what_if"]["refused"]["consecutive_losses"]["changed"] > 0


def test_what_if_is_three_tables_and_the_first_difference(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    limits = tmp_path / "tighter.toml"
    limits.write_text("[risk]\nmax_consecutive_losses = 1\n", encoding="utf-8")
    assert replay.command(run_dir, limits=limits) == 0
    text = capsys.readouterr().out
    for words in (
        "What the limits refused",
        "What was done",
        "What was earned",
        "Cause: limit",
        "held before",
    ):
        assert words in text


def test_identical_decisions_of_a_cut_journal_exit_with_3(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = shutil.copytree(run_dir, tmp_path / "cut")
    (day_file,) = (cut / "journal").glob("*.jsonl")
    day_file.write_bytes(b"".join(day_file.read_bytes().splitlines(keepends=True)[:-1]))
    assert replay.command(cut) == 3
    told = capsys.readouterr()
    assert told.out.startswith("Identical: ")
    assert "does not verify" in told.err


def test_a_difference_exits_with_3_and_names_its_cause(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = next((run_dir / "journal").glob("*.jsonl"))
    before = journal.read_bytes()
    try:
        seq = edit_record(run_dir, "decision", lambda body: body.update(reason="greed"), number=2)
        assert replay.command(run_dir) == replay.EXIT_DIFFERENT
    finally:
        journal.write_bytes(before)
    printed = capsys.readouterr()
    assert f"does not verify at record {seq}" in " ".join(printed.out.split())
    assert "decision 3" in printed.out
    assert "audit verify" in printed.err


def test_a_decision_of_one_side_alone_stands_beside_no_decision(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = "strategies.harvester.parameters.imbalance_min"
    assert replay.command(run_dir, set_=[f"{key}=0.5"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert f"the replay changed {key} from 0.3 to 0.5" in text
    assert "passes 0.3 as recorded and fails 0.5 as changed" in text
    assert "│ no decision │" in text
    assert "│ threshold 0.5 │" in text


def test_rows_without_a_difference_are_left_out(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay.command(run_dir, set_=["risk.max_daily_loss_usd=499"]) == 0
    text = capsys.readouterr().out
    assert "What was earned, USD: no difference." in text
    assert "Identical: " in text
    assert "│" not in text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--set", "risk.max_horses=1"], "max_horses"),
        (["--limits", "nowhere.toml"], "nowhere.toml"),
        (["--catalog", "nowhere"], "is missing"),
    ],
)
def test_bad_input_exits_with_2_and_words(
    run_dir: Path, options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(run_dir), *options]) == 2
    assert words in capsys.readouterr().err


def test_a_folder_that_is_no_run_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(tmp_path)]) == 2
    assert "has no journal/" in capsys.readouterr().err
