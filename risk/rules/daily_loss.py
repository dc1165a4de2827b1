"""Loss of the day from its start: realized plus open, fees counted."""

from __future__ import annotations

from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule, unknown
from risk.snapshot import Snapshot


def check(_intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when the day's loss has reached the limit, or is unknown."""
    limit = limits.max_daily_loss_usd
    if snapshot.day is None:
        return unknown("the day's result", f"{limit} USD")
    loss = snapshot.day.loss_usd
    if loss < limit:
        return None
    return Breach(
        f"{loss:.2f} USD lost since the day's start",
        f"{limit} USD",
        "Stop for today; only closing orders pass.",
    )


RULE = Rule(
    name="daily_loss",
    guards="a bad day",
    limit_keys=("max_daily_loss_usd",),
    check=check,
)
