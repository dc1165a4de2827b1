"""Puts findings that are known before a run among its records, in order of time."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from audit.nautilus_recorder import Appender

_NEVER_NS = 2**63


class FindingsInTime:
    """A journal to whoever appends: an expected finding goes before the first record that is not earlier."""

    def __init__(self, journal: Appender) -> None:
        self._journal = journal
        self._append = journal.append
        self._pending: deque[tuple[int, msgspec.Struct]] = deque()
        self._next_ns = _NEVER_NS

    @property
    def failure(self) -> str | None:
        """Why nothing is kept any more, None while it is."""
        return self._journal.failure

    def expect(self, finding: msgspec.Struct, *, ts_ns: int) -> None:
        """Take a finding, not earlier than the one before, to be recorded with `ts_ns` (ns UTC)."""
        self._pending.append((ts_ns, finding))
        self._next_ns = self._pending[0][0]

    def append(
        self,
        body: msgspec.Struct,
        *,
        ts_ns: int,
        correlation_id: str | None = None,
        caused_by: int | None = None,
        market_ns: int | None = None,
    ) -> int:
        """Append what is expected by `ts_ns`, then the record; return the record's `seq`."""
        if ts_ns >= self._next_ns:
            self._append_until(ts_ns)
        return self._append(
            body, ts_ns=ts_ns, correlation_id=correlation_id, caused_by=caused_by, market_ns=market_ns
        )

    def finish(self) -> None:
        """Append what is still expected."""
        self._append_until(_NEVER_NS)

    def _append_until(self, ts_ns: int) -> None:
        while self._pending and self._pending[0][0] <= ts_ns:
            due_ns, finding = self._pending.popleft()
            self._append(finding, ts_ns=due_ns)
        self._next_ns = self._pending[0][0] if self._pending else _NEVER_NS
