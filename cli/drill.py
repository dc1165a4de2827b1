"""`harvester drill`: rehearse incidents against the gate and write a dated report."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from cli.output import json_text, print_json, stderr_console, stdout_console
from market.errors import NotFoundError, UserError
from market.folders import require_writable_folder

if TYPE_CHECKING:
    from risk.drills.drill import Drill, DrillResult

DEFAULT_OUTPUT = Path("drills")


def command(
    name: Annotated[str | None, Parameter(help="The drill to run; without it, --all.")] = None,
    /,
    *,
    all_drills: Annotated[bool, Parameter(name="--all", negative="", help="Run every drill.")] = False,
    output: Annotated[Path, Parameter(help="Folder of the dated reports.")] = DEFAULT_OUTPUT,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object instead of a table.")] = False,
) -> int:
    """Rehearse an incident and write a dated report.

    Drills run the real gate and the real journal, most of them in a backtest engine, with limits of
    their own; no account and no network are touched. Exit code 1 when a drill failed.
    """
    chosen = _chosen(name, everything=all_drills)
    require_writable_folder(output, option="--output")
    started = datetime.now(UTC)
    results = [_run(drill) for drill in chosen]
    passed = all(result.passed for result in results)
    report = _write_report(results, started, output)
    if json:
        print_json({"passed": passed, "report": str(report), "drills": _as_builtins(results)})
    else:
        _print(results, report)
    return 0 if passed else 1


def _chosen(name: str | None, *, everything: bool) -> tuple[Drill, ...]:
    from audit.drills import journal_drills
    from risk.drills import all_drills

    drills = (*all_drills(), *journal_drills())
    names = ", ".join(drill.name for drill in drills)
    if (name is None) != everything:
        raise UserError(f"Give the name of one drill, or --all. Drills: {names}.")
    if everything:
        return drills
    chosen = tuple(drill for drill in drills if drill.name == name)
    if not chosen:
        raise NotFoundError(f"There is no drill {name!r}. Drills: {names}.")
    return chosen


def _run(drill: Drill) -> DrillResult:
    stderr_console().print(f"{drill.name}: {drill.incident}")
    return drill.run()


def _as_builtins(results: list[DrillResult]) -> object:
    import msgspec

    return msgspec.to_builtins(results)


def _write_report(results: list[DrillResult], started: datetime, folder: Path) -> Path:
    """Write `drill-<time>.md` and the same as JSON; return the path of the former."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"drill-{started:%Y%m%dT%H%M%SZ}.md"
        path.write_text(_markdown(results, started))
        data = {"started_utc": started.isoformat(timespec="seconds"), "drills": _as_builtins(results)}
        path.with_suffix(".json").write_text(json_text(data) + "\n")
    except OSError as error:
        raise UserError(
            f"The report cannot be written to {folder}: {error.strerror}. Give --output."
        ) from None
    return path


def _markdown(results: list[DrillResult], started: datetime) -> str:
    failed = sum(not result.passed for result in results)
    lines = [
        f"# Drills of {started:%Y-%m-%d %H:%M:%S} UTC",
        "",
        f"{len(results)} drills, {failed} failed.",
    ]
    for result in results:
        lines += ["", f"## {result.name}: {'passed' if result.passed else 'FAILED'}", "", result.incident, ""]
        if result.error is not None:
            lines.append(f"- FAILED to run: {result.error}")
        lines += [
            f"- {'met' if check.is_met else 'NOT MET'}: {check.expectation}: {check.seen}"
            for check in result.checks
        ]
    return "\n".join(lines) + "\n"


def _print(results: list[DrillResult], report: Path) -> None:
    from rich.table import Table

    table = Table("drill", "result", "checks", "not met")
    for result in results:
        missed = [f"{check.expectation}: {check.seen}" for check in result.checks if not check.is_met]
        reason = "; ".join(missed) if result.error is None else result.error
        table.add_row(result.name, "passed" if result.passed else "FAILED", str(len(result.checks)), reason)
    console = stdout_console()
    console.print(table)
    console.print(f"Report: {report}", soft_wrap=True)
