"""What a journal raises."""

from __future__ import annotations

from market.errors import UserError

WRITE_RUNBOOK = "docs/runbooks/journal-cannot-be-written.md"
VERIFY_RUNBOOK = "docs/runbooks/journal-fails-verification.md"


class JournalError(UserError):
    """A journal cannot be opened, or a record cannot be kept; the message says why and what to do."""


def cannot_write(path: object, error: OSError) -> str:
    """Return the message for a disk that refuses: which file, the system's words, what to do."""
    return f"The journal cannot be written: {path}: {error.strerror or error}. See {WRITE_RUNBOOK}."
