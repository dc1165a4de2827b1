"""Drill: the market falls while orders work; the day's loss must stop everything."""

from __future__ import annotations

from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price, Quantity

from risk.drills.drill import Check, Drill, equal
from risk.drills.drill_limits import LIMITS, limits
from risk.drills.nautilus_rig import Rig, Scripted, quotes

_F = InstrumentId.from_str("F.SMART")
_FALL_AT = 5
_TRY_AGAIN_AT = 20


def _trade(strategy: Scripted, seen: int) -> None:
    """Hold 100 shares with five buy orders working below; after the fall try to open again."""
    if seen == 1:
        strategy.submit_order(strategy.order_factory.market(_F, OrderSide.BUY, Quantity.from_int(100)))
        for step in range(4):
            price = Price.from_str(f"4.0{step}00")
            order = strategy.order_factory.limit(_F, OrderSide.BUY, Quantity.from_int(5 + step), price)
            strategy.submit_order(order)
    if seen >= _TRY_AGAIN_AT:
        strategy.submit_order(strategy.order_factory.market(_F, OrderSide.BUY, Quantity.from_int(seen)))


def rehearse() -> list[Check]:
    """Run the fall in a backtest engine and look at what is left."""
    fall = quotes("F", count=50, bid="4.4000", ask="4.4100")
    rig = Rig(
        data=quotes("F", count=50)[:_FALL_AT] + fall[_FALL_AT:],
        limits=limits(max_loss_usd_per_trade=LIMITS.max_daily_loss_usd),
    )
    rig.run(Scripted(_trade))
    breaker = rig.gate.keeper.account.breaker
    refused = set(rig.rules())
    reports = {report.is_flat for report in rig.gate.kill_switch.reports}
    return [
        equal("the breaker is in HALT", breaker.state, "HALT"),
        equal("the daily loss did it", breaker.changed_by, "daily_loss"),
        equal("no order works any more", len(rig.open_orders), 0),
        equal("the account is flat", rig.net(), 0),
        equal("the flattening says so", reports, {True}),
        equal("every new order was refused, by the breaker", refused, {"breaker_state"}),
    ]


DRILL = Drill(
    name="daily-loss",
    incident="The market falls through the daily loss while orders are working.",
    rehearse=rehearse,
)
