"""One decision makes one order; an order equal to one of its strategy within the window is a duplicate."""

from __future__ import annotations

from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule
from risk.snapshot import Snapshot


def check(intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when the decision, or an equal order a moment ago, has been sent already."""
    earlier = snapshot.duplicate_of
    if intent.replaces or earlier is None:
        return None
    limit = f"one order per decision, equal orders {limits.duplicate_window_ms} ms apart"
    return Breach(f"repeats {earlier}", limit, "Do not resend; ask for the order's state instead.")


RULE = Rule(
    name="duplicate_intent",
    guards="sending one signal twice",
    limit_keys=("duplicate_window_ms",),
    check=check,
)
