"""`harvester drill`: rehearse incidents against the gate and write a dated report."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from cli.output import EXIT_USER_ERROR, json_text, print_json, stderr_console, stdout_console
from market.errors import NotFoundError, UserError
from market.folders import require_writable_folder

if TYPE_CHECKING:
    from risk.drills.drill import Drill, DrillResult

DEFAULT_OUTPUT = Path("drills")
EXIT_FAILED = 3
"""What was checked does not hold."""
STAND_IN = ("F",)
"""Universe of a profile whose symbols are drawn up for each day."""


def command(
    name: Annotated[str | None, Parameter(help="The drill to run; without it, --all or --profile.")] = None,
    /,
    *,
    all_drills: Annotated[bool, Parameter(name="--all", negative="", help="Run every drill.")] = False,
    profile: Annotated[
        Path | None, Parameter(help="Run breached-limits under the limits of this profile.")
    ] = None,
    output: Annotated[Path, Parameter(help="Folder of the dated reports.")] = DEFAULT_OUTPUT,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object instead of a table.")] = False,
) -> int:
    """Rehearse an incident and write a dated report.

    Drills run the real gate and the real journal: in a backtest engine, or in live nodes on a venue of
    their own, some of which are killed. No account is touched, and no network but this machine's own.

    Their limits are their own. With --profile it is the profile's: each limit is taken to its edge, where
    orders must pass, and one beyond, where its rule must refuse, while all others are wide; one order is
    sent under all of them together.

    Exit code 3 when a drill failed: what it checked does not hold.
    """
    chosen = _chosen(name, profile, everything=all_drills)
    started = datetime.now(UTC)
    report = _open_report(output, started)
    results = [_run(drill) for drill in chosen]
    passed = all(result.passed for result in results)
    if not json:
        _print(results)
    loss = _write_report(report, results, started)
    if json:
        kept = None if loss else str(report)
        print_json({"passed": passed, "report": kept, "drills": _as_builtins(results)})
    elif loss is None:
        stdout_console().print(f"Report: {report}", soft_wrap=True)
    if loss is not None:
        stderr_console().print(loss, soft_wrap=True, markup=False)
    if not passed:
        return EXIT_FAILED
    return 0 if loss is None else EXIT_USER_ERROR


def _chosen(name: str | None, profile: Path | None, *, everything: bool) -> tuple[Drill, ...]:
    from audit.drills import journal_drills
    from risk.drills import all_drills

    drills = (*all_drills(), *journal_drills())
    names = ", ".join(drill.name for drill in drills)
    if (name is not None) + (profile is not None) + everything != 1:
        raise UserError(f"Give the name of one drill, or --all, or --profile. Drills: {names}.")
    if profile is not None:
        return (_under(profile),)
    if everything:
        return drills
    chosen = tuple(drill for drill in drills if drill.name == name)
    if not chosen:
        raise NotFoundError(f"There is no drill {name!r}. Drills: {names}.")
    return chosen


def _under(path: Path) -> Drill:
    """Return the drill that breaches every limit of a profile."""
    from configs.profile import load_profile
    from risk.drills.breach import Rulings
    from risk.drills.nautilus_breached_limits import under

    loaded = load_profile(path, purpose="research").profile
    rulings = Rulings(
        limits=loaded.risk,
        session_rules=loaded.session,
        universe=tuple(loaded.universe.symbols) or STAND_IN,
    )
    return under(rulings, incident=f"Every limit of {loaded.name} is taken to its edge, and breached.")


def _run(drill: Drill) -> DrillResult:
    stderr_console().print(f"{drill.name}: {drill.incident}")
    return drill.run()


def _as_builtins(results: list[DrillResult]) -> object:
    import msgspec

    return msgspec.to_builtins(results)


def _open_report(folder: Path, started: datetime) -> Path:
    """Make the file of the report, with a name of its own, before anything is rehearsed; return its path."""
    require_writable_folder(folder, option="--output")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):  # pragma: no branch - reports of one second are few
            path = folder / f"drill-{started:%Y%m%dT%H%M%SZ}{f'-{number}' if number > 1 else ''}.md"
            try:
                path.open("x").close()
            except FileExistsError:
                continue
            break
    except OSError as error:
        raise UserError(
            f"No report can be written to {folder}: {error.strerror}. Name another folder with --output."
        ) from None
    return path


def _write_report(path: Path, results: list[DrillResult], started: datetime) -> str | None:
    """Write the report, and the same as JSON beside it; return why that failed, if it did."""
    data = {"started_utc": started.isoformat(timespec="seconds"), "drills": _as_builtins(results)}
    try:
        path.write_text(_markdown(results, started))
        path.with_suffix(".json").write_text(json_text(data) + "\n")
    except OSError as error:
        return f"The report cannot be written to {path}: {error.strerror}. Name another folder with --output."
    return None


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


def _print(results: list[DrillResult]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("drill", "result", "checks", "not met")
    for result in results:
        missed = [f"{check.expectation}: {check.seen}" for check in result.checks if not check.is_met]
        reason = "; ".join(missed) if result.error is None else result.error
        verdict = "passed" if result.passed else "FAILED"
        table.add_row(result.name, verdict, str(len(result.checks)), escape(reason))
    stdout_console().print(table)
