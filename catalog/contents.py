"""What a catalog holds: its instruments, streams, sources and halts, from its files and its manifest.

The files count: rows and times are read from them, and where the manifest disagrees that is said. A
catalog without a manifest, made by another program, is described as well.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from catalog.manifest import Halt, Manifest, read_halts, read_manifest
from catalog.reading.streams import BARS, StoredFile, StoredStream, find_instruments, find_streams
from market.time import new_york_date, new_york_midnight_ns


class InstrumentContents(msgspec.Struct, frozen=True, kw_only=True):
    """An instrument that the catalog defines; `kind` is e.g. `equity`."""

    instrument_id: str
    kind: str
    price_precision: int | None
    price_increment: Decimal | None


class StreamContents(msgspec.Struct, frozen=True, kw_only=True):
    """One type of data of one instrument; times are `ts_init` in ns UTC, dates are New York's."""

    instrument_id: str
    data_type: str
    rows: int
    files: int
    size_bytes: int
    first_ns: int | None
    last_ns: int | None
    sessions: int
    """Dates on which there are records."""
    first_session: date | None
    last_session: date | None
    sources: tuple[str, ...]
    """Ids of the ingests that wrote the files; empty for files of other programs."""


class SourceContents(msgspec.Struct, frozen=True, kw_only=True):
    """An ingest of the manifest: where it came from, what it wrote and what it refused."""

    ingest_id: str
    kind: str
    path: str
    sha256: str
    options: dict[str, str]
    rows: int
    rejected: int
    rejects_file: str | None
    first_ns: int
    last_ns: int


class CatalogContents(msgspec.Struct, frozen=True, kw_only=True):
    """The whole catalog; `problems` says where files and manifest disagree or cannot be read."""

    catalog: str
    has_manifest: bool
    instruments: tuple[InstrumentContents, ...]
    streams: tuple[StreamContents, ...]
    sources: tuple[SourceContents, ...]
    halts: tuple[Halt, ...]
    problems: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Rows of all streams."""
        return sum(stream.rows for stream in self.streams)

    @property
    def size_bytes(self) -> int:
        """Size of the files of all streams."""
        return sum(stream.size_bytes for stream in self.streams)


def describe_catalog(root: Path) -> CatalogContents:
    """Return what the catalog at `root` holds.

    Reads file footers, and record times only where a footer does not tell the dates. Raises
    `NotFoundError` for a folder that is no catalog, `DataError` for a damaged manifest.
    """
    streams = find_streams(root)
    manifest = read_manifest(root)
    writers = {
        file.path: ingest.ingest_id for ingest in (manifest or Manifest()).ingests for file in ingest.files
    }
    return CatalogContents(
        catalog=str(root),
        has_manifest=manifest is not None,
        instruments=tuple(
            InstrumentContents(
                instrument_id=found.instrument_id,
                kind=found.kind,
                price_precision=found.price_precision,
                price_increment=found.price_increment,
            )
            for found in find_instruments(root).values()
        ),
        streams=tuple(_stream_contents(stream, root=root, writers=writers) for stream in streams),
        sources=_sources(manifest),
        halts=tuple(read_halts(root)),
        problems=(*_unreadable(streams), *_disagreements(streams, manifest, root=root)),
    )


def _stream_contents(stream: StoredStream, *, root: Path, writers: dict[str, str]) -> StreamContents:
    firsts = [file.first_ns for file in stream.files if file.first_ns is not None]
    lasts = [file.last_ns for file in stream.files if file.last_ns is not None]
    dates = sorted(set().union(*(_dates(file, is_bar=stream.data_type == BARS) for file in stream.files)))
    names = [file.path.relative_to(root).as_posix() for file in stream.files]
    return StreamContents(
        instrument_id=stream.instrument_id,
        data_type=stream.label,
        rows=stream.rows,
        files=len(stream.files),
        size_bytes=sum(file.size_bytes for file in stream.files),
        first_ns=min(firsts, default=None),
        last_ns=max(lasts, default=None),
        sessions=len(dates),
        first_session=dates[0] if dates else None,
        last_session=dates[-1] if dates else None,
        sources=tuple(sorted({writers[name] for name in names if name in writers})),
    )


def _dates(file: StoredFile, *, is_bar: bool) -> set[date]:
    """Return the New York dates of a file's records; a bar belongs to the date before its close."""
    if file.problem is not None or file.first_ns is None or file.last_ns is None:
        return set()
    earlier = 1 if is_bar else 0
    first, last = new_york_date(file.first_ns - earlier), new_york_date(file.last_ns - earlier)
    if first == last:
        return {first}
    try:
        times = pq.read_table(file.path, columns=["ts_init"], partitioning=None)["ts_init"].to_numpy()
    except (OSError, pa.ArrowException):
        return {first, last}
    return _dates_of(times.astype(np.int64) - earlier, first=first, last=last)


def _dates_of(times: npt.NDArray[np.int64], *, first: date, last: date) -> set[date]:
    dates = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    midnights = np.array([new_york_midnight_ns(day) for day in dates], dtype=np.int64)
    return {
        dates[position]
        for position in np.unique(np.searchsorted(midnights, times, side="right") - 1).tolist()
    }


def _sources(manifest: Manifest | None) -> tuple[SourceContents, ...]:
    return tuple(
        SourceContents(
            ingest_id=ingest.ingest_id,
            kind=ingest.source.kind,
            path=ingest.source.path,
            sha256=ingest.source.sha256,
            options=ingest.source.options,
            rows=ingest.rows,
            rejected=ingest.rejected,
            rejects_file=ingest.rejects_file,
            first_ns=ingest.start_ns,
            last_ns=ingest.end_ns,
        )
        for ingest in (manifest or Manifest()).ingests
    )


def _unreadable(streams: list[StoredStream]) -> list[str]:
    return [
        f"{file.path.name} of {stream.instrument_id} {stream.label} cannot be read: {file.problem}"
        for stream in streams
        for file in stream.files
        if file.problem is not None
    ]


def _disagreements(streams: list[StoredStream], manifest: Manifest | None, *, root: Path) -> list[str]:
    """Say which files the manifest names that are gone or have other rows, and which it does not name."""
    if manifest is None:
        return []
    found = {file.path.relative_to(root).as_posix(): file for stream in streams for file in stream.files}
    stated = {file.path: file for ingest in manifest.ingests for file in ingest.files}
    problems = [
        f"{path} is in the manifest and not on disk. Ingest its source again."
        for path in stated
        if path not in found
    ]
    problems += [
        f"{path} has {found[path].rows:,} rows, the manifest says {record.rows:,}. Ingest its source again."
        for path, record in stated.items()
        if path in found and found[path].problem is None and found[path].rows != record.rows
    ]
    return problems + [
        f"{path} was written by another program: the manifest does not know it."
        for path in found
        if path not in stated
    ]
