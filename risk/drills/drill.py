"""What a drill is: an incident rehearsed for real, and checks of what the gate did about it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec


class Check(msgspec.Struct, frozen=True):
    """One expectation, whether it was met, and what was seen."""

    expectation: str
    is_met: bool
    seen: str


class DrillResult(msgspec.Struct, frozen=True, kw_only=True):
    """How one drill ended; `error` is what it raised, None when it ran to its end."""

    name: str
    passed: bool
    incident: str
    checks: tuple[Check, ...]
    error: str | None = None


class Drill(msgspec.Struct, frozen=True, kw_only=True):
    """One incident: its name on the command line, what happens in it, and the rehearsal."""

    name: str
    incident: str
    rehearse: Callable[[], list[Check]]

    def run(self) -> DrillResult:
        """Rehearse the incident; a rehearsal that raises, or checks nothing, has failed."""
        try:
            checks = tuple(self.rehearse())
        except Exception as error:  # noqa: BLE001 - the border: a drill that breaks is a failed drill
            text = f"{type(error).__name__}: {error}"
            return DrillResult(name=self.name, passed=False, incident=self.incident, checks=(), error=text)
        passed = bool(checks) and all(check.is_met for check in checks)
        return DrillResult(name=self.name, passed=passed, incident=self.incident, checks=checks)


def equal(expectation: str, seen: object, expected: object) -> Check:
    """Return the check that `seen` equals `expected`."""
    return Check(expectation, seen == expected, f"{seen} (expected {expected})")


def at_most(expectation: str, seen: int, limit: int) -> Check:
    """Return the check that `seen` does not exceed `limit`."""
    return Check(expectation, seen <= limit, f"{seen} (at most {limit})")
