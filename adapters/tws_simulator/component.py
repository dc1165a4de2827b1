"""What a part of the broker offers: handlers of requests, a life with each session, control commands.

    Broker ── install ──> Component
      │                     handlers()          OUT id  -> function(session, request)
      │                     commands()          name    -> ControlCommand (control channel, scenarios)
      │                     session_started()   after START_API was accepted
      │                     session_ended()     the socket is gone: forget its subscriptions
      │                     restarted()         TWS restarts: forget what does not survive
      │                     truth()             what the oracle compares with
      └──<── send, error, call_after, ...       everything a component does to the world

A component keeps its state in itself, keyed by `session.session_id` where it belongs to a session. It
takes the components it needs (see `interfaces`) as constructor arguments, after the broker.

A handler refuses a request by raising `Refused(code, text)`: the broker answers with that error
under the request's own id (`reqId`, else `orderId`, else -1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from adapters.tws_simulator.messages import Message

if TYPE_CHECKING:
    from adapters.tws_simulator.broker import Broker
    from adapters.tws_simulator.session.sessions import Session

Handler = Callable[["Session", Message], None]


class ControlCommand(NamedTuple):
    """A command of the control channel: the Struct of its parameters, and what it does.

    `run` receives the decoded Struct and returns what JSON can carry (None for nothing to say). It
    raises `ValueError` for parameters that make no sense; the message goes to the caller.
    """

    parameters: type[msgspec.Struct]
    run: Callable[[Any], object]


class NoParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For a command that takes none."""


class Refused(Exception):  # noqa: N818 - TWS refuses a request, which is no error of ours
    """Answer the request with TWS's error `code` and `text`, and do nothing else."""

    def __init__(self, code: int, text: str, *, advanced_reject: str = "") -> None:
        super().__init__(f"{code}: {text}")
        self.code, self.text, self.advanced_reject = code, text, advanced_reject


class Component:
    """A part of the broker with nothing to offer; parts override what they need."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker

    def handlers(self) -> Mapping[int, Handler]:
        """Return the requests that this component answers, by `OUT` id."""
        return {}

    def commands(self) -> Mapping[str, ControlCommand]:
        """Return the control commands that this component offers, by name."""
        return {}

    def session_started(self, session: Session) -> None:
        """Take note of a client that has started its API."""

    def session_ended(self, session: Session) -> None:
        """Forget what belonged to a session; its socket is gone, so send nothing to it."""

    def restarted(self) -> None:
        """Forget what does not survive TWS's daily restart; no session is open when this is called."""

    def truth(self) -> Mapping[str, Any]:
        """Return what this component knows for certain, JSON-able, for the oracle of tests."""
        return {}
