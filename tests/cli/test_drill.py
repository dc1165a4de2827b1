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
DEMO = Path(__file__).parents[2] / "configs" / "profiles" / "demo.toml"


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
def test_all_drills_report_failures_and_exit_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert drill.command(all_drills=True, output=tmp_path) == 3
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
    with pytest.raises(UserError, match="or --profile"):
        drill.command("good", profile=DEMO, output=tmp_path)


@pytest.mark.usefixtures("three")
def test_a_report_that_cannot_be_written_is_refused_before_anything_is_rehearsed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"is a file, not a folder.*--output"):
        drill.command("good", output=tmp_path / "file")
    assert PASSING.incident not in capsys.readouterr().err


@pytest.mark.usefixtures("three")
def test_a_folder_that_takes_no_files_is_refused_before_anything_is_rehearsed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(UserError, match=r"/proc/.*--output"):
        drill.command("good", output=Path("/proc/harvester"))
    assert PASSING.incident not in capsys.readouterr().err


@pytest.mark.usefixtures("three")
def test_reports_of_one_second_keep_names_of_their_own(tmp_path: Path) -> None:
    names = {drill.command("good", output=tmp_path) for _ in range(5)}
    assert names == {0}
    assert len(list(tmp_path.glob("*.md"))) == len(list(tmp_path.glob("*.json"))) == 5


@pytest.mark.parametrize(("is_met", "code"), [(True, 2), (False, 3)])
@pytest.mark.parametrize("json_wanted", [True, False])
def test_results_are_printed_though_the_report_is_lost(
    is_met: bool,
    code: int,
    json_wanted: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def vanish() -> list[Check]:
        (report,) = tmp_path.glob("*.md")
        report.unlink()
        report.mkdir()
        return [Check("[c]", is_met, "d")]

    lost = Drill(name="lost", incident="x", rehearse=vanish)
    monkeypatch.setattr("risk.drills.all_drills", lambda: (lost,))
    assert drill.command("lost", output=tmp_path, json=json_wanted) == code
    said = capsys.readouterr()
    assert "The report cannot be written" in said.err
    if json_wanted:
        answer = json.loads(said.out)
        assert (answer["passed"], answer["report"], len(answer["drills"])) == (is_met, None, 1)
    else:
        assert ("passed" if is_met else "[c]: d") in said.out
        assert "Report:" not in said.out


def test_a_profile_is_drilled_under_its_own_limits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drill.command(profile=DEMO, output=tmp_path, json=True) == 0
    (result,) = json.loads(capsys.readouterr().out)["drills"]
    assert (result["name"], result["passed"]) == ("breached-limits", True)
    assert result["incident"] == "Every limit of demo is taken to its edge, and breached."
    expectations = [check["expectation"] for check in result["checks"]]
    assert "shares_per_order refuses: an order of 11 shares" in expectations


def test_a_limit_that_no_drill_can_reach_is_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wide = tmp_path / "wide.toml"
    parts = DEMO.parent / "parts"
    text = DEMO.read_text().replace('extends = "parts', f'extends = "{parts}')
    wide.write_text(f"{text}\n[risk]\nmax_open_orders = 5000\n")
    assert drill.command(profile=wide, output=tmp_path) == 3
    assert "max_open_orders is 5000" in capsys.readouterr().out
