"""100,000 malformed or random frames: the server lives, its state is sound, others are served.

Four kinds, drawn with a seed that a failure prints: random bytes, requests with flipped bits, requests
whose fields are filled at random (well formed, nonsense inside), text with odd fields. The message rate
is not limited here, so that every frame reaches the decoder; the limit has tests of its own.
"""

from __future__ import annotations

import contextlib
import os
import random
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.tws_simulator.control.client import SimulatorProcess
from adapters.tws_simulator.launch_settings import Launch
from adapters.tws_simulator.messages import OUT, REQUEST_TYPES, request_type
from adapters.tws_simulator.settings import SessionSettings, SimulatorSettings
from adapters.tws_simulator.wire.framing import frame
from adapters.tws_simulator.wire.text_messages import REQUESTS
from tests.wire.conftest import START
from tests.wire.raw_client import RawClient

SEED = int(os.environ.get("HARVESTER_FUZZ_SEED", "20260102"))
FRAMES = 100_000
BATCH = 500

NOT_SENT = {OUT.START_API}
"""START_API would be refused anyway: the fuzzing client has started."""

NUMBERS = [0, 1, -1, 26, 265598, 2147483647, -2147483648, 10**6]
DOUBLES = [0.0, 1.0, -1.0, 0.01, 200.0, 1e-300, 1e300, 1.7976931348623157e308, float("nan"), float("inf")]
TEXTS = [
    "",
    "AAPL",
    "STK",
    "OPT",
    "BAG",
    "SMART",
    "USD",
    "BUY",
    "SELL",
    "LMT",
    "MKT",
    "STP",
    "TRAIL",
    "GTC",
    "100",
]
TEXTS += [
    "1 D",
    "1 min",
    "TRADES",
    "BidAsk",
    "DU1234567",
    "20260102",
    "-5",
    "nan",
    "1e999",
    "\x00",
    "é" * 50,
    "x" * 3000,
]


def _fill(message: Any, chance: random.Random, depth: int = 0) -> None:
    """Set about half of the fields of `message` to drawn values."""
    for field in message.DESCRIPTOR.fields:
        if chance.random() < 0.5:
            continue
        is_repeated = field.label == field.LABEL_REPEATED
        if field.type == field.TYPE_MESSAGE:
            if field.message_type.GetOptions().map_entry:
                getattr(message, field.name)[chance.choice(TEXTS)] = chance.choice(TEXTS)
            elif depth < 3:
                target = getattr(message, field.name)
                _fill(target.add() if is_repeated else target, chance, depth + 1)
            continue
        value = _scalar(field, chance)
        if is_repeated:
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)


def _scalar(field: Any, chance: random.Random) -> Any:
    if field.type == field.TYPE_DOUBLE:
        return chance.choice(DOUBLES)
    if field.type == field.TYPE_BOOL:
        return chance.random() < 0.5
    if field.type == field.TYPE_STRING:
        return chance.choice(TEXTS)
    return chance.choice(NUMBERS)


def _random_bytes(chance: random.Random) -> bytes:
    return chance.randbytes(chance.randint(1, 60))


def _random_request(chance: random.Random) -> bytes:
    number = chance.choice([number for number in REQUEST_TYPES if number not in NOT_SENT])
    kind = request_type(number)
    assert kind is not None
    message = kind()
    _fill(message, chance)
    data: bytes = (number + 200).to_bytes(4, "big") + message.SerializeToString()
    return data


def _flipped_request(chance: random.Random) -> bytes:
    data = bytearray(_random_request(chance))
    for _ in range(chance.randint(1, 4)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data[: chance.randint(1, len(data))])


def _text(chance: random.Random) -> bytes:
    number = chance.choice([*REQUESTS, 0, 9999])
    words = [*TEXTS, *(str(value) for value in NUMBERS + DOUBLES)]
    fields = [str(number), *chance.choices(words, k=chance.randint(0, 120))]
    return ("\0".join(fields) + "\0").encode()


PROTOBUF_FRAMES = (_random_bytes, _random_request, _flipped_request)
TEXT_FRAMES = (_text, _text, _random_bytes)


@pytest.fixture(scope="module")
def open_simulator() -> Iterator[SimulatorProcess]:
    """A simulator without a message rate."""
    settings = SimulatorSettings(session=SessionSettings(messages_per_second_max=10**9))
    with SimulatorProcess(Launch(start=START, simulator=settings)) as simulator:
        yield simulator


def _drain(client: RawClient) -> None:
    """Read what the server has answered so far, and forget it."""
    client.socket.setblocking(False)
    try:
        while client.socket.recv(1 << 20):
            pass
    except BlockingIOError:
        pass
    finally:
        client.socket.settimeout(30.0)


def _send_all(client: RawClient, frames: list[bytes]) -> None:
    """Send frames while reading answers, so that neither side waits for the other."""
    data = memoryview(b"".join(frame(payload) for payload in frames))
    while data:
        client.socket.settimeout(0.05)
        with contextlib.suppress(TimeoutError):
            data = data[client.socket.send(data) :]
        _drain(client)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("offer", [b"v100..223", b"v157..178"], ids=["protobuf", "text"])
def test_no_frame_ends_the_server_or_breaks_its_state(open_simulator: SimulatorProcess, offer: bytes) -> None:
    chance = random.Random(SEED)
    kinds = PROTOBUF_FRAMES if offer == b"v100..223" else TEXT_FRAMES
    watch = RawClient(open_simulator.port).start(1)
    fuzz = RawClient(open_simulator.port, offer=offer).start(2)
    for _ in range(FRAMES // 2 // BATCH):
        _send_all(fuzz, [chance.choice(kinds)(chance) for _ in range(BATCH)])
    assert watch.next_id() >= 1, f"seed {SEED}"
    truth = open_simulator.client.truth()
    assert truth["failures"] == [], f"seed {SEED}: {truth['failures'][:1]}"
    assert open_simulator.is_running
    watch.close()
    fuzz.close()
    open_simulator.client.wait_for(lambda truth: truth["sessions"] == [])
    with RawClient(open_simulator.port).start(3) as after:
        assert after.next_id() >= 1


@pytest.mark.parametrize("length", [0, 0x01000000, 0xFFFFFFFF])
def test_a_length_that_no_frame_has_ends_its_connection_only(
    open_simulator: SimulatorProcess, length: int
) -> None:
    with RawClient(open_simulator.port).start(1) as watch, RawClient(open_simulator.port).start(2) as fuzz:
        fuzz.socket.sendall(length.to_bytes(4, "big"))
        assert fuzz.is_ended()
        assert watch.next_id() >= 1


def test_connections_that_say_nothing_or_half_a_frame_leave_the_others_alone(
    open_simulator: SimulatorProcess,
) -> None:
    idle = [socket.create_connection(("127.0.0.1", open_simulator.port)) for _ in range(50)]
    for number, connection in enumerate(idle):
        connection.sendall(b"API\0"[: number % 5])
    with RawClient(open_simulator.port).start(1) as watch:
        assert watch.next_id() >= 1
    for connection in idle:
        connection.close()
