"""Rows of one struct type as a CSV, Parquet or JSON-lines file; a file appears as a whole or not at all.

In CSV and Parquet lists become text (`a b`; notes are parted by ` | `), records JSON text. Exact numbers stay
exact: plain digits in CSV, `decimal128(28, 6)` in Parquet. None is an empty cell. In CSV a text that a
spreadsheet would take for a formula begins with an apostrophe.
"""

from __future__ import annotations

import csv
import re
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from itertools import batched
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from audit.amounts import PLACES
from cli.result_file import finished_file
from market.errors import UserError

BATCH_ROWS = 16_384
_TYPES: dict[Any, pa.DataType] = {
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    Decimal: pa.decimal128(28, PLACES),
}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes text that begins so for a formula, and would run what somebody wrote in a note."""

_NUMBER = re.compile(r"[+-]?[0-9.,]+")
_PARTED_BY = {"notes": " | "}


def write_rows[T: msgspec.Struct](
    rows: Iterable[T],
    *,
    row_type: type[T],
    csv_file: Path | None = None,
    parquet_file: Path | None = None,
    json_lines_file: Path | None = None,
) -> int:
    """Write `rows` to the files given, all from one reading of them, and return how many there were."""
    with ExitStack() as stack:
        writers: dict[Path, _Write] = {}
        if csv_file is not None:
            writers[csv_file] = stack.enter_context(_csv(csv_file, row_type))
        if parquet_file is not None:
            writers[parquet_file] = stack.enter_context(_parquet(parquet_file, row_type))
        if json_lines_file is not None:
            writers[json_lines_file] = stack.enter_context(_json_lines(json_lines_file))
        count = 0
        for batch in batched(rows, BATCH_ROWS):
            for path, write in writers.items():
                with _named(path):
                    write(batch)
            count += len(batch)
    return count


_Write = Callable[[Sequence[Any]], object]
"""Takes the next rows of a file."""


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file that cannot be written: the innermost open one would be blamed otherwise."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error}. Name another file.") from None


@contextmanager
def _csv(path: Path, row_type: type[msgspec.Struct]) -> Iterator[_Write]:
    columns = row_type.__struct_fields__
    with (
        finished_file(path, option="--csv") as unfinished,
        unfinished.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(columns)
        yield lambda batch: writer.writerows([_text(_plain(row, name)) for name in columns] for row in batch)


@contextmanager
def _parquet(path: Path, row_type: type[msgspec.Struct]) -> Iterator[_Write]:
    """Open a Parquet file whose columns are typed also when there is no row."""
    schema = pa.schema(list(_fields(row_type)))
    with (
        finished_file(path, option="--parquet") as unfinished,
        pq.ParquetWriter(unfinished, schema, compression="zstd") as writer,
    ):

        def write(batch: Sequence[Any]) -> None:
            columns = [[_typed(_plain(row, each.name), each.type) for row in batch] for each in schema]
            writer.write_table(pa.table(columns, schema=schema))

        yield write


@contextmanager
def _json_lines(path: Path) -> Iterator[_Write]:
    encoder = msgspec.json.Encoder()
    with finished_file(path, option="--jsonl") as unfinished, unfinished.open("wb") as file:
        yield lambda batch: file.write(encoder.encode_lines(batch))


def _fields(row_type: type[msgspec.Struct]) -> Iterator[pa.Field]:
    for name, annotation in typing.get_type_hints(row_type).items():
        yield pa.field(name, _TYPES.get(_without_none(annotation), pa.string()))


def _without_none(annotation: Any) -> Any:
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        (annotation,) = (each for each in typing.get_args(annotation) if each is not type(None))
    return annotation


def _plain(row: msgspec.Struct, name: str) -> Any:
    value = getattr(row, name)
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode()
    if isinstance(value, tuple):
        return _PARTED_BY.get(name, " ").join(str(each) for each in value)
    return value


def _text(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return repr(value) if isinstance(value, float) else value


def _typed(value: Any, kind: pa.DataType) -> Any:
    if isinstance(value, Decimal) and pa.types.is_decimal(kind):
        return value.quantize(Decimal(1).scaleb(-PLACES))
    return value
