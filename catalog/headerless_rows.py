"""Headerless CSV (Lean, LOBSTER) read block by block into integer arrays; bad rows are named, not lost.

A block that pyarrow converts whole costs nothing extra. Only a block that it refuses is read line by
line, to say which field of which line is wrong; its other lines go in. Memory is bounded by the block.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol, cast
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

from catalog.progress import SILENT, Progress
from market.errors import DataError

Integers = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

BLOCK_BYTES = 8 * 1024 * 1024
BAD_FRACTION_MAX = 0.5
"""A block with a larger part of bad rows is not a file of this kind: it is refused whole."""

SECONDS_WITH_NANOSECONDS = pa.decimal128(18, 9)
WALL_CLOCK_MINUTE = pa.string()
_PATTERNS = {
    pa.int64(): (re.compile(r"-?\d{1,18}"), "a whole number"),
    SECONDS_WITH_NANOSECONDS: (re.compile(r"-?\d{1,9}(\.\d{1,9})?"), "seconds with at most 9 decimals"),
    WALL_CLOCK_MINUTE: (re.compile(r"\d{8} \d\d:\d\d"), "a time like 19980102 09:00"),
}
_WALL_CLOCK_FORMAT = "%Y%m%d %H:%M"
_WALL_CLOCK_LENGTH = len("19980102 09:00")


class OnReject(Protocol):
    """Takes note of one row that stays out."""

    def __call__(self, *, line: int, column: str, value: str, why: str) -> None:
        """`line` counts from 1; `column` is empty when the whole row is meant."""


@dataclass(frozen=True)
class Layout:
    """The columns of a headerless file: its name for messages, all columns in order, types of those read.

    Columns in `may_be_empty` read an empty field as 0 (Lean: the side had no price).
    """

    title: str
    columns: tuple[str, ...]
    types: Mapping[str, pa.DataType]
    may_be_empty: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Rows:
    """Rows of one block: `lines` are numbers in the file, `columns` int64 arrays of the same length.

    Decimal seconds are given in nanoseconds, wall-clock times in seconds since 1970 as if in UTC.
    """

    lines: Integers
    columns: dict[str, Integers]

    def __len__(self) -> int:
        return len(self.lines)

    def __getitem__(self, column: str) -> Integers:
        return self.columns[column]

    def where(self, mask: BoolArray) -> Rows:
        """Return the rows in which `mask` holds."""
        return Rows(self.lines[mask], {name: values[mask] for name, values in self.columns.items()})

    def part(self, begin: int, end: int) -> Rows:
        """Return the rows from index `begin` to before `end`, without copying."""
        return Rows(self.lines[begin:end], {name: values[begin:end] for name, values in self.columns.items()})

    def without(self, bad: BoolArray, *, column: str, why: str, on_reject: OnReject) -> Rows:
        """Return the rows in which `bad` does not hold; report the others."""
        if not bad.any():
            return self
        for line, value in zip(self.lines[bad].tolist(), self.columns[column][bad].tolist(), strict=True):
            on_reject(line=line, column=column, value=str(value), why=why)
        return self.where(~bad)


def read_rows(stream: IO[bytes], layout: Layout, *, on_reject: OnReject) -> Iterator[Rows]:
    """Yield the rows of `stream` in blocks of about 8 MiB of text, in order.

    Raises `DataError` when most rows of a block are bad, or the file is truncated or corrupt.
    """
    next_line = 1
    for text in _blocks_of_lines(stream, layout.title):
        rows = _parse(text, layout, first_line=next_line, on_reject=on_reject)
        next_line += text.count(b"\n") + (not text.endswith(b"\n"))
        if len(rows):
            yield rows


@contextmanager
def opened(path: Path, progress: Progress = SILENT) -> Iterator[IO[bytes]]:
    """Open a plain or gzip file for reading its text as bytes; `progress` hears of the file's own bytes."""
    with path.open("rb") as file:
        counted = CountedReading(file, progress)
        if path.suffix == ".gz":
            with gzip.GzipFile(fileobj=counted, mode="rb") as stream:
                yield cast("IO[bytes]", stream)
        else:
            yield cast("IO[bytes]", counted)


class CountedReading:
    """A stream that tells `progress` of every byte read from it."""

    def __init__(self, stream: IO[bytes], progress: Progress) -> None:
        self._stream = stream
        self._progress = progress

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes."""
        data = self._stream.read(size)
        self._progress.advance(len(data))
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move in the stream; `gzip` asks for it."""
        return self._stream.seek(offset, whence)


def _blocks_of_lines(stream: IO[bytes], title: str) -> Iterator[bytes]:
    remainder = b""
    while True:
        try:
            chunk = stream.read(BLOCK_BYTES)
        except (EOFError, OSError, BadZipFile, zlib.error) as error:
            raise DataError(f"The {title} file is damaged: {error}. Fetch it again.") from error
        if not chunk:
            break
        cut = chunk.rfind(b"\n") + 1
        if cut:
            yield remainder + chunk[:cut]
            remainder = chunk[cut:]
        else:
            remainder += chunk
        if len(remainder) > BLOCK_BYTES:
            raise DataError(f"The {title} file has a line of more than {BLOCK_BYTES} bytes: it is not text.")
    if remainder:
        yield remainder


def _parse(text: bytes, layout: Layout, *, first_line: int, on_reject: OnReject) -> Rows:
    line_count = text.count(b"\n") + (not text.endswith(b"\n"))
    try:
        columns = _columns(text, layout, line_count)
    except pa.ArrowInvalid:
        return _parse_lines(text, layout, first_line=first_line, on_reject=on_reject)
    return Rows(np.arange(first_line, first_line + line_count), columns)


def _columns(text: bytes, layout: Layout, line_count: int) -> dict[str, Integers]:
    """Return the columns as integers; raises `pa.ArrowInvalid` when any line is bad."""
    table = _convert(text, layout)
    if table.num_rows != line_count:
        raise pa.ArrowInvalid("an empty line")
    if any(table[name].null_count for name in layout.types if name not in layout.may_be_empty):
        raise pa.ArrowInvalid("an empty field")
    return {name: _integers(table[name].combine_chunks()) for name in table.column_names}


def _convert(text: bytes, layout: Layout) -> pa.Table:
    return pacsv.read_csv(
        pa.BufferReader(text),
        read_options=pacsv.ReadOptions(
            column_names=layout.columns, use_threads=False, block_size=len(text) + 1
        ),
        parse_options=pacsv.ParseOptions(quote_char=False),
        convert_options=pacsv.ConvertOptions(
            column_types=dict(layout.types),
            include_columns=list(layout.types),
            null_values=[""],
            strings_can_be_null=True,
        ),
    )


def _integers(column: pa.Array) -> Integers:
    if column.null_count:
        column = column.fill_null(0)
    if column.type == SECONDS_WITH_NANOSECONDS:  # 16-byte little-endian; 18 digits fit the low 8 bytes
        words = np.frombuffer(column.buffers()[1], dtype="<i8")
        return words[2 * column.offset : 2 * (column.offset + len(column)) : 2].copy()
    if column.type == WALL_CLOCK_MINUTE:
        return _wall_clock_seconds(column)
    return column.to_numpy(zero_copy_only=False).astype("int64", copy=False)


def _parse_lines(text: bytes, layout: Layout, *, first_line: int, on_reject: OnReject) -> Rows:
    """Slow path: name the bad lines, then convert the good ones together."""
    lines = text.removesuffix(b"\n").split(b"\n")
    good: list[int] = []
    defects: list[tuple[int, str, str, str]] = []
    for index, line in enumerate(lines):
        defect = _defect(line.decode("utf-8", "replace").rstrip("\r"), layout)
        if defect is None:
            good.append(index)
        else:
            defects.append((first_line + index, *defect))
    if len(defects) > BAD_FRACTION_MAX * len(lines):
        line_number, column, value, why = defects[0]
        raise DataError(
            f"This is not a {layout.title} file: {len(defects)} of {len(lines)} rows cannot be read; "
            f"line {line_number} {column}: {value!r} {why}."
        )
    for line_number, column, value, why in defects:
        on_reject(line=line_number, column=column, value=value, why=why)
    columns = _columns(b"\n".join([lines[index] for index in good]), layout, len(good))
    return Rows(np.array(good, dtype=np.int64) + first_line, columns)


def _defect(line: str, layout: Layout) -> tuple[str, str, str] | None:
    """Return (column, value, why) of the first thing wrong with `line`, or None."""
    fields = line.split(",")
    if len(fields) != len(layout.columns):
        return "", line[:200], f"has {len(fields)} fields instead of {len(layout.columns)}"
    for column, field in zip(layout.columns, fields, strict=True):
        if column not in layout.types or (not field and column in layout.may_be_empty):
            continue
        pattern, expected = _PATTERNS[layout.types[column]]
        is_clock = layout.types[column] == WALL_CLOCK_MINUTE
        if not pattern.fullmatch(field) or (is_clock and not _is_wall_clock(field)):
            return column, field[:200], f"is not {expected}"
    return None


def _is_wall_clock(text: str) -> bool:
    try:
        datetime.strptime(text, _WALL_CLOCK_FORMAT)  # noqa: DTZ007  # New York's clock; only its form counts
    except ValueError:
        return False
    return True


def _wall_clock_seconds(column: pa.StringArray) -> Integers:
    """Return times like `19980102 09:00` in seconds since 1970 as if in UTC.

    Arrow's own parser would read 31 February as 3 March. Raises `pa.ArrowInvalid` for any other text.
    """
    ends = np.frombuffer(column.buffers()[1], dtype=np.int32)[column.offset : column.offset + len(column) + 1]
    if len(column) and (np.diff(ends) != _WALL_CLOCK_LENGTH).any():
        raise pa.ArrowInvalid("a time of another length")
    letters = np.frombuffer(column.buffers()[2], dtype=np.uint8)[ends[0] : ends[-1]]
    digits = letters.reshape(-1, _WALL_CLOCK_LENGTH).astype(np.int64) - ord("0")
    is_digit = np.array([mark.isdigit() for mark in "19980102 09:00"])
    marks = np.array([ord(" "), ord(":")]) - ord("0")
    if (
        (digits[:, is_digit] < 0).any()
        or (digits[:, is_digit] > 9).any()
        or (digits[:, ~is_digit] != marks).any()
    ):
        raise pa.ArrowInvalid("a letter in a time")
    year = digits[:, 0:4] @ np.array([1_000, 100, 10, 1])
    month, day, hour, minute = (digits[:, at] * 10 + digits[:, at + 1] for at in (4, 6, 9, 12))
    first = (year - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (month - 1)
    date = first.astype("datetime64[D]") + (day - 1)
    is_real = (month >= 1) & (month <= 12) & (day >= 1) & (date.astype("datetime64[M]") == first)
    if not (is_real & (hour <= 23) & (minute <= 59)).all():
        raise pa.ArrowInvalid("a date or time that does not exist")
    return date.astype(np.int64) * 86_400 + hour * 3_600 + minute * 60
