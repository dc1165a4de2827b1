"""One criteria file as a strategy's entry on replayed snapshots: it enters what the command finds."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from nautilus_trader.backtest.node import BacktestNode
from nautilus_trader.config import (
    BacktestDataConfig,
    BacktestEngineConfig,
    BacktestRunConfig,
    BacktestVenueConfig,
    LoggingConfig,
    RiskEngineConfig,
)
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import DataType, QuoteTick
from nautilus_trader.model.enums import AssetClass, OrderSide, OrderStatus
from nautilus_trader.model.identifiers import ClientId, InstrumentId, new_generic_spread_id
from nautilus_trader.model.instruments import OptionSpread
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.trading.strategy import Strategy

from catalog.option_chains import chains_between
from catalog.option_snapshots import CHAINS, OptionChainSnapshot, register_snapshots
from cli.__main__ import main
from cli.scan_context import MarketFlags, context_of
from configs.criteria import read_criteria
from market.option_chain import OptionChain
from market.option_chain_pricing import priced
from market.time import NS_PER_MINUTE
from risk.drills.drill_limits import LIMITS, OPTION_LIMITS, SESSION_RULES
from risk.limits import RiskLimits
from risk.market_view import Greeks
from risk.nautilus_gate import GateSetup, install_gate
from risk.records import MemoryRecorder
from scanner.context import ScanContext
from scanner.criteria import Criteria
from scanner.entry import Entry, best_entry
from scanner.scan import scan
from tests.scanner.snapshot_market import DAY, SPOTS, START_NS, write_snapshots

ContextAt = Callable[[int], ScanContext]
RATE = 0.0
LEGS = ("SPXW260116P03*", "SPXW260116C04*")
"""What the criteria can choose: out of the money, of the nearer expiry."""
CRITERIA = """
structures = ["bull_put", "bear_call"]

[legs]
dte = { min = 5, max = 20 }

[short_leg]
delta = { min = 0.15, max = 0.35 }

[position]
width_usd = { max = 20 }
credit_to_width = { min = 0.05 }
"""


class ScannerEntries(Strategy):
    """Scans every snapshot; enters the best position of which it holds nothing, as one combination order."""

    def __init__(self, criteria: Criteria, context_at: ContextAt) -> None:
        super().__init__()
        self.criteria, self.context_at = criteria, context_at
        self.best: dict[int, str] = {}
        self.entered: list[Entry] = []
        self.known_greeks: dict[str, Greeks] = {}

    def on_start(self) -> None:
        self.subscribe_data(DataType(OptionChainSnapshot), client_id=ClientId(CHAINS))

    def on_data(self, data: Any) -> None:
        chain: OptionChain = data.chain()
        context = self.context_at(chain.ts_ns)
        self.best[chain.ts_ns] = scan(chain, self.criteria, context).candidates[0].spread
        model = priced(chain, context.pricing)
        for name, delta, vega in zip(model.contract, model.delta, model.vega, strict=True):
            self.known_greeks[name] = Greeks(float(delta), float(vega))
        held = {position.instrument_id.value for position in self.cache.positions_open()}
        entry = best_entry(chain, self.criteria, context, held=held)
        if entry is not None:
            self.entered.append(entry)
            self._send(entry)

    def _send(self, entry: Entry) -> None:
        combination = self.cache.instrument(combination_id(entry))
        quantity, limit = combination.make_qty(1), combination.make_price(entry.limit_usd)
        self.submit_order(self.order_factory.limit(combination.id, OrderSide.BUY, quantity, limit))


def combination_id(entry: Entry) -> InstrumentId:
    return new_generic_spread_id([(InstrumentId.from_str(leg.contract), leg.ratio) for leg in entry.legs])


def combinations_to_come(
    catalog: Path, criteria: Criteria, context_at: ContextAt
) -> list[tuple[Entry, list[QuoteTick]]]:
    """Return what will be entered, with quotes of the combinations, which a broker makes when asked for them.

    Should the strategy enter anything else, it finds no instrument and the run fails.
    """
    chains = list(chains_between(catalog, "SPXW", *DAY))
    held: set[str] = set()
    entries = []
    for chain in chains:
        entry = best_entry(chain, criteria, context_at(chain.ts_ns), held=held)
        if entry is not None:
            entries.append(entry)
            held |= {leg.contract for leg in entry.legs}
    return [(entry, [_quote(chain, entry) for chain in chains]) for entry in entries]


def _quote(chain: OptionChain, entry: Entry) -> QuoteTick:
    rows = [(chain.row_of(leg.contract), leg.ratio) for leg in entry.legs]
    bid = sum(ratio * float((chain.bid if ratio > 0 else chain.ask)[row]) for row, ratio in rows)
    ask = sum(ratio * float((chain.ask if ratio > 0 else chain.bid)[row]) for row, ratio in rows)
    size = Quantity.from_int(20)
    return QuoteTick(
        combination_id(entry), Price(bid, 2), Price(ask, 2), size, size, chain.ts_ns, chain.ts_ns
    )


def _combination(entry: Entry) -> OptionSpread:
    spread_id = combination_id(entry)
    return OptionSpread(
        instrument_id=spread_id,
        raw_symbol=spread_id.symbol,
        asset_class=AssetClass.INDEX,
        currency=USD,
        price_precision=2,
        price_increment=Price.from_str("0.01"),
        multiplier=Quantity.from_int(100),
        lot_size=Quantity.from_int(1),
        underlying="^SPX",
        strategy_type="VERTICAL",
        activation_ns=0,
        expiration_ns=entry.candidate.legs[0].expiry_ns,
        ts_event=0,
        ts_init=0,
    )


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_snapshots(tmp_path_factory.mktemp("entry") / "catalog", legs=LEGS).root


@pytest.fixture(scope="module")
def criteria_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("criteria") / "verticals.toml"
    file.write_text(CRITERIA, encoding="utf-8")
    return file


def run(
    catalog: Path, strategy: ScannerEntries, combinations: list[tuple[Entry, list[QuoteTick]]]
) -> tuple[Any, MemoryRecorder]:
    register_snapshots()
    chains = BacktestDataConfig(
        catalog_path=str(catalog),
        data_cls="catalog.option_snapshots:OptionChainSnapshot",
        client_id=CHAINS,
        instrument_ids=["SPXW-CHAIN.SMART"],
    )
    quotes = BacktestDataConfig(
        catalog_path=str(catalog), data_cls=f"{QuoteTick.__module__}:{QuoteTick.__name__}"
    )
    venue = BacktestVenueConfig(
        name="SMART", oms_type="NETTING", account_type="MARGIN", starting_balances=["100000 USD"]
    )
    configuration = BacktestRunConfig(
        engine=BacktestEngineConfig(
            logging=LoggingConfig(bypass_logging=True), risk_engine=RiskEngineConfig(bypass=True)
        ),
        data=[chains, quotes],
        venues=[venue],
        raise_exception=True,
        dispose_on_completion=False,
    )
    node = BacktestNode(configs=[configuration])
    node.build()
    engine: Any = node.get_engine(configuration.id)
    for entry, quotes_of_it in combinations:
        engine.add_instrument(_combination(entry))
        engine.add_data(quotes_of_it)
    recorder = MemoryRecorder()
    setup = GateSetup(
        limits=_limits(),
        session_rules=SESSION_RULES,
        universe=("^SPX",),
        recorder=recorder,
        greeks=strategy.known_greeks.get,
    )
    install_gate(engine, setup)
    engine.add_strategy(strategy)
    node.run()
    return engine, recorder


def _limits() -> RiskLimits:
    """The drills' limits, wide enough for a few spreads of SPX."""
    options = msgspec.structs.replace(
        OPTION_LIMITS,
        max_loss_usd_per_spread=Decimal(20_000),
        max_loss_usd_per_underlying=Decimal(50_000),
        max_loss_usd_total=Decimal(50_000),
        max_vega_usd_per_underlying=Decimal(5_000),
    )
    return msgspec.structs.replace(
        LIMITS,
        max_positions=12,
        max_daily_loss_usd=Decimal(5_000),
        max_daily_drawdown_usd=Decimal(5_000),
        max_loss_usd_per_trade=Decimal(5_000),
        max_quote_age_ms=120_000,
        options=options,
    )


def test_a_strategy_enters_what_the_command_finds_at_each_moment(
    catalog: Path, criteria_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = MarketFlags(rate=RATE)
    criteria = read_criteria(criteria_file)

    def context_at(at_ns: int) -> ScanContext:
        return context_of(catalog, "SPX", at_ns=at_ns, flags=flags)

    strategy = ScannerEntries(criteria, context_at)
    engine, recorder = run(catalog, strategy, combinations_to_come(catalog, criteria, context_at))
    assert not recorder.refusals, [(each.rule, each.value, each.limit) for each in recorder.refusals]
    for minute in range(len(SPOTS)):
        at_ns = START_NS + minute * NS_PER_MINUTE
        command = ["scan", str(criteria_file), "--catalog", str(catalog), "--rate", str(RATE), "--json"]
        assert main([*command, "--at", f"2026-01-05T10:{minute:02}:00-05:00"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["candidates"][0]["spread"] == strategy.best.pop(at_ns)
    assert not strategy.best
    assert len(strategy.entered) == len(SPOTS)
    assert all(order.status == OrderStatus.FILLED for order in engine.cache.orders())
    paid = [order.avg_px for order in engine.cache.orders()]
    limits = [float(entry.limit_usd) for entry in strategy.entered]
    assert paid == pytest.approx(limits)
    debits = [entry.candidate.metrics["debit_usd"] for entry in strategy.entered]
    assert paid == pytest.approx(debits)
    held = {one.instrument_id.value: one.signed_qty for one in engine.cache.positions_open()}
    assert held == {leg.contract: leg.ratio for entry in strategy.entered for leg in entry.legs}
    engine.dispose()
