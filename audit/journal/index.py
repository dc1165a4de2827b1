"""An index of a journal in SQLite: which records belong to an order, a decision, an instrument, and where.

It holds nothing that the journal does not, so it may be deleted at any time. Before each use it is
brought up to date; what does not fit the journal is thrown away and made anew. Where its file cannot be
written, it is made in memory.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Self

import msgspec

from audit.events import Entry
from audit.journal.head import HEAD_FILE
from audit.journal.line import HASH_DIGITS, JSON_START, UNREADABLE, day_files
from audit.journal.reader import decode_entry
from market.errors import DataError, NotFoundError

INDEX_FILE = "index.sqlite"
VERSION = 1
"""Of the tables; an index of another version is made anew."""

BUSY_SECONDS_MAX = 30.0
"""How long one process waits for another that brings the same index up to date."""

_TABLES = """
CREATE TABLE records (
    seq INTEGER PRIMARY KEY, ts_ns INTEGER NOT NULL, kind TEXT NOT NULL, correlation_id TEXT,
    instrument_id TEXT, file TEXT NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX by_kind ON records (kind);
CREATE INDEX by_correlation ON records (correlation_id) WHERE correlation_id IS NOT NULL;
CREATE INDEX by_instrument ON records (instrument_id) WHERE instrument_id IS NOT NULL;
CREATE TABLE names (name TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (name, seq)) WITHOUT ROWID;
"""
_DROP = "DROP TABLE IF EXISTS records; DROP TABLE IF EXISTS names;"
_LAST = "SELECT file, start, length, hash FROM records ORDER BY seq DESC LIMIT 1"


class _Body(msgspec.Struct, gc=False):
    instrument_id: str | None = None
    client_order_id: str | None = None
    venue_order_id: str | None = None
    trade_id: str | None = None
    client_order_ids: tuple[str, ...] = ()

    def names(self) -> set[str]:
        """Return what an operator may call the record by: ids of orders and trades."""
        own = {self.client_order_id, self.venue_order_id, self.trade_id, *self.client_order_ids}
        return {name for name in own if name is not None}


class _Indexed(msgspec.Struct, gc=False):
    seq: int
    ts_ns: int
    kind: str
    body: _Body
    correlation_id: str | None = None


_decode = msgspec.json.Decoder(_Indexed).decode


class JournalIndex:
    """The index of the journal in `folder`; `with` closes it.

    Raises `NotFoundError` for a folder without a journal, and `DataError` (file:line) for a journal that
    cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        if not (folder / HEAD_FILE).is_file():
            raise NotFoundError(f"{folder} holds no journal. Name the folder of a run that has one.")
        self._folder = folder
        try:
            self._open(folder / INDEX_FILE)
        except sqlite3.IntegrityError:
            raise DataError(
                f"{folder} holds a record twice. Run `harvester audit verify`, which names it."
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def refresh(self) -> None:
        """Take in what the journal has gained; start anew when it is not the journal that was indexed."""
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            last = self._connection.execute(_LAST).fetchone()
            if last is not None and not self._fits(*last):
                self._connection.execute("DELETE FROM records")
                self._connection.execute("DELETE FROM names")
                last = None
            file, start, length, _ = last or ("", 0, 0, "")
            for path in day_files(self._folder):
                if path.name >= file:
                    self._take_in(path, start + length if path.name == file else 0)

    def find(
        self,
        *,
        name: str | None = None,
        correlation_id: str | None = None,
        instrument_id: str | None = None,
        kinds: Collection[str] | None = None,
    ) -> Iterator[Entry]:
        """Yield the records that have everything that is given, in order.

        `name` is the id of an order (the client's or the venue's) or of a trade.
        """
        wanted = (
            ("seq IN (SELECT seq FROM names WHERE name = ?)", name),
            ("correlation_id = ?", correlation_id),
            ("instrument_id = ?", instrument_id),
        )
        conditions = [text for text, value in wanted if value is not None]
        values = [value for _, value in wanted if value is not None]
        if kinds is not None:
            conditions.append(f"kind IN ({','.join('?' * len(kinds))})")
            values += kinds
        where = " AND ".join(conditions) or "1"  # the texts above; what a caller gives is a parameter
        query = f"SELECT file, start, length FROM records WHERE {where} ORDER BY seq"  # noqa: S608
        return self._entries(self._connection.execute(query, values).fetchall())

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _open(self, path: Path) -> None:
        """Open the index at `path`, or a new one there, or one in memory; and bring it up to date."""
        try:
            self._open_at(path)
        except sqlite3.IntegrityError:
            raise
        except sqlite3.OperationalError:  # no right to write there, or no room
            self._open_at(":memory:")
        except sqlite3.DatabaseError:  # no database any more
            path.unlink()
            self._open_at(path)

    def _open_at(self, path: Path | str) -> None:
        self._connection = _with_tables(path)
        try:
            self.refresh()
        except BaseException:
            self._connection.close()
            raise

    def _fits(self, file: str, start: int, length: int, last_hash: str) -> bool:
        try:
            line = _read(self._folder / file, start, length)
        except OSError:
            return False
        return len(line) == length and line[:HASH_DIGITS] == last_hash.encode() and line.endswith(b"\n")

    def _take_in(self, path: Path, start: int) -> None:
        names: list[tuple[str, int]] = []

        def rows() -> Iterator[tuple[object, ...]]:
            position = start
            for line in _lines(path, start):
                record = _indexed(line, path, position)
                body = record.body
                names.extend((name, record.seq) for name in body.names())
                yield (
                    *(record.seq, record.ts_ns, record.kind, record.correlation_id, body.instrument_id),
                    *(path.name, position, len(line), line[:HASH_DIGITS].decode()),
                )
                position += len(line)

        self._connection.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows())
        self._connection.executemany("INSERT INTO names VALUES (?, ?)", names)

    def _entries(self, places: Iterable[tuple[str, int, int]]) -> Iterator[Entry]:
        for file, start, length in places:
            line = _read(self._folder / file, start, length)
            yield decode_entry(line, f"{self._folder / file}, byte {start}")


def find_entries(
    folder: Path,
    *,
    name: str | None = None,
    correlation_id: str | None = None,
    instrument_id: str | None = None,
    kinds: Collection[str] | None = None,
) -> list[Entry]:
    """Return the records of a journal that have everything that is given; see `JournalIndex.find`."""
    with JournalIndex(folder) as index:
        found = index.find(name=name, correlation_id=correlation_id, instrument_id=instrument_id, kinds=kinds)
        return list(found)


def _with_tables(path: Path | str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS_MAX, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("PRAGMA user_version").fetchone() != (VERSION,):
            for statement in f"{_DROP}{_TABLES}".split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _lines(path: Path, start: int) -> Iterator[bytes]:
    """Yield the whole lines from byte `start` on; one that is being written is left for the next time."""
    with path.open("rb") as file:
        file.seek(start)
        for line in file:
            if line.endswith(b"\n"):
                yield line


def _read(path: Path, start: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(length)


def _indexed(line: bytes, path: Path, position: int) -> _Indexed:
    try:
        return _decode(line[JSON_START:])
    except UNREADABLE as error:
        raise DataError(
            f"{path}, byte {position} is not a line of a journal: {error}. Run `harvester audit verify`."
        ) from None
