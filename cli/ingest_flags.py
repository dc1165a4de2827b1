"""The flags that all `harvester ingest` commands share, declared once, and how an ingest is run with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from catalog.manifest import IngestResult

Flag = Annotated[bool, Parameter(negative=())]
Symbols = Annotated[tuple[str, ...], Parameter(name="--symbol", negative=())]


@dataclass(frozen=True, kw_only=True)
class IngestFlags:
    """Where a source goes, which dates of it, and how the result is told."""

    catalog: Annotated[Path, Parameter(help="The catalog folder; it is made if there is none.")]
    start: Annotated[str | None, Parameter(help="First New York date to take, year-month-day.")] = None
    end: Annotated[str | None, Parameter(help="Last New York date to take, year-month-day.")] = None
    replace: Annotated[
        bool,
        Parameter(negative=(), help="Remove files of earlier ingests that overlap in time with this one."),
    ] = False
    json: Annotated[bool, Parameter(negative=(), help="Print one JSON object instead of text.")] = False

    def dates(self) -> tuple[date | None, date | None]:
        """Return the dates of --start and --end; raises `DataError` for a wrong one, or the wrong order."""
        from market.errors import DataError
        from market.time import parse_date

        first, last = (parse_date(text) if text else None for text in (self.start, self.end))
        if first and last and last < first:
            raise DataError(f"--end {last} is before --start {first}.")
        return first, last


Into = Annotated[IngestFlags, Parameter(name="*")]


def ingested(
    ingest: Callable[..., IngestResult], path: Path, *, into: IngestFlags, **settings: object
) -> IngestResult:
    """Run one of the catalog's ingests on `path` under a progress bar, with `settings` of its own."""
    from catalog.store import CatalogStore
    from cli.ingest_output import progress_bar

    first, last = into.dates()
    store = CatalogStore(into.catalog)
    with progress_bar() as progress:
        return ingest(
            path,
            store=store,
            start=first,
            end=last,
            replace=into.replace,
            progress=progress,
            **settings,
        )


def show(result: IngestResult, path: Path, into: IngestFlags) -> None:
    """Print what an ingest of `path` did."""
    from cli.ingest_output import print_result

    print_result(result, path=path, catalog=into.catalog, as_json=into.json)


def column_pairs(text: str | None) -> dict[str, str]:
    """Return `FIELD=COLUMN` pairs, from text or a TOML file; raises `ConfigError` for others."""
    import tomllib

    from market.errors import ConfigError

    if text is None:
        return {}
    if text.endswith(".toml"):
        try:
            loaded = tomllib.loads(Path(text).read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"--columns {text} cannot be read: {error}") from error
        return {str(field): str(column) for field, column in loaded.items()}
    found = {}
    for pair in text.split(","):
        field, separator, column = pair.partition("=")
        if not separator or not field.strip() or not column.strip():
            raise ConfigError(f"--columns {pair!r} is no FIELD=COLUMN pair.")
        found[field.strip()] = column.strip()
    return found
