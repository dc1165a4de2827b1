"""Drill: an operator flattens an account that holds a bull put spread and an order that works."""

from __future__ import annotations

from decimal import Decimal

from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.objects import Price, Quantity

from risk.drills.drill import Check, Drill, equal
from risk.drills.drill_limits import limits
from risk.drills.nautilus_options import combination, option_quotes, put
from risk.drills.nautilus_rig import Rig, Scripted
from risk.market_view import Greeks
from risk.operator_commands import FlattenAll

SHORT, LONG = put(500), put(495)
SPREAD = combination([(SHORT, -1), (LONG, 1)])
COUNT = 40


class _Seller(Scripted):
    def on_start(self) -> None:
        self.subscribe_quote_ticks(SPREAD.id)


def _rig() -> Rig:
    data = [
        *option_quotes(SHORT.id, "3.00", "3.05", count=COUNT),
        *option_quotes(LONG.id, "1.50", "1.55", count=COUNT),
        *option_quotes(SPREAD.id, "-1.55", "-1.45", count=COUNT),
    ]
    roomy = limits(
        max_loss_usd_per_trade=Decimal(500),
        max_daily_loss_usd=Decimal(500),
        max_daily_drawdown_usd=Decimal(500),
    )
    instruments = (SHORT, LONG, SPREAD)
    return Rig(symbols=(), others=instruments, data=data, limits=roomy, greeks=lambda _: Greeks(-0.3, 0.1))


def rehearse() -> list[Check]:
    """Sell two spreads, leave a third order working, flatten, and look at what was sent."""
    rig = _rig()

    def script(strategy: Scripted, seen: int) -> None:
        limit = {1: "-1.45", 5: "-1.70"}.get(seen)
        if limit is not None:
            strategy.submit_order(
                strategy.order_factory.limit(
                    SPREAD.id, OrderSide.BUY, Quantity.from_int(2), Price.from_str(limit)
                )
            )
        if seen == 8:
            rig.gate.command(FlattenAll(by="drill", reason="rehearsal"))

    rig.run(_Seller(script))
    closing = [order for order in rig.orders if "KILL_SWITCH" in (order.tags or ())]
    opened = [order for order in rig.orders if order not in closing]
    reports = [(report.is_flat, report.left) for report in rig.gate.kill_switch.reports]
    return [
        equal("two spreads were opened", [int(order.filled_qty) for order in opened], [2, 0]),
        equal(
            "the working order was canceled",
            [order.status == OrderStatus.CANCELED for order in opened],
            [False, True],
        ),
        equal(
            "the spread was closed as one order",
            [(str(order.instrument_id), int(order.filled_qty)) for order in closing],
            [(str(SPREAD.id), 2)],
        ),
        equal("the account is flat and the report says so", reports, [(True, ())]),
        equal("the gate refused nothing", rig.rules(), []),
        equal("Nautilus holds nothing either", rig.engine.cache.positions_open(), []),
    ]


DRILL = Drill(
    name="spread-flatten",
    incident="An operator flattens everything while a spread is held and an order works.",
    rehearse=rehearse,
)
