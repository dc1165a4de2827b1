"""One rule on two frameworks: long above, short below the crossing of two moving averages."""

from __future__ import annotations

from typing import Any

from nautilus_trader.indicators import ExponentialMovingAverage
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.objects import Quantity
from nautilus_trader.trading.config import ImportableStrategyConfig, StrategyConfig
from nautilus_trader.trading.strategy import Strategy

SHARES = 100
FAST, SLOW = 75, 350


class EmaCrossConfig(StrategyConfig, frozen=True, kw_only=True):
    """Bars of `bar_type`, market orders of `SHARES` shares."""

    bar_type: str


class EmaCross(Strategy):
    """The rule as a Nautilus strategy; a reversal is two orders, as in `backtrader_strategy`."""

    def __init__(self, config: EmaCrossConfig) -> None:
        super().__init__(config)
        self._bar_type = BarType.from_str(config.bar_type)
        self._fast = ExponentialMovingAverage(FAST)
        self._slow = ExponentialMovingAverage(SLOW)
        self._side = 0

    def on_start(self) -> None:
        self.register_indicator_for_bars(self._bar_type, self._fast)
        self.register_indicator_for_bars(self._bar_type, self._slow)
        self.subscribe_bars(self._bar_type)

    def on_bar(self, bar: Bar) -> None:
        if not self._slow.initialized:
            return
        side = 1 if self._fast.value >= self._slow.value else -1
        if side == self._side:
            return
        for _ in range(2 if self._side else 1):
            order = self.order_factory.market(
                self._bar_type.instrument_id,
                OrderSide.BUY if side > 0 else OrderSide.SELL,
                Quantity.from_int(SHARES),
            )
            self.submit_order(order)
        self._side = side


def ema_cross(bar_type: str) -> ImportableStrategyConfig:
    """Return the configuration of the rule on bars of `bar_type`."""
    return ImportableStrategyConfig(
        strategy_path=f"{__name__}:EmaCross",
        config_path=f"{__name__}:EmaCrossConfig",
        config={"bar_type": bar_type, "log_events": False, "log_commands": False},
    )


def backtrader_strategy(backtrader: Any) -> type:
    """Return the rule as a backtrader strategy; it counts its orders in `orders`."""

    class Cross(backtrader.Strategy):
        def __init__(self) -> None:
            self.fast = backtrader.ind.EMA(period=FAST)
            self.slow = backtrader.ind.EMA(period=SLOW)
            self.side = 0
            self.orders = 0

        def next(self) -> None:
            side = 1 if self.fast[0] >= self.slow[0] else -1
            if side == self.side:
                return
            for _ in range(2 if self.side else 1):
                (self.buy if side > 0 else self.sell)(size=SHARES)
                self.orders += 1
            self.side = side

    return Cross


def backtrader_feed(backtrader: Any) -> type:
    """Return a feed of prepared rows: backtrader's own pandas feed is three times slower."""

    class Rows(backtrader.feed.DataBase):
        params = (("rows", None),)

        def start(self) -> None:
            super().start()
            self._rows = iter(self.p.rows)

        def _load(self) -> bool:
            row = next(self._rows, None)
            if row is None:
                return False
            lines = self.lines
            lines.datetime[0], lines.open[0], lines.high[0], lines.low[0], lines.close[0] = row[:5]
            lines.volume[0], lines.openinterest[0] = row[5:]
            return True

    return Rows
