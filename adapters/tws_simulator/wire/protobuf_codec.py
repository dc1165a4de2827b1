"""The protobuf protocol, from server version 213 on: a message id plus 200, then the message.

Doubles that are no numbers never reach the broker, and TWS's unset sentinels (2147483647, the largest
double) become absent fields.
"""

from __future__ import annotations

import math
import struct
from typing import Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped, unused-ignore]

from adapters.tws_simulator.messages import Message, reply_type, request_type
from adapters.tws_simulator.wire.text_numbers import UNSET_DOUBLE, UNSET_INTEGER, MalformedFrame

PROTOBUF_ID_OFFSET = 200
_ID = struct.Struct("!I")
_HEAD = struct.Struct("!II")
_INFINITE_ALLOWED = {"competeAgainstBestOffset"}


class ProtobufCodec:
    """Translates payloads to requests and replies to frames; has no state."""

    def decode(self, payload: bytes) -> tuple[int, Message]:
        """Return id and message of a client's payload; raises `MalformedFrame`, its id in `message_id`."""
        number, body = _split(payload)
        kind = request_type(number)
        if kind is None:
            raise MalformedFrame(f"no request has id {number}", message_id=number)
        message = _parse(kind, body, number)
        _clean(message, number)
        return number, message

    def encode(self, message_id: int, body: Message) -> bytes:
        """Return the frame of a reply."""
        data = body.SerializeToString()
        framed: bytes = _HEAD.pack(len(data) + _ID.size, message_id + PROTOBUF_ID_OFFSET) + data
        return framed

    def encode_request(self, message_id: int, body: Message) -> bytes:
        """Return the frame of a request, as a client sends it."""
        return self.encode(message_id, body)

    def decode_reply(self, payload: bytes) -> tuple[int, Message]:
        """Return id and message of what TWS sent; raises `MalformedFrame`."""
        number, body = _split(payload)
        kind = reply_type(number)
        if kind is None:
            raise MalformedFrame(f"no reply has id {number}", message_id=number)
        return number, _parse(kind, body, number)


def _split(payload: bytes) -> tuple[int, bytes]:
    if len(payload) < _ID.size:
        raise MalformedFrame(f"a payload of {len(payload)} bytes has no message id")
    (wire_id,) = _ID.unpack_from(payload)
    if wire_id <= PROTOBUF_ID_OFFSET:
        raise MalformedFrame(f"message id {wire_id} is not above {PROTOBUF_ID_OFFSET}", message_id=wire_id)
    return wire_id - PROTOBUF_ID_OFFSET, payload[_ID.size :]


def _parse(kind: Any, body: bytes, number: int) -> Message:
    try:
        return kind.FromString(body)
    except DecodeError:
        raise MalformedFrame(f"{len(body)} bytes are no {kind.__name__}", message_id=number) from None


def _clean(message: Message, number: int) -> None:
    """Clear unset sentinels; raise `MalformedFrame` on doubles that are not finite."""
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            if field.message_type.GetOptions().map_entry:
                continue
            for item in value if field.label == field.LABEL_REPEATED else (value,):
                _clean(item, number)
        elif field.label == field.LABEL_REPEATED:
            continue
        elif field.type == field.TYPE_DOUBLE:
            _clean_double(message, field.name, value, number)
        elif value == UNSET_INTEGER and field.type in {field.TYPE_INT32, field.TYPE_INT64}:
            message.ClearField(field.name)


def _clean_double(message: Message, name: str, value: float, number: int) -> None:
    if value == UNSET_DOUBLE:
        message.ClearField(name)
    elif not math.isfinite(value) and not (name in _INFINITE_ALLOWED and value > 0):
        raise MalformedFrame(f"{name} is {value}", message_id=number)
