"""Interactive Brokers' commissions at the simulated venue: a shell over `market.commissions`."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Literal

from nautilus_trader.backtest.config import FeeModelConfig
from nautilus_trader.backtest.models import FeeModel
from nautilus_trader.model.enums import LiquiditySide, OrderSide
from nautilus_trader.model.objects import Money

from market.commissions import CommissionSchedule, OrderCommission, ib_fixed, ib_tiered
from market.regulatory_fees import EARLIEST_DATE

if TYPE_CHECKING:
    from nautilus_trader.model.instruments import Instrument
    from nautilus_trader.model.objects import Price, Quantity
    from nautilus_trader.model.orders import Order

Schedule = Literal["ib_fixed", "ib_tiered", "none"]


class IbFeeModelConfig(FeeModelConfig, frozen=True):
    """Which list is charged, with the regulatory rates of day `on`, or today's where they are not known."""

    schedule: Schedule
    on: date


class IbFeeModel(FeeModel):
    """Charges each fill, in whole cents, what it adds to the commission of its order."""

    def __init__(self, config: IbFeeModelConfig) -> None:
        self._schedule = _schedule(config.schedule, config.on if config.on >= EARLIEST_DATE else None)
        self._unfinished: dict[str, OrderCommission] = {}  # by client order id, of orders partly filled

    def get_commission(
        self, order: Order, fill_qty: Quantity, fill_px: Price, instrument: Instrument
    ) -> Money:
        """Return the commission of one fill; called once per fill, before it is applied to `order`."""
        if self._schedule is None:
            return Money(0, instrument.quote_currency)
        key = order.client_order_id.value
        commission = self._unfinished.pop(key, None) or self._new(order, self._schedule)
        cents = commission.on_fill_in_cents(
            int(fill_qty), fill_px.as_decimal(), adds_liquidity=order.liquidity_side == LiquiditySide.MAKER
        )
        if commission.shares < int(order.quantity):
            self._unfinished[key] = commission
        return Money(cents, instrument.quote_currency)

    def _new(self, order: Order, schedule: CommissionSchedule) -> OrderCommission:
        return OrderCommission(schedule, "buy" if order.side == OrderSide.BUY else "sell")


def _schedule(name: Schedule, on: date | None) -> CommissionSchedule | None:
    if name == "ib_fixed":
        return ib_fixed(on)
    return ib_tiered(on) if name == "ib_tiered" else None
