"""What `harvester ingest` shows: a progress bar on standard error, and what was done."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.output import print_json, stderr_console, stdout_console
from market.time import format_new_york

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    from catalog.manifest import IngestResult
    from catalog.progress import Progress

REJECTS_SHOWN = 5
INSTRUMENTS_SHOWN = 5
REJECT_FILES_SHOWN = 3


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show on standard error how much of each file has been read; nothing where that is no terminal."""
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    console = stderr_console()
    with RichProgress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield _Bar(bar)


class _Bar:
    """One line per file; the files before it disappear."""

    def __init__(self, bar: RichProgress) -> None:
        self._bar = bar
        self._task: TaskID | None = None

    def begin(self, label: str, total_bytes: int) -> None:
        """Start the line of a file."""
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(label, total=total_bytes)

    def advance(self, n_bytes: int) -> None:
        """Move the bar of the file."""
        if self._task is not None:
            self._bar.advance(self._task, n_bytes)


def print_result(result: IngestResult, *, path: Path, catalog: Path, as_json: bool) -> None:
    """Print what an ingest of `path` did, for people or as one JSON object."""
    if as_json:
        print_json(_as_json(result, path, catalog))
        return
    console = stdout_console()
    for line in _lines(result, path, catalog):
        console.print(line, soft_wrap=True, markup=False)


def _as_json(result: IngestResult, path: Path, catalog: Path) -> dict[str, Any]:
    from dataclasses import asdict

    return {"path": path, "catalog": catalog, **asdict(result)}


def _lines(result: IngestResult, path: Path, catalog: Path) -> Iterator[str]:
    if result.unchanged:
        yield f"unchanged: {path} is in {catalog} already ({result.rows:,} rows)"
        return
    yield f"{result.rows:,} rows of {_some(result.instruments)} from {path} into {catalog}"
    if result.start_ns is not None and result.end_ns is not None:
        yield f"from {format_new_york(result.start_ns)} to {format_new_york(result.end_ns)}"
    for name in result.replaced:
        yield f"replaced {name}"
    for note in getattr(result, "notes", ()):
        yield f"note: {note}"
    yield from _reject_lines(result, catalog)


def _reject_lines(result: IngestResult, catalog: Path) -> Iterator[str]:
    if not result.rejected:
        return
    names = getattr(result, "rejects_files", ()) or (result.rejects_file or "",)
    listed = ", ".join(str(catalog / name) for name in names[:REJECT_FILES_SHOWN])
    yield f"{result.rejected:,} rows rejected, listed in {listed}:"
    with (catalog / names[0]).open(newline="", encoding="utf-8") as file:
        for _, row in zip(range(REJECTS_SHOWN), csv.DictReader(file), strict=False):
            place = f"{row['file']} line {row['line']}"
            yield f"  {place}: {row['column']} {row['value']!r} {row['why']}".replace(":  ", ": ")


def _some(instruments: tuple[str, ...]) -> str:
    shown = ", ".join(instruments[:INSTRUMENTS_SHOWN])
    more = len(instruments) - INSTRUMENTS_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
