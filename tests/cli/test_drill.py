"""`harvester drill`: one or all, a dated report, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli import drill
from market.errors import NotFoundError, UserError
from risk.drills.drill import Check, Drill

PASSING = Drill(name="good", incident="Nothing happens.", rehearse=lambda: [Check("a", True, "b")])
FAILING = Drill(name="bad", incident="It breaks.", rehearse=lambda: [Check("c", False, "d")])


def _fault() -> list[Check]:
    raise RuntimeError("no engine")


BROKEN = Drill(name="broken", incident="It raises.", rehearse=_fault)


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("risk.drills.all_drills", lambda: (PASSING, FAILING))
    monkeypatch.setattr("audit.drills.journal_drills", lambda: (BROKEN,))


@pytest.mark.usefixtures("three")
def test_one_drill_writes_a_dated_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert drill.command("good", output=tmp_path / "drills", json=True) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [(each["name"], each["passed"]) for each in answer["drills"]] == [("good", True)]
    report = Path(answer["report"])
    assert report.name.startswith("drill-20")
    assert "## good: passed" in report.read_text()
    assert json.loads(report.with_suffix(".json").read_text())["drills"] == answer["drills"]


@pytest.mark.usefixtures("three")
def test_all_drills_report_failures_and_exit_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert drill.command(all_drills=True, output=tmp_path) == 1
    table = capsys.readouterr().out
    assert "FAILED" in table
    assert "no engine" in table
    (report,) = tmp_path.glob("*.md")
    text = report.read_text()
    assert "3 drills, 2 failed." in text
    assert "- NOT MET: c: d" in text
    assert "- FAILED to run: RuntimeError: no engine" in text


@pytest.mark.usefixtures("three")
def test_an_unknown_drill_is_named_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"There is no drill 'x'. Drills: good, bad, broken."):
        drill.command("x", output=tmp_path)


@pytest.mark.usefixtures("three")
def test_either_a_name_or_all_is_needed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Give the name of one drill, or --all"):
        drill.command(output=tmp_path)
    with pytest.raises(UserError, match="Give the name of one drill, or --all"):
        drill.command("good", all_drills=True, output=tmp_path)


@pytest.mark.usefixtures("three")
def test_a_report_that_cannot_be_written_is_refused_before_anything_is_rehearsed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"is a file, not a folder.*--output"):
        drill.command("good", output=tmp_path / "file")
    assert PASSING.incident not in capsys.readouterr().err
