"""Make an ingest visible all at once, or not at all.

An ingest writes into `.ingest/staging`. What is to happen then is written to `.ingest/pending.json`; from
the moment that file exists the ingest is done, before that nothing has happened. Replacing and removing
files follows, the manifest last. A process that dies in between leaves the pending record, and whoever
opens the catalog next carries it out: every step may be repeated.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import msgspec

from market.errors import HarvesterError

WORK_FOLDER = ".ingest"
STAGING = f"{WORK_FOLDER}/staging"
PENDING = f"{WORK_FOLDER}/pending.json"


class Pending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is left to do: files to remove, then staged files to move to the same path below the root."""

    removes: tuple[str, ...]
    moves: tuple[str, ...]


def publish(root: Path, pending: Pending) -> None:
    """Carry out `pending`; returns when all of it is visible and on disk."""
    for path in pending.moves:
        _sync(root / STAGING / path)
    _sync_folders(root / STAGING, pending.moves)
    record = root / PENDING
    draft = record.with_suffix(".draft")
    draft.write_bytes(msgspec.json.encode(pending))
    _sync(draft)
    draft.replace(record)
    _sync(record.parent)
    _sync(root)
    _roll_forward(root, pending)


def recover(root: Path) -> None:
    """Finish the ingest that a dead process had recorded, and remove what one left unfinished.

    The caller holds the catalog's lock.
    """
    record = root / PENDING
    if record.exists():
        _roll_forward(root, msgspec.json.decode(record.read_bytes(), type=Pending))
    discard(root)


def needs_recovery(root: Path) -> bool:
    """Say whether a dead process (or one still at work) left something below the work folder."""
    return (root / PENDING).exists() or (root / STAGING).exists()


def discard(root: Path) -> None:
    """Remove all that is staged and was not recorded as done."""
    shutil.rmtree(root / STAGING, ignore_errors=True)
    (root / PENDING).with_suffix(".draft").unlink(missing_ok=True)


def _roll_forward(root: Path, pending: Pending) -> None:
    # A new file may have the name of a removed one: removing it again after a crash would lose it.
    for path in set(pending.removes) - set(pending.moves):
        (root / path).unlink(missing_ok=True)
    for path in pending.moves:
        staged, target = root / STAGING / path, root / path
        if staged.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            staged.replace(target)
        elif not target.exists():
            raise HarvesterError(
                f"{staged} is missing: the catalog at {root} is damaged. Restore it from a backup."
            )
    _sync_folders(root, {*pending.removes, *pending.moves})
    (root / PENDING).unlink()
    discard(root)


def _sync_folders(root: Path, paths: Iterable[str]) -> None:
    folders = {
        ancestor for path in paths for ancestor in (root / path).parents if ancestor.is_relative_to(root)
    }
    for folder in folders:
        if folder.is_dir():
            _sync(folder)


def _sync(path: Path) -> None:
    """Flush a file or folder to disk, where the system can (Windows cannot open folders)."""
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
