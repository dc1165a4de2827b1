"""Keeps the notes of a run directory in a journal of their own, `notes/`: append-only, in the same chain.

A note cannot be changed or taken away without being found.
"""

from __future__ import annotations

import time
from pathlib import Path

from audit.events import NoteRecord
from audit.journal import (
    Journal,
    JournalBusyError,
    JournalSettings,
    TamperedError,
    Verification,
    read_entries,
    verify,
)
from audit.notes import Note, notes_of

NOTES_FOLDER = "notes"
WAIT_SECONDS_MAX = 10.0
"""How long a note waits for others that are being written."""

_WAIT_SECONDS = 0.02


def add_note(run_dir: Path, note: NoteRecord, *, ts_ns: int) -> Note:
    """Append `note` to those of a run directory and return it as it is kept once it is on disk.

    Raises `JournalError` where the notes fail their verification, cannot be written, or others write
    without a pause for `WAIT_SECONDS_MAX`.
    """
    journal = _open_when_free(run_dir / NOTES_FOLDER)
    try:
        seq = journal.append(note, ts_ns=ts_ns)
    finally:
        journal.close(ts_ns=ts_ns, reason="noted")
    return next(kept for kept in read_notes(run_dir) if kept.seq == seq)


def _open_when_free(folder: Path) -> Journal:
    """Open the notes, after whoever else is writing one."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        try:
            return Journal.open(folder, settings=JournalSettings())
        except JournalBusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_WAIT_SECONDS)


def verify_notes(run_dir: Path) -> Verification | None:
    """Return what verification of a run's notes finds; None without any.

    A folder `notes/` that was removed as a whole leaves no trace here: only an archive shows it.
    """
    folder = run_dir / NOTES_FOLDER
    return verify(folder) if folder.is_dir() else None


def read_notes(run_dir: Path, *, unverified: bool = False) -> list[Note]:
    """Return the notes of a run directory; empty without any.

    Raises `TamperedError` where they were tampered with: an altered note must not pass for its author's.
    `unverified` returns what can be read instead.
    """
    found = verify_notes(run_dir)
    if found is None:
        return []
    folder = run_dir / NOTES_FOLDER
    if not found.ok and not unverified:
        raise TamperedError(
            f"The notes in {folder} fail their verification: {found.problems[0]} "
            "Restore the folder from the archive, or leave notes out with --no-notes."
        )
    return list(notes_of(read_entries(folder, skip_unreadable=unverified)))
