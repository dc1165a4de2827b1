"""The hash-chained folders of a run, `journal/` and `notes/`: verified and copied, and verified again.

Both are journals. What is said of one holds for the other.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from audit.archive.manifest import JournalNote, Manifest
from audit.journal import TamperedError, Verification, backup, verify
from audit.journal.errors import VERIFY_RUNBOOK
from market.errors import DataError, NotFoundError

JOURNAL_FOLDER = "journal"
NOTES_FOLDER = "notes"
CHAINS = (JOURNAL_FOLDER, NOTES_FOLDER)
INDEX_PREFIX = "index.sqlite"
"""A journal's index and its temporary files: made anew from the journal, and not the same twice."""


def take_chain(folder: Path, copy: Path, *, expected_hash: str | None, even_damaged: bool) -> JournalNote:
    """Copy a journal as it is now to the new folder `copy` and return what it is.

    `expected_hash` is the hash of its last record as the run noted it. Raises `TamperedError` for one
    that does not verify or is gone; with `even_damaged` what is there is copied, and the note says what is
    wrong.
    """
    try:
        found = verify(folder, expected_hash=expected_hash)
    except NotFoundError:
        why = f"The folder {folder.name}/ holds no records any more"
        why += "." if expected_hash is None else f", and the run noted that they end with {expected_hash}."
        if not even_damaged:
            raise _refused(folder, why) from None
        return JournalNote(records=0, first_hash=None, last_hash=None, is_closed=False, problems=(why,))
    if found.ok:
        backup(folder, copy)
        return _note(verify(copy))
    problems = tuple(problem.why for problem in found.problems)
    if not even_damaged:
        raise _refused(folder, str(found.problems[0]))
    shutil.copytree(folder, copy, symlinks=True, ignore=shutil.ignore_patterns(f"{INDEX_PREFIX}*"))
    return _note(found, problems)


def restored_chains(folder: Path, manifest: Manifest) -> Iterator[tuple[str, Verification | None]]:
    """Yield the name of each chain with its verification, None where none was archived.

    Raises `DataError` for one that is not what the manifest says.
    """
    for name, note in ((JOURNAL_FOLDER, manifest.journal), (NOTES_FOLDER, manifest.notes)):
        yield name, None if note is None else _restored(folder / name, note)


def _refused(folder: Path, why: str) -> TamperedError:
    return TamperedError(
        f"The {folder.name} of {folder.parent} fails verification: {why} See {VERIFY_RUNBOOK}. To archive it "
        "as it is, add --even-damaged."
    )


def _note(found: Verification, problems: tuple[str, ...] = ()) -> JournalNote:
    return JournalNote(
        records=found.records,
        first_hash=found.first_hash,
        last_hash=found.last_hash,
        is_closed=found.is_closed,
        problems=problems,
    )


def _restored(folder: Path, note: JournalNote) -> Verification | None:
    if note.is_damaged:
        return verify(folder) if folder.is_dir() else None
    found = verify(folder, expected_hash=note.last_hash)
    if found.ok and (found.records, found.first_hash) == (note.records, note.first_hash):
        return found
    why = found.problems[0].why if found.problems else "they are not the ones that were archived."
    raise DataError(
        f"The archive's files are sound, its records in {folder.name}/ are not: {why} Nothing was restored."
    )
