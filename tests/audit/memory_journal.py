"""A journal that keeps its entries in a list, and fails when it is told to."""

from __future__ import annotations

import msgspec

from audit.events import KIND_OF, Entry


class MemoryJournal:
    """Appends as a journal does; `failure` set to a text makes it raise from then on."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.failure: str | None = None

    def append(
        self,
        body: msgspec.Struct,
        *,
        ts_ns: int,
        correlation_id: str | None = None,
        caused_by: int | None = None,
        market_ns: int | None = None,
    ) -> int:
        """Keep a record and return its number; raises `OSError` when it cannot."""
        if self.failure is not None:
            raise OSError(self.failure)
        self.entries.append(
            Entry(
                seq=len(self.entries) + 1,
                ts_ns=ts_ns,
                kind=KIND_OF[type(body)],
                body=body,
                correlation_id=correlation_id,
                caused_by=caused_by,
                market_ns=market_ns,
            )
        )
        return len(self.entries)

    def of[T](self, kind: type[T]) -> list[T]:
        """Return the bodies of a type."""
        return [entry.body for entry in self.entries if isinstance(entry.body, kind)]

    def entry(self, seq: int) -> Entry:
        """Return an entry by its number."""
        return self.entries[seq - 1]
