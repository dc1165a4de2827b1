"""A client that shows every byte: handshake, requests, replies, on a blocking socket."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

from adapters.tws_simulator.messages import IN, OUT, message_type
from adapters.tws_simulator.wire.framing import PREFIX, FrameBuffer, frame
from adapters.tws_simulator.wire.protobuf_codec import ProtobufCodec
from adapters.tws_simulator.wire.text_codec import TextCodec

SECONDS = 10.0


class RawClient:
    """A connection; `version` is None until the handshake was answered."""

    def __init__(self, port: int, *, offer: bytes = b"v100..223", handshake: bool = True) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = FrameBuffer()
        self.version: int | None = None
        self.codec: Any = ProtobufCodec()
        self.replies: list[tuple[int, Any]] = []
        self.chunks: list[int] = []
        if handshake:
            self.socket.sendall(PREFIX + frame(offer))
            self.read_answer()

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read_answer(self) -> None:
        """Wait for TWS's answer to the handshake."""
        while (payload := self.buffer.next_frame()) is None:
            self._receive()
        self.version = int(payload.split(b"\0")[0])
        if self.version == 176:
            self.codec = TextCodec()

    def start(self, client_id: int) -> RawClient:
        """Start the API and wait for the last of TWS's answers."""
        self.request(OUT.START_API, "StartApiRequest", clientId=client_id)
        self.until(lambda number, body: number == IN.ERR_MSG and body.errorCode == 2158)
        return self

    def request(self, message_id: int, type_name: str, **fields: Any) -> None:
        """Send a request."""
        self.socket.sendall(self.codec.encode_request(message_id, message_type(type_name)(**fields)))

    def until(self, condition: Callable[[int, Any], bool], *, seconds: float = SECONDS) -> Any:
        """Return the body of the first reply, from now on, that `condition(id, body)` holds for."""
        deadline = time.monotonic() + seconds
        while True:
            for payload in self.buffer.frames():
                number, body = self.codec.decode_reply(payload)
                self.replies.append((number, body))
                if condition(number, body):
                    return body
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            self._receive()

    def next_id(self) -> int:
        """Ask for the next order id and return it: a round trip through the broker."""
        self.request(OUT.REQ_IDS, "IdsRequest", numIds=1)
        order_id: int = self.until(lambda number, _: number == IN.NEXT_VALID_ID).orderId
        return order_id

    def errors(self) -> list[int]:
        """Return the codes of all errors and notices so far."""
        return [body.errorCode for number, body in self.replies if number == IN.ERR_MSG]

    def is_ended(self, *, seconds: float = SECONDS) -> bool:
        """Return whether TWS ends the connection within `seconds`; reads what comes before."""
        deadline = time.monotonic() + seconds
        try:
            while time.monotonic() < deadline:
                self.socket.settimeout(max(0.01, deadline - time.monotonic()))
                self._receive()
        except (ConnectionError, EOFError):
            return True
        except TimeoutError:
            return False
        return False

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def _receive(self) -> None:
        data = self.socket.recv(1 << 16)
        if not data:
            raise EOFError("TWS has ended the connection")
        self.chunks.append(len(data))
        self.buffer.feed(data)
