"""The small file that says how far a journal's acknowledged records go, and that locks it.

It has a fixed size and is written over in place after each group of records is on disk, so it is never
ahead of them. It survives the death of the process exactly; after a loss of power it may lag behind.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import msgspec

from audit.journal.disk import Disk
from audit.journal.errors import JournalBusyError
from audit.journal.line import GENESIS, UNREADABLE
from market.errors import DataError

HEAD_FILE = "head"
HEAD_BYTES = 256


class Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last acknowledged record: its `seq` and `hash`, its file, and how far it reaches there.

    Before the first record `seq` and `file_bytes` are 0 and `file` is empty.
    """

    seq: int = 0
    hash: str = GENESIS.decode()
    file: str = ""
    file_bytes: int = 0

    def encoded(self) -> bytes:
        """Return the file's content: one line of JSON, padded to `HEAD_BYTES`."""
        return msgspec.json.encode(self).ljust(HEAD_BYTES - 1) + b"\n"


def read_head(folder: Path) -> Head | None:
    """Return a journal's head, None without one. Raises `DataError` when it is damaged."""
    path = folder / HEAD_FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        head = msgspec.json.decode(content, type=Head)
    except UNREADABLE as error:
        raise DataError(f"{path} is damaged: {error}. Restore it from a backup.") from None
    if content != head.encoded():
        raise DataError(f"{path} is damaged: no writer left it so. Restore it from a backup.")
    return head


class HeadFile:
    """A journal's head, open and locked: while it is, no other process writes the journal."""

    def __init__(self, folder: Path, *, disk: Disk) -> None:
        """Open and lock the head of `folder`, which may have none yet.

        Raises `JournalBusyError` when somebody else writes the journal, OSError when the disk refuses.
        """
        self._disk = disk
        self._is_closed = False
        self._descriptor = os.open(folder / HEAD_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise JournalBusyError(
                f"{folder} is being written by another process. Stop it, or give this run its own folder."
            ) from None

    def save(self, head: Head) -> None:
        """Write `head` over the former one, without waiting for the disk."""
        self._disk.write_at_start(self._descriptor, head.encoded())

    def sync(self) -> None:
        """Wait until the head would survive a loss of power."""
        self._disk.sync(self._descriptor)

    def close(self) -> None:
        """Close the file and let go of the lock; a second time does nothing."""
        if not self._is_closed:
            self._is_closed = True
            self._disk.close(self._descriptor)
