"""A chain file as blocks of text columns, whatever its format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from catalog.progress import Progress
from market.errors import DataError

BLOCK_BYTES = 16 * 1024 * 1024
_PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True)
class RaggedRow:
    """A line with another number of fields than the header."""

    line: int
    text: str
    why: str


@dataclass(frozen=True)
class TextBlock:
    """Columns of text, null where empty; row i stands in line `lines[i]`, the header in line 1.

    `ragged` are the lines between or after these rows that are no rows of the table.
    """

    batch: pa.RecordBatch
    lines: NDArray[np.int64]
    ragged: tuple[RaggedRow, ...] = ()


def column_names(path: Path) -> list[str]:
    """Return the names of the columns; raises `DataError` for a file that cannot be read."""
    try:
        if is_parquet(path):
            return list(pq.read_schema(path).names)
        with pacsv.open_csv(path, parse_options=_RaggedRows().options) as reader:
            return list(reader.schema.names)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} is neither CSV with a header nor Parquet: {error}") from error


def text_blocks(path: Path, columns: Sequence[str], progress: Progress) -> Iterator[TextBlock]:
    """Yield the columns as text, block by block; empty lines are left out.

    Raises `DataError` for damaged files.
    """
    progress.begin(path.name, path.stat().st_size)
    try:
        for block in _parquet(path, columns) if is_parquet(path) else _csv(path, columns):
            progress.advance(block.batch.nbytes)
            yield block
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def is_parquet(path: Path) -> bool:
    """Say whether the content is Parquet."""
    with path.open("rb") as file:
        return file.read(4) == _PARQUET_MAGIC


class _RaggedRows:
    """Takes the lines that pyarrow would refuse a whole file for."""

    def __init__(self) -> None:
        self._waiting: list[RaggedRow] = []
        # Empty lines must be counted, or the numbers of the lines after them were wrong.
        self.options = pacsv.ParseOptions(invalid_row_handler=self._take, ignore_empty_lines=False)

    def _take(self, row: pacsv.InvalidRow) -> str:
        why = f"has {row.actual_columns} fields, the header has {row.expected_columns}"
        self._waiting.append(RaggedRow(int(row.number or 0), row.text or "", why))
        return "skip"

    def until(self, rows: int, first_line: int) -> tuple[RaggedRow, ...]:
        """Return and forget those among `rows` good ones from `first_line` on; others wait."""
        taken = 0
        for ragged in self._waiting:
            if ragged.line >= first_line + rows + taken:
                break
            taken += 1
        found, self._waiting = tuple(self._waiting[:taken]), self._waiting[taken:]
        return found

    def rest(self) -> tuple[RaggedRow, ...]:
        """Return those after the last good row."""
        return tuple(self._waiting)


def _csv(path: Path, columns: Sequence[str]) -> Iterator[TextBlock]:
    ragged_rows = _RaggedRows()
    first_line = 2
    batches = pacsv.open_csv(
        path,
        read_options=pacsv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),
        parse_options=ragged_rows.options,
        convert_options=pacsv.ConvertOptions(
            include_columns=list(columns),
            column_types=dict.fromkeys(columns, pa.string()),
            strings_can_be_null=True,
            null_values=["", "NULL", "null", "NaN", "nan", "NA"],
        ),
    )
    schema = batches.schema
    for batch in batches:
        ragged = ragged_rows.until(batch.num_rows, first_line)
        every = np.arange(first_line, first_line + batch.num_rows + len(ragged), dtype=np.int64)
        lines = np.setdiff1d(every, [row.line for row in ragged], assume_unique=True)
        first_line += len(every)
        yield TextBlock(*_without_empty(batch, lines), ragged)
    if rest := ragged_rows.rest():
        yield TextBlock(pa.RecordBatch.from_pylist([], schema), np.empty(0, dtype=np.int64), rest)


def _without_empty(
    batch: pa.RecordBatch, lines: NDArray[np.int64]
) -> tuple[pa.RecordBatch, NDArray[np.int64]]:
    """Leave out the rows without a value in any column: empty lines."""
    filled = np.zeros(batch.num_rows, dtype=np.bool_)
    for column in batch.columns:
        filled |= pc.is_valid(column).to_numpy(zero_copy_only=False)
        if filled.all():
            return batch, lines
    return batch.filter(pa.array(filled)), lines[filled]


def _parquet(path: Path, columns: Sequence[str]) -> Iterator[TextBlock]:
    schema = pa.schema(dict.fromkeys(columns, pa.string()))
    first_line = 2
    for batch in pq.ParquetFile(path).iter_batches(columns=list(columns)):
        ordered = [batch[name].cast(pa.string()) for name in columns]
        lines = np.arange(first_line, first_line + batch.num_rows, dtype=np.int64)
        first_line += batch.num_rows
        yield TextBlock(pa.RecordBatch.from_arrays(ordered, schema=schema), lines)
