"""Open loss of the symbol: nothing is added to a trade that runs away."""

from __future__ import annotations

from risk.decision import Breach
from risk.intent import OrderIntent
from risk.limits import RiskLimits
from risk.rules.rule import Rule, unknown
from risk.snapshot import Snapshot


def check(intent: OrderIntent, snapshot: Snapshot, limits: RiskLimits) -> Breach | None:
    """Return a breach when the symbol's open loss has reached the limit, or is unknown."""
    limit = limits.max_loss_usd_per_trade
    loss = snapshot.open_loss_usd
    if loss is None:
        return unknown("the symbol's open loss", f"{limit} USD")
    if loss < limit:
        return None
    return Breach(
        f"{loss:.2f} USD open loss in {intent.terms.symbol}",
        f"{limit} USD",
        "Close the position; do not add to it.",
    )


RULE = Rule(
    name="loss_per_trade",
    guards="one trade that runs away",
    limit_keys=("max_loss_usd_per_trade",),
    check=check,
)
