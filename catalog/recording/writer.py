"""The thread that keeps what was recorded: batches into the spool, spools into Parquet, defects told.

The trading thread appends to a list and does nothing else; taking a batch off the list is one slice.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import msgspec

from catalog.columns import Columns
from catalog.recording.defects import MarketWatch, lost
from catalog.recording.publication import SPOOL, WORK_FOLDER, InstrumentOf, publish, write_instruments
from catalog.recording.rows import StreamKey, StreamSorter, columns_of
from catalog.recording.settings import RecordingSettings
from catalog.recording.spool import Spool
from catalog.recording.stamps import Stamps
from market.errors import HarvesterError

BATCH_RECORDS_MAX = 4_096
"""Records of one batch: a column of it takes the interpreter's lock from the trading thread for 0.3 ms."""
CLOSE_SECONDS_MAX = 60.0


class Sink(Protocol):
    """Where records about the data go: a journal. Called from the writer's thread."""

    def append(self, body: msgspec.Struct, *, ts_ns: int, market_ns: int | None = None) -> int:
        """Keep `body`, which became known at `ts_ns` (ns UTC), after the record of `market_ns`."""


class RecordingWriter:
    """Writes the records that the trading thread leaves in `pending`.

    After a write that failed the batch waits for the next try; `failure` says why until one succeeds.
    """

    def __init__(
        self,
        run_dir: Path,
        *,
        sink: Sink,
        stamps: Stamps,
        instrument_of: InstrumentOf,
        settings: RecordingSettings,
    ) -> None:
        self.pending: list[Any] = []
        self.failure: str | None = None
        self.rows = 0
        """Records that are on disk."""
        self.lost_rows = 0
        self._run_dir, self._sink, self._stamps = run_dir, sink, stamps
        self._instrument_of, self._settings = instrument_of, settings
        self._spool = Spool(run_dir / SPOOL)
        self._sorter = StreamSorter()
        self._watch = MarketWatch(settings)
        self._waiting: dict[StreamKey, Columns] | None = None  # a batch whose writing failed
        self._published_at = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="market-data-recording", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self) -> None:
        """Write and publish everything; returns when it is done."""
        self._stop.set()
        self._thread.join(CLOSE_SECONDS_MAX)

    def _run(self) -> None:
        while not self._stop.wait(self._settings.batch_seconds):
            self._turn(is_last=False)
        self._turn(is_last=True)
        self._spool.close()
        if self._spool.size_bytes == 0:  # all of it is published
            shutil.rmtree(self._run_dir / WORK_FOLDER, ignore_errors=True)

    def _turn(self, *, is_last: bool) -> None:
        """Write what waits; whatever fails here is told, and the node goes on."""
        try:
            self._write_batches()
            if is_last or self._is_due():
                self._publish()
            self.failure = None
        except Exception as error:  # noqa: BLE001 - the border of the thread: a node outlives its recording
            self._fail(f"{type(error).__name__}: {error}")
        self._bound()

    def _write_batches(self) -> None:
        if self._waiting is not None:
            self._append(self._waiting)
        while records := self.pending[:BATCH_RECORDS_MAX]:
            del self.pending[: len(records)]
            self._append(self._columns(records))
        self._tell(self._watch.silence(time.time_ns()))
        delay_ns, self._stamps.delay_ns_max = self._stamps.delay_ns_max, 0
        self._tell(self._watch.delay(delay_ns))

    def _columns(self, records: Sequence[Any]) -> dict[StreamKey, Columns]:
        try:
            streams = self._sorter.by_stream(records)
            return {key: columns_of(key.kind, rows) for key, rows in streams.items()}
        except Exception as error:  # noqa: BLE001 - the border to foreign records: one that is odd is not kept
            self._lose(len(records), f"a record among them cannot be stored: {type(error).__name__}: {error}")
            return {}

    def _append(self, streams: dict[StreamKey, Columns]) -> None:
        if self._waiting is None and streams:
            self._tell(self._watch.defects(streams))
        self._waiting = streams
        if streams:
            self._spool.append(streams)
        self._waiting = None
        self.rows += sum(len(columns) for columns in streams.values())

    def _is_due(self) -> bool:
        age = time.monotonic() - self._published_at
        return age > self._settings.publish_seconds or self._spool.size_bytes > self._settings.spool_bytes_max

    def _publish(self) -> None:
        files = publish(self._run_dir, self._spool)
        self._published_at = time.monotonic()
        names = sorted({file.instrument_id for file in files})
        write_instruments(self._run_dir, names, instrument_of=self._instrument_of)
        self._tell(files)

    def _fail(self, why: str) -> None:
        if self.failure is None:
            self._tell([lost(0, f"the recording cannot be written and waits: {why}")])
        self.failure = why

    def _bound(self) -> None:
        """Drop the oldest records beyond the bound: what waits for the disk must not fill the memory."""
        count = len(self.pending) - self._settings.waiting_records_max
        if count > 0:
            del self.pending[:count]
            self._lose(count, self.failure or "more came than could be written")

    def _lose(self, count: int, why: str) -> None:
        self.lost_rows += count
        self._tell([lost(count, why)])

    def _tell(self, records: Iterable[msgspec.Struct]) -> None:
        for record in records:
            with suppress(HarvesterError):  # a journal that fails says so itself, and halts
                self._sink.append(record, ts_ns=time.time_ns())
