"""The handshake: the client offers a range of versions, TWS answers with one and its time.

    client   API\\0  length  v100..223[ options]
    TWS      length  223\\0  20260102 10:00:00 US/Eastern\\0

The answer is a frame of its own and is sent alone: Nautilus' adapter drops what follows it in the same
segment.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from adapters.tws_simulator.settings import (
    PROTOBUF_SERVER_VERSION_MIN,
    TEXT_SERVER_VERSION,
)
from adapters.tws_simulator.wire.framing import frame
from adapters.tws_simulator.wire.text_numbers import MalformedFrame

HANDSHAKE_BYTES_MAX = 1024
_OFFER = re.compile(rb"v(\d{1,6})(?:\.\.(\d{1,6}))?(?: .*)?", re.DOTALL)


def parse_offer(payload: bytes) -> tuple[int, int]:
    """Return the lowest and highest version that a client offers; raises `MalformedFrame`."""
    match = _OFFER.fullmatch(payload)
    if match is None:
        raise MalformedFrame(f"handshake {payload[:40]!r}; expected something like v100..223")
    low = int(match[1])
    high = int(match[2]) if match[2] else low
    if high < low:
        raise MalformedFrame(f"handshake offers versions {low} to {high}")
    return low, high


def negotiate(low: int, high: int, *, configured: int) -> int | None:
    """Return the highest version that both sides speak, None when there is none.

    A client that ends between the two protocols (ib_async 2 offers 157 to 178) gets the text version.
    """
    best = min(high, configured)
    if best >= max(low, PROTOBUF_SERVER_VERSION_MIN):
        return best
    return TEXT_SERVER_VERSION if low <= TEXT_SERVER_VERSION <= best else None


def answer(version: int, *, shown_ns: int, time_zone: str) -> bytes:
    """Return the framed answer: the version and TWS's time in its zone."""
    when = datetime.fromtimestamp(shown_ns // 1_000_000_000, UTC).astimezone(ZoneInfo(time_zone))
    return frame(f"{version}\0{when:%Y%m%d %H:%M:%S} {time_zone}\0".encode())
