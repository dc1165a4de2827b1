"""`harvester audit show` and `audit export`: a journal as who did what, when, why, on whose authority."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from cli.output import print_json
from cli.run_journal import RunRecords, Unverified, open_run
from cli.run_outputs import require_beside
from cli.terminal_text import printable
from market.errors import ConfigError, UserError

if TYPE_CHECKING:
    from audit.timeline import TimelineRow, Wanted


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which records: all that fit every filter given."""

    kind: Annotated[
        tuple[str, ...],
        Parameter(
            negative=(), help="Only records of this kind, such as refusal or fill; repeat for several."
        ),
    ] = ()
    order: Annotated[
        str | None,
        Parameter(help="Only what led to and came of an order: any id that `harvester trace` takes."),
    ] = None
    symbol: Annotated[
        tuple[str, ...], Parameter(negative=(), help="Only records about this symbol; repeat for several.")
    ] = ()
    start: Annotated[
        str | None,
        Parameter(name="--from", help="From this time on, with a zone (2013-10-07T09:45-04:00), or a date."),
    ] = None
    end: Annotated[
        str | None, Parameter(name="--to", help="Before this time, with a zone, or through this date.")
    ] = None


def show(
    run_dir: Path,
    /,
    *,
    filters: Annotated[Filters | None, Parameter(name="*")] = None,
    limit: int | None = None,
    unverified: Unverified = False,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object instead of lines.")] = False,
) -> None:
    """Show a run's journal as a timeline: who did what, when, why, and on whose authority.

    A line a record, New York time and UTC: `harvester audit show RUN_DIR --kind refusal | less -S`. Notes
    stand among them at the time when they were written. All is verified first; exit code 3 when it fails.

    Parameters
    ----------
    run_dir
        The folder that `harvester backtest` or `harvester demo` printed, or a live node's day.
    limit
        Stop after this many records.
    """
    if limit is not None and limit < 1:
        raise ConfigError(f"--limit {limit} must be 1 or more.")
    records = open_run(run_dir, unverified=unverified, with_notes=True)
    rows: list[TimelineRow] = []
    shown = 0
    for row in _rows(records, filters or Filters()):
        if json:
            rows.append(row)
        else:
            sys.stdout.write(_line(row))
        shown += 1
        if shown == limit:
            break
    if json:
        print_json({**_about(records), "records": shown, "rows": rows})
    elif not shown:
        sys.stdout.write(f"No record of {run_dir} fits.\n")


def export(
    run_dir: Path,
    /,
    *,
    csv_file: Annotated[Path | None, Parameter(name="--csv")] = None,
    parquet_file: Annotated[Path | None, Parameter(name="--parquet")] = None,
    json_lines_file: Annotated[Path | None, Parameter(name="--jsonl")] = None,
    filters: Annotated[Filters | None, Parameter(name="*")] = None,
    unverified: Unverified = False,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Write a run's journal to files: the timeline's columns, and each whole record as JSON.

    Notes are among the records. All is verified first; exit code 3 when it fails.

    Parameters
    ----------
    run_dir
        The folder that `harvester backtest` or `harvester demo` printed, or a live node's day.
    csv_file
        Write CSV, a row a record.
    parquet_file
        Write Parquet, typed columns.
    json_lines_file
        Write one JSON object a line.
    """
    files = {"--csv": csv_file, "--parquet": parquet_file, "--jsonl": json_lines_file}
    records = open_run(run_dir, unverified=unverified, with_notes=True)
    if not any(files.values()):
        raise UserError("Nothing to write. Name at least one file with --csv, --parquet or --jsonl.")
    require_beside([run_dir], files)
    from audit.timeline import TimelineRow
    from cli.row_files import write_rows

    rows = _rows(records, filters or Filters())
    count = write_rows(
        rows,
        row_type=TimelineRow,
        csv_file=csv_file,
        parquet_file=parquet_file,
        json_lines_file=json_lines_file,
    )
    written = [str(path) for path in files.values() if path is not None]
    if json:
        print_json({**_about(records), "records": count, "files": written})
        return
    for path in written:
        sys.stdout.write(f"{count:,} records in {path}\n")


def _about(records: RunRecords) -> dict[str, object]:
    return {"run": str(records.run_dir), "unverified": records.unverified}


def _rows(records: RunRecords, filters: Filters) -> Iterator[TimelineRow]:
    from audit.timeline import GIVE_AUTHORITY, note_rows, operators, timeline, with_notes

    kinds = frozenset(filters.kind) or None
    wanted, subjects = _wanted(records, filters)
    persons = operators(records.entries(kinds=["operator_command"]))
    entries = records.entries(kinds=None if kinds is None else kinds | GIVE_AUTHORITY)
    notes = note_rows(records.notes(), wanted=wanted, subjects=subjects)
    return with_notes(timeline(entries, wanted=wanted, persons=persons), notes)


def _wanted(records: RunRecords, filters: Filters) -> tuple[Wanted, frozenset[str] | None]:
    """Return which records to show, and what the notes shown are about; None for anything."""
    from audit.timeline import Wanted
    from audit.trace import trace

    traced = None if filters.order is None else trace(records.entries(), filters.order)
    wanted = Wanted(
        kinds=frozenset(filters.kind) or None,
        seqs=None if traced is None else traced.seqs,
        symbols=frozenset(symbol.upper() for symbol in filters.symbol) or None,
        start_ns=None if filters.start is None else _instant(filters.start, days_later=0),
        end_ns=None if filters.end is None else _instant(filters.end, days_later=1),
    )
    return wanted, None if traced is None else traced.names


def _instant(text: str, *, days_later: int) -> int:
    """Return a time in ns UTC; of a date its New York midnight, or that of the day after."""
    from datetime import timedelta

    from market.time import new_york_midnight_ns, parse_date, to_ns

    if len(text) == len("2013-10-07"):
        return new_york_midnight_ns(parse_date(text) + timedelta(days=days_later))
    return to_ns(text)


def _line(row: TimelineRow) -> str:
    time_utc = row.utc.partition("T")[2]
    why = f" - {row.why}" if row.why else ""
    number = f"note {row.seq}" if row.kind == "note" else str(row.seq)
    said = printable(f"{row.who}: {row.what}{why}  [{row.authority}]")
    return f"{number:>7}  {row.new_york}  {time_utc}  {said}\n"
