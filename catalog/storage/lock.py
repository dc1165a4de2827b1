"""One writer per catalog at a time: a lock that the operating system drops when its process ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from market.errors import DataError

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class CatalogLock:
    """An exclusive lock on the file at `path`, held from `acquire` to `release`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def try_acquire(self) -> bool:
        """Take the lock if nobody holds it; says whether it did."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        if _try_lock(descriptor) and self._is_current(descriptor):
            self._descriptor = descriptor
            return True
        os.close(descriptor)
        return False

    def acquire(self) -> None:
        """Take the lock, or raise `DataError`: an ingest in another process is at work."""
        if not self.try_acquire():
            raise DataError(
                f"Another ingest is writing to this catalog ({self._path} is locked). Wait until it is done."
            )

    def release(self, *, remove: bool = False) -> None:
        """Give the lock back; with `remove` delete its file too. May be called more than once."""
        if self._descriptor is None:
            return
        if remove:
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = None

    def _is_current(self, descriptor: int) -> bool:
        """Say whether the locked file is still the one at the path (its last owner may have removed it)."""
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False
