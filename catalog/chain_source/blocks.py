"""A chain file as blocks of text columns, whatever its format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from catalog.progress import Progress
from market.errors import DataError

BLOCK_BYTES = 16 * 1024 * 1024
_PARQUET_MAGIC = b"PAR1"


def column_names(path: Path) -> list[str]:
    """Return the names of the columns; raises `DataError` for a file that cannot be read."""
    try:
        if is_parquet(path):
            return list(pq.read_schema(path).names)
        with pacsv.open_csv(path) as reader:
            return list(reader.schema.names)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} is neither CSV with a header nor Parquet: {error}") from error


def text_blocks(path: Path, columns: Sequence[str], progress: Progress) -> Iterator[pa.RecordBatch]:
    """Yield the columns as text, null where empty, block by block.

    Raises `DataError` for rows with a wrong number of fields and damaged files.
    """
    progress.begin(path.name, path.stat().st_size)
    try:
        for batch in _parquet(path, columns) if is_parquet(path) else _csv(path, columns):
            progress.advance(batch.nbytes)
            yield batch
    except pa.ArrowException as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def is_parquet(path: Path) -> bool:
    """Say whether the content is Parquet."""
    with path.open("rb") as file:
        return file.read(4) == _PARQUET_MAGIC


def _csv(path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    yield from pacsv.open_csv(
        path,
        read_options=pacsv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),
        convert_options=pacsv.ConvertOptions(
            include_columns=list(columns),
            column_types=dict.fromkeys(columns, pa.string()),
            strings_can_be_null=True,
            null_values=["", "NULL", "null", "NaN", "nan", "NA"],
        ),
    )


def _parquet(path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    schema = pa.schema(dict.fromkeys(columns, pa.string()))
    for batch in pq.ParquetFile(path).iter_batches(columns=list(columns)):
        ordered = [batch[name].cast(pa.string()) for name in columns]
        yield pa.RecordBatch.from_arrays(ordered, schema=schema)
