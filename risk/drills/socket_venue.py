"""A venue in a process of its own: it keeps orders and position when the node that sent them is killed.

One line of JSON a message. Market orders fill at once at `BID` or `ASK`; limit orders rest.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

BID, ASK = "4.9200", "5.0000"


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What node and venue tell each other about an order of F; quantity in shares, price in USD."""

    kind: Literal["submit", "cancel", "book", "accepted", "filled", "canceled"]
    order_id: str = ""
    side: Literal["buy", "sell"] = "buy"
    quantity: int = 0
    price: str | None = None


class Book(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What the venue holds: working orders, and shares bought less shares sold."""

    working: list[Message]
    position: int


Answer = Message | Book


class SocketVenue:
    """Serves one node at a time on a port of this machine, until `close`.

    It may hold orders and a position already. `on_command` hears of each submit, when the order is in the
    book, and of each cancel, while the order still is; a `ConnectionError` from it is a line that breaks.
    """

    def __init__(self, *, working: Iterable[Message] = (), position: int = 0) -> None:
        self.working = {message.order_id: message for message in working}
        self.position = position
        self.received: list[str] = []
        self.on_command: Callable[[Message], None] = lambda _message: None
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="socket-venue", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the server is closed
            while True:
                connection, _ = self._server.accept()
                with connection, contextlib.suppress(ConnectionError):  # the node was killed
                    self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            for line in lines:
                for answer in self._answers(msgspec.json.decode(line, type=Message)):
                    connection.sendall(msgspec.json.encode(answer) + b"\n")

    def _answers(self, message: Message) -> list[Answer]:
        if message.kind == "book":
            return [Book(working=list(self.working.values()), position=self.position)]
        if message.kind == "cancel":
            self.on_command(message)
            del self.working[message.order_id]
            return [msgspec.structs.replace(message, kind="canceled")]
        self.received.append(message.order_id)
        answers: list[Answer] = [msgspec.structs.replace(message, kind="accepted")]
        if message.price is None:
            is_buy = message.side == "buy"
            self.position += message.quantity if is_buy else -message.quantity
            answers.append(msgspec.structs.replace(message, kind="filled", price=ASK if is_buy else BID))
        else:
            self.working[message.order_id] = message
        self.on_command(message)
        return answers
