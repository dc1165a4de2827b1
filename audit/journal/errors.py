"""What a journal raises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from market.errors import DataError, UserError

WRITE_RUNBOOK = "docs/runbooks/journal-cannot-be-written.md"
VERIFY_RUNBOOK = "docs/runbooks/journal-fails-verification.md"


class JournalError(UserError):
    """A journal cannot be opened, or a record cannot be kept; the message says why and what to do."""


class JournalBusyError(JournalError):
    """Another process writes the journal at this moment."""


class TamperedError(DataError):
    """Records that fail their verification were about to be relied on: exit code 3, as of `audit verify`."""

    exit_code = 3


def cannot_write(path: object, error: OSError) -> str:
    """Return the message for a disk that refuses: which file, the system's words, what to do."""
    return f"The journal cannot be written: {path}: {error.strerror or error}. See {WRITE_RUNBOOK}."


@contextmanager
def readable(folder: Path) -> Iterator[None]:
    """Raise `UserError` where the system does not let a file of `folder` be read."""
    try:
        yield
    except OSError as error:
        name = error.filename or folder
        raise UserError(
            f"{name} cannot be read: {error.strerror or error}. Check its rights and the disk."
        ) from error
