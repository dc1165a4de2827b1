"""What the gate tells its recorder: refusals, breaker changes, suspect readings, operators' commands.

The journal and a run's refusals.parquet are written from these; the gate keeps none of them. Times are
ns UTC; values and limits are text with their unit, as a reader wants them.
"""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from risk.snapshot import BreakerState


class RefusalRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One refused order or modification. `reason` is the whole line that the strategy got."""

    ts_ns: int
    command: Literal["submit", "modify"]
    rule: str
    value: str
    limit: str
    reason: str
    instrument_id: str
    client_order_id: str
    strategy_id: str
    breaker: BreakerState
    ib_code: int | None = None


class BreakerChangeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One change of the breaker: `by` a person or a trigger."""

    ts_ns: int
    before: BreakerState
    after: BreakerState
    causes: tuple[str, ...]
    by: str
    reason: str


class ReadingRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A reading beyond its limit: `suspect` alone, `confirmed` when it acted; `inputs` it was made of."""

    ts_ns: int
    trigger: str
    verdict: Literal["suspect", "confirmed"]
    value: str
    limit: str
    readings_ns: tuple[int, ...]
    inputs: dict[str, str]


class CommandRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An operator's command and what came of it."""

    ts_ns: int
    command: str
    by: str
    reason: str
    outcome: str


RiskRecord = RefusalRecord | BreakerChangeRecord | ReadingRecord | CommandRecord


class Recorder(Protocol):
    """Where records go. A recorder that raises puts the breaker into SAFE_MODE."""

    def record(self, entry: RiskRecord) -> None:
        """Keep one record; raise when it cannot be kept."""


class MemoryRecorder:
    """Keeps records in a list, in the order of events: for backtests, drills and tests."""

    def __init__(self) -> None:
        self.entries: list[RiskRecord] = []

    def record(self, entry: RiskRecord) -> None:
        """Append the record."""
        self.entries.append(entry)

    @property
    def refusals(self) -> list[RefusalRecord]:
        """The refusals among them."""
        return [entry for entry in self.entries if isinstance(entry, RefusalRecord)]

    @property
    def breaker_changes(self) -> list[BreakerChangeRecord]:
        """The breaker's changes among them."""
        return [entry for entry in self.entries if isinstance(entry, BreakerChangeRecord)]
