"""`harvester day`: the key figures of each day of one run, or of many runs beside each other."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from cli.output import print_json
from cli.run_journal import entries_of, notes_of
from market.errors import UserError

if TYPE_CHECKING:
    from audit.day_report import JournalReport
    from audit.day_series import DayLine, Totals
    from audit.notes import Note
    from market.calendar import Session


def command(
    *run_dirs: Annotated[Path, Parameter(name="RUN_DIR")],
    html: Path | None = None,
    no_notes: Annotated[bool, Parameter(negative="", help="Leave notes and tags out.")] = False,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Show the key figures of every day: orders, fills, slippage, profit, drawdown, breaches, uptime.

    All come from the runs' journals alone. Several runs make a series, by date.

    Parameters
    ----------
    run_dirs
        Folders that `harvester backtest` or `harvester demo` printed, or live nodes' days.
    html
        Write one page with everything to this file; it opens without a network.
    """
    from audit.day_series import series, totals

    if not run_dirs:
        raise UserError("Name at least one run directory, such as runs/demo/run.")
    if len(set(run_dirs)) < len(run_dirs):
        raise UserError("A run directory is named twice. Name each once: its days would count double.")
    reports = {str(run_dir): _report(run_dir) for run_dir in run_dirs}
    lines, sums = series(reports.items()), totals(reports.values())
    notes = {str(run_dir): notes_of(run_dir, no_notes=no_notes) for run_dir in run_dirs}
    if html is not None:
        _write_page(html, reports, notes)
    if json:
        runs = [_plain(name, report, notes[name]) for name, report in reports.items()]
        page = None if html is None else str(html)
        print_json({"runs": runs, "series": lines, "total": sums, "page": page})
        return
    _print(lines, sums, has_runs=len(reports) > 1)
    if html is not None:
        sys.stdout.write(f"page  {html}\n")


def _report(run_dir: Path) -> JournalReport:
    from audit.day_report import journal_report

    return journal_report(entries_of(run_dir), session_on=_session_on)


def _session_on(day: date) -> Session | None:
    from market.calendar import TradingCalendar

    return TradingCalendar(day, day).session_on(day)


def _write_page(html: Path, reports: dict[str, JournalReport], notes: dict[str, list[Note]]) -> None:
    from audit.blotter import blotter
    from audit.notes import NotesBySubject
    from cli.day_page import RunReview, write_day_page

    reviews = {
        name: RunReview(report, blotter(entries_of(Path(name)), notes[name]), NotesBySubject(notes[name]))
        for name, report in reports.items()
    }
    try:
        write_day_page(reviews, html)
    except OSError as error:
        raise UserError(f"{html} cannot be written: {error}. Name another file with --html.") from None


def _plain(name: str, report: JournalReport, notes: list[Note]) -> dict[str, Any]:
    import msgspec

    return {"run_dir": name, **msgspec.structs.asdict(report), "notes": notes}


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
    return plain_table(headings, rows, texts=("day", "run"))


LABEL_COLUMNS = 14
_HEADINGS = (
    *("sent", "denied", "rejected", "canceled", "filled", "fill ratio", "trades", "gross", "fees", "net"),
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
        f"{line.data_gaps:,}",
    ]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _number(value: float | None, decimals: int) -> str:
    return "-" if value is None else f"{value:,.{decimals}f}"
