"""Turns a spool into Parquet files of a catalog, and finishes what a dead node left in its spool.

The run directory is the catalog's root: `ParquetDataCatalog(RUN_DIR)` reads it. A file is written beside
its place, flushed, and renamed; the spool is emptied when all of them are in place. A node that dies in
between leaves a spool from which the same files come again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from audit.events import DataFileRecord, DataQualityRecord
from catalog.recording.rows import KINDS, StreamKey
from catalog.recording.spool import Spool, read_spool
from catalog.storage.arrow_layout import file_name, parquet_options, stream_folder
from market.errors import DataError
from market.time import format_new_york

WORK_FOLDER = ".recording"
SPOOL = f"{WORK_FOLDER}/spool"
DRAFTS = f"{WORK_FOLDER}/drafts"

_STREAM_FOLDERS = {Path(stream_folder(kind, "X")).parent.name for kind in KINDS.values()}

InstrumentOf = Callable[[str], Any | None]
"""Returns Nautilus' instrument of an id, or None."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a dead node's spool held: records kept, bytes cut off, and `ts_init` of the last one kept."""

    rows: int
    torn_bytes: int
    last_ns: int | None
    files: tuple[DataFileRecord, ...]

    def quality(self) -> DataQualityRecord:
        """Return the record of the loss."""
        until = "nothing" if self.last_ns is None else f"until {format_new_york(self.last_ns)} New York"
        return DataQualityRecord(
            check="lost",
            instrument_id="*",
            value=f"{self.torn_bytes} bytes of a batch",
            limit="0 bytes",
            why=f"the node before died; its market data is kept {until} ({self.rows} records of its last "
            "spool), and what came after that is missing",
        )


def recover(run_dir: Path) -> Recovered | None:
    """Publish what a node that died left in its spool; None when there is nothing to do.

    Raises `BeingRecordedError` while a node still records there, `DataError` where nothing may be written.
    """
    path = run_dir / SPOOL
    if not path.exists() or path.stat().st_size == 0:
        return None
    try:
        return _recovered(run_dir, path)
    except OSError as error:
        raise DataError(
            f"The market data that a node left in {path} cannot be finished: {error}. "
            f"Make {run_dir} writable, or copy it to where it is."
        ) from error


def _recovered(run_dir: Path, path: Path) -> Recovered:
    spool = Spool(path)
    try:
        batches = list(read_spool(path))
        end = batches[-1][0] if batches else 0
        torn = spool.size_bytes - end
        files = publish(run_dir, spool)
    finally:
        spool.close()
    return Recovered(
        rows=sum(file.rows for file in files),
        torn_bytes=torn,
        last_ns=max((file.last_ns for file in files), default=None),
        files=tuple(files),
    )


def publish(run_dir: Path, spool: Spool) -> list[DataFileRecord]:
    """Write every stream of `spool` to a file of its own, and empty the spool."""
    streams: dict[StreamKey, list[pa.RecordBatch]] = {}
    for _, parts in read_spool(spool.path):
        for key, batch in parts:
            streams.setdefault(key, []).append(batch)
    files = [_write(run_dir, key, batches) for key, batches in sorted(streams.items(), key=_by_name)]
    spool.truncate()
    return files


def write_instruments(run_dir: Path, instrument_ids: Sequence[str], *, instrument_of: InstrumentOf) -> None:
    """Write the instruments that the catalog at `run_dir` lacks, as Nautilus itself writes them."""
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    wanted = [name for name in instrument_ids if not _defines(run_dir, name)]
    instruments = [each for each in map(instrument_of, wanted) if each is not None]
    drafts = run_dir / DRAFTS
    for instrument in instruments:
        ParquetDataCatalog(str(drafts)).write_data([instrument])
    for draft in sorted(drafts.glob("data/*/*/*.parquet")):
        _put_in_place(draft, run_dir / draft.relative_to(drafts))


def file_hash(path: Path) -> str:
    """Return SHA-256 of a file's content as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _by_name(item: tuple[StreamKey, list[pa.RecordBatch]]) -> bytes:
    return msgspec.json.encode(item[0])


def _write(run_dir: Path, key: StreamKey, batches: Sequence[pa.RecordBatch]) -> DataFileRecord:
    table = pa.Table.from_batches(batches)
    first_ns, last_ns = (int(table["ts_init"][index].as_py()) for index in (0, -1))
    path = f"{stream_folder(key.kind, key.instrument_id)}/{file_name(first_ns, last_ns)}"
    draft = run_dir / DRAFTS / path
    draft.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, draft, store_schema=True, **parquet_options(key.kind))
    _put_in_place(draft, run_dir / path)
    return DataFileRecord(
        path=path,
        kind=key.kind.value,
        instrument_id=key.instrument_id,
        rows=table.num_rows,
        size_bytes=(run_dir / path).stat().st_size,
        first_ns=first_ns,
        last_ns=last_ns,
        sha256=file_hash(run_dir / path),
    )


def _put_in_place(draft: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _sync(draft)
    draft.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _defines(run_dir: Path, instrument_id: str) -> bool:
    folders = {path.parent.parent.name for path in run_dir.glob(f"data/*/{_plain(instrument_id)}/*.parquet")}
    return bool(folders - _STREAM_FOLDERS)


def _plain(name: str) -> str:
    return name.replace("/", "")
