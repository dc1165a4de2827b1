"""Opens a journal for writing: makes a new one, or checks an old one and takes away a torn tail."""

from __future__ import annotations

from pathlib import Path

import msgspec

from audit.journal.disk import Disk
from audit.journal.errors import VERIFY_RUNBOOK, JournalError
from audit.journal.head import HEAD_FILE, Head, HeadFile
from audit.journal.line import day_files
from audit.journal.verification import Examination, Verification, examine

TORN_SUFFIX = ".torn"


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """What a crash left, and what was made of it.

    The journal goes on after record `last_seq`. `torn_bytes` of a record that was never acknowledged
    were moved to `torn_file`. `records_beyond_head` were written, and found whole, though the head did
    not know of them yet.
    """

    last_seq: int
    torn_bytes: int
    torn_file: Path | None
    records_beyond_head: int


def prepare(folder: Path, head_file: HeadFile, *, disk: Disk) -> tuple[Head, Recovery | None]:
    """Return where to go on, and what was recovered; the head on disk agrees afterwards.

    Raises `JournalError` for a journal that fails verification, OSError when the disk refuses.
    """
    if not day_files(folder) and (folder / HEAD_FILE).stat().st_size == 0:
        head = Head()
        head_file.save(head)
        head_file.sync()
        disk.sync_folder(folder)
        return head, None
    examination = examine(folder)
    if not examination.verification.ok:
        raise JournalError(_refusal(folder, examination.verification))
    return _recover(folder, head_file, examination, disk=disk)


def _recover(
    folder: Path, head_file: HeadFile, examination: Examination, *, disk: Disk
) -> tuple[Head, Recovery | None]:
    old, scan, paths = examination.head, examination.scan, list(examination.paths)
    assert old is not None
    torn_file = _move_torn_tail(paths[-1], scan.valid_bytes, scan.seq, disk=disk) if scan.torn_bytes else None
    if paths and scan.valid_bytes == 0:
        paths.pop().unlink()
        disk.sync_folder(folder)
    head = old
    if scan.seq > old.seq:
        path = paths[-1]
        head = Head(seq=scan.seq, hash=scan.tip.decode(), file=path.name, file_bytes=path.stat().st_size)
        _sync(path, disk=disk)
        head_file.save(head)
    if torn_file is None and head is old:
        return head, None
    return head, Recovery(
        last_seq=head.seq,
        torn_bytes=scan.torn_bytes,
        torn_file=torn_file,
        records_beyond_head=head.seq - old.seq,
    )


def _move_torn_tail(path: Path, valid_bytes: int, last_seq: int, *, disk: Disk) -> Path:
    """Move what follows `valid_bytes` into a file beside the day file; kept for whoever wants to see it."""
    torn_file = path.with_name(f"{path.stem}.after-{last_seq}{TORN_SUFFIX}")
    with path.open("rb") as file:
        file.seek(valid_bytes)
        tail = file.read()
    copy = disk.open_to_append(torn_file)
    try:
        disk.cut(copy, 0)
        disk.write(copy, tail)
        disk.sync(copy)
    finally:
        disk.close(copy)
    disk.sync_folder(path.parent)
    day_file = disk.open_to_append(path)
    try:
        disk.cut(day_file, valid_bytes)
        disk.sync(day_file)
    finally:
        disk.close(day_file)
    return torn_file


def _sync(path: Path, *, disk: Disk) -> None:
    descriptor = disk.open_to_append(path)
    try:
        disk.sync(descriptor)
    finally:
        disk.close(descriptor)


def _refusal(folder: Path, verification: Verification) -> str:
    first = verification.problems[0]
    where = f"{first.file}:{first.line}" if first.line is not None else first.file
    count = len(verification.problems)
    return (
        f"{folder} fails verification ({count} {'problem' if count == 1 else 'problems'}) and is not written "
        f"to: {where}: {first.why} See {VERIFY_RUNBOOK}."
    )
