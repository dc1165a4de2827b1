"""What `harvester doctor` finds: one finding per check, with advice where something is to be done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import msgspec

Status = Literal["ok", "warn", "fail"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`found` says what is there; `advice` what to do about it, and is empty when all is well.

    `fail` means that a command cannot work or must not be trusted, `warn` that it will, but worse.
    """

    check: str
    status: Status
    found: str
    advice: str = ""


def ok(check: str, found: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(check=check, status="ok", found=found)


def warn(check: str, found: str, advice: str) -> Finding:
    """Return a finding that should be mended."""
    return Finding(check=check, status="warn", found=found, advice=advice)


def fail(check: str, found: str, advice: str) -> Finding:
    """Return a finding that must be mended."""
    return Finding(check=check, status="fail", found=found, advice=advice)


def run_checks(checks: Iterable[tuple[str, Callable[[], Finding]]]) -> Iterator[Finding]:
    """Run named checks one by one; one that raises is a failed check, and the others still run."""
    for name, check in checks:
        try:
            yield check()
        except Exception as error:  # noqa: BLE001 - a doctor reports what it cannot examine
            problem = f"could not be checked: {type(error).__name__}: {error}"
            yield fail(name, problem, "Mend what the message names, and run the doctor again.")
