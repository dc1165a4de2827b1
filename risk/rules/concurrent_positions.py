"""Symbols with a position, or with a working order, the order's own symbol counted."""

from __future__ import annotations

from risk.counted import counted
from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule
from risk.snapshot import Snapshot


def check(_intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when too many symbols could be held at once."""
    limit = limits.max_positions
    count = snapshot.symbols_after
    if count <= limit:
        return None
    value = f"{counted(count, 'symbol')} held or working, this order's counted"
    allowed = f"{counted(limit, 'symbol')} (risk.max_positions)"
    return Breach(value, allowed, "Close a position or cancel an order first.")


RULE = Rule(
    name="concurrent_positions",
    guards="losing oversight of many positions",
    limit_keys=("max_positions",),
    check=check,
)
