"""One ingest into a catalog: what it may write, what it checks, and what it leaves behind."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np

from catalog.columns import Columns, DataKind, Int64Array
from catalog.instruments import query_name, validate_symbol, write_equities
from catalog.lanes import LANES
from catalog.manifest import (
    HALTS_NAME,
    MANIFEST_NAME,
    FileRecord,
    Halt,
    IngestRecord,
    IngestResult,
    Manifest,
    SourceDescription,
    encode,
    read_halts,
    read_manifest,
)
from catalog.option_instruments import write_indexes, write_options
from catalog.storage.arrow_layout import COLUMNS_OF_KIND, file_range, record_batch
from catalog.storage.publish import STAGING, Pending, discard, publish
from catalog.storage.rejects import RejectFile
from catalog.storage.streams import StagedStreams, Stream
from market.errors import DataError, HarvesterError
from market.instruments import EQUITY_PRICE_PRECISION, EquitySpec, symbol_of
from market.option_contracts import OPTION_PRICE_PRECISION, IndexSpec, OptionClass, OptionSpec

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Ingest:
    """Made by `CatalogStore.ingest`; everything written through it becomes visible together."""

    def __init__(
        self, root: Path, source: SourceDescription, *, replace: bool, known: IngestRecord | None
    ) -> None:
        self.source = source
        self.unchanged = known is not None
        self._result = IngestResult.of(known, unchanged=True) if known is not None else None
        self._root = root
        self._replace = replace
        self._manifest = read_manifest(root) or Manifest()  # its own: read anew from the file
        self._streams: dict[str, Stream] = {}
        self._staged = StagedStreams(root / STAGING)
        self._rejects = RejectFile(root / STAGING / "rejects" / f"{source.ingest_id}.csv")
        self._new_instruments: list[EquitySpec] = []
        self._new_options: list[OptionSpec] = []
        self._new_indexes: list[IndexSpec] = []
        self._new_chains: list[str] = []
        self._halts: set[Halt] = set()
        self._replaced: set[str] = set()
        self._existing: dict[str, list[tuple[int, int, str]]] = {}

    @property
    def result(self) -> IngestResult:
        """What was done; known once the `with` block has ended (at once for an unchanged source)."""
        if self._result is None:
            raise HarvesterError("The result of an ingest is known after its `with` block.")
        return self._result

    @property
    def rejected(self) -> int:
        """Rows rejected so far."""
        return self._rejects.count

    @property
    def has_rows(self) -> bool:
        """Whether anything was written so far."""
        return any(stream.first_ns is not None for stream in self._streams.values())

    def add_instrument(self, spec: EquitySpec) -> None:
        """Make `spec` part of the catalog; the same one again is fine.

        Raises `DataError` for a symbol that cannot be stored or an instrument the catalog knows otherwise.
        """
        validate_symbol(spec.symbol)
        known = self._manifest.instruments.get(spec.instrument_id)
        if known == spec:
            return
        if known is not None:
            raise DataError(
                f"The catalog knows {spec.instrument_id} as {known}, this ingest says {spec}. "
                "Ingest it into another catalog, or with the same properties."
            )
        self._require_distinct(spec.instrument_id, self._manifest.instruments)
        self._manifest.instruments[spec.instrument_id] = spec
        self._new_instruments.append(spec)

    def add_option(self, spec: OptionSpec) -> None:
        """Make an option contract part of the catalog, as `add_instrument` does a share."""
        if self._is_new(spec.instrument_id, spec, self._manifest.options):
            self._manifest.options[spec.instrument_id] = spec
            self._new_options.append(spec)

    def add_index(self, spec: IndexSpec) -> None:
        """Make an index part of the catalog, as `add_instrument` does a share."""
        if self._is_new(spec.instrument_id, spec, self._manifest.indexes):
            self._manifest.indexes[spec.instrument_id] = spec
            self._new_indexes.append(spec)

    def add_chain(self, chain_id: str, option_class: OptionClass) -> None:
        """Announce snapshots of an option class under `chain_id`."""
        if self._is_new(chain_id, option_class, self._manifest.chains):
            self._manifest.chains[chain_id] = option_class
            self._new_chains.append(chain_id)

    def _is_new(self, name: str, spec: msgspec.Struct, known: Mapping[str, msgspec.Struct]) -> bool:
        validate_symbol(symbol_of(name).removeprefix("^"))
        if name not in known:
            return True
        if known[name] == spec:
            return False
        raise DataError(
            f"The catalog knows {name} as {known[name]}, this ingest says {spec}. "
            "Ingest it into another catalog, or with the same properties."
        )

    def _require_distinct(self, name: str, known: Iterable[str]) -> None:
        for other in known:
            if query_name(other) == query_name(name):
                raise DataError(
                    f"Nautilus' queries cannot tell {name} from {other}. Use another catalog for one of them."
                )

    def lane(self, kind: DataKind, instrument_id: str, bar_type: str | None = None) -> int:
        """Return the lane of a stream, 0 to `LANES - 1`: add it to the clock to get `ts_init`.

        Raises `DataError` when the catalog has no free lane.
        """
        return self._stream(DataKind(kind), instrument_id, bar_type).lane

    def write(
        self, kind: DataKind, instrument_id: str, columns: Columns, bar_type: str | None = None
    ) -> None:
        """Append `columns` to a stream; `ts_init` must grow strictly and lie in the stream's lane.

        Raises `DataError` where the catalog has data of another ingest in this stream and time.
        """
        kind = DataKind(kind)
        if not isinstance(columns, COLUMNS_OF_KIND[kind]):
            raise TypeError(f"{type(columns).__name__} are no columns of a {kind} stream")
        stream = self._stream(kind, instrument_id, bar_type)
        if not len(columns):
            return
        _require_order(stream, columns.ts_init)
        if stream.first_ns is None:
            stream.first_ns = int(columns.ts_init[0])
        stream.last_ns = int(columns.ts_init[-1])
        self._require_free_range(stream)
        self._staged.append(stream, record_batch(columns, stream.schema))

    def reject(self, *, file: str, line: int, column: str, value: str, why: str) -> None:
        """Record a row that is left out: `line` counts from 1, header included."""
        self._require_open()
        self._rejects.add(file=file, line=line, column=column, value=value, why=why)

    def add_halts(self, halts: Iterable[Halt]) -> None:
        """Add trading halts to the catalog's `halts.json`; the same one twice counts once."""
        self._require_open()
        self._halts.update(halts)

    @contextmanager
    def published_or_discarded(self) -> Iterator[None]:
        """Publish at the end of the block; discard all of it on an exception. For the store's use."""
        try:
            yield
            if not self.unchanged:
                self._publish()
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise DataError(
                    f"No room to write the catalog {self._root}: {error}. Free some space and ingest again; "
                    "the catalog is as it was."
                ) from error
            raise
        finally:
            self._staged.abandon()
            self._rejects.close()
            if not (self._root / STAGING).with_name("pending.json").exists():
                discard(self._root)

    def _stream(self, kind: DataKind, instrument_id: str, bar_type: str | None) -> Stream:
        self._require_open()
        key = f"{kind} {bar_type or instrument_id}"
        if key not in self._streams:
            if not (kind.is_series or self._manifest.defines(instrument_id)):
                raise ValueError(f"add_instrument({symbol_of(instrument_id)!r}) comes before its data")
            if (bar_type is not None) != (kind is DataKind.BAR):
                raise ValueError(f"bar_type is for bars, and bars need one; got {bar_type!r} for {kind}")
            precision = EQUITY_PRICE_PRECISION
            if instrument_id in self._manifest.options or instrument_id in self._manifest.indexes:
                precision = OPTION_PRICE_PRECISION
            self._streams[key] = Stream.of(
                kind,
                instrument_id,
                bar_type=bar_type,
                lane=self._lane_of(kind, instrument_id, bar_type),
                price_precision=precision,
            )
        return self._streams[key]

    def _lane_of(self, kind: DataKind, instrument_id: str, bar_type: str | None) -> int:
        lanes = self._manifest.lanes
        if kind.is_series:
            return 0  # no part of a replay
        if kind in (DataKind.GREEKS, DataKind.CHAIN):
            return lanes.bars_lane(f"{kind} {instrument_id}")
        return lanes.bars_lane(bar_type) if bar_type else lanes.ticks_lane(kind, instrument_id)

    def _require_open(self) -> None:
        if self.unchanged:
            raise HarvesterError("This source is in the catalog already: check `unchanged` before writing.")

    def _require_free_range(self, stream: Stream) -> None:
        """Refuse, or mark for replacement, files whose time overlaps what the stream has so far."""
        for start_ns, end_ns, name in self._files_before(stream):
            if name in self._replaced or end_ns < (stream.first_ns or 0) or start_ns > stream.last_ns:
                continue
            writer = self._manifest.writer_of(name)
            if not self._replace and (writer is None or writer.ingest_id != self.source.ingest_id):
                origin = writer.source.path if writer else "a program other than `harvester ingest`"
                raise DataError(
                    f"{stream.identifier} already has {stream.kind} data for this time, in {name}, "
                    f"from {origin}. Nothing was written. Use --replace to remove that file, "
                    "or ingest into another catalog."
                )
            self._replaced.add(name)

    def _files_before(self, stream: Stream) -> list[tuple[int, int, str]]:
        """Return first and last `ts_init` and path of the stream's files in the catalog."""
        if stream.folder not in self._existing:
            paths = sorted((self._root / stream.folder).glob("*.parquet"))
            self._existing[stream.folder] = [
                (*file_range(path.name), f"{stream.folder}/{path.name}") for path in paths
            ]
        return self._existing[stream.folder]

    def _publish(self) -> None:
        self._staged.finish()
        self._rejects.close()
        record = self._record()
        removes = (*sorted(self._replaced), *self._forget_replaced())
        self._manifest.ingests.append(record)
        moves = [file.path for file in record.files]
        moves += write_equities(self._new_instruments, self._root / STAGING) + self._stage_halts()
        moves += write_options(self._new_options, self._root / STAGING)
        indexes = [*(spec.instrument_id for spec in self._new_indexes), *self._new_chains]
        moves += write_indexes(indexes, self._root / STAGING)
        if record.rejects_file:
            moves.append(record.rejects_file)
        (self._root / STAGING / MANIFEST_NAME).write_bytes(encode(self._manifest))
        publish(self._root, Pending(removes=removes, moves=(*moves, MANIFEST_NAME)))
        self._result = IngestResult.of(record, unchanged=False, replaced=tuple(sorted(self._replaced)))

    def _record(self) -> IngestRecord:
        files = tuple(self._staged.files)
        if not files:
            first = f", the first in {self._rejects.first}" if self._rejects.first else ""
            raise DataError(
                f"{self.source.path}: no usable row, {self.rejected} rejected{first}. Nothing was written."
            )
        return IngestRecord(
            ingest_id=self.source.ingest_id,
            source=self.source,
            files=files,
            rows=sum(file.rows for file in files),
            rejected=self.rejected,
            rejects_file=f"rejects/{self.source.ingest_id}.csv" if self.rejected else None,
            start_ns=min(file.start_ns for file in files),
            end_ns=max(file.end_ns for file in files),
        )

    def _forget_replaced(self) -> list[str]:
        """Take the replaced files out of the manifest; return reject files of ingests without any left."""
        kept, orphans = [], []
        for ingest in self._manifest.ingests:
            files = tuple(file for file in ingest.files if file.path not in self._replaced)
            if files and ingest.ingest_id != self.source.ingest_id:
                kept.append(_with_files(ingest, files))
            elif ingest.rejects_file:
                orphans.append(ingest.rejects_file)
        self._manifest.ingests = kept
        return orphans

    def _stage_halts(self) -> list[str]:
        if not self._halts:
            return []
        halts = sorted({*read_halts(self._root), *self._halts})
        (self._root / STAGING / HALTS_NAME).write_bytes(encode(halts))
        return [HALTS_NAME]


def _with_files(ingest: IngestRecord, files: tuple[FileRecord, ...]) -> IngestRecord:
    return msgspec.structs.replace(
        ingest,
        files=files,
        rows=sum(file.rows for file in files),
        start_ns=min(file.start_ns for file in files),
        end_ns=max(file.end_ns for file in files),
    )


def _require_order(stream: Stream, ts_init: Int64Array) -> None:
    if int(ts_init[0]) <= stream.last_ns or np.any(ts_init[1:] <= ts_init[:-1]):
        raise ValueError(
            f"ts_init of {stream.identifier} must grow strictly over all its {stream.kind} records"
        )
    if np.any(ts_init & (LANES - 1) != stream.lane):
        raise ValueError(
            f"ts_init of {stream.identifier} must be a clock reading plus the lane {stream.lane}"
        )
