"""Run directories with a real journal, small, for archives."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from audit.events import DataFileRecord, NodeRecord, NoteRecord, OpenedRecord
from audit.journal import FOR_BACKTESTS, Journal
from audit.note_store import add_note
from market.time import to_ns

NOON_NS = to_ns("2013-10-07T12:00:00-04:00")
PROFILE_HASH = "ab" * 32
DATA_PATH = "data/quotes/BAC.parquet"
DATA = bytes(range(256)) * 5_000


def write_run(
    folder: Path,
    *,
    records: int = 5,
    name: str = "bac ticks",
    day_ns: int = NOON_NS,
    summary: bool = True,
    close: bool = True,
    environment: str = "backtest",
    with_data_record: bool = False,
    profile: dict[str, Any] | None = None,
) -> Journal:
    """Write a run's folder: journal, tables, report, data; return its journal, closed unless told."""
    folder.mkdir(parents=True)
    journal = Journal.open(folder / "journal", settings=FOR_BACKTESTS)
    opened = OpenedRecord(
        run="r",
        environment=environment,
        trader_id="T-1",
        profile_name=name,
        profile_hash=PROFILE_HASH,
        profile=profile or {},
        versions={"harvester": "0.1.0"},
        instruments=("BAC.SMART",),
    )
    journal.append(opened, ts_ns=day_ns)
    if with_data_record:
        journal.append(data_record(), ts_ns=day_ns)
    for number in range(records - 2 - with_data_record):
        journal.append(NodeRecord(state="started", detail=f"{number}"), ts_ns=day_ns + number)
    if close:
        journal.close(ts_ns=day_ns + records, reason="done")
    else:
        journal.flush(10.0)
    (folder / "profile.json").write_text('{"name": "bac"}\n')
    (folder / "report.html").write_text("<html></html>\n")
    (folder / "data" / "quotes").mkdir(parents=True)
    (folder / DATA_PATH).write_bytes(DATA)
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


def annotate(folder: Path, text: str = "well done") -> None:
    """Add a note to a run."""
    add_note(folder, NoteRecord(subject="2013-10-07", text=text, tags=(), by="me"), ts_ns=NOON_NS)


def data_record(content: bytes = DATA) -> DataFileRecord:
    """Return what a journal says of the run's data file."""
    return DataFileRecord(
        path=DATA_PATH,
        kind="quote",
        instrument_id="BAC.SMART",
        rows=1,
        size_bytes=len(content),
        first_ns=NOON_NS,
        last_ns=NOON_NS,
        sha256=hashlib.sha256(content).hexdigest(),
    )


def damage(folder: Path, *, chain: str = "journal") -> None:
    """Change one byte in the middle of a run's journal, or of another chain of it."""
    (path,) = (folder / chain).glob("*.jsonl")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
