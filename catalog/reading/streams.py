"""The streams and instruments of any Nautilus catalog, as they lie on disk.

Works on the files alone: no manifest is needed, so that catalogs made by other programs can be shown
and checked as well. `stored_blocks` reads the records.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.manifest import MANIFEST_NAME
from market.errors import DataError, NotFoundError
from market.time import NS_PER_MINUTE, NS_PER_SECOND

QUOTES, TRADES, BARS, DELTAS = "quote_tick", "trade_tick", "bar", "order_book_deltas"
"""Nautilus' folder names of the types whose records can be read here."""
READABLE_TYPES = (QUOTES, TRADES, BARS, DELTAS)
CHAINS, GREEKS = "custom_option_chain_snapshot", "option_greeks"
"""What Nautilus calls the folders of chain snapshots and of greeks."""
RATES, LEVELS, DIVIDENDS = "rates", "volatility", "dividends"
"""The series beside Nautilus' data, in `series/`; they are of no instrument."""
SERIES_TYPES = (RATES, LEVELS, DIVIDENDS)

_FILE_NAME = re.compile(r"\d{4}-\d\d-\d\dT[\d-]+Z_\d{4}-\d\d-\d\dT[\d-]+Z\.parquet")
_BAR_UNIT_NS = {
    "SECOND": NS_PER_SECOND,
    "MINUTE": NS_PER_MINUTE,
    "HOUR": 60 * NS_PER_MINUTE,
    "DAY": 24 * 60 * NS_PER_MINUTE,
    "WEEK": 7 * 24 * 60 * NS_PER_MINUTE,
    "MONTH": 30 * 24 * 60 * NS_PER_MINUTE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredInstrument:
    """What the checks need to know of an instrument; `kind` is Nautilus' folder, e.g. `equity`."""

    instrument_id: str
    kind: str
    price_precision: int | None
    price_increment: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """One Parquet file of a stream; `problem` says why it cannot be read. Times are `ts_init` in ns UTC."""

    path: Path
    rows: int = 0
    size_bytes: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    price_precision: int | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStream:
    """All files of one type of data of one instrument (or bar type), in order of time."""

    data_type: str
    identifier: str
    instrument_id: str
    files: tuple[StoredFile, ...]

    @property
    def label(self) -> str:
        """How people call the type: for bars with their specification, e.g. `bar 1-MINUTE-LAST`."""
        if self.data_type != BARS:
            return self.data_type
        return f"bar {self._bar_specification.rpartition('-')[0] or self._bar_specification}"

    @property
    def is_series(self) -> bool:
        """Whether it lies beside Nautilus' data and needs no instrument."""
        return self.data_type in SERIES_TYPES

    @property
    def rows(self) -> int:
        """Rows in all readable files."""
        return sum(file.rows for file in self.files)

    @property
    def bar_ns(self) -> int | None:
        """Length of a bar in ns; None for other types and for bars that are not made by the clock."""
        if self.data_type != BARS:
            return None
        step, _, rest = self._bar_specification.partition("-")
        unit = _BAR_UNIT_NS.get(rest.partition("-")[0])
        return int(step) * unit if unit is not None and step.isdigit() else None

    @property
    def _bar_specification(self) -> str:
        """What follows the instrument in a bar type, e.g. `1-MINUTE-LAST-EXTERNAL`."""
        return self.identifier.removeprefix(f"{self.instrument_id.replace('/', '')}-")


def find_streams(root: Path) -> list[StoredStream]:
    """Return every stream below `root`, series too, instruments not, by instrument, type and identifier.

    Raises `NotFoundError` where there is no catalog, `DataError` where there is a file.
    """
    _require_catalog(root)
    folders = sorted(path for path in (root / "data").glob("*/*") if path.is_dir())
    folders = [folder for folder in folders if not _is_instrument_folder(folder)]
    folders += sorted(folder for kind in SERIES_TYPES for folder in (root / "series" / kind).glob("*"))
    streams = [_stream(folder) for folder in folders]
    streams.sort(key=lambda stream: (stream.instrument_id, stream.data_type, stream.identifier))
    return [stream for stream in streams if stream.files]


def find_instruments(root: Path) -> dict[str, StoredInstrument]:
    """Return the instruments that the catalog at `root` defines, by id."""
    found: dict[str, StoredInstrument] = {}
    for folder in sorted(path for path in (root / "data").glob("*/*") if path.is_dir()):
        if not _is_instrument_folder(folder):
            continue
        for path in sorted(folder.glob("*.parquet")):
            for row in _instrument_rows(path):
                found[str(row["id"])] = StoredInstrument(
                    instrument_id=str(row["id"]),
                    kind=folder.parent.name,
                    price_precision=row.get("price_precision"),
                    price_increment=_decimal(row.get("price_increment")),
                )
    return found


def _require_catalog(root: Path) -> None:
    """Any folder may have one called `data`: a manifest or files named as Nautilus does tell a catalog."""
    if root.is_file():
        raise DataError(f"{root} is a file, not a catalog. Name the catalog's folder for --catalog.")
    if (root / MANIFEST_NAME).is_file():
        return
    types = [folder for folder in (root / "data").glob("*") if folder.is_dir()]
    if any(folder.name in READABLE_TYPES for folder in types):
        return
    if any(_FILE_NAME.fullmatch(path.name) for folder in types for path in folder.glob("*/*.parquet")):
        return
    raise NotFoundError(
        f"No catalog in {root}: it has neither a {MANIFEST_NAME} nor folders such as data/{QUOTES}. "
        f"Name the folder that holds it, or make one with `harvester ingest ... --catalog {root}`."
    )


def _instrument_rows(path: Path) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = pq.read_table(path, partitioning=None).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise DataError(
            f"{path} cannot be read: {' '.join(str(error).split())} "
            "Remove the file and ingest its source again."
        ) from error
    return rows


def _stream(folder: Path) -> StoredStream:
    files = []
    instrument_id = folder.name.rsplit("-", 4)[0] if folder.parent.name == BARS else folder.name
    for path in sorted(folder.glob("*.parquet")):
        try:
            metadata = pq.read_metadata(path)
        except (OSError, pa.ArrowException) as error:
            files.append(StoredFile(path=path, size_bytes=path.stat().st_size, problem=str(error)))
            continue
        named = {
            key.decode(): value.decode()
            for key, value in (metadata.metadata or {}).items()
            if key != b"ARROW:schema"
        }
        instrument_id = named.get("instrument_id", instrument_id)
        first_ns, last_ns = _ts_init_range(metadata)
        precision = named.get("price_precision", "")
        files.append(
            StoredFile(
                path=path,
                rows=metadata.num_rows,
                size_bytes=path.stat().st_size,
                first_ns=first_ns,
                last_ns=last_ns,
                price_precision=int(precision) if precision.isdigit() else None,
            )
        )
    return StoredStream(
        data_type=folder.parent.name, identifier=folder.name, instrument_id=instrument_id, files=tuple(files)
    )


def _ts_init_range(metadata: pq.FileMetaData) -> tuple[int | None, int | None]:
    names = [metadata.schema.column(i).name for i in range(metadata.num_columns)]
    if "ts_init" not in names:
        return None, None
    column = names.index("ts_init")
    groups = [metadata.row_group(i).column(column).statistics for i in range(metadata.num_row_groups)]
    known = [group for group in groups if group is not None and group.has_min_max]
    if not known or len(known) < len(groups):
        return None, None
    return min(group.min for group in known), max(group.max for group in known)


def _is_instrument_folder(folder: Path) -> bool:
    for path in folder.glob("*.parquet"):
        try:
            return "price_increment" in pq.read_schema(path).names
        except (OSError, pa.ArrowException):
            continue
    return False


def _decimal(text: object) -> Decimal | None:
    try:
        return Decimal(str(text))
    except InvalidOperation:
        return None
