"""Cancels and modifications within one minute; above it nothing new is opened."""

from __future__ import annotations

from risk.counted import counted
from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule
from risk.snapshot import Snapshot


def check(intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when cancels and replaces of the last minute exceed the limit."""
    limit = limits.max_replaces_per_minute
    count = snapshot.replaces_last_minute + intent.replaces
    if count <= limit:
        return None
    value = f"{counted(count, 'replace')} in a minute"
    return Breach(value, f"{limit} a minute", "Let working orders rest longer.")


RULE = Rule(
    name="replace_rate",
    guards="a runaway quoting loop",
    limit_keys=("max_replaces_per_minute",),
    check=check,
)
