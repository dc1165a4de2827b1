"""Drill: the folder of the journal cannot be written when the node starts."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from risk.drills.drill import Check, Drill, equal

SECONDS_MAX = 60.0
NOBODY = 65534
"""The user id without rights on a POSIX system; root itself may write anywhere."""

NODE = """
import os, sys
from pathlib import Path
from audit.journal import Journal, JournalError

if os.geteuid() == 0:
    os.setuid(int(sys.argv[2]))
try:
    Journal.open(Path(sys.argv[1]))
    print("opened")
except JournalError as error:
    print(error)
"""


def rehearse() -> list[Check]:
    """Open a journal as somebody who may not write there."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "journal"
        folder.mkdir(mode=0o555)
        Path(name).chmod(0o755)
        node = [sys.executable, "-c", NODE, str(folder), str(NOBODY)]
        done = subprocess.run(node, capture_output=True, text=True, timeout=SECONDS_MAX, check=True)
        left = [path.name for path in folder.iterdir()]
    message = done.stdout.strip()
    says = f"The journal cannot be written: {folder}: Permission denied." in message
    return [
        Check("the node does not start, and says which folder", says, message),
        Check("it names the runbook", "journal-cannot-be-written.md" in message, message),
        equal("nothing is left behind", left, []),
    ]


DRILL = Drill(
    name="journal-read-only",
    incident="The journal's folder cannot be written when the node starts.",
    rehearse=rehearse,
)
