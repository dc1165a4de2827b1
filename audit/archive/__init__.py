"""Archives of runs: one verified file with a manifest; restoring; which archives are kept."""

from audit.archive.holdings import holdings_in, let_go, plan
from audit.archive.manifest import FileEntry, JournalNote, Manifest
from audit.archive.packing import Archived, archive_run
from audit.archive.retention import Holding, Policy, Verdict, judge
from audit.archive.unpacking import Restored, examine, read_manifest, restore

__all__ = [
    "Archived",
    "FileEntry",
    "Holding",
    "JournalNote",
    "Manifest",
    "Policy",
    "Restored",
    "Verdict",
    "archive_run",
    "examine",
    "holdings_in",
    "judge",
    "let_go",
    "plan",
    "read_manifest",
    "restore",
]
