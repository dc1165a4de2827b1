"""Parameters of the fault commands, checked when a scenario is read and when a command arrives."""

from __future__ import annotations

from typing import Literal

import msgspec

from adapters.tws_simulator.broker import NO_REQUEST

FarmName = Literal["market", "history", "definitions"]
DAY_SECONDS = 86_400.0

MALFORMED_FRAMES = {
    "length_zero": bytes(4),
    "length_huge": b"\xff\xff\xff\xff",
    "unknown_id": b"\x00\x00\x00\x06\x00\x00\x4e\x20\x08\x01",
    "truncated": b"\x00\x00\x00\x09\x00\x00\x00\xc9\x0a\xff\x01\x02\x03",
    "text_garbage": b"\x00\x00\x00\x0b1\x006\x00abc\x00x\x00y\x00",
}
"""Frames that no TWS sends: no payload, 4 GB, an id that does not exist, protobuf that ends early."""


class _Wish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of one command."""


class Notice(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Send error or notice `code`; TWS's own text by default; to one client or to all."""

    code: int
    text: str = ""
    request_id: int = NO_REQUEST
    client_id: int | None = None


class ConnectionLost(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """1100 to every client, and no market data until `connection_restored`."""


class Accept(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Serve new connections again, and answer the handshakes that wait."""


class Thaw(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """End every freeze."""


class DropSubscriptions(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Forget every market data subscription and say nothing about it."""


class ConnectionRestored(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """1101 with every subscription forgotten, or 1102 with all of them alive."""

    is_data_lost: bool


class FarmState(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A data farm breaks or is well again; the market farm takes the prices with it."""

    farm: FarmName
    is_well: bool


class FarmFlaps(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A data farm that breaks and heals `times` times."""

    farm: FarmName = "market"
    times: int = 3
    broken_seconds: float = 0.2
    well_seconds: float = 0.2

    def __post_init__(self) -> None:
        if not 1 <= self.times <= 1000:
            raise ValueError(f"times {self.times} must be 1 to 1000")
        _check_seconds(self.broken_seconds)
        _check_seconds(self.well_seconds)


class PortReset(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """1300 with the new port, then the end of every connection."""

    port: int = 7496


class Disconnect(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """End the connection of one client, or of all, by FIN or RST."""

    how: Literal["fin", "rst"] = "fin"
    client_id: int | None = None


class ForSeconds(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how long; None until `accept_connections`."""

    seconds: float | None = None

    def __post_init__(self) -> None:
        _check_seconds(self.seconds)


class Refuse(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """End every new connection at once, for `seconds` or until `accept_connections`."""

    how: Literal["fin", "rst"] = "rst"
    seconds: float | None = None

    def __post_init__(self) -> None:
        _check_seconds(self.seconds)


class Freeze(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A half-open connection: nothing is read, what is sent is lost (or kept until the thaw)."""

    client_id: int | None = None
    is_lost: bool = True
    seconds: float | None = None

    def __post_init__(self) -> None:
        _check_seconds(self.seconds)


class SlowReading(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """TWS reads at most this much from each client, so that the client's writes block; None ends it."""

    bytes_per_second: int | None

    def __post_init__(self) -> None:
        if self.bytes_per_second is not None and self.bytes_per_second < 1:
            raise ValueError(f"bytes_per_second {self.bytes_per_second} must be 1 or more")


class Segments(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Writes cut into pieces of `bytes_each`, or glued together over `glue_seconds`; neither ends both."""

    bytes_each: int | None = None
    glue_seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.bytes_each is not None and self.bytes_each < 1:
            raise ValueError(f"bytes_each {self.bytes_each} must be 1 or more")
        _check_seconds(self.glue_seconds)


class Malformed(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bytes that are no message: one of `MALFORMED_FRAMES` by name, or your own in `hex`."""

    kind: Literal["length_zero", "length_huge", "unknown_id", "truncated", "text_garbage", "hex"] = (
        "truncated"
    )
    hex: str = ""
    client_id: int | None = None

    def __post_init__(self) -> None:
        if self.kind == "hex" and not self.hex:
            raise ValueError("hex is empty; give bytes such as 00000001ff")
        bytes.fromhex(self.hex)

    def data(self) -> bytes:
        """Return the bytes to write."""
        return bytes.fromhex(self.hex) if self.kind == "hex" else MALFORMED_FRAMES[self.kind]


class EndFrameFaults(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """End the frame fault with this number, or all."""

    number: int | None = None


class Silence(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Stop or resume the data of one contract, or of all, while subscriptions stay."""

    con_id: int | None = None
    is_silent: bool = True


class ClockSkew(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """TWS's clock shows this much more (or less) than the market's time."""

    seconds: float


class ReadOnly(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Switch TWS's read-only API on or off."""

    is_read_only: bool


class Restart(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """TWS's daily restart: away for `down_seconds`, then a login that waits for its second factor."""

    down_seconds: float = 2.0
    two_factor_seconds: float = 0.0

    def __post_init__(self) -> None:
        _check_seconds(self.down_seconds)
        _check_seconds(self.two_factor_seconds)


def _check_seconds(seconds: float | None) -> None:
    if seconds is not None and not 0 <= seconds <= DAY_SECONDS:
        raise ValueError(f"{seconds} seconds must be 0 to {DAY_SECONDS:.0f}")
