"""The life of a market order as a real TWS told it, against ours, field by field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.tws_simulator.messages import IN
from adapters.tws_simulator.wire.framing import FrameBuffer
from adapters.tws_simulator.wire.text_codec import TextCodec
from tests.adapters.tws_simulator.orders.floor import AAPL, Floor, cancel, place

pytestmark = pytest.mark.real_data

FIELDS_ADDED_SINCE_165 = 12
OF_THE_DAY = {"conId", "symbol", "localSymbol", "permId", "execId", "time", "exchange", "orderId"}
"""What must differ: another stock, other ids, another day; ISLAND is NASDAQ's old name.

The time is written with its zone, as servers since 10.18 do and the capture did not.
"""


def _captured(real_data: Path, group: str) -> list[dict[str, Any]]:
    path = real_data / "tws_captures" / "wire_messages_rust_ibapi_v1.2.0.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [row for row in rows if group in row["group"]]


def _read(payload: str) -> dict[str, Any]:
    padded = payload.rstrip("\0") + "\0" * FIELDS_ADDED_SINCE_165
    return _flat(TextCodec().decode_reply(padded.encode())[1])


def _sent(message_id: int, body: Any) -> dict[str, Any]:
    """Return the fields of a message of ours, through the text protocol like the captured ones."""
    buffer = FrameBuffer()
    buffer.feed(TextCodec().encode(message_id, body))
    (written,) = buffer.frames()
    return _flat(TextCodec().decode_reply(written)[1])


def _flat(message: Any, prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field, value in message.ListFields():
        if hasattr(value, "ListFields"):
            found.update(_flat(value, f"{prefix}{field.name}."))
        else:
            found[prefix + field.name] = value
    return found


def test_a_market_order_lives_as_captured(real_data: Path) -> None:
    captured = _captured(real_data, "lifecycle")
    floor = Floor()
    floor.quote(AAPL, "196.50", "196.52")
    client = floor.client(100)
    place(client, 13, tif="DAY")
    floor.run()
    ours = [out for out in floor.outgoing if out.session_id == client.session_id]
    assert [out.message_id for out in ours] == [row["msg_id"] for row in captured]
    for row, out in zip(captured, ours, strict=True):
        theirs, mine = _read(row["payload"]), _sent(out.message_id, out.body)
        assert set(theirs) == set(mine)
        differing = {name.split(".")[-1] for name in theirs if theirs[name] != mine[name]}
        assert differing <= OF_THE_DAY


def test_a_cancelled_order_is_told_as_captured(real_data: Path) -> None:
    captured = _captured(real_data, "cancel")
    floor = Floor()
    floor.quote(AAPL, "196.50", "196.52")
    client = floor.client(100)
    place(client, 41, kind="LMT", lmtPrice=190.0)
    floor.run()
    cancel(client, 41)
    floor.run()
    ours = [out for out in floor.outgoing if out.session_id == client.session_id][-2:]
    assert [out.message_id for out in ours] == [IN.ORDER_STATUS, IN.ERR_MSG]
    for row, out in zip(captured, ours, strict=True):
        theirs, mine = _read(row["payload"]), _sent(out.message_id, out.body)
        theirs.pop("errorTime", None)
        mine.pop("errorTime", None)
        assert {name for name in set(theirs) | set(mine) if theirs.get(name) != mine.get(name)} <= OF_THE_DAY
