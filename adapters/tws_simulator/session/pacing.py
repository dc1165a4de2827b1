"""The limit on messages per second, with error 100 and then the end of the connection.

TWS documents 50 messages per second, error 100 above it, and a disconnection after three violations.
Not known from a capture, and so modelled: that the second slides, that the messages above the limit
are dropped, and that a violation is counted once per second and not once per message.
"""

from __future__ import annotations

from typing import NamedTuple

from adapters.tws_simulator.session.sessions import Session
from adapters.tws_simulator.settings import SessionSettings

SECOND_NS = 1_000_000_000


class PacingVerdict(NamedTuple):
    """Whether a message may pass; if not, what TWS says ("" for nothing) and whether it hangs up."""

    is_admitted: bool
    text: str = ""
    ends_session: bool = False


ADMITTED = PacingVerdict(is_admitted=True)


class Pacing:
    """Counts each session's messages over a sliding second of real time."""

    def __init__(self, settings: SessionSettings) -> None:
        self._limit = settings.messages_per_second_max
        self._violations_max = settings.violations_max
        self._flood = settings.messages_per_second_max * settings.flood_factor

    def admit(self, session: Session, now_ns: int) -> PacingVerdict:
        """Count a message of `session` at `now_ns` and return whether it may pass."""
        times = session.admitted_ns
        while times and now_ns - times[0] >= SECOND_NS:
            times.popleft()
        if len(times) < self._limit:
            times.append(now_ns)
            return ADMITTED
        session.refused_in_second += 1
        is_new = session.violation_ns is None or now_ns - session.violation_ns >= SECOND_NS
        if is_new:
            session.violation_ns, session.refused_in_second = now_ns, 1
            session.violations += 1
        received = len(times) + session.refused_in_second
        text = f"Max rate of messages per second has been exceeded:max={self._limit} rec={received}"
        text += f" ({session.violations})"
        is_last = is_new and session.violations >= self._violations_max
        if is_last or session.refused_in_second > self._flood:
            return PacingVerdict(is_admitted=False, text=text, ends_session=True)
        return PacingVerdict(is_admitted=False, text=text if is_new else "")
