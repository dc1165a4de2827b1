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
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import batched
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from audit.amounts import PLACES
from cli.result_file import finished_file

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


def write_csv[T: msgspec.Struct](path: Path, rows: Iterable[T], *, row_type: type[T]) -> int:
    """Write `rows` to a CSV file with a header and return how many there were."""
    columns = row_type.__struct_fields__
    with (
        finished_file(path, option="--csv") as unfinished,
        unfinished.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(columns)
        count = 0
        for row in rows:
            writer.writerow(_text(_plain(row, name)) for name in columns)
            count += 1
    return count


def write_parquet[T: msgspec.Struct](path: Path, rows: Iterable[T], *, row_type: type[T]) -> int:
    """Write `rows` to a Parquet file, columns typed also when there is no row; return how many there were."""
    schema = pa.schema(list(_fields(row_type)))
    count = 0
    with (
        finished_file(path, option="--parquet") as unfinished,
        pq.ParquetWriter(unfinished, schema, compression="zstd") as writer,
    ):
        for batch in batched(rows, BATCH_ROWS):
            columns = [[_typed(_plain(row, each.name), each.type) for row in batch] for each in schema]
            writer.write_table(pa.table(columns, schema=schema))
            count += len(batch)
    return count


def write_json_lines(path: Path, rows: Iterable[msgspec.Struct]) -> int:
    """Write `rows` as one JSON object a line and return how many there were."""
    count = 0
    encode = msgspec.json.Encoder().encode
    with finished_file(path, option="--jsonl") as unfinished, unfinished.open("wb") as file:
        for row in rows:
            file.write(encode(row) + b"\n")
            count += 1
    return count


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
