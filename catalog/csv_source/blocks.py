"""A text file as blocks of whole lines, plain or compressed, with bounded memory."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from catalog.progress import Progress
from market.errors import DataError, NotFoundError

BLOCK_BYTES = 4 * 2**20
"""Bytes parsed at a time; larger is no faster, and memory grows with it."""
LINE_BYTES_MAX = 65_536
"""A longer line is no line of a table."""
SAMPLE_LINES = 100
"""Rows that are looked at to find out how times and numbers are written."""

_GZIP, _ZSTD, _ZIP, PARQUET_MAGIC = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"PAR1"
_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of a file; `first_line` is the number of the first, from 1."""

    data: memoryview
    first_line: int
    line_count: int


@dataclass(frozen=True, slots=True)
class Preamble:
    """The first lines of a file: its column names, what separates them, and rows to look at."""

    header: tuple[str, ...]
    delimiter: str
    sample: tuple[tuple[str, ...], ...]


def read_magic(path: Path) -> bytes:
    """Return the first four bytes of a file; raises `NotFoundError` or `DataError` for no data file."""
    if not path.exists():
        raise NotFoundError(f"{path} does not exist.")
    if path.is_dir():
        raise DataError(f"{path} is a folder. Name one file; ingest further files with further commands.")
    with path.open("rb") as file:
        magic = file.read(4)
    if not magic:
        raise DataError(f"{path} is empty.")
    if magic == _ZIP:
        raise DataError(f"{path} is a ZIP archive. Unpack it first (Lean's zips: `harvester ingest lean`).")
    return magic


def read_preamble(path: Path) -> Preamble:
    """Return header, delimiter and first rows of a text file; raises `DataError` where it is none."""
    with _opened(path) as file:
        head = _read(file, path, LINE_BYTES_MAX)
    if b"\0" in head:
        raise DataError(f"{path} is binary, not CSV text. Ingest takes CSV (also .gz, .zst) and Parquet.")
    try:
        # The cut at the end may split a character.
        text = head.decode("utf-8-sig", errors="strict" if len(head) < LINE_BYTES_MAX else "ignore")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text: {error}. Convert it, e.g. with iconv.") from error
    lines = text.splitlines()
    if len(head) == LINE_BYTES_MAX:
        lines.pop()  # it may be cut
    if not lines or not lines[0].strip():
        raise DataError(f"{path}: the first line is empty or too long; it must name the columns.")
    delimiter = max(_DELIMITERS, key=lines[0].count)
    header = tuple(name.strip() for name in next(csv.reader(lines[:1], delimiter=delimiter)))
    _require_distinct(header, path)
    rows = csv.reader((line for line in lines[1 : 1 + SAMPLE_LINES] if line.strip()), delimiter=delimiter)
    sample = tuple(tuple(row) for row in rows)
    if not sample:
        raise DataError(f"{path} names columns ({', '.join(header[:6])}) but has no rows.")
    return Preamble(header, delimiter, sample)


def read_blocks(path: Path, *, progress: Progress, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """Yield the lines after the header, block by block.

    A block's memory is used again: it is valid until the next block but one is asked for. Raises `DataError`
    for a compressed file that is cut short or damaged, and for a line without end.
    """
    progress.begin(path.name, path.stat().st_size)
    buffers = [bytearray(block_bytes + LINE_BYTES_MAX) for _ in range(2)]
    rest, line, done = b"", 0, 0
    with path.open("rb", buffering=0) as raw, _decompressed(raw) as file:
        while True:
            buffers.reverse()
            data, rest = _fill(buffers[0], rest, file=file, path=path, limit=block_bytes)
            progress.advance(raw.tell() - done)
            done = raw.tell()
            if not data:
                return
            block = _block(data, line)
            line += block.line_count
            yield _without_header(block) if block.first_line == 1 else block


def _fill(
    buffer: bytearray, rest: bytes, *, file: BinaryIO, path: Path, limit: int
) -> tuple[memoryview, bytes]:
    """Return the whole lines that fit into `buffer`, and the begun line after them."""
    view = memoryview(buffer)
    view[: len(rest)] = rest
    filled = len(rest)
    while filled < limit:
        count = _readinto(file, path, view[filled:limit])
        if count == 0:  # the last line of a file may lack its newline
            return view[:filled], b""
        filled += count
    end = buffer.rfind(b"\n", 0, filled) + 1
    if end == 0 or filled - end > LINE_BYTES_MAX:
        raise DataError(f"{path} has a line of more than {LINE_BYTES_MAX} bytes: it is not a table of text.")
    return view[:end], bytes(view[end:filled])


def _block(data: memoryview, lines_before: int) -> Block:
    newlines = int(np.count_nonzero(np.frombuffer(data, np.uint8) == ord("\n")))  # 4 times bytes.count
    return Block(data, lines_before + 1, newlines + (data[-1] != ord("\n")))


def _without_header(block: Block) -> Block:
    end = block.data.obj.find(b"\n", 0, len(block.data)) + 1  # type: ignore[attr-defined]
    if end == 0:
        return Block(block.data[:0], 2, 0)
    return Block(block.data[end:], 2, block.line_count - 1)


def _opened(path: Path) -> BinaryIO:
    return _decompressed(path.open("rb"))


def _decompressed(raw: BinaryIO) -> BinaryIO:
    magic = raw.read(4)
    raw.seek(0)
    if magic.startswith(_GZIP):
        return gzip.GzipFile(fileobj=raw)  # type: ignore[return-value]
    if magic == _ZSTD:
        return pa.CompressedInputStream(raw, "zstd")
    return raw


def _readinto(file: BinaryIO, path: Path, view: memoryview) -> int:
    try:
        return file.readinto(view)  # type: ignore[attr-defined]
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(path, error) from error
    except OSError as error:
        if error.errno is None:  # pyarrow's decompression errors
            raise _damaged(path, error) from error
        raise


def _read(file: BinaryIO, path: Path, size: int) -> bytes:
    buffer = bytearray(size)
    filled = 0
    while filled < size and (count := _readinto(file, path, memoryview(buffer)[filled:])):
        filled += count
    return bytes(buffer[:filled])


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(f"{path} is damaged or cut short: {error}. Fetch it again; nothing was written.")


def _require_distinct(header: tuple[str, ...], path: Path) -> None:
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise DataError(f"{path}: column {twice[0]!r} appears more than once in the header. Rename one.")
