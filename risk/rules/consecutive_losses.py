"""A pause of openings after several losing trades in a row; it ends by the clock."""

from __future__ import annotations

from market.time import format_new_york
from risk.counted import counted
from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule, unknown
from risk.snapshot import Snapshot


def check(_intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when the pause after losing trades in a row is not over."""
    limit = limits.max_consecutive_losses
    day = snapshot.day
    if day is None:
        return unknown("the day's result", f"{counted(limit, 'loss', 'losses')} in a row")
    if day.paused_until_ns is None or snapshot.now_ns >= day.paused_until_ns:
        return None
    value = f"{counted(day.consecutive_losses, 'loss', 'losses')} in a row"
    until = format_new_york(day.paused_until_ns, places=0)
    return Breach(value, f"{limit} in a row", f"Openings are paused until {until}.")


RULE = Rule(
    name="consecutive_losses",
    guards="a strategy out of step with the market",
    limit_keys=("max_consecutive_losses", "consecutive_loss_pause_minutes"),
    check=check,
)
