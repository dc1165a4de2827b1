"""One client's socket: handshake, frames in, frames out, and the faults of a connection.

    connection_made ─> PREFIX ("API\\0") ─> OFFER (v100..223) ─> RUNNING ─> connection_lost

Writes are collected and leave together at the end of the event loop's turn, unless a fault cuts or
glues them. A client that does not read is cut off when `write_buffer_bytes_max` wait for it.
"""

from __future__ import annotations

import asyncio
import socket
from enum import Enum, auto
from typing import Protocol

from adapters.tws_simulator.settings import TEXT_SERVER_VERSION
from adapters.tws_simulator.wire.framing import PREFIX, FrameBuffer
from adapters.tws_simulator.wire.handshake import HANDSHAKE_BYTES_MAX, parse_offer
from adapters.tws_simulator.wire.protobuf_codec import ProtobufCodec
from adapters.tws_simulator.wire.text_codec import TextCodec
from adapters.tws_simulator.wire.text_numbers import MalformedFrame

READ_SLICE_SECONDS = 0.05
PIECE_SECONDS = 0.001
"""Between pieces of a cut write, so that the network does not put them together again."""


class _Stage(Enum):
    PREFIX = auto()
    OFFER = auto()
    RUNNING = auto()


class ConnectionOwner(Protocol):
    """The server, as a connection sees it."""

    write_buffer_bytes_max: int

    def opened(self, connection: Connection) -> None:
        """Take note of a new socket, or end it."""

    def offered(self, connection: Connection, low: int, high: int) -> None:
        """Answer a client's offer of versions, now or later."""

    def received(self, connection: Connection, payloads: list[bytes]) -> None:
        """Handle whole payloads, in order."""

    def broken(self, connection: Connection, why: str) -> None:
        """Take note of bytes after which nothing can be understood."""

    def lost(self, connection: Connection) -> None:
        """Forget a connection whose socket is gone."""


class Connection(asyncio.Protocol):
    """A socket on the server's side; `session_id` and `codec` are set when the handshake is done."""

    def __init__(self, owner: ConnectionOwner, session_id: int) -> None:
        self.session_id = session_id
        self.codec: ProtobufCodec | TextCodec = ProtobufCodec()
        self.peer = ""
        self.offer: tuple[int, int] | None = None
        self.bytes_per_second: int | None = None
        self.bytes_each: int | None = None
        self.glue_seconds = 0.0
        self._owner = owner
        self._stage = _Stage.PREFIX
        self._incoming = FrameBuffer()
        self._outgoing: list[bytes] = []
        self._pieces: list[bytes] = []
        self._flush_is_due = False
        self._is_frozen = False
        self._loses = False
        self._transport: asyncio.Transport | None = None

    # ------------------------------------------------------------------ asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Disable Nagle's delay, and end at once when connections are refused."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self.peer = f"{peer[0]}:{peer[1]}" if peer else ""
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._owner.opened(self)

    def data_received(self, data: bytes) -> None:
        """Cut the stream into frames and hand them on."""
        self._incoming.feed(data)
        self._limit_reading(len(data))
        try:
            self._read()
        except MalformedFrame as malformed:
            self._owner.broken(self, str(malformed))
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Tell the owner; how it ended does not matter to a broker."""
        self._transport = None
        self._owner.lost(self)

    # ------------------------------------------------------------------ for the server

    def run(self, version: int, answer: bytes) -> None:
        """Answer the handshake with `version`, alone in its segment, and expect frames from now on."""
        self.codec = TextCodec() if version == TEXT_SERVER_VERSION else ProtobufCodec()
        self._stage = _Stage.RUNNING
        if self._transport is not None and not self._is_frozen:
            self._transport.write(answer)
        self._read()

    def write(self, data: bytes) -> None:
        """Send a frame with the others of this turn of the event loop."""
        if not data or self._transport is None or (self._is_frozen and self._loses):
            return
        self._outgoing.append(data)
        if not self._flush_is_due:
            self._flush_is_due = True
            loop = asyncio.get_running_loop()
            if self.glue_seconds:
                loop.call_later(self.glue_seconds, self.flush)
            else:
                loop.call_soon(self.flush)

    def flush(self) -> None:
        """Hand what is collected to the socket."""
        self._flush_is_due = False
        if self._transport is None or self._is_frozen or not self._outgoing:
            return
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        if self.bytes_each is None and not self._pieces:
            self._transport.write(data)
        else:
            self._cut(data)
        if self._transport.get_write_buffer_size() > self._owner.write_buffer_bytes_max:
            self._owner.broken(self, "the client does not read what is sent to it")
            self.close(is_reset=True)

    def close(self, *, is_reset: bool = False) -> None:
        """End the connection: by FIN after what was written, or by RST at once."""
        if self._transport is None:
            return
        if is_reset:
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            self._transport.abort()
            return
        self.flush()
        while self._pieces:
            self._transport.write(self._pieces.pop(0))
        self._transport.close()

    def freeze(self, *, loses: bool) -> None:
        """Read nothing and write nothing; what is sent meanwhile is lost if it `loses`, else kept."""
        self._is_frozen, self._loses = True, loses
        if loses:
            self._outgoing.clear()
        if self._transport is not None:
            self._transport.pause_reading()

    def thaw(self) -> bool:
        """End a freeze; False when there was none."""
        if not self._is_frozen:
            return False
        self._is_frozen = False
        if self._transport is not None:
            self._transport.resume_reading()
            self.flush()
        return True

    # ------------------------------------------------------------------ inside

    def _read(self) -> None:
        if self._stage is _Stage.PREFIX:
            prefix = self._incoming.take(len(PREFIX))
            if prefix is None:
                return
            if prefix != PREFIX:
                raise MalformedFrame(f"a connection begins with {PREFIX!r}, not {prefix!r}")
            self._stage = _Stage.OFFER
        if self._stage is _Stage.OFFER:
            self._read_offer()
        if self._stage is _Stage.RUNNING:
            payloads: list[bytes] = []
            try:
                while (payload := self._incoming.next_frame()) is not None:
                    payloads.append(payload)
            finally:
                if payloads:
                    self._owner.received(self, payloads)

    def _read_offer(self) -> None:
        if self.offer is not None:
            return
        offer = self._incoming.next_frame(limit=HANDSHAKE_BYTES_MAX)
        if offer is not None:
            self.offer = parse_offer(offer)
            self._owner.offered(self, *self.offer)

    def _limit_reading(self, count: int) -> None:
        if self.bytes_per_second is None or self._transport is None:
            return
        self._transport.pause_reading()
        pause = max(count / self.bytes_per_second, READ_SLICE_SECONDS)
        asyncio.get_running_loop().call_later(pause, self._resume_reading)

    def _resume_reading(self) -> None:
        if self._transport is not None and not self._is_frozen and not self._transport.is_closing():
            self._transport.resume_reading()

    def _cut(self, data: bytes) -> None:
        size = self.bytes_each or len(data)
        is_running = bool(self._pieces)
        self._pieces += [data[start : start + size] for start in range(0, len(data), size)]
        if not is_running:
            self._write_piece()

    def _write_piece(self) -> None:
        if self._transport is None or not self._pieces:
            return
        if not self._is_frozen:
            self._transport.write(self._pieces.pop(0))
        if self._pieces:
            asyncio.get_running_loop().call_later(PIECE_SECONDS, self._write_piece)
