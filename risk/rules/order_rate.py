"""Orders that passed within one second; its refusals count for the trigger `reject_rate`."""

from __future__ import annotations

from risk.counted import counted
from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule
from risk.snapshot import Snapshot


def check(intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when this would be an order too many within one second."""
    limit = limits.max_orders_per_second
    count = snapshot.orders_last_second + 1
    if intent.replaces or count <= limit:
        return None
    value = f"{counted(count, 'order')} in a second"
    return Breach(value, f"{limit} a second", "Send orders more slowly.")


RULE = Rule(
    name="order_rate",
    guards="a runaway strategy and IB's message pacing",
    limit_keys=("max_orders_per_second",),
    check=check,
)
