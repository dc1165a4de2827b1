"""Run directories with a real journal, small, for archives."""

from __future__ import annotations

import json
from pathlib import Path

from audit.events import NodeRecord, OpenedRecord
from audit.journal import FOR_BACKTESTS, Journal
from market.time import to_ns

NOON_NS = to_ns("2013-10-07T12:00:00-04:00")
PROFILE_HASH = "ab" * 32


def write_run(
    folder: Path,
    *,
    records: int = 5,
    name: str = "bac ticks",
    day_ns: int = NOON_NS,
    summary: bool = True,
    close: bool = True,
) -> Journal:
    """Write a run's folder: journal, tables, report, notes, data; return its journal, closed unless told."""
    folder.mkdir(parents=True)
    journal = Journal.open(folder / "journal", settings=FOR_BACKTESTS)
    opened = OpenedRecord(
        run="r",
        environment="backtest",
        trader_id="T-1",
        profile_name=name,
        profile_hash=PROFILE_HASH,
        profile={},
        versions={"harvester": "0.1.0"},
        instruments=("BAC.SMART",),
    )
    journal.append(opened, ts_ns=day_ns)
    for number in range(records - 2):
        journal.append(NodeRecord(state="started", detail=f"{number}"), ts_ns=day_ns + number)
    if close:
        journal.close(ts_ns=day_ns + records, reason="done")
    else:
        journal.flush(10.0)
    (folder / "profile.json").write_text('{"name": "bac"}\n')
    (folder / "report.html").write_text("<html></html>\n")
    (folder / "notes.jsonl").write_text('{"note": "well done"}\n')
    (folder / "data" / "quotes").mkdir(parents=True)
    (folder / "data" / "quotes" / "BAC.parquet").write_bytes(bytes(range(256)) * 5_000)
    (folder / ".lock").write_text("")
    (folder / ".unfinished").mkdir()
    (folder / ".unfinished" / "half").write_text("half")
    (folder / "journal" / "index.sqlite").write_bytes(b"not the same twice")
    if summary:
        write_summary(folder, journal, name=name)
    return journal


def write_summary(folder: Path, journal: Journal, *, name: str = "bac ticks") -> None:
    """Write `run.json` with the journal's last hash."""
    content = {
        "name": name,
        "profile_hash": PROFILE_HASH,
        "versions": {"harvester": "0.1.0"},
        "period": {"start": "2013-10-07", "end": "2013-10-07"},
        "journal": {"records": 5, "last_hash": journal.last_hash},
    }
    (folder / "run.json").write_text(json.dumps(content))


def damage(folder: Path) -> None:
    """Change one byte in the middle of a run's journal."""
    (path,) = (folder / "journal").glob("*.jsonl")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
