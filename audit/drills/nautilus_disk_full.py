"""Drill: the disk of the journal is full in the middle of a session."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from audit.drills.faulty_disk import FaultyDisk
from audit.drills.nautilus_recorded_rig import QUOTES, RecordedRig
from audit.journal import Journal, JournalError, JournalSettings, verify
from risk.drills.drill import Check, Drill, equal
from risk.drills.nautilus_rig import START_NS, Scripted

ROOM_BYTES = 40_000
WAIT_SECONDS_MAX = 30.0


def _went_on(folder: Path) -> tuple[bool, int]:
    """Close the journal on a disk with room; return whether it holds, and how many records it has."""
    journal = Journal.open(folder)
    journal.close(ts_ns=START_NS, reason="drill")
    found = verify(folder)
    return found.ok, found.records


def rehearse() -> list[Check]:
    """Trade until the disk is full, look at breaker, orders and files, make room and go on."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        disk = FaultyDisk(room_bytes=ROOM_BYTES)
        journal = Journal.open(folder, disk=disk, settings=JournalSettings(group_wait_ms=0.0))
        quotes_seen: list[int] = []

        def keep_pace_with_the_disk(_: Scripted, seen: int) -> None:
            quotes_seen.append(seen)
            with contextlib.suppress(JournalError):
                journal.flush(WAIT_SECONDS_MAX)

        rig = RecordedRig(journal, keep_pace_with_the_disk)
        rig.run()
        durable = journal.durable_seq
        found = verify(folder)
        holds, records = _went_on(folder)
    reason = rig.breaker_reason
    says = "No space left on device" in reason and "journal-cannot-be-written.md" in reason
    return [
        equal("the breaker is in HALT", rig.gate.keeper.account.breaker.state, "HALT"),
        Check("it says why, and names the runbook", says, reason),
        equal("the session went on to its end", len(quotes_seen), QUOTES),
        Check("the disk was full in the middle of it", durable > 0, f"after {durable} records"),
        equal("no order was sent after the halt", rig.sent_after_halt(), []),
        equal("no order works any more", len(rig.engine.cache.orders_open()), 0),
        equal("all that was acknowledged is there", (found.ok, found.records), (True, durable)),
        equal("no half record is left", found.torn_tail_bytes, 0),
        equal("with room again the journal goes on", (holds, records), (True, durable + 1)),
    ]


DRILL = Drill(
    name="journal-disk-full", incident="The journal's disk is full in mid-session.", rehearse=rehearse
)
