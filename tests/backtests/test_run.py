"""A whole run: what is written agrees with itself, and with the account, to the cent."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from backtests.run import RunResult, run_backtest
from backtests.run_tables import SCHEMAS
from backtests.symbols import traded_symbols
from catalog.store import CatalogStore
from catalog.synthetic_market import SyntheticMarketSpec, SyntheticSymbol, write_synthetic_market
from configs.profile import LoadedProfile
from market.errors import ConfigError, DataError, UserError
from tests.backtests.markets import steady_quotes, write_market
from tests.backtests.replays import profile

SYMBOLS = ("ZVZZT", "ZWZZT")
EAGER = (
    "strategies.harvester.parameters.imbalance_min=0.1",
    "strategies.harvester.parameters.order_flow_ratio_min=0",
    "strategies.harvester.parameters.momentum_bps_min=0",
    "strategies.harvester.parameters.spread_bps_max=19",
    "strategies.harvester.parameters.entry_style=marketable",
    "backtest.latency_ms=20",
    "universe.book=L2",
)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> LoadedProfile:
    return profile(tmp_path_factory.mktemp("profile"), *EAGER, symbols=SYMBOLS)


@pytest.fixture(scope="module")
def result(loaded: LoadedProfile, small_market: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    output = tmp_path_factory.mktemp("runs") / "run"
    return run_backtest(loaded, catalog=small_market, output=output, tearsheet=True)


def _rows(result: RunResult, name: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = pq.read_table(result.directory / f"{name}.parquet").to_pylist()
    return rows


def test_trades_and_ends_flat(result: RunResult) -> None:
    counts = result.summary.counts
    assert counts.round_trips > 5
    assert counts.fills >= 2 * counts.round_trips
    assert result.summary.open_positions == ()


def test_cash_of_the_fills_less_fees_is_the_change_of_the_account(result: RunResult) -> None:
    summary = result.summary
    change = Decimal(summary.closing_balance_usd) - Decimal(summary.starting_balance_usd)
    assert Decimal(summary.gross_pnl_usd) - Decimal(summary.fees_usd) == Decimal(summary.net_pnl_usd)
    assert Decimal(summary.net_pnl_usd) == change
    assert summary.account_difference_usd == "0.00"


def test_tables_agree_with_the_summary(result: RunResult) -> None:
    summary = result.summary
    positions, fills = _rows(result, "positions"), _rows(result, "fills")
    assert len(positions) == summary.counts.round_trips
    assert len(fills) == summary.counts.fills
    assert len(_rows(result, "orders")) == summary.counts.orders
    assert len(_rows(result, "decisions")) == summary.counts.decisions
    assert sum(row["net_pnl_usd"] for row in positions) == pytest.approx(float(summary.net_pnl_usd))  # type: ignore[misc]
    assert sum(row["commission_usd"] for row in fills) == pytest.approx(float(summary.fees_usd))  # type: ignore[misc]
    equity = _rows(result, "equity")
    assert equity[-1]["equity_usd"] == pytest.approx(float(summary.closing_balance_usd))


def test_every_file_has_the_columns_that_are_promised(result: RunResult) -> None:
    for name, schema in SCHEMAS.items():
        assert pq.read_schema(result.directory / f"{name}.parquet").equals(schema)
    assert msgspec.json.decode((result.directory / "run.json").read_bytes())["name"] == "test"
    assert msgspec.json.decode((result.directory / "profile.json").read_bytes())["risk"]
    assert (result.directory / "tearsheet.html").stat().st_size > 100_000


def test_orders_fills_and_round_trips_lead_back_to_their_decisions(result: RunResult) -> None:
    decided = {row["correlation_id"] for row in _rows(result, "decisions")}
    for name in ("orders", "fills", "positions"):
        assert {row["correlation_id"] for row in _rows(result, name)} <= decided
    for row in _rows(result, "positions"):
        assert row["entry_reason"] != "unknown"
        assert row["exit_reason"] != "unknown"


def test_a_second_run_gives_the_same_hash_and_the_same_tables(
    loaded: LoadedProfile, small_market: Path, result: RunResult, tmp_path: Path
) -> None:
    again = run_backtest(loaded, catalog=small_market, output=tmp_path / "again")
    assert again.summary.result_hash == result.summary.result_hash
    for name in SCHEMAS:
        assert _rows(again, name) == _rows(result, name)


def test_a_limit_that_bites_is_counted_by_its_rule(small_market: Path, tmp_path: Path) -> None:
    strict = profile(tmp_path, *EAGER, "risk.max_spread_bps=1", symbols=SYMBOLS)
    result = run_backtest(strict, catalog=small_market, output=tmp_path / "run")
    assert result.summary.counts.fills == 0
    assert set(result.summary.refusals_by_rule) == {"quote_spread"}
    refusals = _rows(result, "refusals")
    assert len(refusals) == result.summary.counts.refusals > 0
    assert all(row["value"] and row["limit"] and row["reason"] for row in refusals)
    assert {row["status"] for row in _rows(result, "orders")} == {"DENIED"}


def test_runs_without_an_output_get_a_folder_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    catalog = write_market(tmp_path / "catalog", quotes=steady_quotes(seconds=2))
    loaded = profile(tmp_path)
    folders = {run_backtest(loaded, catalog=catalog).directory for _ in range(2)}
    assert len(folders) == 2
    assert all(folder.parent == Path("runs") and folder.name.startswith("test-") for folder in folders)


def test_refuses_before_running_an_output_that_holds_something_else(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"notes\.txt"):
        run_backtest(profile(tmp_path), catalog=tmp_path / "missing", output=tmp_path / "out")


def test_a_profile_without_a_backtest_section_is_refused(tmp_path: Path) -> None:
    loaded = profile(tmp_path)
    bare = msgspec.structs.replace(loaded, profile=msgspec.structs.replace(loaded.profile, backtest=None))
    with pytest.raises(ConfigError, match="backtest"):
        run_backtest(bare, catalog=tmp_path, output=tmp_path / "out")


RULES = """
[rules]
price_usd_min = {low}
"""


def _with_universe(folder: Path, low: str, *overrides: str) -> LoadedProfile:
    loaded = profile(folder, *overrides)
    file = folder / "universe.toml"
    file.write_text(RULES.format(low=low), encoding="utf-8")
    universe = msgspec.structs.replace(loaded.profile.universe, symbols=(), file=str(file))
    return msgspec.structs.replace(loaded, profile=msgspec.structs.replace(loaded.profile, universe=universe))


@pytest.fixture(scope="module")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("two-days")
    symbols = tuple(
        SyntheticSymbol(symbol=name, price_usd=price, spread_cents=1.0, quote_updates_day=200)
        for name, price in (("ZVZZT", 7.75), ("ZWZZT", 3.60))
    )
    spec = SyntheticMarketSpec(
        seed=3, symbols=symbols, depth_levels=0, start=date(2025, 3, 3), end=date(2025, 3, 4)
    )
    write_synthetic_market(spec, store=CatalogStore(root))
    return root


def test_a_universe_file_is_applied_to_the_session_before_the_period(tmp_path: Path, two_days: Path) -> None:
    chosen = traded_symbols(_with_universe(tmp_path, "5", "backtest.start=2025-03-04"), two_days)
    assert (chosen.symbols, chosen.chosen_on) == (("ZVZZT",), date(2025, 3, 3))
    assert not chosen.with_hindsight


def test_without_an_earlier_session_it_says_that_it_knew_the_day(tmp_path: Path, two_days: Path) -> None:
    chosen = traded_symbols(_with_universe(tmp_path, "5"), two_days)
    assert (chosen.chosen_on, chosen.with_hindsight) == (date(2025, 3, 3), True)


def test_a_universe_that_keeps_nothing_is_refused_with_the_command_that_explains(
    tmp_path: Path, two_days: Path
) -> None:
    with pytest.raises(DataError, match=r"harvester universe .* says why"):
        traded_symbols(_with_universe(tmp_path, "50"), two_days)
