"""What faults of a connection look like at the client's socket."""

from __future__ import annotations

import contextlib
import socket
import time

import pytest

from adapters.tws_simulator.control.client import SimulatorProcess
from adapters.tws_simulator.messages import IN, OUT
from adapters.tws_simulator.wire.framing import PREFIX, frame
from tests.wire.raw_client import RawClient


def test_the_handshake_answer_is_alone_in_its_segment(simulator: SimulatorProcess) -> None:
    with RawClient(simulator.port) as client:
        assert client.version == 223
        assert len(client.chunks) == 1
        assert len(client.buffer) == 0


def test_a_handshake_in_single_bytes_is_understood(simulator: SimulatorProcess) -> None:
    with RawClient(simulator.port, handshake=False) as client:
        for byte in PREFIX + frame(b"v100..223"):
            client.socket.sendall(bytes([byte]))
        client.read_answer()
        assert client.version == 223


@pytest.mark.parametrize(
    ("offer", "version"), [(b"v100..223", 223), (b"v157..178", 176), (b"v100..215", 215)]
)
def test_one_port_serves_both_protocols(simulator: SimulatorProcess, offer: bytes, version: int) -> None:
    with RawClient(simulator.port, offer=offer).start(1) as client:
        assert client.version == version
        assert [number for number, _ in client.replies] == [
            IN.MANAGED_ACCTS,
            IN.NEXT_VALID_ID,
            IN.ERR_MSG,
            IN.ERR_MSG,
            IN.ERR_MSG,
        ]
        assert client.next_id() == 1


@pytest.mark.parametrize(
    "first", [b"GET / HTTP/1.1\r\n\r\n", PREFIX + frame(b"v1..2"), PREFIX + bytes(4), PREFIX + frame(b"x")]
)
def test_what_is_no_handshake_ends_the_connection_and_nothing_else(
    simulator: SimulatorProcess, first: bytes
) -> None:
    with RawClient(simulator.port).start(1) as other, RawClient(simulator.port, handshake=False) as client:
        client.socket.sendall(first)
        assert client.is_ended()
        assert other.next_id() == 1


def test_a_client_id_in_use_gets_326_and_its_end(simulator: SimulatorProcess) -> None:
    with RawClient(simulator.port).start(5) as first, RawClient(simulator.port) as second:
        second.request(OUT.START_API, "StartApiRequest", clientId=5)
        assert second.until(lambda number, _: number == IN.ERR_MSG).errorCode == 326
        assert second.is_ended()
        assert first.next_id() == 1


def test_fin_and_rst_end_the_connection_of_the_client_they_name(simulator: SimulatorProcess) -> None:
    with RawClient(simulator.port).start(1) as first, RawClient(simulator.port).start(2) as second:
        simulator.client.run("disconnect", how="rst", client_id=1)
        with pytest.raises(ConnectionResetError):
            first.until(lambda *_: False)
        simulator.client.run("disconnect", how="fin", client_id=2)
        with pytest.raises(EOFError):
            second.until(lambda *_: False)


def test_refused_connections_end_at_once_and_are_served_again_in_time(simulator: SimulatorProcess) -> None:
    simulator.client.run("refuse_connections", how="rst", seconds=0.3)
    with pytest.raises((ConnectionError, EOFError)):
        RawClient(simulator.port)
    deadline = time.monotonic() + 5.0
    while True:
        try:
            client = RawClient(simulator.port).start(1)
            break
        except (ConnectionError, EOFError):
            assert time.monotonic() < deadline
    client.close()


def test_a_login_that_waits_answers_the_handshake_when_it_is_done(simulator: SimulatorProcess) -> None:
    simulator.client.run("hold_handshakes")
    with RawClient(simulator.port, handshake=False) as client:
        client.socket.sendall(PREFIX + frame(b"v100..223"))
        assert not client.is_ended(seconds=0.2)
        assert client.chunks == []
        simulator.client.run("accept_connections")
        client.socket.settimeout(5.0)
        client.read_answer()
        client.start(1)


def test_a_half_open_connection_is_silent_and_loses_what_was_sent(simulator: SimulatorProcess) -> None:
    with RawClient(simulator.port).start(1) as frozen, RawClient(simulator.port).start(2) as other:
        simulator.client.run("freeze", client_id=1)
        simulator.client.run("notice", code=2110)
        frozen.request(OUT.REQ_IDS, "IdsRequest")
        assert not frozen.is_ended(seconds=0.2)
        assert len(frozen.buffer) == 0
        assert other.next_id() == 1
        simulator.client.run("thaw")
        assert frozen.next_id() == 1
        assert 2110 not in frozen.errors()
        assert 2110 in other.errors()


def test_a_hung_tws_keeps_what_it_has_to_say(simulator: SimulatorProcess) -> None:
    with RawClient(simulator.port).start(1) as client:
        simulator.client.run("freeze", client_id=1, is_lost=False)
        simulator.client.run("notice", code=2110)
        assert not client.is_ended(seconds=0.1)
        simulator.client.run("thaw")
        client.until(lambda number, body: number == IN.ERR_MSG and body.errorCode == 2110)


def test_frames_in_pieces_of_one_byte_and_glued_frames_are_the_same_frames(
    simulator: SimulatorProcess,
) -> None:
    with RawClient(simulator.port).start(1) as client:
        simulator.client.run("segments", bytes_each=1)
        client.chunks.clear()
        assert client.next_id() == 1
        assert len(client.chunks) > 1
        simulator.client.run("segments", glue_seconds=0.2)
        client.chunks.clear()
        for _ in range(5):
            client.request(OUT.REQ_CURRENT_TIME, "CurrentTimeRequest")
        for _ in range(5):
            client.until(lambda number, _: number == IN.CURRENT_TIME)
        assert len(client.chunks) == 1


def test_slow_reading_blocks_a_client_that_writes_much(simulator: SimulatorProcess) -> None:
    simulator.client.run("slow_reading", bytes_per_second=1000)
    with RawClient(simulator.port, handshake=False) as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 14)
        client.socket.sendall(PREFIX + frame(b"v100..223"))
        client.read_answer()
        client.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.socket.sendall(b"\x00\xff\xff\xff" + bytes(0xFFFFFF))


@pytest.mark.parametrize("kind", ["length_huge", "unknown_id", "truncated"])
def test_malformed_frames_reach_the_client_as_they_are(simulator: SimulatorProcess, kind: str) -> None:
    with RawClient(simulator.port).start(1) as client:
        client.chunks.clear()
        assert simulator.client.run("malformed", kind=kind, client_id=1) == {"connections": 1}
        client.socket.settimeout(5.0)
        client._receive()
        assert client.chunks[0] >= 4


def test_frame_faults_act_on_the_wire(simulator: SimulatorProcess) -> None:
    with RawClient(simulator.port).start(1) as client:
        simulator.client.run("frame_fault", action="drop", messages=["NEXT_VALID_ID"], count=1)
        client.request(OUT.REQ_IDS, "IdsRequest")
        simulator.client.run(
            "frame_fault", action="delay", messages=["CURRENT_TIME"], delay_seconds=0.2, count=1
        )
        client.request(OUT.REQ_CURRENT_TIME, "CurrentTimeRequest")
        client.request(OUT.REQ_MANAGED_ACCTS, "ManagedAccountsRequest")
        client.replies.clear()
        client.until(lambda number, _: number == IN.CURRENT_TIME)
        assert [number for number, _ in client.replies] == [IN.MANAGED_ACCTS, IN.CURRENT_TIME]


def test_corrupt_frames_keep_their_length_so_that_the_next_is_found(simulator: SimulatorProcess) -> None:
    with RawClient(simulator.port).start(1) as client:
        simulator.client.run("frame_fault", action="corrupt", messages=["MANAGED_ACCTS"], count=1)
        client.request(OUT.REQ_MANAGED_ACCTS, "ManagedAccountsRequest")
        client.socket.settimeout(5.0)
        while client.buffer.next_frame() is None:
            client._receive()
        assert client.next_id() == 1


def test_a_restart_ends_sessions_is_away_and_comes_back(simulator: SimulatorProcess) -> None:
    with RawClient(simulator.port).start(1) as client:
        simulator.client.run("restart", down_seconds=0.3, two_factor_seconds=0.2)
        client.until(lambda number, body: number == IN.ERR_MSG and body.errorCode == 1100)
        assert client.is_ended()
    deadline = time.monotonic() + 10.0
    while True:
        try:
            RawClient(simulator.port).start(1).close()
            break
        except (ConnectionError, EOFError):
            assert time.monotonic() < deadline


def test_too_many_messages_get_100_and_then_the_end(simulator: SimulatorProcess) -> None:
    with RawClient(simulator.port).start(1) as client, RawClient(simulator.port).start(2) as other:
        for _ in range(51):
            client.request(OUT.REQ_IDS, "IdsRequest")
        error = client.until(lambda number, _: number == IN.ERR_MSG)
        assert error.errorCode == 100
        assert "max=50" in error.errorMsg
        assert other.next_id() == 1
        with contextlib.suppress(ConnectionError):
            for _ in range(5_000):
                client.request(OUT.REQ_IDS, "IdsRequest")
        assert client.is_ended()
        assert other.next_id() == 1
