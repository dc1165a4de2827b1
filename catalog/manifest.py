"""What a catalog is made of: `manifest.json`, the record of sources, files, instruments and lanes.

It holds no wall-clock time and no random value: the same sources ingested in the same order give the same
catalog, byte for byte.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from catalog.columns import DataKind
from catalog.lanes import Lanes
from market.errors import DataError
from market.instruments import EquitySpec
from market.option_contracts import IndexSpec, OptionClass, OptionSpec

MANIFEST_NAME = "manifest.json"
HALTS_NAME = "halts.json"
FORMAT_VERSION = 1


class SourceDescription(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is being ingested: enough to know it again.

    `kind` is csv, lean, lobster or synthetic; `path` is for people to read and no part of the identity;
    `sha256` is over the bytes of the source (for synthetic data over its settings); `options` is everything
    else that decides what is written, as text.
    """

    kind: str
    path: str
    sha256: str
    options: dict[str, str] = {}

    @property
    def ingest_id(self) -> str:
        """A short name that is equal exactly when kind, content and options are."""
        identity = msgspec.json.encode([self.kind, self.sha256, sorted(self.options.items())])
        return f"{self.kind}-{hashlib.sha256(identity).hexdigest()[:16]}"


class FileRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One Parquet file: path below the catalog's root, rows, first and last `ts_init` (ns UTC)."""

    path: str
    kind: DataKind
    instrument_id: str
    rows: int
    start_ns: int
    end_ns: int


class IngestRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One ingest: its source, and what it wrote and refused."""

    ingest_id: str
    source: SourceDescription
    files: tuple[FileRecord, ...]
    rows: int
    rejected: int
    rejects_file: str | None
    start_ns: int
    end_ns: int


class Halt(msgspec.Struct, frozen=True, order=True, forbid_unknown_fields=True):
    """A trading halt from `from_ns` to `to_ns` (ns UTC); Nautilus cannot replay statuses in chunks."""

    instrument_id: str
    from_ns: int
    to_ns: int
    reason: str


class Manifest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The whole record of a catalog; `chains` are the option classes with snapshots, by chain id."""

    format_version: int = FORMAT_VERSION
    ingests: list[IngestRecord] = []
    instruments: dict[str, EquitySpec] = {}
    options: dict[str, OptionSpec] = {}
    indexes: dict[str, IndexSpec] = {}
    chains: dict[str, OptionClass] = {}
    lanes: Lanes = msgspec.field(default_factory=Lanes)

    def defines(self, instrument_id: str) -> bool:
        """Whether an instrument or chain of that id is part of the catalog."""
        known = (self.instruments, self.options, self.indexes, self.chains)
        return any(instrument_id in group for group in known)

    def find(self, ingest_id: str) -> IngestRecord | None:
        """Return the ingest of that id, or None."""
        return next((ingest for ingest in self.ingests if ingest.ingest_id == ingest_id), None)

    def writer_of(self, path: str) -> IngestRecord | None:
        """Return the ingest that wrote the file at `path` (below the root), or None."""
        for ingest in self.ingests:
            if any(file.path == path for file in ingest.files):
                return ingest
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestResult:
    """What an ingest did; `files` are below the catalog's root, `replaced` were removed for it."""

    ingest_id: str
    rows: int
    rejected: int
    files: tuple[str, ...]
    instruments: tuple[str, ...]
    unchanged: bool
    rejects_file: str | None = None
    start_ns: int | None = None
    end_ns: int | None = None
    replaced: tuple[str, ...] = ()

    @classmethod
    def of(cls, record: IngestRecord, *, unchanged: bool, replaced: tuple[str, ...] = ()) -> IngestResult:
        """Return the result that a manifest's record states."""
        return cls(
            ingest_id=record.ingest_id,
            rows=record.rows,
            rejected=record.rejected,
            files=tuple(file.path for file in record.files),
            instruments=tuple(sorted({file.instrument_id for file in record.files})),
            unchanged=unchanged,
            rejects_file=record.rejects_file,
            start_ns=record.start_ns,
            end_ns=record.end_ns,
            replaced=replaced,
        )


def read_manifest(root: Path) -> Manifest | None:
    """Return the manifest of the catalog at `root`, or None where there is none; raises `DataError`."""
    path = root / MANIFEST_NAME
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise DataError(
            f"{path} is damaged: {error}. Restore it from a backup, or ingest into a new folder."
        ) from error
    if manifest.format_version != FORMAT_VERSION:
        raise DataError(
            f"{path} has format version {manifest.format_version}, this Harvester reads {FORMAT_VERSION}. "
            "Ingest the sources into a new catalog."
        )
    return manifest


def read_halts(root: Path) -> list[Halt]:
    """Return the halts of the catalog at `root`, by instrument and time; raises `DataError`."""
    path = root / HALTS_NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Halt])
    except FileNotFoundError:
        return []
    except msgspec.DecodeError as error:
        raise DataError(f"{path} is damaged: {error}. Ingest its sources again with --replace.") from error


def encode(record: Manifest | list[Halt]) -> bytes:
    """Return the indented JSON of a manifest or a list of halts."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"
