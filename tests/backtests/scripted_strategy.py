"""A Nautilus strategy that sends given orders at given times, and one that trades all day by a rule."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderSide, TimeInForce
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.trading.config import ImportableStrategyConfig, StrategyConfig
from nautilus_trader.trading.strategy import Strategy

from market.time import NS_PER_MS
from tests.backtests.markets import START_NS

Step = tuple[int, str, int, str]
"""Milliseconds after 10:00, `BUY` or `SELL`, shares, limit price (with `!` behind it immediate-or-cancel)."""


class ScriptConfig(StrategyConfig, frozen=True, kw_only=True):
    """`steps` in order of time, see `Step`; an empty price is a market order."""

    instrument_id: str
    steps: tuple[tuple[int, str, int, str], ...]


class ScriptedStrategy(Strategy):
    """Sends each step at the first quote at or after its time."""

    def __init__(self, config: ScriptConfig) -> None:
        super().__init__(config)
        self._instrument_id = InstrumentId.from_str(config.instrument_id)
        self._steps = list(config.steps)

    def on_start(self) -> None:
        self.subscribe_quote_ticks(self._instrument_id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        while self._steps and tick.ts_init >= START_NS + self._steps[0][0] * NS_PER_MS:
            self._send(*self._steps.pop(0)[1:])

    def _send(self, side: str, quantity: int, price: str) -> None:
        common: dict[str, Any] = {
            "instrument_id": self._instrument_id,
            "order_side": OrderSide[side],
            "quantity": Quantity.from_int(quantity),
        }
        if not price:
            self.submit_order(self.order_factory.market(**common))
            return
        limit = Price.from_str(str(Decimal(price.removesuffix("!")).quantize(Decimal("0.0001"))))
        force = TimeInForce.IOC if price.endswith("!") else TimeInForce.DAY
        self.submit_order(self.order_factory.limit(**common, price=limit, time_in_force=force))


def scripted(steps: Sequence[Step], *, instrument_id: str = "ZVZZT.SMART") -> ImportableStrategyConfig:
    """Return the configuration of a `ScriptedStrategy`."""
    return ImportableStrategyConfig(
        strategy_path=f"{__name__}:ScriptedStrategy",
        config_path=f"{__name__}:ScriptConfig",
        config={"instrument_id": instrument_id, "steps": [list(step) for step in steps]},
    )


class AlternatingConfig(StrategyConfig, frozen=True, kw_only=True):
    """Every `every` quotes the position is opened or closed with `shares` shares.

    `is_passive` orders join the own side of the market and are withdrawn at the next turn.
    """

    instrument_ids: tuple[str, ...]
    every: int
    shares: int
    is_passive: bool


class AlternatingStrategy(Strategy):
    """Buys at the ask and sells at the bid in turn, each symbol by itself; many orders, no opinion."""

    def __init__(self, config: AlternatingConfig) -> None:
        super().__init__(config)
        self._seen = dict.fromkeys(config.instrument_ids, 0)

    def on_start(self) -> None:
        for name in self._seen:
            self.subscribe_quote_ticks(InstrumentId.from_str(name))

    def on_quote_tick(self, tick: QuoteTick) -> None:
        name = tick.instrument_id.value
        self._seen[name] += 1
        if self._seen[name] % self.config.every:
            return
        if self.cache.orders_open(None, tick.instrument_id):
            self.cancel_all_orders(tick.instrument_id)
            return
        is_long = self.portfolio.is_net_long(tick.instrument_id)
        order = self.order_factory.limit(
            tick.instrument_id,
            OrderSide.SELL if is_long else OrderSide.BUY,
            Quantity.from_int(self.config.shares),
            tick.bid_price if is_long != self.config.is_passive else tick.ask_price,
            time_in_force=TimeInForce.DAY if self.config.is_passive else TimeInForce.IOC,
        )
        self.submit_order(order)


def alternating(
    instrument_ids: Sequence[str], *, every: int = 50, shares: int = 10, is_passive: bool = False
) -> ImportableStrategyConfig:
    """Return the configuration of an `AlternatingStrategy`."""
    return ImportableStrategyConfig(
        strategy_path=f"{__name__}:AlternatingStrategy",
        config_path=f"{__name__}:AlternatingConfig",
        config={
            "instrument_ids": list(instrument_ids),
            "every": every,
            "shares": shares,
            "is_passive": is_passive,
        },
    )
