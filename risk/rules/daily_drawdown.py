"""Loss of the day from its highest profit: realized plus open, fees counted."""

from __future__ import annotations

from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule, unknown
from risk.snapshot import Snapshot


def check(_intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when the day's drawdown has reached the limit, or is unknown."""
    limit = limits.max_daily_drawdown_usd
    if snapshot.day is None:
        return unknown("the day's result", f"{limit} USD")
    drawdown = snapshot.day.drawdown_usd
    if drawdown < limit:
        return None
    return Breach(
        f"{drawdown:.2f} USD below the day's high",
        f"{limit} USD",
        "Stop for today; only closing orders pass.",
    )


RULE = Rule(
    name="daily_drawdown",
    guards="giving a good day back",
    limit_keys=("max_daily_drawdown_usd",),
    check=check,
)
