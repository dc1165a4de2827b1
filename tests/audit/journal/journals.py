"""Small journals for tests, and ways to change their lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import msgspec

from audit.events import DecisionRecord, FillRecord, NodeRecord
from audit.journal import Journal, JournalSettings
from audit.journal.disk import Disk
from audit.journal.head import HEAD_FILE, Head, read_head
from audit.journal.line import GENESIS, JSON_START, chained, day_files
from market.time import NS_PER_SECOND, to_ns

START_NS = to_ns("2024-03-05T10:00:00-05:00")
DAY_NS = 86_400 * NS_PER_SECOND
WAIT_SECONDS_MAX = 30.0


class UnsyncedDisk(Disk):
    """A disk that never waits: for tests that are not about power cuts."""

    def sync(self, descriptor: int) -> None:
        """Do nothing."""

    def sync_folder(self, folder: Path) -> None:
        """Do nothing."""


def note(text: str) -> NodeRecord:
    """Return the smallest record."""
    return NodeRecord(state="connected", detail=text)


def decision(number: int) -> DecisionRecord:
    """Return a decision with features."""
    return DecisionRecord(
        correlation_id=f"S-ONE-{number}",
        ts_ns=START_NS + number,
        strategy_id="S-ONE",
        instrument_id="BAC.SMART",
        action="enter",
        reason="imbalance_high",
        outcome="sent",
        features={"imbalance": 0.75, "spread_ticks": 1.0},
    )


def fill(number: int) -> FillRecord:
    """Return a fill of an order."""
    return FillRecord(
        trade_id=f"T-{number}",
        client_order_id=f"O-{number}",
        strategy_id="S-ONE",
        instrument_id="BAC.SMART",
        side="BUY",
        quantity=10,
        price=Decimal("14.0100"),
        commission_usd=Decimal("0.35"),
        liquidity="TAKER",
        ts_event_ns=START_NS,
        venue_order_id=f"V-{number}",
    )


def open_fast(folder: Path, **settings: object) -> Journal:
    """Open a journal that does not wait for the disk."""
    chosen = msgspec.structs.replace(JournalSettings(group_wait_ms=0.0), **settings)
    return Journal.open(folder, settings=chosen, disk=UnsyncedDisk())


def write_journal(
    folder: Path, bodies: Sequence[msgspec.Struct], *, days: Sequence[int] | None = None, close: bool = True
) -> None:
    """Write `bodies`, the one with index i on the day `days[i]` after the first (by default all on it).

    With `close` False the journal is left as by a process that was killed after its last record.
    """
    journal = open_fast(folder)
    for index, body in enumerate(bodies):
        day = 0 if days is None else days[index]
        journal.append(body, ts_ns=START_NS + day * DAY_NS + index)
    last_day = max(days, default=0) if days else 0
    journal.close(ts_ns=START_NS + last_day * DAY_NS + len(bodies), reason="end of test")
    if not close:
        path = day_files(folder)[-1]
        rewrite_lines(path, lines_of(path)[:-1])
        set_head(folder, path, len(lines_of(path)))


def notes(count: int) -> list[msgspec.Struct]:
    """Return `count` small records that differ."""
    return [note(f"record {number}") for number in range(1, count + 1)]


def lines_of(path: Path) -> list[bytes]:
    """Return the lines of a day file with their newlines."""
    return path.read_bytes().splitlines(keepends=True)


def rewrite_lines(path: Path, lines: Sequence[bytes]) -> None:
    """Replace the lines of a day file."""
    path.write_bytes(b"".join(lines))


def only_file(folder: Path) -> Path:
    """Return the one day file of a journal."""
    (path,) = day_files(folder)
    return path


def set_head(folder: Path, path: Path, line: int) -> None:
    """Let the head acknowledge the records up to a line of a day file, and no more."""
    lines = lines_of(path)[:line]
    seq = int(msgspec.json.decode(lines[-1][JSON_START:])["seq"])
    digits = lines[-1][: JSON_START - 1].decode()
    head = Head(seq=seq, hash=digits, file=path.name, file_bytes=sum(map(len, lines)))
    (folder / HEAD_FILE).write_bytes(head.encoded())


def rechain(folder: Path) -> None:
    """Compute all numbers, hashes and the head anew: what somebody does who knows the format."""
    previous, seq, path = GENESIS, 0, None
    for path in day_files(folder):
        lines = []
        for line in lines_of(path):
            seq += 1
            json = re.sub(rb'^{"seq":\d+', b'{"seq":%d' % seq, line[JSON_START:-1])
            previous = chained(previous, json)
            lines.append(b"%b %b\n" % (previous, json))
        rewrite_lines(path, lines)
    assert path is not None
    set_head(folder, path, len(lines_of(path)))


def head_of(folder: Path) -> Head:
    """Return a journal's head."""
    head = read_head(folder)
    assert head is not None
    return head
