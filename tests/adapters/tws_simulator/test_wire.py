"""Frames, handshake, text fields and recordings on their own; property tests over what may arrive."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tws_simulator.messages import IN, OUT, REQUEST_TYPES, message_type
from adapters.tws_simulator.wire.frame_text import readable_frames
from adapters.tws_simulator.wire.framing import FRAME_BYTES_MAX, FrameBuffer, frame
from adapters.tws_simulator.wire.handshake import HANDSHAKE_BYTES_MAX, answer, negotiate, parse_offer
from adapters.tws_simulator.wire.protobuf_codec import ProtobufCodec
from adapters.tws_simulator.wire.recording import FrameKind, FrameRecorder, read_recording
from adapters.tws_simulator.wire.text_codec import TextCodec
from adapters.tws_simulator.wire.text_numbers import MalformedFrame, decimal_text, double_text
from market.errors import DataError, NotFoundError

START_NS = 1_767_366_000_000_000_000


# ---------------------------------------------------------------------- frames


@given(payloads=st.lists(st.binary(min_size=1, max_size=300), max_size=20), cuts=st.lists(st.integers(1, 97)))
def test_frames_arrive_whole_however_the_stream_is_cut(payloads: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(frame(payload) for payload in payloads)
    buffer, received, start = FrameBuffer(), [], 0
    for size in [*cuts, len(stream)]:
        buffer.feed(stream[start : start + size])
        start += size
        received += list(buffer.frames())
    assert received == payloads
    assert len(buffer) == 0


def test_a_burst_of_frames_is_cut_in_linear_time() -> None:
    stream = frame(b"x" * 20) * 100_000
    buffer = FrameBuffer()
    buffer.feed(stream)
    assert sum(1 for _ in buffer.frames()) == 100_000


@pytest.mark.parametrize("length", [0, FRAME_BYTES_MAX + 1, 0xFFFFFFFF])
def test_a_length_that_no_frame_has_is_malformed(length: int) -> None:
    buffer = FrameBuffer()
    buffer.feed(length.to_bytes(4, "big"))
    with pytest.raises(MalformedFrame, match=str(length)):
        buffer.next_frame()


def test_the_longest_frame_is_taken() -> None:
    buffer = FrameBuffer()
    buffer.feed(frame(bytes(FRAME_BYTES_MAX)))
    payload = buffer.next_frame()
    assert payload is not None
    assert len(payload) == FRAME_BYTES_MAX


# ---------------------------------------------------------------------- handshake


@pytest.mark.parametrize(
    ("offer", "versions"),
    [
        (b"v100..223", (100, 223)),
        (b"v157..178", (157, 178)),
        (b"v176", (176, 176)),
        (b"v100..223 +PACEAPI", (100, 223)),
    ],
)
def test_offers_are_read(offer: bytes, versions: tuple[int, int]) -> None:
    assert parse_offer(offer) == versions


@pytest.mark.parametrize(
    "offer", [b"", b"v", b"100..223", b"v223..100", b"v1e3", b"v1234567", b"v-1..5", b"\xff" * 9]
)
def test_offers_that_are_none_are_malformed(offer: bytes) -> None:
    with pytest.raises(MalformedFrame):
        parse_offer(offer)


@pytest.mark.parametrize(
    ("low", "high", "configured", "version"),
    [
        (100, 223, 223, 223),
        (100, 223, 213, 213),
        (100, 220, 223, 220),
        (100, 300, 223, 223),
        (157, 178, 223, 176),
        (100, 223, 176, 176),
        (100, 212, 223, 176),
        (176, 176, 223, 176),
        (100, 175, 223, None),
        (177, 212, 223, None),
        (214, 223, 213, None),
        (224, 300, 223, None),
    ],
)
def test_the_highest_common_version_is_chosen(
    low: int, high: int, configured: int, version: int | None
) -> None:
    assert negotiate(low, high, configured=configured) == version


def test_the_answer_carries_version_and_time_in_tws_s_zone() -> None:
    assert (
        answer(223, shown_ns=START_NS, time_zone="US/Eastern")[4:] == b"223\x0020260102 10:00:00 US/Eastern\0"
    )
    assert len(answer(176, shown_ns=START_NS, time_zone="US/Eastern")) < HANDSHAKE_BYTES_MAX


# ---------------------------------------------------------------------- what may arrive


@given(data=st.binary(max_size=200))
def test_any_bytes_are_a_message_or_malformed_in_both_protocols(data: bytes) -> None:
    for codec in (ProtobufCodec(), TextCodec()):
        try:
            number, message = codec.decode(data)
        except MalformedFrame:
            continue
        assert message.DESCRIPTOR.name == REQUEST_TYPES[number]


FIELDS = st.one_of(
    st.sampled_from(
        ["", "0", "1", "-1", "2147483647", "1.7976931348623157E308", "BAG", "AAPL", "nan", "Infinity"]
    ),
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(str),
    st.text(max_size=8),
)


@given(number=st.sampled_from(sorted(REQUEST_TYPES)), fields=st.lists(FIELDS, max_size=140))
def test_any_text_fields_are_a_message_or_malformed(number: int, fields: list[str]) -> None:
    payload = "\0".join([str(number), *(field.replace("\0", "") for field in fields)]).encode(
        errors="surrogatepass"
    )
    try:
        decoded, message = TextCodec().decode(payload + b"\0")
    except MalformedFrame:
        return
    assert decoded == number
    message.SerializeToString()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_price_that_is_no_number_is_malformed(value: float) -> None:
    request = message_type("PlaceOrderRequest")(orderId=1)
    request.order.lmtPrice = value
    payload = ProtobufCodec().encode_request(OUT.PLACE_ORDER, request)[4:]
    with pytest.raises(MalformedFrame, match="lmtPrice") as raised:
        ProtobufCodec().decode(payload)
    assert raised.value.message_id == OUT.PLACE_ORDER


def test_unset_sentinels_are_absent_in_both_protocols() -> None:
    request = message_type("PlaceOrderRequest")(orderId=1)
    request.order.lmtPrice = 1.7976931348623157e308
    request.order.minQty = 2147483647
    for codec in (ProtobufCodec(), TextCodec()):
        _, decoded = codec.decode(codec.encode_request(OUT.PLACE_ORDER, request)[4:])
        assert not decoded.order.HasField("lmtPrice")
        assert not decoded.order.HasField("minQty")


@pytest.mark.parametrize(
    ("text", "plain"), [("100", "100"), ("100.0", "100"), ("1E2", "100"), ("0.50", "0.5"), ("-3", "-3")]
)
def test_sizes_are_read_as_plain_decimals(text: str, plain: str) -> None:
    assert decimal_text(text, name="size") == plain


@pytest.mark.parametrize("text", ["nan", "Infinity", "1E999", "abc"])
def test_sizes_that_are_no_number_are_malformed(text: str) -> None:
    with pytest.raises(MalformedFrame):
        decimal_text(text, name="size")


@pytest.mark.parametrize(
    ("number", "text"),
    [(196.52, "196.52"), (0.0, "0.0"), (1.7976931348623157e308, "1.7976931348623157E308"), (1e-7, "1E-07")],
)
def test_doubles_are_written_as_tws_writes_them(number: float, text: str) -> None:
    assert double_text(number) == text


def test_text_is_written_as_ascii_without_stray_separators() -> None:
    error = message_type("ErrorMessage")(id=1, errorCode=321, errorMsg="Zürich\0x")
    data = TextCodec().encode(IN.ERR_MSG, error)
    assert data[4:] == b"4\x002\x001\x00321\x00Z\\xfcrich x\x00\x00"


# ---------------------------------------------------------------------- recordings


def _recording(path: Path) -> None:
    request = message_type("IdsRequest")(numIds=1)
    reply = message_type("NextValidId")(orderId=7)
    with FrameRecorder(path) as recorder:
        recorder.add(START_NS, 1, FrameKind.OPENED, b'{"server_version":223,"peer":"127.0.0.1:5"}')
        recorder.add(START_NS, 2, FrameKind.OPENED, b'{"server_version":176,"peer":"127.0.0.1:6"}')
        for session_id, codec in ((1, ProtobufCodec()), (2, TextCodec())):
            sent, answered = codec.encode_request(OUT.REQ_IDS, request), codec.encode(IN.NEXT_VALID_ID, reply)
            recorder.add(START_NS + 1_000, session_id, FrameKind.FROM_CLIENT, sent[4:])
            recorder.add(START_NS + 2_000, session_id, FrameKind.TO_CLIENT, answered[4:])
        recorder.add(START_NS + 3_000, 1, FrameKind.TO_CLIENT, b"\xff\xff")
        recorder.add(START_NS + 4_000, 1, FrameKind.CLOSED, b"")


def test_a_recording_reads_the_same_for_both_protocols(tmp_path: Path) -> None:
    path = tmp_path / "day.frames"
    _recording(path)
    frames = list(readable_frames(path))
    for session_id in (1, 2):
        mine = [frame for frame in frames if frame.session_id == session_id]
        assert [frame.name for frame in mine[1:3]] == ["REQ_IDS", "NEXT_VALID_ID"]
        assert mine[2].fields == {"orderId": 7}
    assert frames[3].line() == "2026-01-02 15:00:00.000002 [1] <- NEXT_VALID_ID orderId=7"
    assert frames[6].name == "MALFORMED"
    assert frames[7].kind == "closed"


def test_a_recording_cut_anywhere_is_read_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / "day.frames"
    _recording(path)
    whole = path.read_bytes()
    records = list(read_recording(path))
    seen = set()
    for length in range(len(whole) - 60, len(whole)):
        path.write_bytes(whole[:length])
        part = list(read_recording(path))
        assert part == records[: len(part)]
        seen.add(len(part))
    assert len(seen) > 1


def test_files_that_are_no_recording_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with pytest.raises(NotFoundError, match="--record"):
        list(read_recording(path))
    path.write_bytes(b"something else")
    with pytest.raises(DataError, match="no recording"):
        list(read_recording(path))
    with pytest.raises(DataError, match="writable"):
        FrameRecorder(tmp_path / "missing" / "x")


def test_a_recording_is_readable_from_its_start_and_loses_at_most_a_second(tmp_path: Path) -> None:
    path = tmp_path / "x"
    recorder = FrameRecorder(path)
    assert list(read_recording(path)) == []
    opened = b'{"server_version":223,"peer":"127.0.0.1:5"}'
    recorder.add(START_NS, 1, FrameKind.OPENED, opened)
    recorder.add(START_NS + 500, 2, FrameKind.OPENED, opened)
    assert [record.session_id for record in read_recording(path)] == [1]
    recorder.add(START_NS + 1_500_000_000, 3, FrameKind.OPENED, opened)
    assert [record.session_id for record in read_recording(path)] == [1, 2, 3]
    recorder.close()
