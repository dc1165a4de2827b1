"""A finished run in words, for `harvester backtest` and `harvester demo`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from cli.output import stdout_console

if TYPE_CHECKING:
    from backtests.run import RunResult
    from backtests.summary import RunSummary

HASH_DIGITS = 16
RULES_SHOWN_MAX = 6
LABEL_COLUMNS = len("run directory")


def print_run(result: RunResult, *, report: Path) -> None:
    """Print what a person wants to know first, and where the rest is."""
    from rich.table import Table
    from rich.text import Text

    summary = result.summary
    console = stdout_console()
    console.print(Text(_headline(summary), style="bold"))
    table = Table.grid(padding=(0, 2))
    for label, value in _rows(summary):
        table.add_row(Text(f"{label:<{LABEL_COLUMNS}}", style="dim"), Text(value))
    console.print(table)
    # Outside the table, which would fold a path: a terminal must be able to open it.
    console.print(f"run directory  {result.directory}", soft_wrap=True)
    console.print(f"report         {report}", soft_wrap=True)


def run_as_json(result: RunResult, *, report: Path) -> dict[str, Any]:
    """Return the run's summary with the paths of what it wrote."""
    return {
        **msgspec.to_builtins(result.summary),
        "run_directory": str(result.directory),
        "report": str(report),
    }


def _headline(summary: RunSummary) -> str:
    period = summary.period
    days = period.start if period.start == period.end else f"{period.start} to {period.end}"
    symbols = len(summary.instruments)
    return f"{summary.name}: {days}, {symbols} symbol{'s' if symbols != 1 else ''}, book {summary.book}"


def _rows(summary: RunSummary) -> Iterator[tuple[str, str]]:
    counts = summary.counts
    win = "" if summary.win_fraction is None else f", {summary.win_fraction:.1%} won"
    yield "trades", f"{counts.round_trips:,} round trips{win}"
    made = f"{counts.orders:,} made, {counts.refused_orders:,} refused, {counts.sent_orders:,} sent"
    yield "orders", f"{made}, {counts.filled_orders:,} filled ({counts.shares:,} shares)"
    yield "gross", _usd(summary.gross_pnl_usd)
    yield "fees", f"{_usd(summary.fees_usd)} ({summary.fees_schedule.replace('_', ' ')})"
    yield "net", _usd(summary.net_pnl_usd)
    yield "max drawdown", _usd(summary.max_drawdown_usd)
    yield "refusals", _refusals(summary)
    for change in breaker_changes(summary):
        yield "breaker", change
    for position in summary.open_positions:
        yield "still open", f"{position['quantity']} {position['instrument_id']}"
    yield "replayed", f"{counts.records:,} records in {summary.elapsed_seconds:.1f} s"
    yield "result hash", summary.result_hash[:HASH_DIGITS]


def _refusals(summary: RunSummary) -> str:
    by_rule = sorted(summary.refusals_by_rule.items(), key=lambda item: (-item[1], item[0]))
    if not by_rule:
        return "none"
    shown = ", ".join(f"{rule} {count:,}" for rule, count in by_rule[:RULES_SHOWN_MAX])
    hidden = sum(count for _, count in by_rule[RULES_SHOWN_MAX:])
    return f"{shown}, others {hidden:,}" if hidden else shown


def breaker_changes(summary: RunSummary) -> Iterator[str]:
    """Yield every change of the breaker after the start: `14:25:57 HALT by daily_loss: ...`."""
    from market.time import format_new_york

    for change in summary.breaker_changes:
        if change.after != "RUNNING" or change.before != "SAFE_MODE":
            time = format_new_york(change.ts_ns)
            yield f"{time} {change.before} to {change.after} by {change.by}: {change.reason}"


def _usd(amount: str) -> str:
    sign = "-" if amount.startswith("-") else ""
    return f"{sign}{amount.removeprefix('-')} USD"
