"""Keeps the notes of a run directory in a journal of their own, `notes/`: append-only, in the same chain.

A note cannot be changed or taken away without being found.
"""

from __future__ import annotations

from pathlib import Path

from audit.events import NoteRecord
from audit.journal import Journal, JournalSettings, read_entries, verify
from audit.notes import Note, notes_of
from market.errors import DataError

NOTES_FOLDER = "notes"


def add_note(run_dir: Path, note: NoteRecord, *, ts_ns: int) -> int:
    """Append `note` to those of a run directory and return its number once it is on disk.

    Raises `JournalError` where the notes fail their verification, are being written by another process, or
    cannot be written.
    """
    journal = Journal.open(run_dir / NOTES_FOLDER, settings=JournalSettings())
    try:
        seq = journal.append(note, ts_ns=ts_ns)
    finally:
        journal.close(ts_ns=ts_ns, reason="noted")
    return seq


def read_notes(run_dir: Path) -> list[Note]:
    """Return the notes of a run directory; empty without any.

    Raises `DataError` where they were tampered with: an altered note must not pass for its author's.
    """
    folder = run_dir / NOTES_FOLDER
    if not folder.is_dir():
        return []
    found = verify(folder)
    if not found.ok:
        problem = found.problems[0]
        raise DataError(
            f"The notes in {folder} fail their verification: {problem.file}:{problem.line}, {problem.what}, "
            f"{problem.why}. Restore the folder from the archive, or leave notes out with --no-notes."
        )
    return list(notes_of(read_entries(folder)))
