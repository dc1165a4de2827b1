"""Value held and working, plus the worst loss of options, against the account's funds."""

from __future__ import annotations

from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule, unknown
from risk.snapshot import Snapshot


def check(_intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when positions and working orders could need more than the funds allow."""
    multiple = limits.max_funds_multiple
    funds, needed = snapshot.funds_usd, snapshot.total_value_after_usd
    if funds is None or needed is None:
        return unknown("the account's funds or the book's value", f"{multiple} times the funds")
    if snapshot.option_risk is not None:
        if snapshot.option_risk.total_loss_usd is None:
            return unknown("the options' worst loss", f"{multiple} times the funds")
        needed += snapshot.option_risk.total_loss_usd
    if needed <= funds * multiple:
        return None
    value = f"{needed:.2f} USD held and working, this order counted"
    limit = f"{funds * multiple:.2f} USD, {multiple} times the funds (risk.max_funds_multiple)"
    return Breach(value, limit, "Close something or send less.")


RULE = Rule(
    name="buying_power",
    guards="borrowed money",
    limit_keys=("max_funds_multiple",),
    check=check,
)
