"""One tick, encoded once for all its subscribers.

A tick's message differs between subscribers in its request id alone. Protobuf lets messages be joined: the
bytes of a message without its id, after the bytes of an id, are the message with the id.
"""

from __future__ import annotations

from adapters.tws_simulator.messages import Message, message_type

REQUEST_ID_TAG = 0x08
"""Field 1, a varint: `reqId` in every market data message."""


def request_id_bytes(request_id: int) -> bytes:
    """Return the encoded field `reqId`; protobuf writes a negative int32 as ten bytes."""
    value = request_id & 0xFFFF_FFFF_FFFF_FFFF
    encoded = bytearray([REQUEST_ID_TAG])
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


class TickShape:
    """A kind of tick: builds its message for a subscriber out of an id and the shared rest."""

    def __init__(self, type_name: str) -> None:
        self._parse = message_type(type_name).FromString

    def message(self, request_id: bytes, shared: bytes) -> Message:
        """Return the message; `request_id` is of `request_id_bytes`, `shared` the encoded rest."""
        return self._parse(request_id + shared)
