"""`harvester doctor`: is this machine, and a profile with its catalog, fit to run?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cli.doctor_findings import Finding
from cli.output import EXIT_USER_ERROR, print_json, stdout_console

RUNS_FOLDER = Path("runs")
_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def command(
    profile: Path | None = None,
    /,
    *,
    catalog: Path | None = None,
    set_: Annotated[list[str] | None, Parameter(name="--set", negative=())] = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Check this machine, and optionally a profile and its catalog. Uses no network.

    Every check says ok, warn or fail, what was found, and what to do. Exit code 2 if one failed.

    Parameters
    ----------
    profile
        A profile to check as well, such as configs/profiles/demo.toml.
    catalog
        The catalog to check in place of the profile's own.
    set_
        Override a key of the profile: --set risk.max_positions=2. May be repeated.
    json
        Print one JSON object instead of text.
    """
    from cli.doctor_machine import machine_findings

    findings = list(machine_findings(RUNS_FOLDER))
    if profile is not None:
        from cli.doctor_profile import profile_findings

        findings += profile_findings(profile, overrides=set_ or (), catalog=catalog)
    failed = any(finding.status == "fail" for finding in findings)
    if json:
        print_json({"ok": not failed, "checks": findings})
    else:
        _print(findings)
    return EXIT_USER_ERROR if failed else 0


def _print(findings: Sequence[Finding]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for finding in findings:
        table.add_row(
            Text(finding.status, style=_STYLES[finding.status]), Text(finding.check), Text(finding.found)
        )
        if finding.advice:
            table.add_row("", "", Text(f"→ {finding.advice}", style="italic"))
    console = stdout_console()
    console.print(table)
    counts = {status: sum(f.status == status for f in findings) for status in _STYLES}
    console.print(f"\n{counts['ok']} ok, {counts['warn']} to improve, {counts['fail']} failed")
