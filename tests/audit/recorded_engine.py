"""A real BacktestEngine behind the gate with a recorder, and strategies that do what a list says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.backtest.models import FillModel, LatencyModel
from nautilus_trader.config import LoggingConfig, RiskEngineConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide, TimeInForce, TriggerType
from nautilus_trader.model.identifiers import TraderId
from nautilus_trader.model.objects import Money, Price, Quantity

from audit.nautilus_recorder import Appender, JournalRecorder
from backtests.fee_model import IbFeeModel, IbFeeModelConfig
from market.time import NS_PER_MS, NS_PER_SECOND
from risk.drills.drill_limits import SESSION_RULES, limits
from risk.drills.nautilus_rig import SMART, START_NS, Scripted, equity
from risk.limits import RiskLimits
from risk.nautilus_gate import Gate, GateSetup, install_gate
from tests.audit.memory_journal import MemoryJournal

SYMBOLS = ("F", "GE")
ROOMY: dict[str, Any] = {
    "max_notional_usd_total": Decimal(20_000),
    "max_orders_per_second": 45,
    "max_replaces_per_minute": 2_000,
    "max_rejects_per_minute": 20,
    "max_open_orders": 20,
    "max_loss_usd_per_trade": Decimal(40),
    "max_quote_age_ms": 60_000,
    "min_displayed_shares": 10,
    "duplicate_window_ms": 1,
}
LOOSE = limits(**ROOMY)
"""Limits that let most orders pass and still refuse some."""


class Action(NamedTuple):
    """What one strategy does at one quote of one symbol; `cents` are added to the near side's price."""

    quote: int
    strategy: int
    kind: str
    side: str
    quantity: int
    cents: int
    time_in_force: str
    is_reduce_only: bool


class RecordedEngine:
    """An engine with two symbols, a gate and a recorder; `prices` are bids in cents, one a second."""

    def __init__(
        self,
        prices: Sequence[int],
        *,
        journal: Appender | None = None,
        sizes: Sequence[int] = (200,),
        latency_ms: int = 0,
        risk_limits: RiskLimits = LOOSE,
        seed: int = 1,
        recorder: type[JournalRecorder] = JournalRecorder,
    ) -> None:
        self.journal = MemoryJournal()
        self.engine = BacktestEngine(
            BacktestEngineConfig(
                trader_id=TraderId("T-1"),
                logging=LoggingConfig(bypass_logging=True),
                risk_engine=RiskEngineConfig(bypass=True),
            )
        )
        self.engine.add_venue(
            SMART,
            OmsType.NETTING,
            AccountType.MARGIN,
            [Money(100_000, USD)],
            default_leverage=Decimal(1),
            fee_model=IbFeeModel(config=IbFeeModelConfig(schedule="ib_tiered", on=date(2024, 3, 5))),
            fill_model=FillModel(prob_fill_on_limit=0.5, random_seed=seed),
            latency_model=LatencyModel(latency_ms * NS_PER_MS) if latency_ms else None,
            liquidity_consumption=True,
        )
        for symbol in SYMBOLS:
            self.engine.add_instrument(equity(symbol))
        self.engine.add_data(_quotes(prices, sizes))
        self.engine.kernel.clock.set_time(START_NS)
        self.recorder = recorder(self.engine, journal or self.journal)
        self.gate: Gate = install_gate(
            self.engine,
            GateSetup(
                limits=risk_limits,
                session_rules=SESSION_RULES,
                universe=SYMBOLS,
                recorder=self.recorder,
                on_order=self.recorder.on_order,
            ),
        )
        self.recorder.guard(self.gate)

    def run(self, *strategies: Scripted) -> None:
        """Add the strategies and replay."""
        for strategy in strategies:
            self.engine.add_strategy(strategy)
        self.engine.run()


def acting(actions: Sequence[Action], number: int, *, look: Callable[[], None] = lambda: None) -> Scripted:
    """Return the strategy `number`, which does its part of `actions`; `look` is called at each quote."""

    at: dict[int, list[Action]] = {}
    for action in actions:
        if action.strategy == number:
            at.setdefault(action.quote, []).append(action)

    def script(strategy: Scripted, seen: int) -> None:
        look()
        for action in at.get(seen, ()):
            _act(strategy, action)

    return Scripted(script, name=f"N{number}", symbols=SYMBOLS)


def _quotes(prices: Sequence[int], sizes: Sequence[int]) -> list[QuoteTick]:
    ticks = []
    for index, cents in enumerate(prices):
        instrument = equity(SYMBOLS[index % len(SYMBOLS)])
        size = Quantity.from_int(sizes[index % len(sizes)])
        at_ns = START_NS + index * NS_PER_SECOND
        bid, ask = (Price.from_str(f"{price / 100:.4f}") for price in (cents, cents + 1))
        ticks.append(QuoteTick(instrument.id, bid, ask, size, size, at_ns, at_ns))
    return ticks


def _act(strategy: Scripted, action: Action) -> None:
    instrument_id = equity(SYMBOLS[action.quantity % len(SYMBOLS)]).id
    working = strategy.cache.orders_open(instrument_id=instrument_id, strategy_id=strategy.id)
    if action.kind == "cancel_all":
        strategy.cancel_all_orders(instrument_id)
    elif action.kind == "cancel" and working:
        strategy.cancel_order(working[action.quantity % len(working)])
    elif action.kind == "modify" and working:
        _modify(strategy, working[action.quantity % len(working)], action)
    elif action.kind not in ("cancel", "modify"):
        order = _order(strategy, instrument_id, action)
        if order is not None:
            strategy.submit_order(order)


def _modify(strategy: Scripted, order: Any, action: Action) -> None:
    price = _price(strategy, order.instrument_id, action)
    if price is not None and order.has_price:
        strategy.modify_order(order, quantity=Quantity.from_int(action.quantity), price=price)


def _order(strategy: Scripted, instrument_id: Any, action: Action) -> Any:
    side = OrderSide[action.side]
    quantity = Quantity.from_int(action.quantity)
    price = _price(strategy, instrument_id, action)
    factory, fields = strategy.order_factory, {"reduce_only": action.is_reduce_only}
    if price is None:
        return None
    if action.kind == "market":
        return factory.market(instrument_id, side, quantity, **fields)
    if action.kind == "stop":
        return factory.stop_market(instrument_id, side, quantity, price, **fields)
    if action.kind == "emulated":
        return factory.limit(
            instrument_id, side, quantity, price, emulation_trigger=TriggerType.BID_ASK, **fields
        )
    force = TimeInForce[action.time_in_force]
    is_post_only = action.kind == "post_only" and force == TimeInForce.DAY
    return factory.limit(
        instrument_id, side, quantity, price, time_in_force=force, post_only=is_post_only, **fields
    )


def _price(strategy: Scripted, instrument_id: Any, action: Action) -> Price | None:
    tick = strategy.cache.quote_tick(instrument_id)
    if tick is None:
        return None
    near = tick.bid_price if action.side == "BUY" else tick.ask_price
    return Price.from_str(f"{near.as_decimal() + Decimal(action.cents) / 100:.4f}")
