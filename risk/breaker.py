"""The breaker: RUNNING, SAFE_MODE (reduce only) and HALT (cancels and closing orders only), as a table.

SAFE_MODE has causes, and ends by itself when the last one is gone. HALT is latched: it survives a
restart, and only a named person with a reason ends it. A restart leaves RUNNING for SAFE_MODE, with
the cause `unreconciled`, until somebody says that positions and orders agree with the broker's.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from market.errors import UserError

BreakerState = Literal["RUNNING", "SAFE_MODE", "HALT"]
Signal = Literal["halt", "cause_raised", "causes_cleared", "resume", "restart"]

UNRECONCILED = "unreconciled"

TRANSITIONS: dict[tuple[BreakerState, Signal], BreakerState] = {
    ("RUNNING", "halt"): "HALT",
    ("RUNNING", "cause_raised"): "SAFE_MODE",
    ("RUNNING", "causes_cleared"): "RUNNING",
    ("RUNNING", "resume"): "RUNNING",
    ("RUNNING", "restart"): "SAFE_MODE",
    ("SAFE_MODE", "halt"): "HALT",
    ("SAFE_MODE", "cause_raised"): "SAFE_MODE",
    ("SAFE_MODE", "causes_cleared"): "RUNNING",
    ("SAFE_MODE", "resume"): "SAFE_MODE",  # causes end it, not persons
    ("SAFE_MODE", "restart"): "SAFE_MODE",
    ("HALT", "halt"): "HALT",
    ("HALT", "cause_raised"): "HALT",
    ("HALT", "causes_cleared"): "HALT",
    ("HALT", "resume"): "SAFE_MODE",  # and on to RUNNING at once when no cause is left
    ("HALT", "restart"): "HALT",
}


class NotResumableError(UserError):
    """A resume without a person's name or a reason."""


class Breaker(msgspec.Struct, frozen=True, kw_only=True):
    """The breaker's state and why. `changed_by` is a person, or the trigger's name; times in ns UTC."""

    state: BreakerState
    causes: tuple[str, ...]
    changed_at_ns: int
    changed_by: str
    reason: str

    @classmethod
    def at_start(cls, now_ns: int) -> Breaker:
        """Return the breaker of a first start: SAFE_MODE until reconciled."""
        return cls(
            state="SAFE_MODE",
            causes=(UNRECONCILED,),
            changed_at_ns=now_ns,
            changed_by="start",
            reason="positions and orders are not reconciled yet",
        )

    def restarted(self, now_ns: int) -> Breaker:
        """Return the breaker that a restart continues with; a HALT stays one, with its reason."""
        state = TRANSITIONS[self.state, "restart"]
        causes = _with(self.causes, UNRECONCILED)
        if state == self.state:
            return msgspec.structs.replace(self, causes=causes)
        return self._to(state, causes, now_ns=now_ns, by="restart", reason="not reconciled since the restart")

    def halted(self, now_ns: int, *, by: str, reason: str) -> Breaker:
        """Return the halted breaker; the first halt keeps its time and reason."""
        if self.state == "HALT":
            return self
        return self._to(TRANSITIONS[self.state, "halt"], self.causes, now_ns=now_ns, by=by, reason=reason)

    def with_cause(self, cause: str, now_ns: int, *, reason: str) -> Breaker:
        """Return the breaker with one more cause for SAFE_MODE."""
        if cause in self.causes:
            return self
        causes = _with(self.causes, cause)
        state = TRANSITIONS[self.state, "cause_raised"]
        if state == self.state:
            return msgspec.structs.replace(self, causes=causes)
        return self._to(state, causes, now_ns=now_ns, by=cause, reason=reason)

    def without_cause(self, cause: str, now_ns: int, *, reason: str) -> Breaker:
        """Return the breaker with a cause gone; the last one ends SAFE_MODE."""
        if cause not in self.causes:
            return self
        causes = tuple(other for other in self.causes if other != cause)
        state = self.state if causes else TRANSITIONS[self.state, "causes_cleared"]
        if state == self.state:
            return msgspec.structs.replace(self, causes=causes)
        return self._to(state, causes, now_ns=now_ns, by=cause, reason=reason)

    def resumed(self, now_ns: int, *, by: str, reason: str) -> Breaker:
        """Return the breaker after a person ended the halt; raises `NotResumableError` without both."""
        if not by.strip() or not reason.strip():
            raise NotResumableError(
                f"Resume by {by!r} for {reason!r} is refused. Give a person's name and a reason."
            )
        state = TRANSITIONS[self.state, "resume"]
        if state == "SAFE_MODE" and not self.causes:
            state = TRANSITIONS[state, "causes_cleared"]
        if state == self.state:
            return self
        return self._to(state, self.causes, now_ns=now_ns, by=by.strip(), reason=reason.strip())

    def _to(
        self, state: BreakerState, causes: tuple[str, ...], *, now_ns: int, by: str, reason: str
    ) -> Breaker:
        return Breaker(state=state, causes=causes, changed_at_ns=now_ns, changed_by=by, reason=reason)


def _with(causes: tuple[str, ...], cause: str) -> tuple[str, ...]:
    return causes if cause in causes else (*causes, cause)
