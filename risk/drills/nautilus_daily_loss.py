"""Drill: the market falls while orders work; the day's loss must stop everything."""

from __future__ import annotations

from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price, Quantity

from risk.drills.drill import Check, Drill, equal
from risk.drills.drill_limits import LIMITS, limits
from risk.drills.nautilus_rig import Rig, Scripted, quotes

_F = InstrumentId.from_str("F.SMART")
_HELD = 100
_ORDERS = LIMITS.max_open_orders
_FALL_AT = 5
_TRY_AGAIN_AT = 20
_QUOTES = 50
_TRIES = _QUOTES - _TRY_AGAIN_AT + 1


class _Trader(Scripted):
    """Holds shares with buy orders working below; after the fall it tries to open again."""

    def __init__(self) -> None:
        super().__init__(type(self)._trade)
        self.before: tuple[int, int] | None = None
        """Shares held, and orders working, at the last quote before the fall."""

    def _trade(self, seen: int) -> None:
        buy = OrderSide.BUY
        if seen == 1:
            self.submit_order(self.order_factory.market(_F, buy, Quantity.from_int(_HELD)))
        if seen == 2:
            for step in range(_ORDERS):
                price, count = Price.from_str(f"4.0{step}00"), Quantity.from_int(5 + step)
                self.submit_order(self.order_factory.limit(_F, buy, count, price))
        if seen == _FALL_AT:
            held = sum(position.signed_decimal_qty() for position in self.cache.positions_open())
            self.before = int(held), len(self.cache.orders_open())
        if seen >= _TRY_AGAIN_AT:
            self.submit_order(self.order_factory.market(_F, buy, Quantity.from_int(seen)))


def rehearse() -> list[Check]:
    """Run the fall in a backtest engine and look at what is left."""
    fall = quotes("F", count=_QUOTES, bid="4.4000", ask="4.4100")
    rig = Rig(
        data=quotes("F", count=_QUOTES)[:_FALL_AT] + fall[_FALL_AT:],
        limits=limits(max_loss_usd_per_trade=LIMITS.max_daily_loss_usd),
    )
    trader = _Trader()
    rig.run(trader)
    breaker = rig.gate.keeper.account.breaker
    refused = rig.rules()
    reports = {report.is_flat for report in rig.gate.kill_switch.reports}
    canceled = sum(order.is_canceled for order in rig.orders)
    return [
        equal("before the fall shares were held and orders worked", trader.before, (_HELD, _ORDERS)),
        equal("the breaker is in HALT", breaker.state, "HALT"),
        equal("the daily loss did it", breaker.changed_by, "daily_loss"),
        equal("no order works any more", len(rig.open_orders), 0),
        equal("each was canceled, none filled", canceled, _ORDERS),
        equal("the account is flat", rig.net(), 0),
        equal("the flattening says so", reports, {True}),
        equal("every new order was refused, by the breaker", refused, ["breaker_state"] * _TRIES),
    ]


DRILL = Drill(
    name="daily-loss",
    incident="The market falls through the daily loss while orders are working.",
    rehearse=rehearse,
)
