"""Which files of market data a run replays, with their content's hash: what its journal notes of them."""

from __future__ import annotations

from collections.abc import Iterator

from audit.events import DataFileRecord
from backtests.period import Selection
from catalog.recording.publication import file_hash


def data_file_records(selection: Selection) -> Iterator[DataFileRecord]:
    """Yield a record of each file of `selection`, in the order of their paths."""
    for file in sorted(selection.files, key=lambda each: each.path):
        path = selection.catalog / file.path
        yield DataFileRecord(
            path=file.path,
            kind=file.kind.value,
            instrument_id=file.instrument_id,
            rows=file.rows,
            size_bytes=path.stat().st_size,
            first_ns=file.start_ns,
            last_ns=file.end_ns,
            sha256=file_hash(path),
        )
