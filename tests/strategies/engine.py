"""Runs intraday strategies in a real `BacktestEngine` on quotes that a test spells out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import LoggingConfig, RiskEngineConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, BookType, OmsType
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import Equity
from nautilus_trader.model.objects import Money, Price, Quantity

from audit.events import DECISIONS_TOPIC, DecisionRecord
from market.time import NS_PER_MS
from strategies.intraday.strategy import IntradayConfig, IntradayStrategy
from tests.strategies.builders import RULES, SHARES_MAX

BAC = InstrumentId.from_str("BAC.SMART")


def quote(
    ts_ns: int,
    bid: float = 5.00,
    ask: float = 5.01,
    *,
    sizes: tuple[int, int] = (500, 500),
    instrument_id: InstrumentId = BAC,
) -> QuoteTick:
    return QuoteTick(
        instrument_id,
        Price(bid, 4),
        Price(ask, 4),
        Quantity.from_int(sizes[0]),
        Quantity.from_int(sizes[1]),
        ts_ns,
        ts_ns,
    )


def quotes(start_ns: int, seconds: float, *, every_ms: int = 500, **what: Any) -> list[QuoteTick]:
    """Return the same quote again and again, from `start_ns` for that long."""
    count = int(seconds * 1_000) // every_ms
    return [quote(start_ns + step * every_ms * NS_PER_MS, **what) for step in range(count)]


def equity(instrument_id: InstrumentId) -> Equity:
    return Equity(
        instrument_id=instrument_id,
        raw_symbol=Symbol(instrument_id.symbol.value),
        currency=USD,
        price_precision=4,
        price_increment=Price.from_str("0.0100"),
        lot_size=Quantity.from_int(1),
        ts_event=0,
        ts_init=0,
    )


def strategy(decision: str = "scripted", /, **parameters: Any) -> IntradayStrategy:
    """Return a strategy on BAC; arguments that its configuration knows go there, others to the decision."""
    settings: dict[str, Any] = {
        "order_id_tag": "test",
        "decision": decision,
        "instrument_ids": ("BAC.SMART",),
        "session_rules": RULES,
        "has_depth": False,
        "max_shares_per_order": SHARES_MAX,
        "log_events": False,
        "log_commands": False,
    }
    known = set(IntradayConfig.__struct_fields__)
    settings |= {name: parameters.pop(name) for name in list(parameters) if name in known}
    return IntradayStrategy(IntradayConfig(parameters=parameters, **settings))


@dataclass
class Run:
    """A finished run: its engine and every record that was published."""

    engine: BacktestEngine
    records: list[DecisionRecord] = field(default_factory=list)

    @property
    def orders(self) -> list[Any]:
        return sorted(self.engine.cache.orders(), key=lambda order: order.ts_init)

    def net(self, instrument_id: InstrumentId = BAC) -> int:
        """Return the shares held at the end."""
        return int(sum(p.signed_qty for p in self.engine.cache.positions_open(instrument_id=instrument_id)))

    def told(self) -> list[tuple[str, str, str]]:
        """Return action, outcome and reason of every record."""
        return [(record.action, record.outcome, record.reason) for record in self.records]


def new_engine(
    data: Sequence[Any],
    strategies: Iterable[IntradayStrategy],
    *,
    account_type: AccountType = AccountType.MARGIN,
    book_type: BookType = BookType.L1_MBP,
    max_notional_per_order: int | None = None,
) -> Run:
    limits = {"BAC.SMART": max_notional_per_order} if max_notional_per_order else {}
    engine = BacktestEngine(
        BacktestEngineConfig(
            logging=LoggingConfig(bypass_logging=True),
            risk_engine=RiskEngineConfig(max_notional_per_order=limits),
            run_analysis=False,
        )
    )
    engine.add_venue(
        Venue("SMART"),
        oms_type=OmsType.NETTING,
        account_type=account_type,
        book_type=book_type,
        base_currency=USD,
        starting_balances=[Money(10_000, USD)],
        default_leverage=Decimal(1),
    )
    for instrument_id in sorted({tick.instrument_id for tick in data}, key=str):
        engine.add_instrument(equity(instrument_id))
    engine.add_data(list(data))
    run = Run(engine)
    engine.kernel.msgbus.subscribe(DECISIONS_TOPIC, run.records.append)
    for made in strategies:
        engine.add_strategy(made)
    return run


def play(data: Sequence[Any], *strategies: IntradayStrategy, end_ns: int | None = None, **venue: Any) -> Run:
    """Run the strategies on `data` and return what came of it."""
    run = new_engine(data, strategies, **venue)
    run.engine.run(end=end_ns)
    return run
