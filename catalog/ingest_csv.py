"""Quotes, trades and bars from CSV and Parquet files of any column names.

    ingest_csv(Path("bac.csv"), store=CatalogStore(Path("catalog-folder")), symbols=["BAC"])

A file is read in blocks: parsed, checked and written column-wise; only a block with a bad value is looked
at more closely, and only its bad rows are named one by one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from catalog.columns import DataKind
from catalog.csv_source.blocks import PARQUET_MAGIC, read_blocks, read_magic, read_preamble
from catalog.csv_source.mapping import TIME, ColumnMap, resolve_columns
from catalog.csv_source.options import CsvOptions
from catalog.csv_source.parquet import ParquetRows
from catalog.csv_source.parsing import BlockParser
from catalog.csv_source.rows import Conversion, Rows
from catalog.csv_source.times import detect_time_format
from catalog.csv_source.writer import RowWriter, Selection
from catalog.ingest_summary import IngestSummary, raise_refused, sha256_of, summary_of
from catalog.manifest import IngestResult, SourceDescription
from catalog.progress import SILENT, Progress
from catalog.store import CatalogStore
from market.errors import ConfigError, DataError, NotFoundError, UserError
from market.instruments import checked_symbol

FILE_ENDINGS = (".csv", ".csv.gz", ".csv.zst", ".parquet")


def ingest_csv(
    path: Path,
    *,
    store: CatalogStore,
    symbols: Collection[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    options: CsvOptions | None = None,
    replace: bool = False,
    progress: Progress = SILENT,
) -> IngestResult:
    """Put the rows of a CSV (also .gz, .zst) or Parquet file, or of a folder of them, into a catalog.

    `symbols` keeps those of a file with a symbol column, and names the one of a file without; `start` and
    `end` are New York dates, both included. Bad rows go to the reject file. Each file of a folder is a source
    of its own; those that have to be refused do not keep the others out.

    Raises `NotFoundError`, `ConfigError` or `DataError` (with nothing written) for a file that is not what
    it claims to be, for columns or times that cannot be made out, when no row is usable, and when the catalog
    holds other data of this time (unless `replace`).
    """
    path, options = Path(path), options or CsvOptions()
    keep = tuple(dict.fromkeys(checked_symbol(symbol) for symbol in symbols or ()))
    run = _Run(store, options, Selection.of(keep, start, end), replace, progress)
    return run.folder(path) if path.is_dir() else run.file(path)


@dataclass(frozen=True, slots=True)
class _Run:
    """One call of `ingest_csv`: what holds for every file of it."""

    store: CatalogStore
    options: CsvOptions
    selection: Selection
    replace: bool
    progress: Progress

    def folder(self, path: Path) -> IngestSummary:
        files = [file for file in sorted(path.iterdir()) if file.name.lower().endswith(FILE_ENDINGS)]
        if not files:
            raise NotFoundError(f"{path} holds no file that ends with {', '.join(FILE_ENDINGS)}.")
        results: list[IngestResult] = []
        refused: list[tuple[Path, UserError]] = []
        for file in files:
            try:
                results.append(self.file(file))
            except UserError as error:
                refused.append((file, error))
        raise_refused(refused, of=len(files))
        return summary_of(results, ())

    def file(self, path: Path) -> IngestResult:
        seen = path.stat() if path.exists() else None
        source = _open(path, self.options, self.progress)
        if source.mapping.kind is DataKind.BAR:
            self.options.require_bar()
        self._require_symbol(source.mapping, path)
        description = SourceDescription(
            kind="csv",
            path=str(path),
            sha256=sha256_of([path]),
            options=self.options.as_text() | self.selection.as_text(),
        )
        with self.store.ingest(description, replace=self.replace) as ingest:
            if not ingest.unchanged:
                writer = RowWriter(
                    ingest, source.mapping, self.options, file=path.name, selection=self.selection
                )
                for rows in _read_ahead(source.rows()):
                    writer.write(rows)
                writer.finish()
                _require_untouched(path, seen)
        return ingest.result

    def _require_symbol(self, mapping: ColumnMap, path: Path) -> None:
        symbols = self.selection.symbols
        if not mapping.has_symbols and len(symbols) != 1:
            given = f"Given were {', '.join(symbols)}." if symbols else "Or map one: --columns symbol=COLUMN."
            raise ConfigError(
                f"{path} has no symbol column, so name the one symbol it is about: --symbol BAC. {given}"
            )


def _require_untouched(path: Path, seen: os.stat_result | None) -> None:
    now = path.stat()
    if seen is None or (now.st_size, now.st_mtime_ns) != (seen.st_size, seen.st_mtime_ns):
        raise DataError(f"{path} was changed while it was read. Ingest it again when nobody writes to it.")


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
