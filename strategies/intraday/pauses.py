"""Reasons not to enter just now: cooldown, back-off after rejections, a signal already used, a full rate."""

from __future__ import annotations

from collections import deque

import msgspec

from market.time import NS_PER_MINUTE, NS_PER_MS
from strategies.intents import Side
from strategies.intraday.parameters import IntradayParameters


class PauseState(msgspec.Struct, frozen=True, kw_only=True):
    """What must survive a restart; times in ns UTC."""

    cooldown_until_ns: int = 0
    backoff_until_ns: int = 0
    rejections_in_a_row: int = 0
    used_signal: Side | None = None


class Pauses:
    """Pauses of one symbol. All times are event times in ns UTC, handed in."""

    __slots__ = ("_parameters", "backoff_until_ns", "cooldown_until_ns", "rejections_in_a_row", "used_signal")

    def __init__(self, parameters: IntradayParameters) -> None:
        self._parameters = parameters
        self.cooldown_until_ns = 0
        self.backoff_until_ns = 0
        self.rejections_in_a_row = 0
        self.used_signal: Side | None = None

    def reason(self, side: Side, now_ns: int) -> str | None:
        """Return why an entry on `side` must wait, or None."""
        if now_ns < self.backoff_until_ns:
            return "backing_off_after_rejection"
        if now_ns < self.cooldown_until_ns:
            return "cooldown"
        if self.used_signal == side:
            return "duplicate_signal"
        return None

    def use(self, side: Side) -> None:
        """Note that the signal of `side` led to an order; it must lapse before it counts again."""
        self.used_signal = side

    def lapse(self) -> None:
        """Note that no signal is seen any more."""
        self.used_signal = None

    def cool_down(self, now_ns: int) -> None:
        """Begin the cooldown."""
        self.cooldown_until_ns = now_ns + self._parameters.cooldown_ms * NS_PER_MS

    def back_off(self, now_ns: int) -> None:
        """Count a rejection and wait twice as long after each one in a row, up to the maximum."""
        doublings = min(self.rejections_in_a_row, 30)
        wait_ms = min(
            self._parameters.rejection_backoff_ms << doublings, self._parameters.rejection_backoff_ms_max
        )
        self.rejections_in_a_row += 1
        self.backoff_until_ns = now_ns + wait_ms * NS_PER_MS

    def accept(self) -> None:
        """Note that the venue took an order: rejections are no longer in a row."""
        self.rejections_in_a_row = 0

    def state(self) -> PauseState:
        """Return what must survive a restart."""
        return PauseState(
            cooldown_until_ns=self.cooldown_until_ns,
            backoff_until_ns=self.backoff_until_ns,
            rejections_in_a_row=self.rejections_in_a_row,
            used_signal=self.used_signal,
        )

    def restore(self, state: PauseState) -> None:
        """Take over `state`."""
        self.cooldown_until_ns = state.cooldown_until_ns
        self.backoff_until_ns = state.backoff_until_ns
        self.rejections_in_a_row = state.rejections_in_a_row
        self.used_signal = state.used_signal


class ReplaceRate:
    """At most `per_minute_max` replaces in any 60 s of event time."""

    __slots__ = ("_per_minute_max", "_sent_ns")

    def __init__(self, per_minute_max: int) -> None:
        self._per_minute_max = per_minute_max
        self._sent_ns: deque[int] = deque(maxlen=max(per_minute_max, 1))

    def allows(self, now_ns: int) -> bool:
        """Whether one more replace may go out at `now_ns` (ns UTC)."""
        if self._per_minute_max == 0:
            return False
        full = len(self._sent_ns) == self._per_minute_max
        return not full or now_ns - self._sent_ns[0] >= NS_PER_MINUTE

    def count(self, now_ns: int) -> None:
        """Note a replace sent at `now_ns` (ns UTC)."""
        self._sent_ns.append(now_ns)
