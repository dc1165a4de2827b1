"""The journal on disk: append-only day files of hash-chained records; see docs/reference/journal.md."""

from __future__ import annotations

from audit.journal.errors import JournalError
from audit.journal.findings import Problem
from audit.journal.journal import Journal
from audit.journal.reader import decode_entry, read_entries
from audit.journal.recovery import Recovery
from audit.journal.settings import FOR_BACKTESTS, JournalSettings
from audit.journal.verification import Verification, verify

__all__ = [
    "FOR_BACKTESTS",
    "Journal",
    "JournalError",
    "JournalSettings",
    "Problem",
    "Recovery",
    "Verification",
    "decode_entry",
    "read_entries",
    "verify",
]
