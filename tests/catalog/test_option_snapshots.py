"""Snapshots and legs in Nautilus: replayed one-shot and chunked, orders filled, its own option chain fed."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nautilus_trader.backtest.node import BacktestNode
from nautilus_trader.config import (
    BacktestDataConfig,
    BacktestEngineConfig,
    BacktestRunConfig,
    BacktestVenueConfig,
    LoggingConfig,
)
from nautilus_trader.core import nautilus_pyo3
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import DataType, OptionGreeks, QuoteTick
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import ClientId, InstrumentId
from nautilus_trader.persistence.catalog import ParquetDataCatalog
from nautilus_trader.trading.strategy import Strategy

from catalog.ingest_lean_options import ingest_lean_options
from catalog.option_chains import chains_between
from catalog.option_legs import option_spec, write_legs
from catalog.option_snapshots import CHAINS, OptionChainSnapshot, register_snapshots
from catalog.store import CatalogStore
from market.errors import NotFoundError
from market.time import to_ns
from tests.catalog.lean_options.lean_option_folder import entry, quote, write_spxw

CALL, PUT = "SPXW  210106C03700000.SMART", "SPXW  210106P03700000.SMART"
DAY = to_ns("2021-01-04T00:00:00-05:00"), to_ns("2021-01-05T00:00:00-05:00")
QUOTES = {
    entry("quote", "call", 3700, "20210106"): "\n".join(
        quote(minute, f"{600_000 + 5_000 * minute}", f"{610_000 + 5_000 * minute}") for minute in range(5)
    ),
    entry("quote", "put", 3700, "20210106"): "\n".join(
        quote(minute, "" if minute == 2 else "90000", "" if minute == 3 else "95000") for minute in range(5)
    ),
}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("options")
    store = CatalogStore(folder / "catalog")
    ingest_lean_options(write_spxw(folder / "lean", quotes=QUOTES), store=store)
    write_legs(store, "SPXW", ["SPXW210106*"], period_ns=DAY)
    return store.root


def run(strategy: Strategy, data: list[BacktestDataConfig], *, chunk_size: int | None = None) -> Any:
    register_snapshots()
    configuration = BacktestRunConfig(
        engine=BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)),
        data=data,
        venues=[
            BacktestVenueConfig(
                name="SMART", oms_type="NETTING", account_type="MARGIN", starting_balances=["100000 USD"]
            )
        ],
        chunk_size=chunk_size,
        raise_exception=True,
        dispose_on_completion=False,
    )
    node = BacktestNode(configs=[configuration])
    node.build()
    engine: Any = node.get_engine(configuration.id)
    engine.add_strategy(strategy)
    node.run()
    return engine


def snapshots_of(catalog: Path, chain: str) -> BacktestDataConfig:
    return BacktestDataConfig(
        catalog_path=str(catalog),
        data_cls="catalog.option_snapshots:OptionChainSnapshot",
        client_id=CHAINS,
        instrument_ids=[chain],
    )


def legs_of(catalog: Path, kind: type, *names: str) -> BacktestDataConfig:
    return BacktestDataConfig(
        catalog_path=str(catalog), data_cls=f"{kind.__module__}:{kind.__name__}", instrument_ids=list(names)
    )


class Watcher(Strategy):
    """Notes every snapshot, and the last quote of the call when it comes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[int, int, list[str], list[float], float]] = []
        self.bids: list[Decimal] = []

    def on_start(self) -> None:
        self.subscribe_data(DataType(OptionChainSnapshot), client_id=ClientId(CHAINS))

    def on_data(self, data: Any) -> None:
        chain = data.chain()
        self.seen.append(
            (data.ts_init, chain.ts_ns, chain.contract.tolist(), chain.ask.tolist(), chain.underlying_price)
        )
        if (tick := self.cache.quote_tick(InstrumentId.from_str(CALL))) is not None:
            self.bids.append(tick.bid_price.as_decimal())


@pytest.mark.parametrize("chunk_size", [None, 1, 2, 1_000])
def test_snapshots_replay_one_shot_and_chunked_alike(catalog: Path, chunk_size: int | None) -> None:
    watcher = Watcher()
    run(watcher, [snapshots_of(catalog, "SPXW-CHAIN.SMART")], chunk_size=chunk_size)
    expected = [
        (chain.ts_ns, chain.contract.tolist(), chain.ask.tolist(), chain.underlying_price)
        for chain in chains_between(catalog, "SPXW", *DAY)
    ]
    assert len(expected) == 5
    np.testing.assert_equal([seen[1:] for seen in watcher.seen], expected)
    assert all(0 <= seen[0] - seen[1] < 8192 for seen in watcher.seen)


def test_a_leg_is_quoted_before_the_snapshot_of_the_same_minute(catalog: Path) -> None:
    watcher = Watcher()
    run(watcher, [snapshots_of(catalog, "SPXW-CHAIN.SMART"), legs_of(catalog, QuoteTick, CALL)])
    assert watcher.bids == [Decimal("60.00") + Decimal("0.50") * minute for minute in range(5)]


def test_legs_are_quotes_greeks_and_an_instrument_with_interactive_brokers_increment(catalog: Path) -> None:
    stored = ParquetDataCatalog(str(catalog))
    option = next(found for found in stored.instruments() if found.id.value == CALL)
    assert (str(option.price_increment), option.price_precision, option.underlying) == ("0.05", 2, "^SPX")
    assert (str(option.multiplier), str(option.strike_price)) == ("100", "3700.00")
    assert option.expiration_ns == to_ns("2021-01-06T16:00:00-05:00") == option_spec(CALL).expiry_ns
    puts = stored.query(QuoteTick, identifiers=[PUT])
    assert [str(tick.bid_price) for tick in puts] == ["9.00", "9.00", "0.00", "9.00"]  # no ask: no quote
    assert [str(tick.bid_size) for tick in puts] == ["1", "1", "0", "1"]
    greeks = stored.query(OptionGreeks, identifiers=[CALL])
    assert len(greeks) == 5
    assert len(stored.query(OptionGreeks, identifiers=[PUT])) == 3  # two minutes have no middle
    assert all(0.5 < one.delta < 1 and one.mark_iv > 0 for one in greeks)


def test_nautilus_own_option_chain_is_fed(catalog: Path) -> None:
    slices: list[Any] = []

    class Follower(Strategy):
        def on_start(self) -> None:
            self.subscribe_option_greeks(InstrumentId.from_str(CALL))
            series = nautilus_pyo3.OptionSeriesId("SMART", "^SPX", "USD", option_spec(CALL).expiry_ns)
            width = nautilus_pyo3.StrikeRange.delta(0.5, 0.5)
            self.subscribe_option_chain(series, strike_range=width, snapshot_interval_ms=30_000)

        def on_option_chain(self, chain: Any) -> None:
            slices.append((chain.call_count(), chain.put_count(), chain.get_call_quote(chain.strikes()[0])))

    data = [legs_of(catalog, kind, CALL, PUT) for kind in (QuoteTick, OptionGreeks)]
    run(Follower(), data)
    assert slices
    assert slices[-1][:2] == (1, 1)
    assert str(slices[-1][2].bid_price) == "62.00"


def test_patterns_choose_contracts_and_a_repeat_changes_nothing(catalog: Path) -> None:
    store = CatalogStore(catalog)
    assert write_legs(store, "SPXW", ["SPXW210106*"], period_ns=DAY).unchanged
    with pytest.raises(NotFoundError, match="No contract of SPXW matches SPXW991231"):
        write_legs(store, "SPXW", ["SPXW991231*"], period_ns=DAY)


class RoundTrip(Strategy):
    """Buys one put on its first quote and sells it on the last of the day."""

    def __init__(self, contract: str, sell_at_ns: int) -> None:
        super().__init__()
        self.contract = InstrumentId.from_str(contract)
        self.sell_at_ns = sell_at_ns
        self.sent = 0

    def on_start(self) -> None:
        self.subscribe_quote_ticks(self.contract)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        side = OrderSide.BUY if self.sent == 0 else OrderSide.SELL
        if self.sent == 0 or (self.sent == 1 and tick.ts_event >= self.sell_at_ns):
            self.sent += 1
            option = self.cache.instrument(self.contract)
            self.submit_order(self.order_factory.market(self.contract, side, option.make_qty(1)))


@pytest.mark.real_data
def test_a_goog_put_bought_at_54_80_and_sold_at_52_leaves_99_720_before_fees(
    real_data: Path, tmp_path: Path
) -> None:
    put = "GOOG  160617P00750000.SMART"
    store = CatalogStore(tmp_path / "catalog")
    ingest_lean_options(real_data / "lean/option/usa/minute/goog", store=store)
    period = to_ns("2015-12-24T00:00:00-05:00"), to_ns("2015-12-25T00:00:00-05:00")
    write_legs(store, "GOOG", [put], period_ns=period)
    last = store.manifest().ingests[-1].files[-1].end_ns
    engine = run(RoundTrip(put, last - 8192), [legs_of(store.root, QuoteTick, put)])
    fills = [order.avg_px for order in engine.cache.orders()]
    assert fills == [54.80, 52.00]
    account = engine.cache.account_for_venue(engine.list_venues()[0])
    # The data README has 1 USD a side: 99,718.
    assert account.balance_total(USD).as_decimal() - 2 == 99_718
