"""Headerless CSV (Lean, LOBSTER) read block by block into integer arrays; bad rows are named, not lost.

A block that pyarrow converts whole costs nothing extra. Only a block that it refuses is read line by
line, to say which field of which line is wrong; its other lines go in. Memory is bounded by the block.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, cast
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

from catalog.progress import SILENT, Progress
from catalog.wall_clock import EXAMPLE, is_wall_clock, wall_clock_seconds
from market.errors import DataError

Integers = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

BLOCK_BYTES = 8 * 1024 * 1024
VALUE_SHOWN_MAX = 60
BAD_FRACTION_MAX = 0.5
"""A file of which a larger part is bad is not of this kind: it is refused whole."""

SECONDS_WITH_NANOSECONDS = pa.decimal128(18, 9)
WALL_CLOCK_MINUTE = pa.string()
_PATTERNS = {
    pa.int64(): (re.compile(r"-?\d{1,18}"), "a whole number"),
    SECONDS_WITH_NANOSECONDS: (re.compile(r"-?\d{1,9}(\.\d{1,9})?"), "seconds with at most 9 decimals"),
    WALL_CLOCK_MINUTE: (re.compile(r"\d{8} \d\d:\d\d"), f"a time like {EXAMPLE}"),
}


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


Checks = Iterable[tuple[str, BoolArray, str]]
"""Column, in which rows it is wrong, and why."""
Defect = tuple[int, str, str, str]
"""Line, column, value and why."""


class RowTally:
    """Counts the rows of one file, good and bad, and passes the bad ones on."""

    def __init__(self, title: str, on_reject: OnReject) -> None:
        self._title = title
        self._on_reject = on_reject
        self._rows = 0
        self._bad = 0

    def take(self, *, rows: int = 0, defects: Sequence[Defect] = ()) -> None:
        """Count `rows` more, and `defects` among these and earlier ones.

        Raises `DataError` when most rows so far are bad.
        """
        self._rows += rows
        self._bad += len(defects)
        if self._bad > BAD_FRACTION_MAX * self._rows:
            line, column, value, why = defects[0]
            raise DataError(
                f"This is not a {self._title} file: {self._bad} of {self._rows} rows are wrong; line {line} "
                f"{column}: {value[:VALUE_SHOWN_MAX]!r} {why}."
            )
        for line, column, value, why in defects:
            self._on_reject(line=line, column=column, value=value, why=why)

    def good(self, rows: Rows, checks: Checks) -> Rows:
        """Return the rows that pass all `checks`; the others count as bad, for the first check they fail."""
        bad = np.zeros(len(rows), dtype=bool)
        defects: list[Defect] = []
        for column, mask, why in checks:
            new = mask & ~bad
            if new.any():
                found = zip(rows.lines[new].tolist(), rows[column][new].tolist(), strict=True)
                defects += [(line, column, str(value), why) for line, value in found]
                bad |= new
        if not defects:
            return rows
        self.take(defects=sorted(defects))
        return rows.where(~bad)


def read_rows(stream: IO[bytes], layout: Layout, tally: RowTally) -> Iterator[Rows]:
    """Yield the rows of `stream` in blocks of about 8 MiB of text, in order.

    Rows that cannot be read go to `tally`, which raises `DataError` when they are most; so does a damaged
    file.
    """
    next_line = 1
    for text in _blocks_of_lines(stream, layout.title):
        line_count = text.count(b"\n") + (not text.endswith(b"\n"))
        rows = _parse(text, layout, tally, lines=range(next_line, next_line + line_count))
        next_line += line_count
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
        if b"\0" in chunk:
            raise DataError(f"This is not a {title} file: it is binary, not text. Check which file this is.")
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


def _parse(text: bytes, layout: Layout, tally: RowTally, *, lines: range) -> Rows:
    try:
        columns = _columns(text, layout, len(lines))
    except pa.ArrowInvalid:
        return _parse_lines(text, layout, tally, first_line=lines.start)
    tally.take(rows=len(lines))
    return Rows(np.arange(lines.start, lines.stop), columns)


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
        return wall_clock_seconds(column)
    return column.to_numpy(zero_copy_only=False).astype("int64", copy=False)


def _parse_lines(text: bytes, layout: Layout, tally: RowTally, *, first_line: int) -> Rows:
    """Slow path: name the bad lines, then convert the good ones together."""
    lines = text.removesuffix(b"\n").split(b"\n")
    good: list[int] = []
    defects: list[Defect] = []
    for index, line in enumerate(lines):
        defect = _defect(line.decode("utf-8", "replace").rstrip("\r"), layout)
        if defect is None:
            good.append(index)
        else:
            defects.append((first_line + index, *defect))
    tally.take(rows=len(lines), defects=defects)
    if not good:
        return Rows(np.empty(0, dtype=np.int64), {name: np.empty(0, dtype=np.int64) for name in layout.types})
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
        if not pattern.fullmatch(field) or (is_clock and not is_wall_clock(field)):
            return column, field[:200], f"is not {expected}"
    return None
