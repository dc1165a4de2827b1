"""Drill: the disk of the journal stands still in the middle of a session and comes back."""

from __future__ import annotations

import tempfile
from pathlib import Path

from audit.drills.faulty_disk import FaultyDisk
from audit.drills.nautilus_recorded_rig import QUOTES, RecordedRig
from audit.journal import Journal, JournalSettings, read_entries, verify
from risk.drills.drill import Check, Drill, equal
from risk.drills.nautilus_rig import START_NS, Scripted

STILL_AT_QUOTE = 10
QUEUE_RECORDS = 60
WAIT_SECONDS_MAX = 30.0


def rehearse() -> list[Check]:
    """Trade on a disk that stands still until the queue is full; then let it answer again."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        disk = FaultyDisk()
        journal = Journal.open(folder, disk=disk, settings=JournalSettings(queue_records=QUEUE_RECORDS))
        quotes_seen: list[int] = []

        def let_the_disk_stand_still(_: Scripted, seen: int) -> None:
            quotes_seen.append(seen)
            journal.flush(WAIT_SECONDS_MAX) if seen < STILL_AT_QUOTE else disk.stand_still()

        rig = RecordedRig(journal, let_the_disk_stand_still)
        try:
            rig.run()  # ends while the disk stands still: the trading thread never waits for it
            before = journal.durable_seq
        finally:
            disk.go_on()
        after = journal.flush(WAIT_SECONDS_MAX)
        journal.close(ts_ns=START_NS, reason="drill")
        found = verify(folder)
        *_, last = read_entries(folder)
    says = f"{QUEUE_RECORDS} records wait for the disk" in rig.breaker_reason
    return [
        equal("the breaker is in HALT", rig.gate.keeper.account.breaker.state, "HALT"),
        Check("it says why", says, rig.breaker_reason),
        equal("the trading thread ran to the end of the session", len(quotes_seen), QUOTES),
        equal("no order was sent after the halt", rig.sent_after_halt(), []),
        equal("what waited is written when the disk answers", after - before, QUEUE_RECORDS),
        equal("the journal holds", (found.ok, found.records), (True, after + 1)),
        Check(
            "its closing record says how many records were refused",
            f"{journal.refused} records were refused" in last.body.reason,
            last.body.reason,
        ),
    ]


DRILL = Drill(
    name="journal-slow-disk",
    incident="The journal's disk stands still in mid-session, then answers again.",
    rehearse=rehearse,
)
