"""What the gate tells its recorder: verdicts, breaker changes, suspect readings, operators' commands.

The journal and a run's refusals.parquet are written from these; the gate keeps none of them. Times are
ns UTC; values and limits are text with their unit, as a reader wants them.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, Protocol

import msgspec

from risk.breaker import BreakerState


class ApprovalRecord(msgspec.Struct, frozen=True, gc=False):
    """The gate let a command pass: what goes to the venue. Its counterpart is `RefusalRecord`.

    Give the fields by keyword, but where each order's time counts.

    A submission of one order and a change name quantity (whole shares or contracts) and prices (USD a
    share); a cancel, and a list of orders, name the orders alone.
    """

    ts_ns: int
    command: Literal["submit", "modify", "cancel"]
    client_order_ids: tuple[str, ...]
    strategy_id: str
    instrument_id: str
    quantity: int | None = None
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None


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


RiskRecord = ApprovalRecord | RefusalRecord | BreakerChangeRecord | ReadingRecord | CommandRecord


class Recorder(Protocol):
    """Where records go. One that fails halts the breaker: what is not recorded must not be done.

    Every command waits for `record`, closings and cancels too, so it must not block: an implementation hands
    the record to a queue and writes it elsewhere, as `audit.journal` does, and tells of losses by `failure`.
    """

    @property
    def failure(self) -> str | None:
        """Why records are being lost, also those kept before; None while all of them are kept."""

    def record(self, entry: RiskRecord) -> None:
        """Keep one record, without waiting for a disk or a network; raise when it cannot be kept."""


class MemoryRecorder:
    """Keeps records in a list, in the order of events: for backtests, drills and tests."""

    failure: str | None = None

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
