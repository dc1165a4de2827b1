"""The writer thread's side of a journal: encodes, chains, writes and syncs groups of records.

One thread at a time calls it. When a write fails, the day file is cut back to what was acknowledged, so
that a full disk leaves no half record behind.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import msgspec

from audit.journal.disk import Disk
from audit.journal.errors import JournalError
from audit.journal.head import Head, HeadFile
from audit.journal.line import Envelope, as_builtin, day_file_name, day_of_file
from market.time import new_york_date, new_york_midnight_ns

SLICE_RECORDS = 32
"""Records encoded between two offers of the interpreter to other threads: about 0.1 ms of work."""

PAUSE_SECONDS = 1e-6
"""A pause in which a waiting thread takes the interpreter; the system stretches it to about 0.06 ms."""

_BEFORE_ALL_TIMES_NS = -(2**63)


class Appender:
    """Appends to the day files of `folder` from `head` on.

    `sync` False leaves it to the system when data reaches the disk. `is_polite` offers the interpreter to
    other threads within a group: a trading thread then waits for a slice of it, never for the whole.
    """

    def __init__(
        self, folder: Path, head: Head, head_file: HeadFile, *, disk: Disk, sync: bool, is_polite: bool
    ) -> None:
        self.head = head
        self._folder = folder
        self._head_file = head_file
        self._disk = disk
        self._sync = sync
        self._is_polite = is_polite
        self._encode = msgspec.json.Encoder(enc_hook=as_builtin).encode
        self._descriptor: int | None = None
        self._file = head.file
        self._bytes = head.file_bytes
        self._day_ends_ns = _BEFORE_ALL_TIMES_NS
        if head.file:
            self._descriptor = disk.open_to_append(folder / head.file)
            self._day_ends_ns = _end_of_day_ns(head.file)

    @property
    def path(self) -> Path:
        """The day file that is written; the folder before the first record."""
        return self._folder / self._file

    def commit(self, records: Sequence[Envelope]) -> None:
        """Write `records` and sync them; the head acknowledges them then.

        Raises OSError when the disk refuses and `JournalError` for a record that cannot be encoded; the
        records before it are committed. What `head` acknowledges is on disk in any case.
        """
        done = 0
        while done < len(records):
            if records[done].ts_ns >= self._day_ends_ns:
                self._start_day_file(records[done].ts_ns)
            data, last_hash, end = self._lines(records, done)
            self._write(data)
            self._acknowledge(records[end - 1].seq, last_hash)
            done = end

    def close(self) -> None:
        """Sync what was written and close the files, also when it raises OSError because the sync failed."""
        assert self._descriptor is not None, "a journal is closed by a record"
        try:
            self._disk.sync(self._descriptor)
            self._head_file.sync()
        finally:
            self.release()

    def release(self) -> None:
        """Close the files, and with them the lock, without another word to the disk."""
        with contextlib.suppress(OSError):
            if self._descriptor is not None:
                self._disk.close(self._descriptor)
        self._descriptor = None
        with contextlib.suppress(OSError):
            self._head_file.close()

    def _start_day_file(self, ts_ns: int) -> None:
        """Go on in the file of the New York day of `ts_ns`; the file before it is on disk."""
        if self._descriptor is not None:
            self._disk.sync(self._descriptor)
            self._disk.close(self._descriptor)
            self._descriptor = None
        self._file = day_file_name(new_york_date(ts_ns))
        self._bytes = 0
        self._descriptor = self._disk.open_to_append(self._folder / self._file)
        self._day_ends_ns = _end_of_day_ns(self._file)
        if self._sync:
            self._disk.sync_folder(self._folder)

    def _lines(self, records: Sequence[Envelope], start: int) -> tuple[bytes, bytes, int]:
        """Return the lines of the records from `start` on that go into the open file.

        Beside them the last one's hash and the index of the first record that is not among them: it
        begins another day, or it cannot be encoded.
        """
        encode, day_ends_ns, previous = self._encode, self._day_ends_ns, self.head.hash.encode()
        lines: list[bytes] = []
        for index in range(start, len(records)):
            record = records[index]
            if record.ts_ns >= day_ends_ns:
                break
            try:
                json = encode(record)
            except Exception as error:
                if not lines:
                    raise _not_encodable(record, error) from error
                break
            previous = sha256(previous + json).hexdigest().encode()
            lines.append(b"%b %b\n" % (previous, json))
            if self._is_polite and len(lines) % SLICE_RECORDS == 0:
                time.sleep(PAUSE_SECONDS)
        return b"".join(lines), previous, start + len(lines)

    def _write(self, data: bytes) -> None:
        assert self._descriptor is not None
        try:
            self._disk.write(self._descriptor, data)
        except OSError:
            with contextlib.suppress(OSError):
                self._disk.cut(self._descriptor, self._bytes)
            raise
        if self._sync:
            self._disk.sync(self._descriptor)
        self._bytes += len(data)

    def _acknowledge(self, seq: int, last_hash: bytes) -> None:
        self.head = Head(seq=seq, hash=last_hash.decode(), file=self._file, file_bytes=self._bytes)
        self._head_file.save(self.head)


def _not_encodable(record: Envelope, error: Exception) -> JournalError:
    return JournalError(
        f"Record {record.seq} ({record.kind}) cannot be written as JSON: {error}. "
        "Put plain numbers, texts and decimals into records."
    )


def _end_of_day_ns(file: str) -> int:
    day = day_of_file(file)
    assert day is not None, file
    return new_york_midnight_ns(day + timedelta(days=1))
