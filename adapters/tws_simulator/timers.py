"""Callbacks due at a time, run in the order of that time and then of their making."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

Callback = Callable[[], None]


@dataclass(slots=True, order=True)
class Timer:
    """A callback that runs once at `due_ns`, unless cancelled before."""

    due_ns: int
    sequence: int
    callback: Callback = field(compare=False)
    is_cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Keep the callback from running; harmless when it already has."""
        self.is_cancelled = True


class TimerQueue:
    """A heap of timers on one time axis."""

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._sequence = 0

    def add(self, due_ns: int, callback: Callback) -> Timer:
        """Queue `callback` for `due_ns` and return its timer."""
        self._sequence += 1
        timer = Timer(due_ns, self._sequence, callback)
        heapq.heappush(self._heap, timer)
        return timer

    def next_due_ns(self) -> int | None:
        """Return when the earliest live timer is due, None without one."""
        while self._heap and self._heap[0].is_cancelled:
            heapq.heappop(self._heap)
        return self._heap[0].due_ns if self._heap else None

    def pop_due(self, now_ns: int) -> Timer | None:
        """Remove and return the earliest live timer that is due at `now_ns`, None when none is."""
        due = self.next_due_ns()
        return heapq.heappop(self._heap) if due is not None and due <= now_ns else None
