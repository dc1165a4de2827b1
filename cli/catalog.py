"""`harvester catalog show|check`: what a catalog holds, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from cli.output import EXIT_USER_ERROR, print_json

if TYPE_CHECKING:
    from catalog.quality_checks.findings import QualityReport

Symbols = Annotated[tuple[str, ...], Parameter(name="--symbol", negative=())]
Flag = Annotated[bool, Parameter(negative=())]


def show(*, catalog: Path, json: Flag = False) -> None:
    """List what a catalog holds: instruments, data, sessions, sources, rejected rows and halts.

    Any Nautilus catalog can be shown; sources and rejected rows are known of those that
    `harvester ingest` and `harvester demo` made.

        harvester catalog show --catalog my-catalog

    Parameters
    ----------
    catalog
        The catalog folder.
    json
        Print one JSON object instead of tables.
    """
    from catalog.contents import describe_catalog

    contents = describe_catalog(catalog)
    if json:
        print_json({"rows": contents.rows, "size_bytes": contents.size_bytes, **_fields(contents)})
        return
    from cli.catalog_output import print_contents

    print_contents(contents)


def check(
    *,
    catalog: Path,
    symbol: Symbols = (),
    start: str | None = None,
    end: str | None = None,
    strict: Flag = False,
    json: Flag = False,
) -> int:
    """Check every record of a catalog for crossed quotes, outliers, gaps, broken books and other defects.

    Sessions, early closes and holidays come from the exchange calendar, halts from the catalog's
    halts.json. Each finding says what it means and what to do; docs/reference/quality-checks.md lists all
    checks and their thresholds. The exit code is 0 when the catalog was checked, whatever was found.

        harvester catalog check --catalog my-catalog --symbol BAC --start 2013-10-07 --end 2013-10-09
        harvester catalog check --catalog my-catalog --strict && harvester backtest my-profile.toml

    Parameters
    ----------
    catalog
        The catalog folder.
    symbol
        Check only this symbol or instrument id. Repeatable.
    start
        First New York date to check, year-month-day.
    end
        Last New York date to check, year-month-day.
    strict
        Exit with 2 when there is a finding of severity `error`, for use in scripts.
    json
        Print one JSON object instead of tables.
    """
    from catalog.quality import Severity, check_catalog
    from cli.ingest_output import progress_bar
    from market.time import parse_date

    with progress_bar() as progress:
        report = check_catalog(
            catalog,
            symbols=symbol,
            start=None if start is None else parse_date(start),
            end=None if end is None else parse_date(end),
            progress=progress,
        )
    if json:
        print_json(_report_as_json(report))
    else:
        from cli.catalog_output import print_report

        print_report(report)
    return EXIT_USER_ERROR if strict and report.count(Severity.ERROR) else 0


def _report_as_json(report: QualityReport) -> dict[str, Any]:
    from catalog.quality import Severity

    counts = {f"{severity}s": report.count(severity) for severity in (Severity.ERROR, Severity.WARNING)}
    return {"records": report.records, **counts, "infos": report.count(Severity.INFO), **_fields(report)}


def _fields(struct: Any) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}
