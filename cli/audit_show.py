"""`harvester audit show` and `audit export`: a journal as who did what, when, why, on whose authority."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from cli.output import print_json
from cli.run_journal import entries_of
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
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object instead of lines.")] = False,
) -> None:
    """Show a run's journal as a timeline: who did what, when, why, and on whose authority.

    A line a record, New York time and UTC: `harvester audit show RUN_DIR --kind refusal | less -S`.

    Parameters
    ----------
    run_dir
        The folder that `harvester backtest` or `harvester demo` printed, or a live node's day.
    limit
        Stop after this many records.
    """
    if limit is not None and limit < 1:
        raise ConfigError(f"--limit {limit} must be 1 or more.")
    rows: list[TimelineRow] = []
    shown = 0
    for row in _rows(run_dir, filters or Filters()):
        if json:
            rows.append(row)
        else:
            sys.stdout.write(_line(row))
        shown += 1
        if shown == limit:
            break
    if json:
        print_json({"run": str(run_dir), "records": shown, "rows": rows})
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
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Write a run's journal to files: the timeline's columns, and each whole record as JSON.

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
    written = dict(_exports(run_dir, csv_file, parquet_file, json_lines_file, filters=filters or Filters()))
    if not written:
        raise UserError("Nothing to write. Name at least one file with --csv, --parquet or --jsonl.")
    if json:
        print_json({"run": str(run_dir), "records": max(written.values()), "files": list(written)})
        return
    for path, count in written.items():
        sys.stdout.write(f"{count:,} records in {path}\n")


def _exports(
    run_dir: Path,
    csv_file: Path | None,
    parquet_file: Path | None,
    json_lines_file: Path | None,
    *,
    filters: Filters,
) -> Iterator[tuple[str, int]]:
    from audit.timeline import TimelineRow
    from cli.row_files import write_csv, write_json_lines, write_parquet

    if csv_file is not None:
        yield str(csv_file), write_csv(csv_file, _rows(run_dir, filters), row_type=TimelineRow)
    if parquet_file is not None:
        yield str(parquet_file), write_parquet(parquet_file, _rows(run_dir, filters), row_type=TimelineRow)
    if json_lines_file is not None:
        yield str(json_lines_file), write_json_lines(json_lines_file, _rows(run_dir, filters))


def _rows(run_dir: Path, filters: Filters) -> Iterator[TimelineRow]:
    from audit.timeline import GIVE_AUTHORITY, operators, timeline

    kinds = frozenset(filters.kind) or None
    persons = operators(entries_of(run_dir, kinds=["operator_command"]))
    entries = entries_of(run_dir, kinds=None if kinds is None else kinds | GIVE_AUTHORITY)
    return timeline(entries, wanted=_wanted(run_dir, filters), persons=persons)


def _wanted(run_dir: Path, filters: Filters) -> Wanted:
    from audit.timeline import Wanted
    from audit.trace import trace

    return Wanted(
        kinds=frozenset(filters.kind) or None,
        seqs=None if filters.order is None else trace(entries_of(run_dir), filters.order).seqs,
        symbols=frozenset(symbol.upper() for symbol in filters.symbol) or None,
        start_ns=None if filters.start is None else _instant(filters.start, days_later=0),
        end_ns=None if filters.end is None else _instant(filters.end, days_later=1),
    )


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
    return f"{row.seq:>7}  {row.new_york}  {time_utc}  {row.who}: {row.what}{why}  [{row.authority}]\n"
