"""Drill: the process is killed with SIGKILL while it writes its journal; nothing acknowledged may be lost."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from audit.journal import Journal, verify
from risk.drills.drill import Check, Drill, equal

KILLS = 3
ACKNOWLEDGEMENTS = 5
"""Groups that are acknowledged before each kill."""

WAIT_SECONDS_MAX = 30.0

VICTIM = """
import sys
from pathlib import Path
from audit.events import NodeRecord
from audit.journal import Journal

journal = Journal.open(Path(sys.argv[1]))
number = 0
while True:
    for _ in range(100):
        number += 1
        journal.append(NodeRecord(state="connected", detail=f"record {number}"), ts_ns=number)
    print(journal.flush(30.0), flush=True)
    journal.append(NodeRecord(state="connected", detail="on its way"), ts_ns=number)
"""


def _kill_while_writing(folder: Path) -> int:
    """Start a process that writes the journal, kill it, and return the last record it saw acknowledged."""
    victim = subprocess.Popen([sys.executable, "-c", VICTIM, str(folder)], stdout=subprocess.PIPE, text=True)
    assert victim.stdout is not None
    try:
        told = [victim.stdout.readline() for _ in range(ACKNOWLEDGEMENTS)]
    finally:
        victim.kill()
        victim.wait(WAIT_SECONDS_MAX)
        victim.stdout.close()
    if not all(told):
        raise RuntimeError("the process to be killed did not start writing")
    return int(told[-1])


def rehearse() -> list[Check]:
    """Kill the writer several times, each going on with the journal that the one before left."""
    acknowledged, kept, verdicts = [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in range(KILLS):
            acknowledged.append(_kill_while_writing(folder))
            found = verify(folder)
            kept.append(found.records)
            verdicts.append(found.ok)
        journal = Journal.open(folder)
        last = journal.durable_seq
        journal.close(ts_ns=last, reason="drill")
        is_closed = verify(folder).is_closed
    lost = [max(0, told - there) for told, there in zip(acknowledged, kept, strict=True)]
    return [
        equal("nothing that was acknowledged is lost", lost, [0] * KILLS),
        equal("a kill is not taken for tampering", verdicts, [True] * KILLS),
        equal("the journal goes on after the last whole record", last, kept[-1]),
        equal("and can be closed", is_closed, True),
    ]


DRILL = Drill(
    name="journal-killed", incident="kill -9 while the journal is written; then a restart.", rehearse=rehearse
)
