"""A disk that fails on demand: full, broken or slow; beneath it is the real file system."""

from __future__ import annotations

import errno
import os
import threading

from audit.journal.disk import Disk

ANSWER_SECONDS_MAX = 60.0
"""How long a disk that stands still does so at most: no drill hangs for ever."""


class FaultyDisk(Disk):
    """Takes `room_bytes` (None: all) of the records written, then is full; fails to sync when `is_broken`.

    While `stand_still` is in effect every sync waits. `threads` are those that wrote or synced.
    """

    def __init__(self, *, room_bytes: int | None = None) -> None:
        self.room_bytes = room_bytes
        self.is_broken = False
        self.threads: set[int] = set()
        self.syncs = 0
        self._answers = threading.Event()
        self._answers.set()

    def stand_still(self) -> None:
        """Let every sync wait from now on."""
        self._answers.clear()

    def go_on(self) -> None:
        """Let all syncs end."""
        self._answers.set()

    def write(self, descriptor: int, data: bytes) -> None:
        """Write what there is room for; raise when that is not all."""
        self.threads.add(threading.get_ident())
        if self.room_bytes is None:
            super().write(descriptor, data)
            return
        fitting = data[: self.room_bytes]
        super().write(descriptor, fitting)
        self.room_bytes -= len(fitting)
        if len(fitting) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def sync(self, descriptor: int) -> None:
        """Sync, once the disk answers; raise when it is broken."""
        self.threads.add(threading.get_ident())
        self.syncs += 1
        self._answers.wait(ANSWER_SECONDS_MAX)
        if self.is_broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        super().sync(descriptor)
