"""The journal on disk: append-only day files of hash-chained records; see docs/reference/journal.md."""

from __future__ import annotations

from audit.journal.backup import Backup, backup
from audit.journal.errors import JournalBusyError, JournalError, TamperedError
from audit.journal.findings import Problem
from audit.journal.index import JournalIndex, find_entries
from audit.journal.journal import Journal
from audit.journal.reader import decode_entry, read_entries
from audit.journal.recovery import Recovery
from audit.journal.settings import FOR_BACKTESTS, JournalSettings
from audit.journal.verification import Verification, verify

__all__ = [
    "FOR_BACKTESTS",
    "Backup",
    "Journal",
    "JournalBusyError",
    "JournalError",
    "JournalIndex",
    "JournalSettings",
    "Problem",
    "Recovery",
    "TamperedError",
    "Verification",
    "backup",
    "decode_entry",
    "find_entries",
    "read_entries",
    "verify",
]
