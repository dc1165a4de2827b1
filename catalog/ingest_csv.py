"""Quotes, trades and bars from CSV and Parquet files of any column names.

    ingest_csv(Path("bac.csv"), store=CatalogStore(Path("catalog-folder")), symbols=["BAC"])

A file is read in blocks: parsed, checked and written column-wise; only a block with a bad value is looked
at more closely, and only its bad rows are named one by one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from catalog.columns import DataKind
from catalog.csv_blocks import PARQUET_MAGIC, read_blocks, read_magic, read_preamble
from catalog.csv_mapping import TIME, ColumnMap, resolve_columns
from catalog.csv_options import CsvOptions
from catalog.csv_parquet import ParquetRows
from catalog.csv_parsing import BlockParser
from catalog.csv_rows import Conversion, Rows
from catalog.csv_times import detect_time_format
from catalog.csv_writer import RowWriter, Selection
from catalog.manifest import IngestResult, SourceDescription
from catalog.progress import SILENT, Progress
from catalog.store import CatalogStore
from market.errors import ConfigError


def ingest_csv(
    path: Path,
    *,
    store: CatalogStore,
    symbols: Sequence[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    options: CsvOptions | None = None,
    replace: bool = False,
    progress: Progress = SILENT,
) -> IngestResult:
    """Put the rows of a CSV (also .gz, .zst) or Parquet file into the catalog of `store`.

    `symbols` keeps those of a file with a symbol column, and names the one of a file without; `start` and
    `end` are New York dates, both included. Bad rows go to the reject file.

    Raises `NotFoundError`, `ConfigError` or `DataError` (with nothing written) for a file that is not what
    it claims to be, for columns or times that cannot be made out, when no row is usable, and when the catalog
    holds other data of this time (unless `replace`).
    """
    options = options or CsvOptions()
    source = _open(path, options, progress)
    if source.mapping.kind is DataKind.BAR:
        _ = options.bar_ns  # refuse before reading on
    keep = _symbols_to_keep(symbols, source.mapping, path)
    selection = Selection.of(keep, start, end)
    description = SourceDescription(
        kind="csv",
        path=str(path),
        sha256=_sha256(path),
        options=options.as_text() | _selection_as_text(keep, start, end),
    )
    with store.ingest(description, replace=replace) as ingest:
        if not ingest.unchanged:
            writer = RowWriter(ingest, source.mapping, options, file=path.name, selection=selection)
            for rows in _read_ahead(source.rows()):
                writer.write(rows)
            writer.finish()
    return ingest.result


@dataclass(frozen=True, slots=True)
class _Source:
    """A file whose columns are known, and how to get its rows, in file order."""

    mapping: ColumnMap
    rows: Callable[[], Iterator[Rows]]


def _open(path: Path, options: CsvOptions, progress: Progress) -> _Source:
    """Look at the first bytes and rows of `path` and choose how to read it."""
    if read_magic(path) == PARQUET_MAGIC:
        parquet = ParquetRows(path, options, progress)
        return _Source(parquet.mapping, parquet.rows)
    preamble = read_preamble(path)
    mapping = resolve_columns(preamble.header, wanted=options.columns, kind=options.kind, file=str(path))
    position = preamble.header.index(mapping.column_of[TIME])
    times = detect_time_format(
        [row[position] for row in preamble.sample if len(row) > position],
        zone=options.time_zone,
        unit=options.time_unit,
        pattern=options.time_format,
        file=str(path),
    )
    parser = BlockParser(preamble, mapping, Conversion(times, options.round_prices))

    def rows() -> Iterator[Rows]:
        for block in read_blocks(path, progress=progress):
            yield from parser.parse(block)

    return _Source(mapping, rows)


def _read_ahead(rows: Iterator[Rows]) -> Iterator[Rows]:
    """Yield `rows`, preparing the next while the last are being written (parsing releases the GIL)."""
    with ThreadPoolExecutor(1, "csv-parser") as pool:
        upcoming = pool.submit(next, rows, None)
        while (current := upcoming.result()) is not None:
            upcoming = pool.submit(next, rows, None)
            yield current


def _symbols_to_keep(symbols: Sequence[str] | None, mapping: ColumnMap, path: Path) -> tuple[str, ...]:
    """Return the wanted symbols in upper case; none means all of a file that names them."""
    keep = tuple(dict.fromkeys(symbol.strip().upper() for symbol in symbols or ()))
    if not mapping.has_symbols and len(keep) != 1:
        raise ConfigError(
            f"{path} has no symbol column, so name the one symbol it is about: --symbol BAC. "
            f"{f'Given: {", ".join(keep)}.' if keep else 'Or map a column: --columns symbol=COLUMN.'}"
        )
    return keep


def _selection_as_text(keep: tuple[str, ...], start: date | None, end: date | None) -> dict[str, str]:
    chosen = {"symbols": ",".join(keep), "start": str(start or ""), "end": str(end or "")}
    return {name: value for name, value in chosen.items() if value}


def _sha256(path: Path) -> str:
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
