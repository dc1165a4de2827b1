"""Each drill passes, fails when the gate is weakened, and reports what it saw."""

from __future__ import annotations

from typing import Any

import pytest

from risk.account import Account
from risk.breaker import Breaker
from risk.breaker_file import BreakerFile, BreakerRecord
from risk.decision import Approved
from risk.drills import all_drills, nautilus_socket_node, nautilus_unreadable_breaker
from risk.drills.drill import Check, Drill, at_most, equal
from risk.gatekeeper import Gatekeeper
from risk.ledger import Ledger
from risk.nautilus_kill_switch import KillSwitch
from risk.operator_commands import Resume
from risk.supervisor import Supervisor

DRILLS = {drill.name: drill for drill in all_drills()}


@pytest.mark.parametrize("name", DRILLS)
def test_a_drill_passes(name: str) -> None:
    result = DRILLS[name].run()
    assert result.error is None
    assert [check for check in result.checks if not check.is_met] == []
    assert result.passed


def nothing(*_: Any, **__: Any) -> None:
    """Do nothing, in place of a part of the gate."""


def fresh(_file: BreakerFile, now_ns: int) -> BreakerRecord:
    """Load a breaker as if there were no file."""
    return BreakerRecord(breaker=Breaker.at_start(now_ns))


BROKEN: list[tuple[str, type, str, Any]] = [
    ("daily-loss", Supervisor, "halt", nothing),
    ("daily-loss", KillSwitch, "flatten", nothing),
    ("stale-feed", Supervisor, "raise_cause", nothing),
    ("stale-feed", Supervisor, "clear_cause", nothing),
    ("runaway-strategy", Gatekeeper, "submit_one", lambda _self, intent, _now: Approved(intent)),
    ("runaway-strategy", Supervisor, "halt", nothing),
    ("runaway-strategy", Account, "is_running_away", lambda *_: False),
    ("breached-limits", Ledger, "reserve", nothing),
    ("spread-flatten", KillSwitch, "flatten", nothing),
    ("spread-flatten", Gatekeeper, "filled", nothing),
    ("unreadable-breaker", BreakerFile, "load", fresh),
    ("unreadable-breaker", KillSwitch, "cancel_openings", nothing),
    ("unreadable-breaker", Breaker, "resumed", lambda self, *_, **__: self),
]
"""Drill, and what of the gate does not work in it."""


@pytest.mark.parametrize(("name", "owner", "part", "instead"), BROKEN)
def test_a_drill_fails_when_a_part_of_the_gate_does_not_work(
    name: str, owner: type, part: str, instead: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nautilus_socket_node, "COMES_SECONDS_MAX", 0.2)
    monkeypatch.setattr(owner, part, instead)
    assert not DRILLS[name].run().passed


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


def test_the_breaker_drill_fails_when_somebody_nameless_resumes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        nautilus_unreadable_breaker, "Resume", lambda by, reason: Resume(by=by or "nobody", reason=reason)
    )
    result = DRILLS["unreadable-breaker"].run()
    assert "nobody nameless resumes" in [check.expectation for check in result.checks if not check.is_met]
