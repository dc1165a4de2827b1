"""A backtest engine behind the gate, driven step by step: real Nautilus, real venue, no mocks."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import LoggingConfig, RiskEngineConfig, StrategyConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TraderId, Venue
from nautilus_trader.model.instruments import Equity, Instrument
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

from market.time import NS_PER_SECOND, to_ns
from risk.drills.drill_limits import LIMITS, SESSION_RULES
from risk.limits import RiskLimits
from risk.nautilus_gate import Gate, GateSetup, install_gate
from risk.records import MemoryRecorder

SMART = Venue("SMART")
START_NS = to_ns("2024-03-05T10:00:00-05:00")
UNIVERSE = ("F", "BAC", "GE", "GME", "SPY")
Script = Callable[["Scripted", int], None]


def equity(symbol: str) -> Equity:
    """Return a stock as the catalog has it."""
    return Equity(
        instrument_id=InstrumentId(Symbol(symbol), SMART),
        raw_symbol=Symbol(symbol),
        currency=USD,
        price_precision=4,
        price_increment=Price.from_str("0.0100"),
        lot_size=Quantity.from_int(1),
        ts_event=0,
        ts_init=0,
    )


def quotes(
    symbol: str, *, count: int, bid: str = "4.9900", ask: str = "5.0000", step_ns: int = NS_PER_SECOND
) -> list[QuoteTick]:
    """Return `count` equal quotes of a symbol, `step_ns` apart from 10:00 New York on."""
    instrument_id = InstrumentId(Symbol(symbol), SMART)
    size = Quantity.from_int(10_000)
    return [
        QuoteTick(
            instrument_id, Price.from_str(bid), Price.from_str(ask), size, size,
            START_NS + index * step_ns, START_NS + index * step_ns,
        )
        for index in range(count)
    ]  # fmt: skip


class Scripted(Strategy):
    """Runs a script at every quote: `script(strategy, number_of_the_quote)`. Keeps all order events."""

    def __init__(self, script: Script, name: str = "ONE", symbols: tuple[str, ...] = ("F",)) -> None:
        super().__init__(StrategyConfig(strategy_id="S", order_id_tag=name))
        self.script = script
        self.symbols = symbols
        self.events: list[Any] = []
        self.seen = 0

    def on_start(self) -> None:
        for symbol in self.symbols:
            self.subscribe_quote_ticks(InstrumentId(Symbol(symbol), SMART))

    def on_quote_tick(self, _tick: QuoteTick) -> None:
        self.seen += 1
        self.script(self, self.seen)

    def on_order_event(self, event: Any) -> None:
        self.events.append(event)

    def named(self, event_type: type) -> list[Any]:
        """Return the events of a type."""
        return [event for event in self.events if isinstance(event, event_type)]


class Rig:
    """An engine with stocks, their quotes, strategies and the gate."""

    def __init__(
        self,
        *,
        limits: RiskLimits = LIMITS,
        data: list[QuoteTick] | None = None,
        symbols: tuple[str, ...] = ("F",),
        others: tuple[Instrument, ...] = (),
        balance_usd: int = 100_000,
        **setup: Any,
    ) -> None:
        self.engine = BacktestEngine(
            BacktestEngineConfig(
                trader_id=TraderId("T-1"),
                logging=LoggingConfig(bypass_logging=True),
                risk_engine=RiskEngineConfig(bypass=True),
            )
        )
        self.engine.add_venue(
            SMART, OmsType.NETTING, AccountType.MARGIN, [Money(balance_usd, USD)], default_leverage=Decimal(1)
        )
        for symbol in symbols:
            self.engine.add_instrument(equity(symbol))
        for instrument in others:
            self.engine.add_instrument(instrument)
        self.data = quotes("F", count=50) if data is None else data
        self.engine.add_data(self.data)
        self.recorder = MemoryRecorder()
        usual: dict[str, Any] = {"session_rules": SESSION_RULES, "universe": UNIVERSE}
        self.gate: Gate = install_gate(
            self.engine, GateSetup(limits=limits, recorder=self.recorder, **(usual | setup))
        )

    def add_exec_algorithm(self, algorithm: Any) -> None:
        """Add an execution algorithm before the run."""
        self.engine.add_exec_algorithm(algorithm)

    def run(self, *strategies: Strategy) -> None:
        """Add the strategies and replay the quotes."""
        for strategy in strategies:
            self.engine.add_strategy(strategy)
        self.engine.run()
        self.open_orders = self.engine.cache.orders_open()
        self.orders = self.engine.cache.orders()

    def net(self, symbol: str = "F") -> int:
        """Return the account's position in shares, as Nautilus has it."""
        instrument_id = InstrumentId(Symbol(symbol), SMART)
        positions = self.engine.cache.positions_open(instrument_id=instrument_id)
        return int(sum(position.signed_decimal_qty() for position in positions))

    def rules(self) -> list[str]:
        """Return the rules that refused, in order."""
        return [refusal.rule for refusal in self.recorder.refusals]
