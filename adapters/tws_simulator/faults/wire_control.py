"""What faults may do to sockets; the server does it, tests in process note it."""

from __future__ import annotations

from typing import Protocol


class WireControl(Protocol):
    """Sockets of the server. A `session_id` of None means every connection."""

    def close(self, session_id: int | None, *, is_reset: bool) -> int:
        """End connections by FIN, or RST when `is_reset`; return how many."""

    def freeze(self, session_id: int | None, *, is_lost: bool) -> int:
        """Stop reading and writing while sockets stay open; what is sent meanwhile is lost or kept."""

    def thaw(self) -> int:
        """End every freeze; what was kept is sent at once. Returns how many connections thawed."""

    def read_slowly(self, bytes_per_second: int | None) -> None:
        """Read at most this much from each connection, None for no limit."""

    def write_in_segments(self, bytes_each: int | None, *, glue_seconds: float) -> None:
        """Write in pieces of `bytes_each` bytes (None: whole), collected for `glue_seconds` before."""

    def refuse(self, *, is_reset: bool) -> None:
        """Accept no connection: end each new one at once by FIN, or RST when `is_reset`."""

    def hold_handshakes(self) -> None:
        """Accept connections and leave their handshake unanswered until `accept`."""

    def accept(self) -> None:
        """Accept connections again and answer the handshakes that wait."""

    def inject(self, session_id: int | None, data: bytes) -> int:
        """Write raw bytes into connections, between frames; return into how many."""
