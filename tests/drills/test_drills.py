"""Each drill passes, fails when the gate is weakened, and reports what it saw."""

from __future__ import annotations

import pytest

from risk.breaker import Breaker
from risk.breaker_file import BreakerFile, BreakerRecord
from risk.decision import Approved
from risk.drills import all_drills
from risk.drills.drill import Check, Drill, at_most, equal
from risk.gatekeeper import Gatekeeper

DRILLS = {drill.name: drill for drill in all_drills()}


@pytest.mark.parametrize("name", DRILLS)
def test_a_drill_passes(name: str) -> None:
    result = DRILLS[name].run()
    assert result.error is None
    assert [check for check in result.checks if not check.is_met] == []
    assert result.passed


def test_the_runaway_drill_fails_when_everything_is_approved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gatekeeper, "submit_one", lambda _self, intent, _now: Approved(intent))
    assert not DRILLS["runaway-strategy"].run().passed


def test_the_kill_drill_fails_when_halts_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        BreakerFile, "load", lambda self, now_ns: BreakerRecord(breaker=Breaker.at_start(now_ns))
    )
    assert not DRILLS["killed-in-mid-order"].run().passed


def test_a_drill_that_raises_or_checks_nothing_has_failed() -> None:
    def fault() -> list[Check]:
        raise RuntimeError("no engine")

    broken = Drill(name="x", incident="y", rehearse=fault).run()
    assert (broken.passed, broken.error) == (False, "RuntimeError: no engine")
    assert not Drill(name="x", incident="y", rehearse=list).run().passed


def test_checks_say_what_was_seen_and_expected() -> None:
    assert equal("a", 1, 2) == Check("a", False, "1 (expected 2)")
    assert at_most("b", 2, 2) == Check("b", True, "2 (at most 2)")
    assert not at_most("b", 3, 2).is_met


def test_the_kill_drill_fails_when_its_victim_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("risk.drills.killed_in_mid_order.VICTIM", "print('nothing')")
    assert DRILLS["killed-in-mid-order"].run().error == (
        "RuntimeError: the process to be killed did not start sending"
    )


def test_the_breaker_drill_fails_when_anybody_may_resume(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Breaker, "resumed", lambda self, *_, **__: self)
    assert not DRILLS["unreadable-breaker"].run().passed
