"""Recorded days, backtested with limits tight enough to bite: refusals by rule, nothing beyond a limit."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from backtests.run import RunResult, run_backtest
from catalog.ingest_lean import ingest_lean
from catalog.ingest_lobster import ingest_lobster
from catalog.store import CatalogStore
from cli import risk
from configs.profile import load_profile

pytestmark = [pytest.mark.real_data, pytest.mark.slow, pytest.mark.timeout(300)]

APPLE = "nasdaq_depth_aapl_2012/AAPL_2012-06-21_34200000_37800000_message_50.csv.gz"


def _bank_of_america(data: Path, store: CatalogStore) -> None:
    day = date(2013, 10, 7)
    ingest_lean(data / "lean", store=store, symbols=["BAC"], start=day, end=day, resolutions=["tick"])


def _apple(data: Path, store: CatalogStore) -> None:
    ingest_lobster(data / APPLE, store=store)


DAYS: dict[str, tuple[Callable[[Path, CatalogStore], None], tuple[str, ...], set[str]]] = {
    "bac_ticks_2013": (
        _bank_of_america,
        ("risk.min_displayed_shares=20000", "risk.max_quote_age_ms=50", "risk.max_open_orders=1"),
        {"displayed_liquidity", "quote_age"},
    ),
    "aapl_depth_2012": (
        _apple,
        ("risk.min_displayed_shares=150", "risk.max_spread_bps=2"),
        {"displayed_liquidity", "quote_spread"},
    ),
}


@pytest.fixture(scope="module", params=sorted(DAYS))
def tight_run(
    request: pytest.FixtureRequest,
    real_data: Path,
    project_root: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[RunResult, set[str]]:
    """A recorded day under tight limits, and rules of which some must have refused."""
    ingest, overrides, rules = DAYS[request.param]
    catalog = tmp_path_factory.mktemp(request.param)
    ingest(real_data, CatalogStore(catalog))
    profile = project_root / "configs" / "profiles" / f"{request.param}.toml"
    loaded = load_profile(profile, overrides=overrides, purpose="research")
    output = tmp_path_factory.mktemp("runs") / request.param
    return run_backtest(loaded, catalog=catalog, output=output), rules


def test_tight_limits_bite_and_the_run_says_by_which_rule(
    tight_run: tuple[RunResult, set[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    result, rules = tight_run
    refusals = pq.read_table(result.directory / "refusals.parquet").to_pylist()
    assert rules & {refusal["rule"] for refusal in refusals}
    risk.explain(result.directory, json=True)
    explained = json.loads(capsys.readouterr().out)
    counted = {group["rule"]: group["refusals"] for group in explained["rules"]}
    assert counted == dict(Counter(refusal["rule"] for refusal in refusals))


def test_every_refused_order_was_denied_with_the_reason(tight_run: tuple[RunResult, set[str]]) -> None:
    result, _ = tight_run
    refusals = pq.read_table(result.directory / "refusals.parquet").to_pylist()
    orders = {
        row["client_order_id"]: row for row in pq.read_table(result.directory / "orders.parquet").to_pylist()
    }
    for refusal in refusals:
        order = orders[refusal["client_order_id"]]
        if order["status"] == "DENIED":
            assert order["deny_reason"] == refusal["reason"]
            assert order["filled_quantity"] == 0
    assert any(order["status"] == "DENIED" for order in orders.values())


def test_no_position_exceeds_the_limit_at_any_fill(tight_run: tuple[RunResult, set[str]]) -> None:
    result, _ = tight_run
    profile = json.loads((result.directory / "profile.json").read_text())
    limit = profile["risk"]["max_position_shares_per_symbol"]
    position = 0
    for fill in pq.read_table(result.directory / "fills.parquet").to_pylist():
        position += fill["quantity"] if fill["side"] == "BUY" else -fill["quantity"]
        assert abs(position) <= limit
