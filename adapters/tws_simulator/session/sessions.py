"""The connected clients, and which of them sees whose orders."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

TWS_CLIENT_ID = 0
"""Orders placed by hand in TWS have this client id, and the client with it may bind them."""


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What is known of a connection when its handshake is done."""

    session_id: int
    server_version: int
    peer: str = ""


@dataclass(slots=True, eq=False)
class Session:
    """One connection. `client_id` is None until START_API was accepted."""

    info: SessionInfo
    client_id: int | None = None
    binds_manual_orders: bool = False
    optional_capabilities: str = ""
    admitted_ns: deque[int] = field(default_factory=deque)
    refused_in_second: int = 0
    violation_ns: int | None = None
    violations: int = 0

    @property
    def session_id(self) -> int:
        """The number of the connection, never reused."""
        return self.info.session_id

    @property
    def is_started(self) -> bool:
        """Whether START_API was accepted."""
        return self.client_id is not None


class Sessions:
    """All open connections by session id, and by client id once started."""

    def __init__(self, master_client_id: int | None = None) -> None:
        self.master_client_id = master_client_id
        self._by_session_id: dict[int, Session] = {}
        self._by_client_id: dict[int, Session] = {}

    def open(self, info: SessionInfo) -> Session:
        """Add a connection; raises `ValueError` when its session id is in use."""
        if info.session_id in self._by_session_id:
            raise ValueError(f"session id {info.session_id} is already connected")
        session = Session(info)
        self._by_session_id[info.session_id] = session
        return session

    def start(self, session: Session, client_id: int) -> bool:
        """Give `session` its client id; False when another connection holds that id."""
        if client_id in self._by_client_id:
            return False
        session.client_id = client_id
        self._by_client_id[client_id] = session
        return True

    def close(self, session_id: int) -> Session | None:
        """Remove a connection and return it, None when it is not there."""
        session = self._by_session_id.pop(session_id, None)
        if session is not None and session.client_id is not None:
            self._by_client_id.pop(session.client_id, None)
        return session

    def get(self, session_id: int) -> Session | None:
        """Return the connection with this session id, None when it is gone."""
        return self._by_session_id.get(session_id)

    def of_client(self, client_id: int) -> Session | None:
        """Return the started session of a client, None while it is away."""
        return self._by_client_id.get(client_id)

    def started(self) -> list[Session]:
        """Return the sessions that have started their API, in order of client id."""
        return [self._by_client_id[client_id] for client_id in sorted(self._by_client_id)]

    def all(self) -> list[Session]:
        """Return all open connections in the order of connecting."""
        return list(self._by_session_id.values())

    def viewers(self, client_id: int) -> list[Session]:
        """Return the sessions that are told about orders of `client_id`, its own first.

        The master client is told about everybody's orders. Orders entered by hand in TWS (client id
        0) are told to the client that asked for automatic binding.
        """
        found = [self._by_client_id[client_id]] if client_id in self._by_client_id else []
        for session in self.started():
            sees = session.client_id == self.master_client_id or (
                client_id == TWS_CLIENT_ID and session.binds_manual_orders
            )
            if sees and session not in found:
                found.append(session)
        return found
