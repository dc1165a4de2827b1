"""How a journal is written: how much may wait, for how long, and what happens then."""

from __future__ import annotations

from typing import Literal

import msgspec

from market.errors import ConfigError


class JournalSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of the writer.

    `queue_records` may wait for the disk; one more raises (a live node then halts) or waits (a backtest
    then slows down). A disk that does not answer for `stall_ms` makes `append` raise, too, so that a
    node does not trade on for long without its journal. The writer gathers records for `group_wait_ms`
    before it writes, unless somebody waits in `flush`; at most `max_group_records` are synced at once.
    `sync` False leaves the flushing to the operating system until the journal is closed: a killed
    process then loses nothing, a loss of power may.
    """

    queue_records: int = 65_536
    when_full: Literal["raise", "wait"] = "raise"
    group_wait_ms: float = 1.0
    max_group_records: int = 4_096
    stall_ms: int = 10_000
    sync: bool = True

    def __post_init__(self) -> None:
        bounds = {
            "queue_records": (self.queue_records, 1, 10_000_000),
            "group_wait_ms": (self.group_wait_ms, 0, 1_000),
            "max_group_records": (self.max_group_records, 1, 1_000_000),
            "stall_ms": (self.stall_ms, 1, 600_000),
        }
        for name, (value, low, high) in bounds.items():
            if not low <= value <= high:
                raise ConfigError(f"journal.{name} is {value}. Give a value from {low} to {high}.")


FOR_BACKTESTS = JournalSettings(
    when_full="wait", sync=False, group_wait_ms=100.0, queue_records=16_384, max_group_records=16_384
)
"""A backtest waits for its journal, and has nothing that must outlive a loss of power before its end."""
