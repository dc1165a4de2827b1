"""Staged Parquet files, one or a few per stream, written in row groups under a limit on memory and files."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.columns import DataKind
from catalog.manifest import FileRecord
from catalog.storage.arrow_layout import file_name, parquet_options, stream_folder, stream_schema

ROW_GROUP_ROWS = 131_072
"""A stream is written as soon as so many of its rows wait."""
CHAIN_ROW_GROUP_ROWS = 64
"""The same for snapshots of chains, of which a row can be a megabyte."""
WAITING_ROWS_MAX = 1_000_000
"""Rows that may wait over all streams (about 80 bytes each)."""
OPEN_FILES_MAX = 256
"""Files open at once. A stream whose file had to be closed goes on in another file, as Nautilus allows."""


@dataclass(slots=True)
class Stream:
    """What is known of one stream during an ingest; times are `ts_init` in ns."""

    kind: DataKind
    instrument_id: str
    identifier: str  # instrument id or bar type
    lane: int
    schema: pa.Schema
    first_ns: int | None = None
    last_ns: int = -1
    _waiting: list[pa.RecordBatch] = field(default_factory=list)
    _waiting_rows: int = 0

    @classmethod
    def of(
        cls, kind: DataKind, instrument_id: str, *, bar_type: str | None, lane: int, price_precision: int
    ) -> Stream:
        """Return a stream to which nothing has been written."""
        schema = stream_schema(kind, instrument_id, bar_type, price_precision=price_precision)
        return cls(kind, instrument_id, bar_type or instrument_id, lane, schema)

    @property
    def row_group_rows(self) -> int:
        """Rows that are written together."""
        return CHAIN_ROW_GROUP_ROWS if self.kind is DataKind.CHAIN else ROW_GROUP_ROWS

    @property
    def folder(self) -> str:
        """The stream's folder below the root of the catalog."""
        return stream_folder(self.kind, self.identifier)


@dataclass(slots=True)
class _OpenFile:
    writer: pq.ParquetWriter
    draft: Path
    start_ns: int
    end_ns: int = 0
    rows: int = 0


class StagedStreams:
    """Collects batches per stream and writes them below `staging`."""

    def __init__(self, staging: Path) -> None:
        self._staging = staging
        self._streams: dict[str, Stream] = {}
        self._open: OrderedDict[str, _OpenFile] = OrderedDict()
        self._waiting_rows = 0
        self.files: list[FileRecord] = []

    def append(self, stream: Stream, batch: pa.RecordBatch) -> None:
        """Take a batch whose `ts_init` lie after those before; it reaches the disk now or later."""
        self._streams[stream.folder] = stream
        stream._waiting.append(batch)
        stream._waiting_rows += batch.num_rows
        self._waiting_rows += batch.num_rows
        if stream._waiting_rows >= stream.row_group_rows:
            self._write_waiting(stream)
        while self._waiting_rows > WAITING_ROWS_MAX:
            self._write_waiting(max(self._streams.values(), key=lambda candidate: candidate._waiting_rows))

    def finish(self) -> None:
        """Write all that waits and close every file; `files` is complete afterwards."""
        for stream in self._streams.values():
            if stream._waiting:
                self._write_waiting(stream)
            if stream.folder in self._open:
                self._close(stream)
        self.files.sort(key=lambda record: record.path)

    def abandon(self) -> None:
        """Close the files without finishing them; never raises (a full disk fails again on close)."""
        for open_file in self._open.values():
            try:
                open_file.writer.close()
            except (OSError, pa.ArrowException):
                continue
        self._open.clear()

    def _write_waiting(self, stream: Stream) -> None:
        table = pa.Table.from_batches(stream._waiting, stream.schema)
        open_file = self._file_of(stream, int(table["ts_init"][0].as_py()))
        open_file.writer.write_table(table, row_group_size=table.num_rows)
        open_file.rows += table.num_rows
        open_file.end_ns = int(table["ts_init"][-1].as_py())
        self._waiting_rows -= table.num_rows
        stream._waiting.clear()
        stream._waiting_rows = 0

    def _file_of(self, stream: Stream, start_ns: int) -> _OpenFile:
        if stream.folder not in self._open:
            while len(self._open) >= OPEN_FILES_MAX:
                self._close(self._streams[next(iter(self._open))])
            draft = self._staging / stream.folder / f"{start_ns}.draft"
            draft.parent.mkdir(parents=True, exist_ok=True)
            writer = pq.ParquetWriter(draft, stream.schema, **_options(stream.kind))
            self._open[stream.folder] = _OpenFile(writer, draft, start_ns)
        self._open.move_to_end(stream.folder)
        return self._open[stream.folder]

    def _close(self, stream: Stream) -> None:
        open_file = self._open.pop(stream.folder)
        open_file.writer.close()
        name = file_name(open_file.start_ns, open_file.end_ns)
        open_file.draft.replace(open_file.draft.with_name(name))
        self.files.append(
            FileRecord(
                path=f"{stream.folder}/{name}",
                kind=stream.kind,
                instrument_id=stream.instrument_id,
                rows=open_file.rows,
                start_ns=open_file.start_ns,
                end_ns=open_file.end_ns,
            )
        )


def _options(kind: DataKind) -> dict[str, Any]:
    return {"store_schema": True, **parquet_options(kind)}
