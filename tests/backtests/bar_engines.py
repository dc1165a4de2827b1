"""Engines that are fed bars of a random walk, as shipped or cured, and what their runs leave behind."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide, TimeInForce
from nautilus_trader.model.identifiers import InstrumentId, Venue
from nautilus_trader.model.objects import Currency, Money, Price, Quantity
from nautilus_trader.trading.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

from backtests.nautilus_bars import BarDataEngine
from backtests.nautilus_bus import local_message_bus
from backtests.nautilus_cache import KeepingCache
from backtests.nautilus_internals import kernel_parts
from backtests.nautilus_matching import WaitingBarEngine, install_matching_engines
from catalog.instruments import nautilus_equity
from market.instruments import EquitySpec

NAME = "ZVZZT.SMART"
BAR_TYPE = BarType.from_str(f"{NAME}-1-MINUTE-LAST-EXTERNAL")
USD = Currency.from_str("USD")
START_NS = 1_600_000_000_000_000_000
MINUTE_NS = 60_000_000_000


def random_bars(count: int, *, seed: int, still_fraction: float = 0.3) -> list[Bar]:
    """Return one-minute bars of a random walk in cents; a part of them does not move at all."""
    chance = np.random.default_rng(seed)
    steps = chance.integers(-3, 4, count) * (chance.random(count) > still_fraction)
    close = np.maximum(900 + np.cumsum(steps), 200)
    opened = np.concatenate([close[:1], close[:-1]]) + (chance.random(count) < 0.1) * chance.integers(
        -2, 3, count
    )
    reach = (chance.random(count) > still_fraction).astype(int)
    high = np.maximum(opened, close) + reach * chance.integers(0, 4, count)
    low = np.minimum(opened, close) - reach * chance.integers(0, 4, count)
    size = Quantity.from_int(10_000)
    return [
        Bar(BAR_TYPE, *(Price(cents / 100, 4) for cents in row), size, at, at)
        for row, at in zip(
            zip(opened, high, low, close, strict=True),
            range(START_NS, START_NS + count * MINUTE_NS, MINUTE_NS),
            strict=True,
        )
    ]


def build(
    bars: Sequence[Bar], strategy: Strategy, *, is_cured: bool, venue: dict[str, Any] | None = None
) -> BacktestEngine:
    """Return an engine that is ready to run `strategy` on `bars`."""
    config = BacktestEngineConfig(
        logging=LoggingConfig(bypass_logging=True),
        run_analysis=False,
        message_bus=local_message_bus() if is_cured else None,
    )
    cures = {"Cache": KeepingCache, "DataEngine": BarDataEngine} if is_cured else {}
    with kernel_parts(**cures):
        engine = BacktestEngine(config)
    engine.add_venue(
        Venue("SMART"),
        OmsType.NETTING,
        AccountType.MARGIN,
        [Money(100_000, USD)],
        base_currency=USD,
        default_leverage=Decimal(1),
        **(venue or {}),
    )
    engine.add_instrument(nautilus_equity(EquitySpec(symbol="ZVZZT")))
    engine.add_data(list(bars))
    engine.add_strategy(strategy)
    if is_cured:
        install_matching_engines(engine, lambda _: WaitingBarEngine)
    return engine


def traces(engine: BacktestEngine) -> list[dict[str, Any]]:
    """Return every event of every order, without random ids and without the venue's count of trades."""
    orders = sorted(engine.cache.orders(), key=lambda order: (order.ts_init, order.client_order_id.value))
    hidden = ("event_id", "trade_id", "init_id")
    return [
        {key: value for key, value in type(event).to_dict(event).items() if key not in hidden}
        for order in orders
        for event in order.events
    ]


class RandomOrders(Strategy):
    """Sends, changes and cancels orders of many kinds at random, the same for the same seed."""

    def __init__(self, seed: int, *, rate: float) -> None:
        super().__init__(StrategyConfig(strategy_id="RANDOM-001"))
        self._chance = np.random.default_rng(seed)
        self._rate = rate
        self.seen: list[tuple[int, float]] = []

    def on_start(self) -> None:
        self.subscribe_bars(BAR_TYPE)

    def on_bar(self, bar: Bar) -> None:
        self.seen.append((bar.ts_event, bar.close.as_double()))
        if self._chance.random() >= self._rate:
            return
        working = self.cache.orders_open(None, InstrumentId.from_str(NAME))
        if working and self._chance.random() < 0.4:
            self._change(working[int(self._chance.integers(len(working)))], bar)
        else:
            self._send(bar)

    def _change(self, order: Any, bar: Bar) -> None:
        if order.is_pending_cancel or order.is_pending_update:
            return
        if self._chance.random() < 0.5 or not order.has_price:
            self.cancel_order(order)
        else:
            self.modify_order(order, price=self._near(bar))

    def _near(self, bar: Bar) -> Price:
        return Price(bar.close.as_double() + int(self._chance.integers(-6, 7)) / 100, 4)

    def _send(self, bar: Bar) -> None:
        common: dict[str, Any] = {
            "instrument_id": bar.bar_type.instrument_id,
            "order_side": OrderSide.BUY if self._chance.random() < 0.5 else OrderSide.SELL,
            "quantity": Quantity.from_int(int(self._chance.integers(1, 30))),
        }
        kind = int(self._chance.integers(5))
        closes = bool(self._chance.random() < 0.3)
        if kind == 0:
            order = self.order_factory.market(**common, reduce_only=closes)
        elif kind == 1:
            order = self.order_factory.stop_market(
                **common, trigger_price=self._near(bar), reduce_only=closes
            )
        elif kind == 2:
            order = self.order_factory.limit(**common, price=self._near(bar), time_in_force=TimeInForce.IOC)
        else:
            order = self.order_factory.limit(**common, price=self._near(bar), reduce_only=closes)
        self.submit_order(order)
