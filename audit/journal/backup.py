"""A copy of a journal as it is now, also while it is written: all that is acknowledged, and no more."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import msgspec

from audit.journal.errors import VERIFY_RUNBOOK, JournalError, readable
from audit.journal.head import HEAD_FILE, Head, read_head
from audit.journal.line import day_files
from audit.journal.verification import verify
from market.errors import NotFoundError, UserError

COPY_BYTES = 1 << 20


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """What was copied: records, the hash of the last one, files, bytes of the day files."""

    folder: Path
    records: int
    last_hash: str | None
    files: tuple[str, ...]
    size_bytes: int


def backup(folder: Path, to: Path) -> Backup:
    """Copy the journal in `folder` to the new folder `to`, verify the copy, and say what it holds.

    The copy ends with the record that the head acknowledges when the copying begins. It is made beside
    its place and renamed when it is whole, synced and verified. Raises `NotFoundError` for a folder
    without a journal, `UserError` when `to` exists or cannot be written, and `JournalError` when the copy
    does not verify: then the journal does not, either.
    """
    with readable(folder):
        head = read_head(folder)
    if head is None:
        raise NotFoundError(f"{folder} holds no journal. Name the folder of a run that has one.")
    if to.exists():
        raise UserError(f"{to} exists already. Name a new folder for the backup.")
    unfinished = to.with_name(f".{to.name}.{os.getpid()}")
    try:
        return _copy_into(unfinished, folder, head, to)
    except OSError as error:
        raise UserError(f"The journal cannot be copied to {to}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _copy_into(unfinished: Path, folder: Path, head: Head, to: Path) -> Backup:
    unfinished.mkdir(parents=True)
    files = [path for path in day_files(folder) if path.name <= head.file]
    for path in files:
        length = head.file_bytes if path.name == head.file else None
        _copy(path, unfinished / path.name, length)
    _write_head(unfinished / HEAD_FILE, head)
    verification = verify(unfinished)
    if not verification.ok:
        first = verification.problems[0]
        raise JournalError(
            f"{folder} is not copied, it fails verification: {first.why} See {VERIFY_RUNBOOK}."
        )
    _sync_folder(unfinished)
    unfinished.rename(to)
    _sync_folder(to.parent)
    return Backup(
        folder=to,
        records=verification.records,
        last_hash=verification.last_hash,
        files=verification.files,
        size_bytes=sum((to / path.name).stat().st_size for path in files),
    )


def _copy(source: Path, target: Path, length: int | None) -> None:
    """Copy the first `length` bytes of a file, None for all, and sync the copy."""
    with source.open("rb") as reader, target.open("wb") as writer:
        left = source.stat().st_size if length is None else length
        while left > 0 and (block := reader.read(min(left, COPY_BYTES))):
            writer.write(block)
            left -= len(block)
        writer.flush()
        os.fsync(writer.fileno())


def _write_head(path: Path, head: Head) -> None:
    with path.open("wb") as file:
        file.write(head.encoded())
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    with contextlib.ExitStack() as stack:
        descriptor = os.open(folder, os.O_RDONLY)
        stack.callback(os.close, descriptor)
        os.fsync(descriptor)
