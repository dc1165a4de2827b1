"""The strategy trades recorded days, and every cent is accounted for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from backtests.run import RunResult, run_backtest
from catalog.ingest_lean import ingest_lean
from catalog.ingest_lobster import ingest_lobster
from catalog.store import CatalogStore
from configs.profile import load_profile
from market.commissions import OrderCommission, ib_tiered
from tests.backtests import journal_checks, review_checks

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

PROFILES = Path(__file__).resolve().parents[2] / "configs" / "profiles"
APPLE = "nasdaq_depth_aapl_2012/AAPL_2012-06-21_34200000_37800000_message_50.csv.gz"
AMAZON = "nasdaq_level1_amzn_2012/AMZN_2012-06-21_34200000_57600000_message_1.csv.gz"


def _bank_of_america(data: Path, store: CatalogStore) -> None:
    day = date(2013, 10, 7)
    ingest_lean(data / "lean", store=store, symbols=["BAC"], start=day, end=day, resolutions=["tick"])


def _spy(data: Path, store: CatalogStore) -> None:
    ingest_lean(
        data / "lean",
        store=store,
        symbols=["SPY"],
        start=date(2013, 10, 7),
        end=date(2013, 10, 9),
        resolutions=["second"],
        quotes_from_bars=True,
    )


def _apple(data: Path, store: CatalogStore) -> None:
    ingest_lobster(data / APPLE, store=store)


def _amazon(data: Path, store: CatalogStore) -> None:
    ingest_lobster(data / AMAZON, store=store)


DAYS: dict[str, Callable[[Path, CatalogStore], None]] = {
    "bac_ticks_2013": _bank_of_america,
    "spy_seconds_2013": _spy,
    "aapl_depth_2012": _apple,
    "amzn_level1_2012": _amazon,
}


@pytest.fixture(scope="module", params=sorted(DAYS))
def recorded(
    request: pytest.FixtureRequest, real_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, RunResult]:
    """The name of a recorded day, its catalog, and its run."""
    name = request.param
    catalog = tmp_path_factory.mktemp(name)
    DAYS[name](real_data, CatalogStore(catalog))
    loaded = load_profile(PROFILES / f"{name}.toml", purpose="research")
    output = tmp_path_factory.mktemp("runs") / name
    return name, catalog, run_backtest(loaded, catalog=catalog, output=output)


Recorded = tuple[str, Path, RunResult]


def test_the_journal_verifies_every_fill_leads_to_its_signal_and_all_adds_up(recorded: Recorded) -> None:
    _, _, result = recorded
    entries = journal_checks.assert_verifies(result.directory, result.summary)
    journal_checks.assert_every_fill_leads_to_its_signal(entries)
    journal_checks.assert_projects_to_the_run(entries, result.directory, result.summary)


def test_trades_and_goes_home_flat(recorded: Recorded) -> None:
    _, _, result = recorded
    assert result.summary.counts.round_trips >= 3
    assert result.summary.open_positions == ()


def test_cash_of_the_fills_less_fees_is_the_change_of_the_account_to_the_cent(recorded: Recorded) -> None:
    _, _, result = recorded
    fills = pq.read_table(result.directory / "fills.parquet").to_pylist()
    cash = sum(
        Decimal(str(fill["price"])) * fill["quantity"] * (-1 if fill["side"] == "BUY" else 1)
        for fill in fills
    )
    fees = sum(Decimal(str(fill["commission_usd"])) for fill in fills)
    summary = result.summary
    change = Decimal(summary.closing_balance_usd) - Decimal(summary.starting_balance_usd)
    assert cash - fees == change == Decimal(summary.net_pnl_usd)


def test_each_order_cost_what_the_price_list_says(recorded: Recorded) -> None:
    _, _, result = recorded
    schedule = ib_tiered(date.fromisoformat(result.summary.period.start))
    orders: dict[str, OrderCommission] = {}
    charged: dict[str, Decimal] = {}
    for fill in pq.read_table(result.directory / "fills.parquet").to_pylist():
        key = fill["client_order_id"]
        order = orders.setdefault(key, OrderCommission(schedule, fill["side"].lower()))
        order.on_fill(
            fill["quantity"], Decimal(str(fill["price"])), adds_liquidity=fill["liquidity"] == "MAKER"
        )
        charged[key] = charged.get(key, Decimal(0)) + Decimal(str(fill["commission_usd"]))
    assert len(orders) == result.summary.counts.filled_orders
    for key, order in orders.items():
        assert charged[key] == order.total.total.quantize(Decimal("0.01"))


def test_takers_pay_a_price_that_was_quoted_or_worse(recorded: Recorded) -> None:
    """No fill is better than the best price of the second before it and the seconds around it."""
    _, _, result = recorded
    prices = pq.read_table(result.directory / "prices.parquet").to_pandas()
    for fill in pq.read_table(result.directory / "fills.parquet").to_pylist():
        if fill["liquidity"] != "TAKER":
            continue
        near = prices[(prices["ts_ns"] - fill["ts_ns"]).abs() < 10_000_000_000]
        if fill["side"] == "BUY":
            assert fill["price"] > near["bid"].min()
        else:
            assert fill["price"] < near["ask"].max()


def test_in_chunks_the_result_is_the_same(recorded: Recorded, tmp_path: Path) -> None:
    name, catalog, result = recorded
    loaded = load_profile(
        PROFILES / f"{name}.toml", overrides=["backtest.chunk_size=20000"], purpose="research"
    )
    chunked = run_backtest(loaded, catalog=catalog, output=tmp_path / "run")
    assert chunked.summary.result_hash == result.summary.result_hash


def test_every_fill_traces_to_its_signal(recorded: Recorded) -> None:
    _, _, result = recorded
    review_checks.check_every_fill_traces_to_its_signal(result.directory)


def test_the_blotter_out_of_the_journal_is_that_of_the_tables(recorded: Recorded) -> None:
    _, _, result = recorded
    review_checks.check_executions(result.directory)
    review_checks.check_trades(result.directory)


def test_the_days_key_figures_out_of_the_journal_are_those_of_the_tables(recorded: Recorded) -> None:
    _, catalog, result = recorded
    review_checks.check_order_counts(result.directory)
    review_checks.check_profit(result.directory)
    review_checks.check_drawdown(result.directory, catalog)
    review_checks.check_drawdown_by_the_minute(result.directory, tolerance_usd=0.5)
    review_checks.check_slippage(result.directory)
    review_checks.check_breaches(result.directory)
    review_checks.check_latency(result.directory)
    review_checks.check_uptime(result.directory)
