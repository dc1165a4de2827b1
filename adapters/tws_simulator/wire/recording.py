"""A recording of every frame in both directions, and of connections, in one append-only file.

    HARVESTER FRAMES 1\\n
    record*   real_ns (8)  session (4)  kind (1)  length (4)  payload

All numbers are big endian. `kind` is a `FrameKind`; the payload of a frame is the frame's own without
its length, of OPENED the server version and the peer as JSON, of NOTE a text. A recording that ends
in the middle of a record (the process was killed) is read up to there.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple

import msgspec

from market.errors import DataError, NotFoundError

MAGIC = b"HARVESTER FRAMES 1\n"
_HEAD = struct.Struct("!QIBI")
_BUFFER_BYTES = 1 << 18


class FrameKind(IntEnum):
    """What a record holds."""

    FROM_CLIENT = 0
    TO_CLIENT = 1
    OPENED = 2
    CLOSED = 3
    NOTE = 4


class Record(NamedTuple):
    """One record. `session_id` is 0 for a note that belongs to no connection."""

    real_ns: int
    session_id: int
    kind: FrameKind
    payload: bytes


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """What is known when a handshake is done."""

    server_version: int
    peer: str


_FLUSH_NS = 1_000_000_000
"""Least time between two writes to the operating system: what a killed simulator may lose."""


class FrameRecorder:
    """Appends records to a file, buffered; `close` or leaving the `with` block writes what is left."""

    def __init__(self, path: Path) -> None:
        try:
            self._file: IO[bytes] = path.open("wb", buffering=_BUFFER_BYTES)
        except OSError as problem:
            raise DataError(f"Cannot record frames in {path}: {problem}. Choose a writable file.") from None
        self._file.write(MAGIC)
        self._flushed_ns = 0
        self._file.flush()  # a recording that has begun is one, also for who reads it meanwhile

    def __enter__(self) -> FrameRecorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, real_ns: int, session_id: int, kind: FrameKind, payload: bytes) -> None:
        """Append one record."""
        self._file.write(_HEAD.pack(real_ns, session_id, kind, len(payload)))
        self._file.write(payload)
        if real_ns - self._flushed_ns > _FLUSH_NS:
            self._file.flush()
            self._flushed_ns = real_ns

    def flush(self) -> None:
        """Hand everything to the operating system, so that a reader sees it."""
        self._file.flush()

    def close(self) -> None:
        """Write what is buffered and close the file."""
        self._file.close()


def read_recording(path: Path) -> Iterator[Record]:
    """Yield the records of a recording; raises `NotFoundError` and `DataError`."""
    if not path.is_file():
        raise NotFoundError(
            f"There is no recording {path}; `harvester simulate-tws --record FILE` makes one."
        )
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise DataError(f"{path} is no recording of frames: it does not begin with its mark.")
        while len(head := file.read(_HEAD.size)) == _HEAD.size:
            real_ns, session_id, kind, length = _HEAD.unpack(head)
            payload = file.read(length)
            if len(payload) < length:
                return
            try:
                yield Record(real_ns, session_id, FrameKind(kind), payload)
            except ValueError:
                raise DataError(f"{path} holds a record of unknown kind {kind}; it is damaged.") from None
