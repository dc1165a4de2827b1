"""Frames: four bytes of length, big endian, and that many bytes; both directions, after `API\\0`."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from adapters.tws_simulator.wire.text_numbers import MalformedFrame

PREFIX = b"API\0"
LENGTH = struct.Struct("!I")
FRAME_BYTES_MAX = 0xFFFFFF
"""The largest frame that TWS's own clients accept; a length above it is no frame."""

COMPACT_AT_BYTES = 1 << 16


def frame(payload: bytes) -> bytes:
    """Return `payload` with its length before it."""
    return LENGTH.pack(len(payload)) + payload


class FrameBuffer:
    """Cuts a stream into frames, however it arrives; each byte is moved a bounded number of times."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._start = 0

    def feed(self, data: bytes) -> None:
        """Append bytes as they came from the socket."""
        self._bytes += data

    def take(self, count: int) -> bytes | None:
        """Remove and return exactly `count` bytes, None while there are fewer."""
        if len(self._bytes) - self._start < count:
            return None
        taken = bytes(self._bytes[self._start : self._start + count])
        self._advance(count)
        return taken

    def next_frame(self, *, limit: int = FRAME_BYTES_MAX) -> bytes | None:
        """Remove and return the next whole payload, None until it is there.

        Raises `MalformedFrame` on a length of 0 or above `limit`: nothing after it can be
        understood, so the connection has to end.
        """
        available = len(self._bytes) - self._start
        if available < LENGTH.size:
            return None
        (length,) = LENGTH.unpack_from(self._bytes, self._start)
        if not 0 < length <= limit:
            raise MalformedFrame(f"a frame of {length} bytes; 1 to {limit} are possible")
        if available < LENGTH.size + length:
            return None
        begin = self._start + LENGTH.size
        payload = bytes(self._bytes[begin : begin + length])
        self._advance(LENGTH.size + length)
        return payload

    def frames(self) -> Iterator[bytes]:
        """Yield every whole payload; see `next_frame`."""
        while (payload := self.next_frame()) is not None:
            yield payload

    def __len__(self) -> int:
        return len(self._bytes) - self._start

    def _advance(self, count: int) -> None:
        self._start += count
        if self._start == len(self._bytes):
            self._bytes.clear()
            self._start = 0
        elif self._start >= COMPACT_AT_BYTES:
            del self._bytes[: self._start]
            self._start = 0
