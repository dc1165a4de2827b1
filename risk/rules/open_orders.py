"""Orders sent and not yet finished."""

from __future__ import annotations

from risk.counted import counted
from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule
from risk.snapshot import Snapshot


def check(intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when too many orders would be open."""
    limit = limits.max_open_orders
    count = snapshot.open_orders_after
    if intent.replaces or count <= limit:
        return None
    value = f"{counted(count, 'order')} open, this one counted"
    return Breach(value, counted(limit, "order"), "Cancel an order first.")


RULE = Rule(
    name="open_orders",
    guards="losing oversight of many orders",
    limit_keys=("max_open_orders",),
    check=check,
)
