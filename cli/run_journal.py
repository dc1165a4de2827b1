"""The journal of a run directory, opened for the commands that read it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from market.errors import DataError, NotFoundError

if TYPE_CHECKING:
    from audit.events import Entry
    from audit.notes import Note

JOURNAL_FOLDER = "journal"


def entries_of(run_dir: Path, *, kinds: Collection[str] | None = None) -> Iterator[Entry]:
    """Yield the entries of a run's journal, of the kinds named.

    Raises `NotFoundError` where there is no journal, and `DataError` where a line cannot be read or (with
    all kinds) a record is missing: a figure made of half a journal would pass for the whole.
    """
    from audit.journal import read_entries

    entries = read_entries(_folder(run_dir), kinds=kinds)
    return entries if kinds is not None else _without_gaps(entries, run_dir)


def notes_of(run_dir: Path, *, no_notes: bool) -> list[Note]:
    """Return the notes beside a run's journal; none with `no_notes`."""
    from audit.note_store import read_notes

    return [] if no_notes else read_notes(run_dir)


def _folder(run_dir: Path) -> Path:
    folder = run_dir / JOURNAL_FOLDER
    if not run_dir.is_dir():
        raise NotFoundError(f"There is no folder {run_dir}. Give the folder that a backtest printed.")
    if not folder.is_dir():
        raise NotFoundError(
            f"{run_dir} has no journal. Give the folder of a run that was made without --no-journal, "
            "or a live node's day."
        )
    return folder


def _without_gaps(entries: Iterator[Entry], run_dir: Path) -> Iterator[Entry]:
    expected = 1
    for entry in entries:
        if entry.seq != expected:
            raise DataError(
                f"The journal of {run_dir} has record {entry.seq} where {expected} belongs. "
                f"`harvester audit verify {run_dir}` says what happened to it."
            )
        expected += 1
        yield entry
