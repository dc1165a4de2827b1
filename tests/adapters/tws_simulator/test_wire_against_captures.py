"""The text codec against messages that a real TWS sent: read, written again, field for field.

The captures were taken at server versions 165 and 173; what 176 adds is at the end of a message and
listed in `ADDED_SINCE`. The differences are explained in `docs/reference/tws-simulator.md`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.tws_simulator.messages import IN
from adapters.tws_simulator.wire.framing import FrameBuffer
from adapters.tws_simulator.wire.text_codec import TextCodec

ADDED_SINCE = {IN.OPEN_ORDER: 5, IN.ERR_MSG: 1}
"""Fields that 176 writes after the last one of the capture: five offsets of pegged orders (170),
and the advanced rejection of an error (166)."""

RETIRED = {IN.OPEN_ORDER: [30]}
"""Fields that TWS still fills and no client reads: an order's share allocation, which we leave empty."""

pytestmark = pytest.mark.real_data


def _captured(real_data: Path) -> list[dict[str, Any]]:
    path = real_data / "tws_captures" / "wire_messages_rust_ibapi_v1.2.0.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def _fields(payload: str) -> list[str]:
    return payload.rstrip("\0").split("\0")


def _rewritten(message_id: int, payload: str) -> list[str]:
    codec = TextCodec()
    padded = payload.rstrip("\0") + "\0" * 12
    number, body = codec.decode_reply(padded.encode())
    assert number == message_id
    buffer = FrameBuffer()
    buffer.feed(codec.encode(number, body))
    (written,) = buffer.frames()
    return _fields(written.decode())


def _numerically(field: str) -> object:
    """Return a field for comparison; TWS writes 0 and 0.0, 182.9400 and 182.94 for the same number."""
    try:
        return float(field)
    except ValueError:
        return field


@pytest.mark.parametrize(
    "message_id",
    [
        IN.ORDER_STATUS,
        IN.OPEN_ORDER,
        IN.CONTRACT_DATA,
        IN.EXECUTION_DATA,
        IN.COMMISSION_AND_FEES_REPORT,
        IN.HEAD_TIMESTAMP,
        IN.HISTORICAL_TICKS_BID_ASK,
        IN.HISTORICAL_SCHEDULE,
        IN.ERR_MSG,
    ],
)
def test_a_captured_message_is_written_as_tws_wrote_it(real_data: Path, message_id: int) -> None:
    captured = [row["payload"] for row in _captured(real_data) if row["msg_id"] == message_id]
    assert captured
    for payload in captured:
        before = [_numerically(field) for field in _fields(payload)]
        after = [_numerically(field) for field in _rewritten(message_id, payload)]
        for index in RETIRED.get(message_id, []):
            assert after[index] == ""
            after[index] = before[index]
        assert after[: len(before)] == before
        assert len(after) - len(before) <= ADDED_SINCE.get(message_id, 0)


def test_captured_bars_are_read_with_their_prices(real_data: Path) -> None:
    (row,) = [row for row in _captured(real_data) if row["msg_id"] == IN.HISTORICAL_DATA]
    _, body = TextCodec().decode_reply(row["payload"].encode())
    assert [bar.date for bar in body.historicalDataBars] == ["20230413", "20230414"]
    assert body.historicalDataBars[0].high == 186.5
    assert body.historicalDataBars[1].WAP == "183.9865"
    assert body.historicalDataBars[1].barCount == 277547
