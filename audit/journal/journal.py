"""The journal: records go in from any thread, one thread of its own brings them to the disk in groups.

`append` takes a number and a place in a queue and returns; encoding, hashing, writing and syncing are
the writer thread's, so the disk never holds up a trading thread. `flush` waits for the disk.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
from collections import deque
from pathlib import Path
from time import monotonic_ns
from typing import Self

import msgspec

from audit.events import KIND_OF, ClosedRecord
from audit.journal.appender import Appender
from audit.journal.disk import Disk
from audit.journal.errors import WRITE_RUNBOOK, JournalError, cannot_write
from audit.journal.head import HeadFile
from audit.journal.line import Envelope
from audit.journal.recovery import Recovery, prepare
from audit.journal.settings import JournalSettings
from market.time import NS_PER_MS, NS_PER_SECOND

EXIT_FLUSH_SECONDS_MAX = 10.0
"""How long the end of the process waits for a journal that nobody closed."""

CLOSE_SECONDS_MAX = 60.0
"""How long `close` waits for the disk."""


class Journal:
    """A journal open for writing, made by `Journal.open`; `close` ends it."""

    def __init__(self, appender: Appender, settings: JournalSettings, recovered: Recovery | None) -> None:
        self.settings = settings
        self.recovered = recovered
        self.refused = 0
        """Records that `append` refused because too many waited or the disk stood still."""
        self._appender = appender
        self._may_wait = settings.when_full == "wait"
        self._stall_ns = settings.stall_ms * NS_PER_MS
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._waiting: deque[tuple[int, threading.Lock]] = deque()
        """Who waits for which record, and the door that opens when it is on disk; lowest record first."""
        self._wake = threading.Lock()
        self._wake.acquire()  # a door that opens for one passage of the writer
        self._hurry = threading.Event()
        self._queue: list[Envelope] = []
        self._last_seq = self._durable_seq = appender.head.seq
        self._last_hash = appender.head.hash
        self._is_idle = False
        self._is_closing = False
        self._busy_since_ns = 0
        self._failure: str | None = None
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()
        atexit.register(self._flush_at_exit)

    @classmethod
    def open(cls, folder: Path, *, settings: JournalSettings | None = None, disk: Disk | None = None) -> Self:
        """Open the journal in `folder`: a new one, or an old one to go on with.

        What a crash tore off is moved aside (`recovered` says so). Raises `JournalError` for a journal
        that another process writes, that fails verification, or that the disk does not let be written.
        """
        settings, disk = settings or JournalSettings(), disk or Disk()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with contextlib.ExitStack() as stack:
                head_file = HeadFile(folder, disk=disk)
                stack.callback(head_file.close)
                head, recovered = prepare(folder, head_file, disk=disk)
                is_polite = settings.when_full == "raise"
                appender = Appender(
                    folder, head, head_file, disk=disk, sync=settings.sync, is_polite=is_polite
                )
                stack.pop_all()
        except OSError as error:
            raise JournalError(cannot_write(folder, error)) from error
        return cls(appender, settings, recovered)

    @property
    def durable_seq(self) -> int:
        """The last record that is on disk (without `sync`: that the system has), 0 before the first."""
        return self._durable_seq

    @property
    def last_hash(self) -> str:
        """The hash of record `durable_seq`; 64 zeros before the first."""
        return self._last_hash

    @property
    def failure(self) -> str | None:
        """Why no records are kept, for ever or while the disk stands still; None while all is well."""
        return self._failure or (self._stall_words() if self._is_stalled() else None)

    def append(
        self,
        body: msgspec.Struct,
        *,
        ts_ns: int,
        correlation_id: str | None = None,
        caused_by: int | None = None,
        market_ns: int | None = None,
    ) -> int:
        """Queue a record and return its number. The record must not be changed afterwards.

        Raises `JournalError` when the record cannot be kept: writing has failed, the journal is closed,
        too many records wait or the disk stands still, or `audit.events` knows no such record.
        """
        kind = KIND_OF.get(type(body))
        if kind is None:
            raise JournalError(f"{type(body).__name__} is no record of a journal; audit.events lists them.")
        with self._lock:
            if self._is_blocked():
                self._make_room()
            return self._put(
                Envelope(
                    seq=self._last_seq + 1,
                    ts_ns=ts_ns,
                    kind=kind,
                    correlation_id=correlation_id,
                    caused_by=caused_by,
                    market_ns=market_ns,
                    body=body,
                )
            )

    def flush(self, timeout_s: float) -> int:
        """Wait until all that was appended so far is on disk; return `durable_seq`.

        Raises `JournalError` when writing has failed, or after `timeout_s` seconds.
        """
        with self._lock:
            target, door = self._last_seq, threading.Lock()
            if self._durable_seq < target and self._failure is None:
                door.acquire()
                self._waiting.append((target, door))
                self._hurry.set()
        door.acquire(timeout=timeout_s)  # each has its own: nobody wakes for the records of others
        if self._durable_seq >= target:
            return self._durable_seq
        waiting = target - self._durable_seq
        raise JournalError(
            self._failure
            or f"The disk has not taken {waiting} records within {timeout_s} s. See {WRITE_RUNBOOK}."
        )

    def close(self, *, ts_ns: int, reason: str) -> None:
        """Append a `closed` record, bring everything to the disk and end; a second time does nothing.

        Raises `JournalError` when something of it is not on disk; the journal is closed then too.
        """
        with self._lock:
            if self._is_closing:
                return
            self._is_closing = True
            if self._failure is None:
                body = ClosedRecord(reason=self._closing_words(reason))
                self._put(Envelope(seq=self._last_seq + 1, ts_ns=ts_ns, kind="closed", body=body))
                self._hurry.set()
        self._thread.join(CLOSE_SECONDS_MAX)
        atexit.unregister(self._flush_at_exit)
        if self._thread.is_alive():
            raise JournalError(
                f"The disk has not taken the last records in {CLOSE_SECONDS_MAX:.0f} s. See {WRITE_RUNBOOK}."
            )
        if self._failure is not None:
            raise JournalError(self._failure)

    def _is_blocked(self) -> bool:
        """Return whether a record cannot simply be queued; the lock is held."""
        return self._failure is not None or self._is_closing or self._is_full() or self._is_stalled()

    def _is_full(self) -> bool:
        return self._last_seq - self._durable_seq >= self.settings.queue_records

    def _is_stalled(self) -> bool:
        return self._busy_since_ns != 0 and monotonic_ns() - self._busy_since_ns > self._stall_ns

    def _make_room(self) -> None:
        """Wait for room where the settings say so; raise when there is none. The lock is held."""
        if self._may_wait and self._is_full():
            self._hurry.set()
            self._room.wait_for(
                lambda: not self._is_full() or self._failure is not None, self._stall_ns / NS_PER_SECOND
            )
        if self._failure is not None:
            raise JournalError(self._failure)
        if self._is_closing:
            raise JournalError("The journal is closed and takes no more records.")
        if self._is_full():
            count = self.settings.queue_records
            self._refuse(
                f"The journal cannot keep a record: {count} records wait for the disk, which is the limit. "
                f"See {WRITE_RUNBOOK}."
            )
        if self._is_stalled():
            self._refuse(self._stall_words())

    def _stall_words(self) -> str:
        limit = f"{self.settings.stall_ms} ms, which is the limit"
        return (
            f"The journal cannot keep a record: the disk has not answered for {limit}. See {WRITE_RUNBOOK}."
        )

    def _refuse(self, why: str) -> None:
        self.refused += 1
        raise JournalError(why)

    def _put(self, envelope: Envelope) -> int:
        """Queue an envelope and wake the writer; the lock is held."""
        self._last_seq = envelope.seq
        self._queue.append(envelope)
        if self._is_idle:
            self._is_idle = False
            self._wake.release()
        return envelope.seq

    def _closing_words(self, reason: str) -> str:
        return reason if not self.refused else f"{reason} ({self.refused} records were refused before)"

    def _run(self) -> None:
        """Write groups until the journal is closed or the disk refuses: the writer thread."""
        try:
            while batch := self._take():
                for start in range(0, len(batch), self.settings.max_group_records):
                    self._busy_since_ns = monotonic_ns()
                    self._appender.commit(batch[start : start + self.settings.max_group_records])
                    self._confirm(None)
            self._appender.close()
        except Exception as error:  # noqa: BLE001 - the border: whatever stops the writer is told to the callers
            path = self._appender.path
            self._appender.release()
            self._confirm(_in_words(path, error))

    def _take(self) -> list[Envelope]:
        """Return what waits, once something does; nothing when the journal is closed and all is written."""
        with self._lock:
            self._busy_since_ns = 0
            is_empty = not self._queue
            if is_empty and self._is_closing:
                return []
            self._is_idle = is_empty
        if is_empty:
            self._wake.acquire()
        self._hurry.wait(self.settings.group_wait_ms / 1_000)
        with self._lock:
            batch, self._queue = self._queue, []
            self._hurry.clear()
        return batch

    def _confirm(self, failure: str | None) -> None:
        """Let everybody know how far the disk is, and whether it goes no further."""
        head = self._appender.head
        with self._lock:
            self._durable_seq, self._last_hash = head.seq, head.hash
            if failure is not None:
                kept = f" Records up to {head.seq} are safe." if self.settings.sync else ""
                self._failure = failure + kept
                self._queue.clear()
            while self._waiting and (failure is not None or self._waiting[0][0] <= head.seq):
                self._waiting.popleft()[1].release()
            self._room.notify_all()

    def _flush_at_exit(self) -> None:
        """Save what a process that ends without `close` has appended."""
        with contextlib.suppress(JournalError):
            self.flush(EXIT_FLUSH_SECONDS_MAX)


def _in_words(path: Path, error: Exception) -> str:
    if isinstance(error, OSError):
        return cannot_write(path, error)
    if isinstance(error, JournalError):
        return str(error)
    return f"The journal's writer failed: {type(error).__name__}: {error}. See {WRITE_RUNBOOK}."
