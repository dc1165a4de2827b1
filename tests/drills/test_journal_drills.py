"""Each drill of the journal passes, and fails when what it rehearses does not hold."""

from __future__ import annotations

import pytest

from audit.drills import journal_drills, journal_killed
from audit.journal.disk import Disk
from risk.supervisor import Supervisor

DRILLS = {drill.name: drill for drill in journal_drills()}


@pytest.mark.parametrize("name", DRILLS)
def test_a_drill_passes(name: str) -> None:
    result = DRILLS[name].run()
    assert result.error is None
    assert [check for check in result.checks if not check.is_met] == []
    assert result.passed


def missed(name: str) -> list[str]:
    """Return the expectations that a drill did not meet."""
    return [check.expectation for check in DRILLS[name].run().checks if not check.is_met]


@pytest.mark.parametrize("name", ["journal-disk-full", "journal-slow-disk"])
def test_a_drill_fails_when_nobody_hears_of_lost_records(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Supervisor, "recording_failed", lambda *_: None)
    assert "the breaker is in HALT" in missed(name)


def test_the_full_disk_drill_fails_when_half_records_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Disk, "cut", lambda *_: None)
    assert "no half record is left" in missed("journal-disk-full")


def test_the_kill_drill_fails_when_what_is_acknowledged_is_not_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    eager = journal_killed.VICTIM.replace("journal.flush(30.0)", "number + 100_000")
    monkeypatch.setattr(journal_killed, "VICTIM", eager)
    assert missed("journal-killed") == ["nothing that was acknowledged is lost"]


def test_the_kill_drill_fails_when_its_victim_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_killed, "VICTIM", "pass")
    assert DRILLS["journal-killed"].run().error == (
        "RuntimeError: the process to be killed did not start writing"
    )
