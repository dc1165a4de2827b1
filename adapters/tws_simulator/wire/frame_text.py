"""Recorded frames as people read them: time, direction, name, and every field with its name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped, unused-ignore]

from adapters.tws_simulator.messages import Message, reply_name, request_name
from adapters.tws_simulator.settings import TEXT_SERVER_VERSION
from adapters.tws_simulator.wire.protobuf_codec import ProtobufCodec
from adapters.tws_simulator.wire.recording import FrameKind, Opened, Record, read_recording
from adapters.tws_simulator.wire.text_codec import TextCodec
from adapters.tws_simulator.wire.text_numbers import MalformedFrame

ARROWS = {FrameKind.FROM_CLIENT: "->", FrameKind.TO_CLIENT: "<-"}


class ReadableFrame(NamedTuple):
    """A record made readable; `fields` is empty for a frame that cannot be decoded, see `remark`."""

    time: str
    session_id: int
    kind: str
    name: str
    fields: dict[str, Any]
    remark: str
    bytes: int

    def line(self) -> str:
        """Return it as one line."""
        details = " ".join(f"{name}={_short(value)}" for name, value in self.fields.items())
        return " ".join(
            part
            for part in (self.time, f"[{self.session_id}]", self.kind, self.name, details, self.remark)
            if part
        )


def readable_frames(path: Path) -> Iterator[ReadableFrame]:
    """Yield every record of a recording in readable form."""
    codecs: dict[int, ProtobufCodec | TextCodec] = {}
    for record in read_recording(path):
        if record.kind is FrameKind.OPENED:
            opened = msgspec.json.decode(record.payload, type=Opened)
            is_text = opened.server_version == TEXT_SERVER_VERSION
            codecs[record.session_id] = TextCodec() if is_text else ProtobufCodec()
            yield _plain(record, "opened", f"server version {opened.server_version}, {opened.peer}")
        elif record.kind in ARROWS:
            yield _frame(record, codecs.get(record.session_id))
        else:
            yield _plain(record, record.kind.name.lower(), record.payload.decode(errors="replace"))


def _frame(record: Record, codec: ProtobufCodec | TextCodec | None) -> ReadableFrame:
    if codec is None:
        return _readable(record, "HANDSHAKE", remark=repr(record.payload)[1:])
    is_request = record.kind is FrameKind.FROM_CLIENT
    try:
        number, message = (codec.decode if is_request else codec.decode_reply)(record.payload)
    except MalformedFrame as malformed:
        return _readable(record, "MALFORMED", remark=f"{malformed}: {record.payload[:60].hex(' ')}")
    name = request_name(number) if is_request else reply_name(number)
    return _readable(record, name, fields=_fields(message))


def _fields(message: Message) -> dict[str, Any]:
    fields: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
    return fields


def _plain(record: Record, kind: str, remark: str) -> ReadableFrame:
    return ReadableFrame(_time(record.real_ns), record.session_id, kind, "", {}, remark, 0)


def _readable(
    record: Record, name: str, *, fields: dict[str, Any] | None = None, remark: str = ""
) -> ReadableFrame:
    arrow = ARROWS[record.kind]
    size = len(record.payload)
    return ReadableFrame(_time(record.real_ns), record.session_id, arrow, name, fields or {}, remark, size)


def _time(real_ns: int) -> str:
    seconds, rest = divmod(real_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{rest // 1000:06d}"


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + " ".join(f"{name}={_short(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_short(part) for part in value) + "]"
    return str(value) if value != "" and " " not in str(value) else repr(value)
