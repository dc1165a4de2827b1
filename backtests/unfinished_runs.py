"""The folders in which runs are written before they are whole, and what a killed process left of them.

A run in the making is `.NAME.unfinished-PID` beside its output, locked as long as its process lives. The
system drops the lock with the process, however that ends: a folder that can be locked belongs to nobody.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PATTERN = re.compile(r"\..+\.unfinished-([1-9][0-9]*)")
_STARTED_NS = time.time_ns()


@contextmanager
def unfinished_folder(output: Path) -> Iterator[Path]:
    """Yield a new folder beside `output`; it is removed at the end, unless it has been renamed."""
    unfinished = output.with_name(f".{output.name}.unfinished-{os.getpid()}")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    lock = os.open(unfinished, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # a file system without locks: the process id alone tells
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield unfinished
    finally:
        os.close(lock)
        shutil.rmtree(unfinished, ignore_errors=True)


def remove_leftovers(parent: Path, *, known_names: Collection[str]) -> None:
    """Remove what killed processes left in `parent` of the runs that they were writing.

    Only a folder named as above is touched, whose process is gone, that was last changed before this
    process began, that nobody has locked, and that holds nothing but `known_names`.
    """
    for folder in parent.glob(".*.unfinished-*"):
        found = _PATTERN.fullmatch(folder.name)
        if found is not None and not _is_alive(int(found[1])):
            with suppress(OSError):  # another run was faster, or it is not ours to remove
                _remove(folder, known_names)


def _remove(folder: Path, known_names: Collection[str]) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_old = os.fstat(handle).st_mtime_ns < _STARTED_NS
        if is_old and {path.name for path in folder.iterdir()} <= set(known_names):
            shutil.rmtree(folder)
    finally:
        os.close(handle)


def _is_alive(pid: int) -> bool:
    """Return whether a process has this id; one that belongs to somebody else has."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
