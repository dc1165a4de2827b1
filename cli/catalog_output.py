"""How a catalog's contents and the findings of its checks look to people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from rich.markup import escape
from rich.table import Table

from catalog.contents import CatalogContents, StreamContents
from catalog.quality_checks.findings import Finding, QualityReport
from catalog.quality_checks.registry import CHECKS, Severity
from cli.output import stdout_console
from market.time import format_new_york

if TYPE_CHECKING:
    from rich.console import Console

STREAMS_SHOWN = 10
SOURCES_SHOWN = 20
HALTS_SHOWN = 20
PROBLEMS_SHOWN = 20

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def print_contents(contents: CatalogContents) -> None:
    """Print what does not fit together, then tables of streams, sources and halts."""
    console = stdout_console()
    made_by = "" if contents.has_manifest else ", without a manifest (made by another program)"
    console.print(
        f"Catalog {contents.catalog}: {len(contents.instruments)} instruments, {contents.rows:,} records, "
        f"{_megabytes(contents.size_bytes)} MB{made_by}",
        markup=False,
        soft_wrap=True,
    )
    for problem in contents.problems[:PROBLEMS_SHOWN]:
        console.print(f"[bold red]problem:[/] {escape(problem)}", soft_wrap=True)
    _say_more(console, len(contents.problems) - PROBLEMS_SHOWN, "problems")
    console.print(_streams_table(contents.streams))
    if contents.sources:
        console.print(_sources_table(contents))
        _say_more(console, len(contents.sources) - SOURCES_SHOWN, "sources")
    if contents.halts:
        console.print(_halts_table(contents))
        _say_more(console, len(contents.halts) - HALTS_SHOWN, "halts")


def print_report(report: QualityReport) -> None:
    """Print what each check found, what it means and what to do, and a line that sums up."""
    console = stdout_console()
    for name in dict.fromkeys(finding.check for finding in report.findings):
        _print_check(console, [finding for finding in report.findings if finding.check == name])
    streams = len(report.streams)
    checked = f"{report.records:,} records in {streams} stream{'s' if streams != 1 else ''} checked"
    numbers = {severity: report.count(severity) for severity in Severity}
    if not report.findings:
        console.print(f"[green]{checked}: nothing found[/]", soft_wrap=True)
        return
    parts = [f"[{_STYLES[severity]}]{severity} {number}[/]" for severity, number in numbers.items() if number]
    console.print(f"{checked}. Findings: {', '.join(parts)}", soft_wrap=True)


def _streams_table(streams: tuple[StreamContents, ...]) -> Table:
    table = Table(title="Data", title_justify="left")
    table.add_column("instrument", no_wrap=True)
    table.add_column("data", no_wrap=True)
    for heading in ("records", "sessions"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("first (New York)", no_wrap=True)
    table.add_column("last (New York)", no_wrap=True)
    for heading in ("files", "MB"):
        table.add_column(heading, justify="right", no_wrap=True)
    for stream in streams:
        table.add_row(
            escape(stream.instrument_id),
            escape(stream.data_type),
            f"{stream.rows:,}",
            f"{stream.sessions:,}",
            _moment(stream.first_ns),
            _moment(stream.last_ns),
            f"{stream.files:,}",
            _megabytes(stream.size_bytes),
        )
    return table


def _sources_table(contents: CatalogContents) -> Table:
    table = Table(title="Sources", title_justify="left")
    table.add_column("kind", no_wrap=True)
    table.add_column("source", overflow="fold")
    table.add_column("records", justify="right", no_wrap=True)
    table.add_column("rejected", justify="right", no_wrap=True)
    table.add_column("listed in", overflow="fold")
    for source in contents.sources[:SOURCES_SHOWN]:
        rejected = f"[yellow]{source.rejected:,}[/]" if source.rejected else "0"
        listed = escape(source.rejects_file or "")
        table.add_row(source.kind, escape(source.path), f"{source.rows:,}", rejected, listed)
    return table


def _halts_table(contents: CatalogContents) -> Table:
    table = Table(title="Halts", title_justify="left")
    for heading in ("instrument", "from (New York)", "to (New York)"):
        table.add_column(heading, no_wrap=True)
    table.add_column("reason")
    for halt in contents.halts[:HALTS_SHOWN]:
        table.add_row(
            escape(halt.instrument_id), _moment(halt.from_ns), _moment(halt.to_ns), escape(halt.reason)
        )
    return table


def _print_check(console: Console, findings: Sequence[Finding]) -> None:
    """Print one check: its meaning, the streams in which it found something, what to do."""
    check = CHECKS[findings[0].check]
    heading = f"[{_STYLES[check.severity]}]{check.severity} {check.name}[/] {escape(check.meaning)}"
    console.print(heading, soft_wrap=True)
    rows = Table.grid(padding=(0, 2))
    justifications: tuple[Literal["left", "right"], ...] = ("left", "left", "right")
    for justify in justifications:
        rows.add_column(justify=justify, no_wrap=True)
    rows.add_column(overflow="fold")
    for finding in findings[:STREAMS_SHOWN]:
        rows.add_row(
            f"  {escape(finding.instrument_id)}",
            escape(finding.data_type),
            f"{finding.count:,}",
            escape(finding.examples[0] if finding.examples else ""),
        )
    console.print(rows)
    _say_more(console, len(findings) - STREAMS_SHOWN, "streams")
    console.print(f"  [dim]What to do:[/] {escape(check.remedy)}\n", soft_wrap=True)


def _say_more(console: Console, number: int, what: str) -> None:
    if number > 0:
        console.print(f"and {number:,} more {what}; --json lists all")


def _moment(ts_ns: int | None) -> str:
    return "-" if ts_ns is None else format_new_york(ts_ns, places=0)


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f}"
