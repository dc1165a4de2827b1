"""A broker in the test's own process: requests in, messages out, time by hand, no socket.

desk = InProcess()
client = desk.client(1)                    # connects and starts the API
client.request(OUT.REQ_IDS, "IdsRequest", numIds=1)
assert client.take(IN.NEXT_VALID_ID)[0].orderId == 1
desk.run_for(0.5)                          # half a second passes, timers run
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adapters.tws_simulator.broker import Broker, Outgoing
from adapters.tws_simulator.clock import MarketClock
from adapters.tws_simulator.messages import IN, OUT, message_type
from adapters.tws_simulator.session.desk import SessionDesk
from adapters.tws_simulator.session.sessions import SessionInfo
from adapters.tws_simulator.settings import SimulatorSettings

START_NS = 1_767_366_000_000_000_000
"""Friday 2026-01-02 10:00:00 in New York, in the regular session."""


class InProcess:
    """A broker, its connections, and the messages sent to each.

    `install(broker)` adds the components under test and returns the source of order ids (None for a
    counter that stays at `settings.session.first_order_id`).
    """

    def __init__(
        self,
        settings: SimulatorSettings | None = None,
        *,
        install: Callable[[Broker], Callable[[], int] | None] | None = None,
        now_ns: int = START_NS,
        clock: MarketClock | None = None,
    ) -> None:
        self.settings = settings or SimulatorSettings()
        self.outgoing: list[Outgoing] = []
        self.hung_up: list[int] = []
        self.broker = Broker(
            self.settings, send=self.outgoing.append, hang_up=self.hung_up.append, now_ns=now_ns, clock=clock
        )
        next_valid_id = install(self.broker) if install else None
        first = self.settings.session.first_order_id
        self.broker.install(SessionDesk(self.broker, next_valid_id or (lambda: first)))
        self._sessions = 0

    def connect(self, *, server_version: int = 223) -> FakeSession:
        """Open a connection that has not started its API."""
        self._sessions += 1
        self.broker.connect(SessionInfo(self._sessions, server_version))
        return FakeSession(self, self._sessions)

    def client(self, client_id: int, *, server_version: int = 223) -> FakeSession:
        """Open a connection, start its API, and drop the messages of the start."""
        session = self.connect(server_version=server_version)
        session.request(OUT.START_API, "StartApiRequest", clientId=client_id)
        session.take()
        return session

    def run_for(self, seconds: float) -> None:
        """Let time pass; everything due happens at its own time."""
        self.broker.advance(self.broker.now_ns + round(seconds * 1e9))


class FakeSession:
    """A client's end of a connection: sends requests, collects what the broker sends to it."""

    def __init__(self, desk: InProcess, session_id: int) -> None:
        self._desk, self.session_id = desk, session_id

    @property
    def is_hung_up(self) -> bool:
        """Whether the broker has closed the connection."""
        return self.session_id in self._desk.hung_up

    def request(self, message_id: int, type_name: str, **fields: Any) -> None:
        """Send a request built from `fields`; nested messages are passed as built messages."""
        self.send(message_id, message_type(type_name)(**fields))

    def send(self, message_id: int, message: Any) -> None:
        """Send a request message as it is."""
        self._desk.broker.receive(self.session_id, message_id, message)

    def take(self, message_id: int | None = None) -> list[Any]:
        """Remove and return the bodies sent to this session, of one `IN` id or all, oldest first."""
        taken = [out for out in self._desk.outgoing if self._is_mine(out, message_id)]
        self._desk.outgoing[:] = [out for out in self._desk.outgoing if not self._is_mine(out, message_id)]
        return [out.body for out in taken]

    def ids(self) -> list[int]:
        """Return the `IN` ids waiting for this session, oldest first; takes nothing."""
        return [out.message_id for out in self._desk.outgoing if out.session_id == self.session_id]

    def take_errors(self) -> list[tuple[int, int]]:
        """Remove the errors and notices sent to this session; return (request id, code) of each."""
        return [(error.id, error.errorCode) for error in self.take(IN.ERR_MSG)]

    def disconnect(self) -> None:
        """Close the connection from the client's side."""
        self._desk.broker.disconnect(self.session_id)

    def _is_mine(self, out: Outgoing, message_id: int | None) -> bool:
        return out.session_id == self.session_id and message_id in (None, out.message_id)
