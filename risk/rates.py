"""How often something happened within a sliding window of time."""

from __future__ import annotations

from collections import deque

MAX_REMEMBERED = 100_000
"""Events kept by one counter; with more within its window it counts this many."""


class SlidingCount:
    """Counts events of the last `window_ns` nanoseconds."""

    __slots__ = ("_times_ns", "_window_ns")

    def __init__(self, window_ns: int) -> None:
        self._window_ns = window_ns
        self._times_ns: deque[int] = deque(maxlen=MAX_REMEMBERED)

    def add(self, now_ns: int) -> None:
        """Count one event at `now_ns`; times must not decrease."""
        self._times_ns.append(now_ns)

    def count(self, now_ns: int) -> int:
        """Return the events after `now_ns - window_ns`, up to now."""
        times, start_ns = self._times_ns, now_ns - self._window_ns
        while times and times[0] <= start_ns:
            times.popleft()
        return len(times)

    def take_back(self) -> None:
        """Uncount the latest event: it did not happen after all."""
        self._times_ns.pop()
