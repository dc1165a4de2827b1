"""The journal of a run directory, opened for the commands that read it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from market.errors import DataError, NotFoundError, UserError

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


def run_holding(folder: Path, name: str) -> Path:
    """Return `folder` when it is a run, else the one run directly in it whose journal knows `name`.

    `name` is the id of an order, a trade or a decision; the journals' indexes are asked, so that a folder
    of many days is searched quickly. Raises `NotFoundError` where no run knows it, and `UserError` where
    several do.
    """
    runs = [] if (folder / JOURNAL_FOLDER).exists() or not folder.is_dir() else _runs_in(folder)
    if not runs:
        return folder
    holding = [run for run in runs if _knows(run, name)]
    if not holding:
        raise NotFoundError(
            f"None of the {len(runs)} runs in {folder} knows {name!r}. Give one run to see what is like it."
        )
    if len(holding) > 1:
        listed = ", ".join(str(run) for run in holding)
        raise UserError(f"{name!r} is in {len(holding)} runs: {listed}. Give the folder of one of them.")
    return holding[0]


def _runs_in(folder: Path) -> list[Path]:
    return sorted(run for run in folder.iterdir() if (run / JOURNAL_FOLDER).is_dir())


def _knows(run: Path, name: str) -> bool:
    from audit.journal import JournalIndex

    with JournalIndex(run / JOURNAL_FOLDER) as index:
        found = (index.find(name=name), index.find(correlation_id=name))
        return any(next(entries, None) is not None for entries in found)


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
