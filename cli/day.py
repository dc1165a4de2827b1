"""`harvester day`: the key figures of each day of one run, or of many runs beside each other."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from cli.output import print_json
from cli.result_file import write_text_file
from cli.run_journal import RunRecords, Unverified, open_run
from cli.run_outputs import require_beside
from cli.run_search import runs_in
from cli.terminal_text import terminal_columns
from market.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.day_report import JournalReport
    from audit.day_series import DayLine, Totals
    from audit.events import Entry
    from audit.notes import Note
    from market.calendar import Session


def command(
    *run_dirs: Annotated[Path, Parameter(name="RUN_DIR")],
    html: Path | None = None,
    no_notes: Annotated[bool, Parameter(negative="", help="Leave notes and tags out.")] = False,
    unverified: Unverified = False,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Show the key figures of every day: orders, fills, slippage, profit, drawdown, breaches, uptime.

    All come from the runs' journals alone, which are verified first; exit code 3 when one fails. Several
    runs make a series, by date.

    Parameters
    ----------
    run_dirs
        Folders that `harvester backtest` or `harvester demo` printed, live nodes' days, or a folder of such.
    html
        Write one page with everything to this file; it opens without a network.
    """
    from audit.day_series import series, totals

    runs = _opened(run_dirs, unverified=unverified, with_notes=not no_notes)
    require_beside([run.run_dir for run in runs], {"--html": html})
    reports = {str(run.run_dir): _report(run) for run in runs}
    lines, sums = series(reports.items()), totals(reports.values())
    notes: dict[str, list[Note]] = {str(run.run_dir): [] if no_notes else run.notes() for run in runs}
    if html is not None:
        write_text_file(html, _page(runs, reports, notes), option="--html")
    if json:
        plain = [_plain(run, reports[str(run.run_dir)], notes[str(run.run_dir)]) for run in runs]
        page = None if html is None else str(html)
        print_json({"runs": plain, "series": lines, "total": sums, "page": page})
        return
    _print(lines, sums, has_runs=len(reports) > 1)
    if html is not None:
        sys.stdout.write(f"page  {html}\n")


def _opened(named: tuple[Path, ...], *, unverified: bool, with_notes: bool) -> list[RunRecords]:
    """Return the runs that were named, or that lie in a folder that was, each with its journal verified."""
    if not named:
        raise UserError("Name at least one run directory, such as runs/demo/run.")
    run_dirs = [run for folder in named for run in runs_in(folder)]
    if len({run.resolve() for run in run_dirs}) < len(run_dirs):
        raise UserError("A run directory is named twice. Name each once: its days would count double.")
    return [open_run(run, unverified=unverified, with_notes=with_notes) for run in run_dirs]


def _report(run: RunRecords) -> JournalReport:
    from audit.day_report import journal_report

    entries = run.entries()
    return journal_report(_in_a_row(entries) if run.unverified else entries, session_on=_session_on)


def _in_a_row(entries: Iterator[Entry]) -> Iterator[Entry]:
    """Number anew the records of a journal that fails verification: some may be missing."""
    from msgspec.structs import replace

    return (replace(entry, seq=seq) for seq, entry in enumerate(entries, 1))


def _session_on(day: date) -> Session | None:
    from market.calendar import TradingCalendar

    return TradingCalendar(day, day).session_on(day)


def _page(runs: list[RunRecords], reports: dict[str, JournalReport], notes: dict[str, list[Note]]) -> str:
    from audit.blotter import blotter
    from audit.notes import NotesBySubject
    from cli.day_page import RunReview, render

    reviews = {}
    for run in runs:
        name = str(run.run_dir)
        made = blotter(run.entries(), notes[name])
        by_subject = NotesBySubject(notes[name])
        reviews[name] = RunReview(reports[name], made, by_subject, run.unverified, _session_on)
    return render(reviews)


def _plain(run: RunRecords, report: JournalReport, notes: list[Note]) -> dict[str, Any]:
    import msgspec

    figures = msgspec.structs.asdict(report)
    own_name = figures.pop("run")
    about = {"run": str(run.run_dir), "run_name": own_name, "unverified": run.unverified}
    return {**about, **figures, "notes": notes}


def _print(lines: list[DayLine], sums: Totals, *, has_runs: bool) -> None:
    if len(lines) > 1:
        sys.stdout.write(_table(lines, sums, has_runs=has_runs))
    elif lines:
        figures = zip(("day", *_HEADINGS), (lines[0].date, *_figures(lines[0])), strict=True)
        sys.stdout.writelines(f"{name:<{LABEL_COLUMNS}}{value:>12}\n" for name, value in figures)
    else:
        sys.stdout.write("The journal holds no day: nothing happened after it was opened.\n")
    for rule, count in sums.breaches_by_rule.items():
        sys.stdout.write(f"refused by {rule}: {count:,}\n")


def _table(lines: list[DayLine], sums: Totals, *, has_runs: bool) -> str:
    from cli.plain_table import plain_table

    headings = ["day", *(["run"] if has_runs else []), *_HEADINGS]
    rows = [[line.date, *([line.run] if has_runs else []), *_figures(line)] for line in lines]
    rows.append(["all", *([""] if has_runs else []), *_cells(sums), "", _share(sums.up_fraction)])
    return plain_table(headings, rows, texts=("day", "run"), width=terminal_columns())


LABEL_COLUMNS = 14
_HEADINGS = (
    *("sent", "denied", "rejected", "cancelled", "filled", "fill ratio", "trades", "gross", "fees", "net"),
    *("drawdown", "slip bps", "breaches", "gaps", "latency ms", "up"),
)


def _figures(line: DayLine) -> list[str]:
    return [*_cells(line), _number(line.latency_median_ms, 1), _share(line.up_fraction)]


def _cells(line: DayLine | Totals) -> list[str]:
    return [
        f"{line.orders_sent:,}",
        f"{line.orders_denied:,}",
        f"{line.orders_rejected:,}",
        f"{line.orders_canceled:,}",
        f"{line.orders_filled:,}",
        _share(line.fill_fraction),
        f"{line.trades_closed:,}",
        f"{line.gross_usd:,.2f}",
        f"{line.fees_usd:,.2f}",
        f"{line.net_usd:,.2f}",
        "-" if line.max_drawdown_usd is None else f"{line.max_drawdown_usd:,.2f}",
        _number(line.slippage_bps, 2),
        f"{line.breaches:,}",
        "-" if line.data_gaps is None else f"{line.data_gaps:,}",
    ]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _number(value: float | None, decimals: int) -> str:
    return "-" if value is None else f"{value:,.{decimals}f}"
