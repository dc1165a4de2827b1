"""The text protocol at server version 176: NUL-terminated fields, the first of them the message id.

HISTORICAL_DATA is one message here and two in protobuf (bars, then their range): the codec holds the
bars until HISTORICAL_DATA_END names the range. TWS sends text as ASCII with escapes; other
characters are written as backslash escapes.
"""

from __future__ import annotations

from adapters.tws_simulator.messages import IN, Message, message_type, reply_type, request_type
from adapters.tws_simulator.wire.framing import frame
from adapters.tws_simulator.wire.text_fields import FieldReader
from adapters.tws_simulator.wire.text_messages import HISTORICAL_BARS, REPLIES, REQUESTS
from adapters.tws_simulator.wire.text_numbers import MalformedFrame, integer

HELD_BARS_MAX = 1000
"""How many requests may wait for their range; far above what TWS runs at once."""


class TextCodec:
    """Translates between text payloads and messages, for one connection."""

    def __init__(self) -> None:
        self._bars: dict[int, Message] = {}

    def decode(self, payload: bytes) -> tuple[int, Message]:
        """Return id and message of a client's payload; raises `MalformedFrame`, its id in `message_id`."""
        fields = _fields(payload)
        number = _message_id(fields)
        kind = request_type(number)
        if kind is None:
            raise MalformedFrame(f"no request has id {number}", message_id=number)
        message = kind()
        layout = REQUESTS.get(number)
        if layout is None:
            return number, message
        try:
            layout.read(FieldReader(fields[1:]), message)
        except MalformedFrame as malformed:
            raise MalformedFrame(str(malformed), message_id=number) from None
        return number, message

    def encode(self, message_id: int, body: Message) -> bytes:
        """Return the frame of a reply, empty when it is held back or has no text form."""
        if message_id == IN.HISTORICAL_DATA:
            if len(self._bars) < HELD_BARS_MAX:
                self._bars[body.reqId] = body
            return b""
        if message_id == IN.HISTORICAL_DATA_END:
            return self._encode_bars(body)
        layout = REPLIES.get(message_id)
        if layout is None:
            return b""
        fields = [str(message_id)]
        layout.write(body, fields)
        return _frame(fields)

    def encode_request(self, message_id: int, body: Message) -> bytes:
        """Return the frame of a request, as a client sends it."""
        fields = [str(message_id)]
        REQUESTS[message_id].write(body, fields)
        return _frame(fields)

    def decode_reply(self, payload: bytes) -> tuple[int, Message]:
        """Return id and message of what TWS sent; raises `MalformedFrame`."""
        fields = _fields(payload)
        number = _message_id(fields)
        kind, layout = reply_type(number), REPLIES.get(number)
        if kind is None or (layout is None and number != IN.HISTORICAL_DATA):
            raise MalformedFrame(f"no reply has id {number}", message_id=number)
        message, reader = kind(), FieldReader(fields[1:])
        if number == IN.HISTORICAL_DATA:
            message.reqId = integer(reader.take("reqId"), name="reqId", kind="int32") or 0
            reader.take("start")
            reader.take("end")
            HISTORICAL_BARS.read(reader, message)
        elif layout is not None:
            layout.read(reader, message)
        return number, message

    def _encode_bars(self, end: Message) -> bytes:
        bars = self._bars.pop(end.reqId, None) or message_type("HistoricalData")(reqId=end.reqId)
        fields = [str(IN.HISTORICAL_DATA), str(end.reqId), end.startDateStr, end.endDateStr]
        HISTORICAL_BARS.write(bars, fields)
        return _frame(fields)


def _fields(payload: bytes) -> list[str]:
    fields = payload.decode("utf-8", errors="backslashreplace").split("\0")
    if fields[-1] == "":
        fields.pop()
    return fields


def _message_id(fields: list[str]) -> int:
    text = fields[0] if fields else ""
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise MalformedFrame(f"message id {text[:40]!r} is no number")
    return int(text)


def _frame(fields: list[str]) -> bytes:
    text = "\0".join(fields) + "\0"
    return frame(text.encode("ascii", errors="backslashreplace"))
