"""What a person is told of while it happens: breaker changes, pauses, commands and flattenings, as one line.

The shell writes them to the node's log. The records beside them are complete; these are for eyes.
"""

from __future__ import annotations

import msgspec

from risk.records import BreakerChangeRecord, CommandRecord

FAILED = "NOT "
"""Begins the outcome of what did not succeed: NOT FLAT, NOT CANCELED."""


class Notice(msgspec.Struct, frozen=True):
    """A sentence; `is_urgent` when somebody must act."""

    text: str
    is_urgent: bool = False


def of_change(change: BreakerChangeRecord) -> Notice:
    """Return the notice of a change of the breaker; a HALT is urgent."""
    if change.after != change.before:
        moved = f"Breaker {change.before} to {change.after} by {change.by}: {change.reason}."
    else:
        moved = f"Breaker stays in {change.after}."
    causes = f" Causes of SAFE_MODE: {', '.join(change.causes)}." if change.causes else ""
    is_halt = change.after == "HALT" != change.before
    return Notice(moved + causes + (" See docs/runbooks/halt.md." if is_halt else ""), is_halt)


def of_command(record: CommandRecord) -> Notice:
    """Return the notice of a command and what came of it; what did not succeed is urgent."""
    text = f"{record.command} by {record.by} ({record.reason}): {record.outcome.removesuffix('.')}."
    return Notice(text, record.outcome.startswith(FAILED))
