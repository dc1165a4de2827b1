"""The simulated TWS on a socket of this machine: event loop, sockets and wall clock around a `Broker`.

Everything runs in one thread. A turn: bytes arrive, the broker's time is advanced to now, the request
is handled, what the broker sent is encoded and leaves. Between requests the loop sleeps until the
broker's next timer.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from adapters.tws_simulator.broker import Broker, Outgoing
from adapters.tws_simulator.clock import MarketClock
from adapters.tws_simulator.faults.frame_faults import FramePipe, Sending
from adapters.tws_simulator.session.sessions import SessionInfo
from adapters.tws_simulator.settings import SimulatorSettings
from adapters.tws_simulator.wire.connection import Connection
from adapters.tws_simulator.wire.handshake import answer, negotiate
from adapters.tws_simulator.wire.recording import FrameKind, FrameRecorder, Opened
from adapters.tws_simulator.wire.text_numbers import MalformedFrame
from market.errors import UserError

HOST = "127.0.0.1"
"""The only address that is served: TWS has no password, and neither has this."""

WRITE_BUFFER_BYTES_MAX = 64 << 20
"""What may wait for a client that does not read; then it is cut off and the others are served."""

ID_BYTES = 4


class TwsServer:
    """Serves clients of one broker, and does to their sockets what faults ask (`WireControl`)."""

    def __init__(
        self,
        settings: SimulatorSettings,
        *,
        record: Path | None = None,
        clock: Callable[[int], MarketClock] | None = None,
        write_buffer_bytes_max: int = WRITE_BUFFER_BYTES_MAX,
    ) -> None:
        self.write_buffer_bytes_max = write_buffer_bytes_max
        self._wall_start_ns, self._monotonic_start_ns = time.time_ns(), time.monotonic_ns()
        now_ns = self._wall_start_ns
        self.broker = Broker(
            settings,
            send=self._send,
            hang_up=self._hang_up,
            now_ns=now_ns,
            clock=clock(now_ns) if clock else None,
        )
        self.pipe = FramePipe(
            seed=settings.seed,
            client_id_of=self._client_id_of,
            call_after=self.broker.call_after,
            release=self._release,
        )
        self._settings = settings
        self._recorder = FrameRecorder(record) if record else None
        self._random = random.Random(settings.seed)  # noqa: S311 - reproducible damage, not secrecy
        self._connections: dict[int, Connection] = {}
        self._number = 0
        self._refusal: str | None = None
        self._is_holding_handshakes = False
        self._limits: tuple[int | None, int | None, float] = (None, None, 0.0)
        self._server: asyncio.Server | None = None
        self._wake: asyncio.TimerHandle | None = None
        self._wake_ns: int | None = None

    # ------------------------------------------------------------------ life

    async def start(self, port: int) -> int:
        """Listen on `port` (0 for a free one) and return it; raises `UserError` when it is taken."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._new_connection, HOST, port)
        except OSError as problem:
            raise UserError(
                f"Port {port} cannot be opened ({problem.strerror}). Is TWS or another simulator running? "
                "Choose a port with --port."
            ) from None
        self.schedule()
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Close every connection, the port and the recording."""
        if self._wake is not None:
            self._wake.cancel()
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections.values()):
            connection.close()
        await asyncio.sleep(0)
        if self._recorder is not None:
            self._recorder.close()

    def now_ns(self) -> int:
        """Return the wall clock as of the start, moved on by the monotonic clock."""
        return self._wall_start_ns + time.monotonic_ns() - self._monotonic_start_ns

    def advance(self) -> None:
        """Run what is due by now, and sleep until what comes next."""
        self.broker.advance(self.now_ns())
        self.schedule()

    def schedule(self) -> None:
        """Wake up when the broker's next timer is due."""
        due_ns = self.broker.next_due_ns()
        if due_ns == self._wake_ns and self._wake is not None:
            return
        if self._wake is not None:
            self._wake.cancel()
        self._wake, self._wake_ns = None, due_ns
        if due_ns is not None:
            delay = max(0.0, (due_ns - self.now_ns()) / 1e9)
            self._wake = asyncio.get_running_loop().call_later(delay, self._wake_up)

    def flush_recording(self) -> None:
        """Make what is recorded so far visible to readers of the file."""
        if self._recorder is not None:
            self._recorder.flush()

    # ------------------------------------------------------------------ ConnectionOwner

    def opened(self, connection: Connection) -> None:
        """Register a socket, or end it while connections are refused."""
        if self._refusal is not None:
            connection.close(is_reset=self._refusal == "rst")
            return
        self._connections[connection.session_id] = connection
        connection.bytes_per_second, connection.bytes_each, connection.glue_seconds = self._limits

    def offered(self, connection: Connection, low: int, high: int) -> None:
        """Answer an offer of versions, unless handshakes are held; refuse what cannot be spoken."""
        if self._is_holding_handshakes:
            return
        version = negotiate(low, high, configured=self._settings.server_version)
        if version is None:
            self._note(connection.session_id, f"no common version: client {low} to {high}")
            connection.close()
            return
        self.broker.advance(self.now_ns())
        reply = answer(version, shown_ns=self.broker.shown_ns, time_zone=self._settings.session.time_zone)
        opened = Opened(server_version=version, peer=connection.peer)
        self._record(connection.session_id, FrameKind.OPENED, msgspec.json.encode(opened))
        self.broker.connect(SessionInfo(connection.session_id, version, connection.peer))
        connection.run(version, reply)

    def received(self, connection: Connection, payloads: list[bytes]) -> None:
        """Decode and handle payloads; one that cannot be decoded is answered with an error."""
        session_id = connection.session_id
        self.broker.advance(self.now_ns())
        for payload in payloads:
            self._record(session_id, FrameKind.FROM_CLIENT, payload)
            try:
                number, request = connection.codec.decode(payload)
            except MalformedFrame as malformed:
                self.broker.receive_malformed(session_id, malformed.message_id or 0, str(malformed))
            else:
                self.broker.receive(session_id, number, request)
        self.schedule()

    def broken(self, connection: Connection, why: str) -> None:
        """Record why a connection is about to be ended."""
        self._note(connection.session_id, why)

    def lost(self, connection: Connection) -> None:
        """Forget a connection that is gone."""
        if self._connections.pop(connection.session_id, None) is not None:
            self._record(connection.session_id, FrameKind.CLOSED, b"")
            self.broker.disconnect(connection.session_id)
            self.schedule()

    # ------------------------------------------------------------------ WireControl

    def close(self, session_id: int | None, *, is_reset: bool) -> int:
        """End connections by FIN or RST."""
        chosen = self._chosen(session_id)
        for connection in chosen:
            connection.close(is_reset=is_reset)
        return len(chosen)

    def freeze(self, session_id: int | None, *, is_lost: bool) -> int:
        """Stop reading and writing on connections."""
        chosen = self._chosen(session_id)
        for connection in chosen:
            connection.freeze(loses=is_lost)
        return len(chosen)

    def thaw(self) -> int:
        """End every freeze."""
        return sum(connection.thaw() for connection in self._chosen(None))

    def read_slowly(self, bytes_per_second: int | None) -> None:
        """Limit how fast every connection is read."""
        self._set_limits((bytes_per_second, *self._limits[1:]))

    def write_in_segments(self, bytes_each: int | None, *, glue_seconds: float) -> None:
        """Cut or glue what is written to every connection."""
        self._set_limits((self._limits[0], bytes_each, glue_seconds))

    def refuse(self, *, is_reset: bool) -> None:
        """End every new connection at once."""
        self._refusal = "rst" if is_reset else "fin"

    def hold_handshakes(self) -> None:
        """Accept connections without answering their handshake."""
        self._refusal, self._is_holding_handshakes = None, True

    def accept(self) -> None:
        """Serve new connections again, and those whose handshake waits."""
        self._refusal, self._is_holding_handshakes = None, False
        for connection in self._chosen(None):
            if connection.offer is not None and self.broker.sessions.get(connection.session_id) is None:
                self.offered(connection, *connection.offer)

    def inject(self, session_id: int | None, data: bytes) -> int:
        """Write raw bytes to connections."""
        chosen = self._chosen(session_id)
        for connection in chosen:
            connection.write(data)
            self._note(connection.session_id, f"injected {data.hex(' ')}")
        return len(chosen)

    # ------------------------------------------------------------------ inside

    def _new_connection(self) -> Connection:
        self._number += 1
        return Connection(self, self._number)

    def _wake_up(self) -> None:
        self._wake, self._wake_ns = None, None
        self.advance()

    def _send(self, outgoing: Outgoing) -> None:
        if self.pipe.is_idle:
            self._transmit(outgoing)
        else:
            self._release(self.pipe.pass_through(outgoing))

    def _release(self, sendings: list[Sending]) -> None:
        for sending in sendings:
            if sending.delay_ns:
                self.broker.call_after(sending.delay_ns, self._later(sending))
            else:
                self._transmit(sending.outgoing, is_corrupt=sending.is_corrupt)

    def _later(self, sending: Sending) -> Callable[[], None]:
        return lambda: self._transmit(sending.outgoing, is_corrupt=sending.is_corrupt)

    def _transmit(self, outgoing: Outgoing, *, is_corrupt: bool = False) -> None:
        connection = self._connections.get(outgoing.session_id)
        if connection is None:
            return
        data = connection.codec.encode(outgoing.message_id, outgoing.body)
        if is_corrupt:
            data = self._damaged(data)
        connection.write(data)
        if self._recorder is not None and data:
            self._record(outgoing.session_id, FrameKind.TO_CLIENT, data[ID_BYTES:])

    def _damaged(self, data: bytes) -> bytes:
        head = 2 * ID_BYTES
        return data[:head] + self._random.randbytes(max(0, len(data) - head))

    def _hang_up(self, session_id: int) -> None:
        connection = self._connections.pop(session_id, None)
        if connection is not None:
            self._record(session_id, FrameKind.CLOSED, b"by TWS")
            connection.close()

    def _client_id_of(self, session_id: int) -> int | None:
        session = self.broker.sessions.get(session_id)
        return None if session is None else session.client_id

    def _chosen(self, session_id: int | None) -> list[Connection]:
        return [
            connection
            for number, connection in list(self._connections.items())
            if session_id in (None, number)
        ]

    def _set_limits(self, limits: tuple[int | None, int | None, float]) -> None:
        self._limits = limits
        for connection in self._chosen(None):
            connection.bytes_per_second, connection.bytes_each, connection.glue_seconds = limits

    def _record(self, session_id: int, kind: FrameKind, payload: bytes) -> None:
        if self._recorder is not None:
            self._recorder.add(self.now_ns(), session_id, kind, payload)

    def _note(self, session_id: int, text: str) -> None:
        self._record(session_id, FrameKind.NOTE, text.encode())
