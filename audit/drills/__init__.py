"""Rehearsals of a journal's incidents, run by `harvester drill` and by tests/drills; one per file."""

from __future__ import annotations

from risk.drills.drill import Drill


def journal_drills() -> tuple[Drill, ...]:
    """Return the drills of the journal, in the order in which they are run."""
    from audit.drills import journal_killed, journal_read_only, nautilus_disk_full, nautilus_slow_disk

    return (nautilus_disk_full.DRILL, nautilus_slow_disk.DRILL, journal_read_only.DRILL, journal_killed.DRILL)
