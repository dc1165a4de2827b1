"""The server in the test's own event loop, where its limits can be set and reached."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

from adapters.tws_simulator.messages import IN, OUT, message_type
from adapters.tws_simulator.server import TwsServer
from adapters.tws_simulator.session.desk import SessionDesk
from adapters.tws_simulator.settings import SimulatorSettings
from adapters.tws_simulator.wire.frame_text import readable_frames
from adapters.tws_simulator.wire.framing import PREFIX, FrameBuffer, frame
from adapters.tws_simulator.wire.protobuf_codec import ProtobufCodec

MEGABYTE = 1 << 20
SECONDS = 10.0


class Peer:
    """A client on asyncio streams that reads only when asked to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.buffer, self.codec = FrameBuffer(), ProtobufCodec()

    async def start(self, client_id: int) -> None:
        """Shake hands and start the API."""
        self.writer.write(PREFIX + frame(b"v100..223"))
        (length,) = struct.unpack("!I", await self.reader.readexactly(4))
        await self.reader.readexactly(length)
        request = message_type("StartApiRequest")(clientId=client_id)
        self.writer.write(self.codec.encode_request(OUT.START_API, request))

    async def next_id(self) -> int:
        """Ask for the next order id: a round trip."""
        request = message_type("IdsRequest")(numIds=1)
        self.writer.write(self.codec.encode_request(OUT.REQ_IDS, request))
        while True:
            self.buffer.feed(await asyncio.wait_for(self.reader.read(1 << 16), SECONDS))
            for payload in self.buffer.frames():
                number, body = self.codec.decode_reply(payload)
                if number == IN.NEXT_VALID_ID:
                    order_id: int = body.orderId
                    return order_id


def _served(
    body: Callable[[TwsServer, Callable[[int], Awaitable[Peer]]], Awaitable[None]],
    *,
    record: Path | None = None,
    write_buffer_bytes_max: int = MEGABYTE,
) -> None:
    """Run `body(server, connect)` with a server whose write buffer is small."""

    async def run() -> None:
        server = TwsServer(SimulatorSettings(), record=record, write_buffer_bytes_max=write_buffer_bytes_max)
        server.broker.install(SessionDesk(server.broker, lambda: 1))
        port = await server.start(0)

        async def connect(client_id: int) -> Peer:
            peer = Peer(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 12))
            await peer.start(client_id)
            while server.broker.sessions.of_client(client_id) is None:
                await asyncio.sleep(0.001)
            return peer

        try:
            await body(server, connect)
        finally:
            await server.stop()

    asyncio.run(run())


def test_a_client_that_does_not_read_is_cut_off_and_the_others_are_served(tmp_path: Path) -> None:
    record = tmp_path / "x.frames"

    async def body(server: TwsServer, connect: Callable[[int], Awaitable[Peer]]) -> None:
        deaf, other = await connect(1), await connect(2)
        text = "x" * 100_000
        for _ in range(200):
            session = server.broker.sessions.of_client(1)
            if session is None:
                break
            server.broker.error(session, -1, 2100, text)
            await asyncio.sleep(0)
        assert server.broker.sessions.of_client(1) is None
        assert await other.next_id() == 1
        deaf.writer.close()

    _served(body, record=record)
    assert any("does not read" in frame.remark for frame in readable_frames(record))


def test_what_is_sent_within_one_turn_leaves_in_the_order_of_sending() -> None:
    async def body(server: TwsServer, connect: Callable[[int], Awaitable[Peer]]) -> None:
        peer = await connect(1)
        session = server.broker.sessions.of_client(1)
        assert session is not None
        for number in range(1000):
            server.broker.error(session, number, 2100, "in order")
        seen: list[int] = []
        while len(seen) < 1000:
            peer.buffer.feed(await asyncio.wait_for(peer.reader.read(1 << 16), SECONDS))
            for payload in peer.buffer.frames():
                number, reply = peer.codec.decode_reply(payload)
                if number == IN.ERR_MSG and reply.errorCode == 2100:
                    seen.append(reply.id)
        assert seen == list(range(1000))

    _served(body)


def test_timers_of_the_broker_wake_the_server_without_any_request() -> None:
    async def body(server: TwsServer, connect: Callable[[int], Awaitable[Peer]]) -> None:
        await connect(1)
        rang = asyncio.Event()
        server.broker.call_after(20_000_000, rang.set)
        server.schedule()
        await asyncio.wait_for(rang.wait(), SECONDS)

    _served(body)


def test_the_same_client_id_is_served_again_after_a_reset() -> None:
    async def body(server: TwsServer, connect: Callable[[int], Awaitable[Peer]]) -> None:
        peer = await connect(1)
        peer.writer.transport.abort()
        while server.broker.sessions.of_client(1) is not None:
            await asyncio.sleep(0.001)
        assert await (await connect(1)).next_id() == 1

    _served(body)
