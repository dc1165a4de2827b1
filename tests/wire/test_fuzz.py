"""100,000 malformed or random frames: the server lives, its state is sound, others are served.

Drawn with a seed that a failure prints: random bytes, requests with flipped bits, requests whose fields
are filled at random, valid requests with a few odd fields, text with odd fields. The message rate
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
REQUEST_IDS_MAX = 60
RECENT_ORDERS = 20

NOT_SENT = {OUT.START_API}
"""START_API would be refused anyway: the fuzzing client has started."""

NUMBERS = [0, 1, -1, 26, 265598, 2147483647, -2147483648, 10**6]
DOUBLES = [0.0, 1.0, -1.0, 0.01, 200.0, 230.5]
POISON = [1e-300, 1e300, -1e300, 1.7976931348623157e308, float("nan"), float("inf")]
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

SMALL = [0, 1, 1, 2, 5, 26, 265598, 265598]
OFTEN: dict[str, list[str]] = {
    "reqId": [],
    "orderId": [],
    "conId": [],
    "contract": [],
    "order": [],
    "secType": ["STK", "STK", "OPT", "BAG", "IND", "CASH", ""],
    "symbol": ["AAPL", "SPX", "AAP", ""],
    "exchange": ["SMART", "SMART", "NASDAQ", "NOWHERE"],
    "currency": ["USD", "USD", "EUR"],
    "action": ["BUY", "SELL", "SSHORT", "HOLD"],
    "totalQuantity": ["1", "100", "0", "-5", "0.5", "nan", "1e9", "x"],
    "orderType": ["LMT", "MKT", "STP", "STP LMT", "TRAIL", "MIT", "LOC", "PEG", ""],
    "lmtPrice": [],
    "tif": ["DAY", "GTC", "IOC", "FOK", "GTD", "OPG", "SOON"],
    "transmit": [],
    "whatToShow": ["TRADES", "BID_ASK", "MIDPOINT", "OPTION_IMPLIED_VOLATILITY", "WISHES"],
    "duration": ["1 D", "2 W", "1 Y", "0 S", "many", "-1 D"],
    "barSizeSetting": ["1 min", "5 mins", "1 day", "1 secs", "7 mins"],
    "tickType": ["BidAsk", "Last", "AllLast", "MidPoint", "None"],
    "tags": ["NetLiquidation", "All", "$LEDGER", "Nothing"],
    "acctCode": ["DU1234567", "U1"],
    "account": ["DU1234567", "U1", ""],
    "expiry": ["20260116", "202601", "2026"],
    "ocaGroup": ["G", "H"],
}
"""Fields that most requests need, with the texts that get past the first check and some that do not."""


class Chance(random.Random):
    """Seeded chance that also remembers the last order id, because TWS takes only rising ones."""

    order_id = 2_000_000

    def next_order_id(self) -> int:
        """Return a new order id, or (to change and cancel) a recent one."""
        if self.random() < 0.5:
            self.order_id += 1
            return self.order_id
        return max(1, self.order_id - self.randrange(RECENT_ORDERS))


class Nonsense:
    """Fills messages at random: how many fields are set and how odd the values are differs by message."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._density = chance.choice([0.02, 0.1, 0.3, 0.8])
        self._poison = chance.choice([0.0, 0.0, 0.0, 0.2])

    def fill(self, message: Any, depth: int = 0) -> None:
        """Set some of the fields of `message`, the identifying ones more often."""
        for field in message.DESCRIPTOR.fields:
            wanted = 0.9 if field.name in OFTEN else self._density
            if self._chance.random() >= wanted:
                continue
            is_repeated = field.label == field.LABEL_REPEATED
            if field.type == field.TYPE_MESSAGE:
                self._nest(message, field, is_repeated, depth)
            elif is_repeated:
                getattr(message, field.name).append(self.scalar(field))
            else:
                setattr(message, field.name, self.scalar(field))

    def _nest(self, message: Any, field: Any, is_repeated: bool, depth: int) -> None:
        if field.message_type.GetOptions().map_entry:
            getattr(message, field.name)[self._text("")] = self._text("")
        elif depth < 3:
            target = getattr(message, field.name)
            for _ in range(self._chance.randint(1, 3) if is_repeated else 1):
                self.fill(target.add() if is_repeated else target, depth + 1)

    def scalar(self, field: Any) -> Any:
        """Return a value of the field's type, plausible or odd."""
        is_odd = self._chance.random() < self._poison
        if field.type == field.TYPE_DOUBLE:
            return self._chance.choice(POISON if is_odd else DOUBLES)
        if field.type == field.TYPE_BOOL:
            return self._chance.random() < 0.5
        if field.type == field.TYPE_STRING:
            return self._text(field.name)
        return self._chance.choice(NUMBERS if is_odd else SMALL)

    def _text(self, name: str) -> str:
        return self._chance.choice(OFTEN.get(name) or TEXTS)


def _random_bytes(chance: Chance) -> bytes:
    return chance.randbytes(chance.randint(1, 60))


def _random_request(chance: Chance) -> bytes:
    number = chance.choice([number for number in REQUEST_TYPES if number not in NOT_SENT])
    kind = request_type(number)
    assert kind is not None
    message = kind()
    Nonsense(chance).fill(message)
    data: bytes = (number + 200).to_bytes(4, "big") + message.SerializeToString()
    return data


APPLE = {"conId": 265598, "symbol": "AAPL", "secType": "STK", "exchange": "SMART", "currency": "USD"}
LIMIT = {
    "action": "BUY",
    "totalQuantity": "10",
    "orderType": "LMT",
    "lmtPrice": 230.0,
    "tif": "GTC",
    "transmit": True,
}
VALID: list[tuple[int, dict[str, Any]]] = [
    (OUT.PLACE_ORDER, {"orderId": 1, "contract": APPLE, "order": LIMIT}),
    (
        OUT.PLACE_ORDER,
        {"orderId": 1, "contract": APPLE, "order": {**LIMIT, "action": "SELL", "ocaGroup": "G"}},
    ),
    (OUT.CANCEL_ORDER, {"orderId": 1}),
    (OUT.REQ_MKT_DATA, {"reqId": 1, "contract": APPLE}),
    (OUT.CANCEL_MKT_DATA, {"reqId": 1}),
    (OUT.REQ_MKT_DEPTH, {"reqId": 1, "contract": APPLE, "numRows": 5, "isSmartDepth": True}),
    (OUT.REQ_TICK_BY_TICK_DATA, {"reqId": 1, "contract": APPLE, "tickType": "BidAsk"}),
    (
        OUT.REQ_HISTORICAL_DATA,
        {
            "reqId": 1,
            "contract": APPLE,
            "duration": "1 D",
            "barSizeSetting": "5 mins",
            "whatToShow": "TRADES",
        },
    ),
    (OUT.REQ_SEC_DEF_OPT_PARAMS, {"reqId": 1, "underlyingSymbol": "AAPL", "underlyingConId": 265598}),
    (OUT.REQ_ACCOUNT_SUMMARY, {"reqId": 1, "group": "All", "tags": "NetLiquidation"}),
]


def _nearly_valid(chance: Chance) -> bytes:
    """Return a request that TWS takes, with up to three fields set to something else."""
    number, fields = chance.choice(VALID)
    kind = request_type(number)
    assert kind is not None
    message = kind(**fields)
    if "orderId" in fields:
        message.orderId = chance.next_order_id()
    else:
        message.reqId = chance.randint(1, REQUEST_IDS_MAX)
    for _ in range(chance.choice([0, 0, 1, 3])):
        parts = [message, *(getattr(message, name) for name in ("contract", "order") if name in fields)]
        target = chance.choice(parts)
        plain = [
            f for f in target.DESCRIPTOR.fields if f.type != f.TYPE_MESSAGE and f.label != f.LABEL_REPEATED
        ]
        field = chance.choice(plain)
        setattr(target, field.name, Nonsense(chance).scalar(field))
    data: bytes = (number + 200).to_bytes(4, "big") + message.SerializeToString()
    return data


def _flipped_request(chance: Chance) -> bytes:
    data = bytearray(chance.choice([_random_request, _nearly_valid])(chance))
    for _ in range(chance.randint(1, 4)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data[: chance.randint(1, len(data))])


def _text(chance: Chance) -> bytes:
    number = chance.choice([*REQUESTS, 0, 9999])
    words = [*TEXTS, *(str(value) for value in [*NUMBERS, *DOUBLES, *POISON])]
    fields = [str(number), *chance.choices(words, k=chance.randint(0, 120))]
    return ("\0".join(fields) + "\0").encode()


PROTOBUF_FRAMES = (_random_bytes, _random_request, _flipped_request, _nearly_valid, _nearly_valid)
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
    chance = Chance(SEED)
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
