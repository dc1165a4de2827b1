"""The simulated broker: a deterministic state machine without sockets and without a clock of its own.

    receive(session, request) ──> handler of a component ──> send(Outgoing) ──> wire or test
    advance(now_ns)           ──> timers, in the order of their due times

The same calls with the same times give the same messages, byte for byte: nothing here reads a wall
clock, opens a socket or draws an unseeded random number.

A request passes, in this order: the message rate (error 100, then the connection is closed), the
rule that START_API comes first, the table of handlers. What a handler raises: `Refused` becomes its
error; anything else is a defect, answered with error 322, kept in `failures`, and the broker goes on.
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from adapters.tws_simulator.clock import MarketClock
from adapters.tws_simulator.component import Component, ControlCommand, Handler, Refused
from adapters.tws_simulator.messages import IN, OUT, Message, message_type, request_name
from adapters.tws_simulator.session.pacing import Pacing
from adapters.tws_simulator.session.sessions import Session, SessionInfo, Sessions
from adapters.tws_simulator.settings import SimulatorSettings
from adapters.tws_simulator.timers import Callback, Timer, TimerQueue

NO_REQUEST = -1
"""The id of an error that belongs to no request."""

RequestListener = Callable[[Session, int, Message], None]

READ_ONLY_REFUSES = frozenset(
    {
        OUT.PLACE_ORDER,
        OUT.CANCEL_ORDER,
        OUT.REQ_GLOBAL_CANCEL,
        OUT.EXERCISE_OPTIONS,
        OUT.REQ_OPEN_ORDERS,
        OUT.REQ_ALL_OPEN_ORDERS,
        OUT.REQ_AUTO_OPEN_ORDERS,
        OUT.REQ_COMPLETED_ORDERS,
    }
)
"""What TWS's read-only API refuses with 321: orders, and looking at them (as users report)."""

READ_ONLY_TEXT = "Error validating request.-'bW' : cause - The API interface is currently in Read-Only mode."

FAILURES_MAX = 100
"""How many tracebacks of our own defects are kept."""


class Outgoing(NamedTuple):
    """A message for one session: `message_id` is an `IN` id, `body` a protobuf message."""

    session_id: int
    message_id: int
    body: Message


class Broker:
    """Sessions, time and the components behind one table of handlers.

    `send` receives every outgoing message; `hang_up(session_id)` closes a connection after what was
    sent to it. Both are called synchronously and must not call back into the broker.
    """

    def __init__(
        self,
        settings: SimulatorSettings,
        *,
        send: Callable[[Outgoing], None],
        hang_up: Callable[[int], None],
        now_ns: int,
        clock: MarketClock | None = None,
    ) -> None:
        self.settings = settings
        self.sessions = Sessions(settings.session.master_client_id)
        self.random = random.Random(settings.seed)  # noqa: S311 - reproducible chance, not secrecy
        self.now_ns = now_ns
        self.clock = clock or MarketClock(now_ns, now_ns)
        self.clock_skew_ns = 0
        self.failures: list[str] = []
        self._send, self._hang_up = send, hang_up
        self._pacing = Pacing(settings.session)
        self._timers, self._market_timers = TimerQueue(), TimerQueue()
        self._components: list[Component] = []
        self._handlers: dict[int, Handler] = {}
        self._commands: dict[str, ControlCommand] = {}
        self._request_listeners: list[RequestListener] = []
        self.is_read_only = settings.session.is_read_only

    # ------------------------------------------------------------------ assembly

    def install(self, component: Component) -> None:
        """Add a component with its handlers and commands; raises `ValueError` when one is taken."""
        for message_id, handler in component.handlers().items():
            if message_id in self._handlers:
                raise ValueError(f"two components handle {request_name(message_id)}")
            self._handlers[message_id] = handler
        for name, command in component.commands().items():
            if name in self._commands:
                raise ValueError(f"two components offer the command {name}")
            self._commands[name] = command
        self._components.append(component)

    def on_request(self, listener: RequestListener) -> None:
        """Call `listener(session, message_id, request)` after every request that was handled."""
        self._request_listeners.append(listener)

    @property
    def commands(self) -> dict[str, ControlCommand]:
        """The control commands of all components, by name."""
        return self._commands

    # ------------------------------------------------------------------ from the wire

    def connect(self, info: SessionInfo) -> Session:
        """Take note of a connection whose handshake is done; nothing is sent before START_API."""
        return self.sessions.open(info)

    def disconnect(self, session_id: int) -> None:
        """Forget a connection that the client or the network has closed; harmless when unknown."""
        session = self.sessions.close(session_id)
        if session is not None and session.is_started:
            for component in self._components:
                component.session_ended(session)

    def receive(self, session_id: int, message_id: int, request: Message) -> None:
        """Handle one request (`OUT` id and its protobuf message) at the time of the last `advance`.

        Requests of sessions that are gone are ignored: they were on their way when it ended.
        """
        session = self.sessions.get(session_id)
        if session is None or not self._admit(session):
            return
        if not session.is_started and message_id != OUT.START_API:
            self.error(session, request_id_of(request), 504, "Not connected")
            return
        if self.is_read_only and message_id in READ_ONLY_REFUSES:
            self.error(session, request_id_of(request), 321, READ_ONLY_TEXT)
            return
        handler = self._handlers.get(message_id)
        if handler is None:
            self.error(session, request_id_of(request), 505, f"Fatal Error: Unknown message id. {message_id}")
            return
        self._guarded(session, request, handler)
        for listener in self._request_listeners:
            listener(session, message_id, request)

    def receive_malformed(self, session_id: int, message_id: int, why: str) -> None:
        """Answer a frame that cannot be decoded with error 320; it counts against the message rate."""
        session = self.sessions.get(session_id)
        if session is None or not self._admit(session):
            return
        name = request_name(message_id)
        self.error(session, NO_REQUEST, 320, f"Error reading request. {name}: {why}")

    # ------------------------------------------------------------------ time

    def advance(self, now_ns: int) -> None:
        """Run everything that is due up to `now_ns`, each at its own time; time never goes back."""
        while (due_ns := self.next_due_ns()) is not None and due_ns <= now_ns:
            self.now_ns = max(self.now_ns, due_ns)
            timer = self._timers.pop_due(self.now_ns) or self._market_timers.pop_due(self.market_ns)
            if timer is None:
                break
            self._run(timer.callback)
        self.now_ns = max(self.now_ns, now_ns)

    def next_due_ns(self) -> int | None:
        """Return the real time of the next timer, None without one; for whoever calls `advance`."""
        real, market = self._timers.next_due_ns(), self._market_timers.next_due_ns()
        if market is None:
            return real
        market_real = self.clock.real_ns(market)
        return market_real if real is None else min(real, market_real)

    @property
    def market_ns(self) -> int:
        """The time that TWS shows and stamps: see `clock`."""
        return self.clock.market_ns(self.now_ns)

    @property
    def shown_ns(self) -> int:
        """The time that TWS's clock shows: market time plus the skew that a fault sets."""
        return self.market_ns + self.clock_skew_ns

    def call_after(self, delay_ns: int, callback: Callback) -> Timer:
        """Run `callback` after `delay_ns` of real time (at the next `advance` when 0)."""
        return self._timers.add(self.now_ns + delay_ns, callback)

    def call_at_market(self, market_ns: int, callback: Callback) -> Timer:
        """Run `callback` when the market's time is `market_ns`."""
        return self._market_timers.add(market_ns, callback)

    # ------------------------------------------------------------------ for components

    def send(self, session: Session, message_id: int, body: Message) -> None:
        """Send `body` (the protobuf class of the `IN` id) to one session."""
        self._send(Outgoing(session.session_id, message_id, body))

    def error(
        self, session: Session, request_id: int, code: int, text: str, *, advanced_reject: str = ""
    ) -> None:
        """Send TWS's error or notice `code`; `request_id` -1 when it belongs to no request."""
        body = message_type("ErrorMessage")(
            id=request_id, errorTime=self.shown_ns // 1_000_000, errorCode=code, errorMsg=text
        )
        if advanced_reject:
            body.advancedOrderRejectJson = advanced_reject
        self.send(session, IN.ERR_MSG, body)

    def notify_all(self, code: int, text: str) -> None:
        """Send a notice (1100, 2104, ...) to every started session."""
        for session in self.sessions.started():
            self.error(session, NO_REQUEST, code, text)

    def hang_up(self, session: Session) -> None:
        """Close a connection after what was sent to it, and forget it."""
        self.disconnect(session.session_id)
        self._hang_up(session.session_id)

    def start_session(self, session: Session, client_id: int) -> bool:
        """Give `session` its client id; False when it is in use. `announce` tells the components."""
        return self.sessions.start(session, client_id)

    def announce(self, session: Session) -> None:
        """Tell every component that `session` has started."""
        for component in self._components:
            component.session_started(session)

    def restart(self) -> None:
        """Close every connection and let the components forget what TWS's restart forgets."""
        for session in self.sessions.all():
            self.hang_up(session)
        for component in self._components:
            component.restarted()

    def run_command(self, name: str, parameters: object) -> object:
        """Run a control command with undecoded parameters (a mapping); raises `ValueError`."""
        command = self._commands.get(name)
        if command is None:
            raise ValueError(f'there is no command "{name}"; there are {", ".join(sorted(self._commands))}')
        return command.run(decode_parameters(name, command, parameters))

    def truth(self) -> dict[str, Any]:
        """Return everything the components know for certain, and the broker's own state."""
        truth: dict[str, Any] = {
            "now_ns": self.now_ns,
            "market_ns": self.market_ns,
            "sessions": [session.client_id for session in self.sessions.all()],
            "failures": list(self.failures),
        }
        for component in self._components:
            truth.update(component.truth())
        return truth

    # ------------------------------------------------------------------ inside

    def _admit(self, session: Session) -> bool:
        verdict = self._pacing.admit(session, self.now_ns)
        if verdict.is_admitted:
            return True
        if verdict.text:
            self.error(session, NO_REQUEST, 100, verdict.text)
        if verdict.ends_session:
            self.hang_up(session)
        return False

    def _guarded(self, session: Session, request: Message, handler: Handler) -> None:
        request_id = request_id_of(request)
        try:
            handler(session, request)
        except Refused as refused:
            self.error(
                session, request_id, refused.code, refused.text, advanced_reject=refused.advanced_reject
            )
        except Exception as failure:  # noqa: BLE001 - one client's request must not stop the broker
            self._keep_failure()
            text = f"Error processing request. Defect of the simulator: {failure!r}"
            self.error(session, request_id, 322, text)

    def _run(self, callback: Callback) -> None:
        try:
            callback()
        except Exception:  # noqa: BLE001 - one timer must not stop the others; tests look at `failures`
            self._keep_failure()

    def _keep_failure(self) -> None:
        if len(self.failures) < FAILURES_MAX:
            self.failures.append(traceback.format_exc())


def decode_parameters(name: str, command: ControlCommand, parameters: object) -> Any:
    """Return the Struct of a command's parameters; raises `ValueError` that names the command."""
    try:
        return msgspec.convert(parameters, command.parameters, strict=False)
    except (msgspec.ValidationError, ValueError) as problem:
        raise ValueError(f"{name}: {problem}") from None


def request_id_of(request: Message) -> int:
    """Return the id under which a request is answered: its `reqId`, else its `orderId`, else -1."""
    for name in ("reqId", "orderId"):
        if hasattr(request, name) and request.HasField(name):
            value: int = getattr(request, name)
            return value
    return NO_REQUEST
