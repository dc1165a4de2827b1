"""The operations of a file system that a journal needs, in one place, so that each can be made to fail."""

from __future__ import annotations

import os
from pathlib import Path


class Disk:
    """A file system as the writer uses it. Every method raises OSError when the system refuses."""

    def open_to_append(self, path: Path) -> int:
        """Return a descriptor that writes at the end of `path`, which is made when it is missing."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def write(self, descriptor: int, data: bytes) -> None:
        """Write all of `data`; a disk that takes a part only is asked again for the rest."""
        written = os.write(descriptor, data)
        while written < len(data):
            written += os.write(descriptor, data[written:])

    def write_at_start(self, descriptor: int, data: bytes) -> None:
        """Write `data` over the beginning of the file, in one call."""
        os.pwrite(descriptor, data, 0)

    def sync(self, descriptor: int) -> None:
        """Wait until the file's data (and its length) would survive a loss of power."""
        os.fdatasync(descriptor)

    def cut(self, descriptor: int, length: int) -> None:
        """Shorten the file to `length` bytes."""
        os.ftruncate(descriptor, length)

    def sync_folder(self, folder: Path) -> None:
        """Wait until the names of the folder's files would survive a loss of power."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def close(self, descriptor: int) -> None:
        """Close the file."""
        os.close(descriptor)
