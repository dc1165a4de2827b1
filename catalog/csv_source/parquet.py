"""Parquet files of any column names and types, as rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from catalog.csv_source.mapping import TIME, ColumnMap, resolve_columns
from catalog.csv_source.options import CsvOptions
from catalog.csv_source.rows import NUMBERS, Conversion, Rows
from catalog.csv_source.times import TimeFormat, detect_time_format, format_of_type
from catalog.progress import Progress
from market.errors import DataError

BATCH_ROWS = 131_072


class ParquetRows:
    """The rows of one Parquet file; raises `DataError` or `ConfigError` where it cannot be made out."""

    def __init__(self, path: Path, options: CsvOptions, progress: Progress) -> None:
        self._path = path
        self._progress = progress
        try:
            self._file = pq.ParquetFile(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise _damaged(path, error) from error
        schema = self._file.schema_arrow
        self.mapping: ColumnMap = resolve_columns(
            schema.names, wanted=options.columns, kind=options.kind, file=str(path)
        )
        self._require_readable_types(schema)
        self._conversion = Conversion(self._time_format(options), options.round_prices)

    def rows(self) -> Iterator[Rows]:
        """Yield the rows in file order; the line of a row is its number, from 1."""
        size = self._path.stat().st_size
        self._progress.begin(self._path.name, size)
        row, columns = 1, list(self.mapping.column_of.values())
        try:
            for batch in self._file.iter_batches(BATCH_ROWS, columns=columns):
                yield self._rows(batch, row)
                row += batch.num_rows
                self._progress.advance(size * batch.num_rows // max(self._file.metadata.num_rows, 1))
        except (pa.ArrowInvalid, OSError) as error:
            raise _damaged(self._path, error) from error

    def _rows(self, batch: pa.RecordBatch, first_row: int) -> Rows:
        columns = {name: _plain(batch[column]) for name, column in self.mapping.column_of.items()}
        lines = np.arange(first_row, first_row + batch.num_rows)
        typed = {name: self._typed(name, values) for name, values in columns.items()}
        if any(values is None for values in typed.values()):
            texts = {name: _as_text(values) for name, values in columns.items()}
            return self._conversion.rows_from_text(texts, lines)
        return self._conversion.rows(typed, lines, lambda row, name: str(columns[name][row].as_py()))

    def _typed(self, name: str, values: pa.Array) -> pa.Array | None:
        """Return a column as `Conversion.rows` takes it; None where only its text can tell."""
        if name == TIME:
            if pa.types.is_string(values.type):
                return None
            wanted = self._conversion.times.column_type
        elif name in NUMBERS:
            if pa.types.is_string(values.type):
                return None
            wanted = pa.int64() if pa.types.is_integer(values.type) else values.type
        else:
            return pc.fill_null(_as_text(values), "")
        try:
            return values.cast(wanted)
        except pa.ArrowInvalid:
            return None

    def _time_format(self, options: CsvOptions) -> TimeFormat:
        column = self.mapping.column_of[TIME]
        column_type, file = self._file.schema_arrow.field(column).type, str(self._path)
        known = format_of_type(column_type, zone=options.time_zone, file=file)
        if known is not None:
            return known
        first = next(self._file.iter_batches(100, columns=[column]), None)
        sample = [str(value) for value in first[0].to_pylist() if value is not None] if first else []
        return detect_time_format(
            sample, zone=options.time_zone, unit=options.time_unit, pattern=options.time_format, file=file
        )

    def _require_readable_types(self, schema: pa.Schema) -> None:
        for name, column in self.mapping.column_of.items():
            kind = schema.field(column).type
            if pa.types.is_nested(kind) or (name == TIME and pa.types.is_floating(kind)):
                raise DataError(
                    f"{self._path}: column {column!r} is of type {kind}, which cannot be read as {name}. "
                    "Times must be timestamps, whole numbers since 1970 or text; map another column."
                )


def _plain(values: pa.Array) -> pa.Array:
    """Return an array without dictionary, and text as ordinary strings."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_large_string(values.type) or pa.types.is_string_view(values.type):
        values = values.cast(pa.string())
    return values


def _as_text(values: pa.Array) -> pa.StringArray:
    return pc.fill_null(pc.utf8_trim_whitespace(values.cast(pa.string())), "")


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(f"{path} is no sound Parquet file: {error}. Fetch it again; nothing was written.")
