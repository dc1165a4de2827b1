"""A backtest engine behind the gate whose journal is on a disk that can fail: real engine, real files."""

from __future__ import annotations

from decimal import Decimal

from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import LoggingConfig, RiskEngineConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId, TraderId
from nautilus_trader.model.objects import Money, Price, Quantity

from audit.journal import Journal
from audit.nautilus_recorder import JournalRecorder
from risk.drills.drill_limits import LIMITS, SESSION_RULES
from risk.drills.nautilus_rig import SMART, START_NS, Script, Scripted, equity, quotes
from risk.nautilus_gate import GateSetup, install_gate
from risk.records import MemoryRecorder

QUOTES = 60
_F = InstrumentId.from_str("F.SMART")


class RecordedRig:
    """An engine with one stock and a strategy that sends an order at each quote and cancels the one before.

    `script` is called first at each quote.
    """

    def __init__(self, journal: Journal, script: Script) -> None:
        self.engine = BacktestEngine(
            BacktestEngineConfig(
                trader_id=TraderId("T-1"),
                logging=LoggingConfig(bypass_logging=True),
                risk_engine=RiskEngineConfig(bypass=True),
            )
        )
        self.engine.add_venue(
            SMART, OmsType.NETTING, AccountType.MARGIN, [Money(100_000, USD)], default_leverage=Decimal(1)
        )
        self.engine.add_instrument(equity("F"))
        self.engine.add_data(quotes("F", count=QUOTES))
        self.engine.kernel.clock.set_time(START_NS)
        self.records = MemoryRecorder()
        recorder = JournalRecorder(self.engine, journal, beside=self.records)
        self.gate = install_gate(
            self.engine,
            GateSetup(
                limits=LIMITS,
                session_rules=SESSION_RULES,
                universe=("F",),
                recorder=recorder,
                on_order=recorder.on_order,
            ),
        )
        recorder.guard(self.gate)
        self._script = script

    def run(self) -> None:
        """Replay the quotes."""
        self.engine.add_strategy(Scripted(self._trade))
        self.engine.run()

    @property
    def breaker_reason(self) -> str:
        """Why the breaker is in the state that it is in."""
        return self.gate.keeper.account.breaker.reason

    def sent_after_halt(self) -> list[ClientOrderId]:
        """Return the orders that reached the venue later than the halt."""
        halts = [change.ts_ns for change in self.records.breaker_changes if change.after == "HALT"]
        return [
            order.client_order_id
            for order in self.engine.cache.orders()
            if order.venue_order_id is not None and halts and order.ts_init > halts[0]
        ]

    def _trade(self, strategy: Scripted, seen: int) -> None:
        self._script(strategy, seen)
        for order in self.engine.cache.orders_open():
            strategy.cancel_order(order)
        price, quantity = Price.from_str("4.9500"), Quantity.from_int(1 + seen)
        strategy.submit_order(strategy.order_factory.limit(_F, OrderSide.BUY, quantity, price))
