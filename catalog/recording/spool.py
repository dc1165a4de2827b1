"""The spool: batches of recorded market data in one file, each whole or absent.

    batch = magic, length of what follows, its CRC-32, then parts
    part  = length of the header, length of the body, header (JSON), body (an Arrow record batch)

A part is what one stream got in the batch. A batch that a crash cut off, and whatever follows it, is no
part of the spool: readers stop before it and say how many bytes that leaves out.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pyarrow as pa

from catalog.columns import Columns
from catalog.recording.rows import StreamKey
from catalog.storage.arrow_layout import record_batch
from market.errors import DataError

_BATCH = struct.Struct("<4sQI")
_PART = struct.Struct("<II")
_MAGIC = b"HVB1"


class BeingRecordedError(DataError):
    """A node records there now; only what it has published may be read."""


class Spool:
    """A spool that is being written; only one process may have it open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._descriptor)
            raise BeingRecordedError(
                f"{path} is being written by another process. Stop the node that records there first."
            ) from None
        self.size_bytes = os.fstat(self._descriptor).st_size

    def append(self, streams: Mapping[StreamKey, Columns]) -> None:
        """Write one batch and wait until it is on disk; raises `OSError`, and nothing of it is left then."""
        payload = b"".join(_part(key, columns) for key, columns in streams.items())
        data = memoryview(_BATCH.pack(_MAGIC, len(payload), zlib.crc32(payload)) + payload)
        written = 0
        try:
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
            os.fdatasync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, self.size_bytes)
            raise
        self.size_bytes += len(data)

    def truncate(self, size_bytes: int = 0) -> None:
        """Forget what lies behind the first `size_bytes`."""
        os.ftruncate(self._descriptor, size_bytes)
        self.size_bytes = size_bytes

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)


def read_spool(path: Path) -> Iterator[tuple[int, list[tuple[StreamKey, pa.RecordBatch]]]]:
    """Yield the batches of a spool, each after the offset at which it ends; stops at the first torn one."""
    end = 0
    with path.open("rb") as file:
        while True:
            head = file.read(_BATCH.size)
            if len(head) < _BATCH.size:
                return
            magic, length, checksum = _BATCH.unpack(head)
            payload = file.read(length) if magic == _MAGIC else b""
            if len(payload) < length or zlib.crc32(payload) != checksum or magic != _MAGIC:
                return
            end += _BATCH.size + length
            yield end, list(_parts(payload))


def _part(key: StreamKey, columns: Columns) -> bytes:
    header = msgspec.json.encode(key)
    body = record_batch(columns, key.schema()).serialize()
    return _PART.pack(len(header), body.size) + header + body.to_pybytes()


def _parts(payload: bytes) -> Iterator[tuple[StreamKey, pa.RecordBatch]]:
    view, offset = memoryview(payload), 0
    while offset < len(view):
        header_size, body_size = _PART.unpack_from(view, offset)
        body_at = offset + _PART.size + header_size
        key = msgspec.json.decode(view[offset + _PART.size : body_at], type=StreamKey)
        offset = body_at + body_size
        yield key, pa.ipc.read_record_batch(pa.py_buffer(view[body_at:offset]), key.schema())
