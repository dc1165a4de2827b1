"""A backtest's run on a short synthetic day, made once for all tests of replays and of their command."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from backtests.run import run_backtest
from catalog.store import CatalogStore
from catalog.synthetic_market import SyntheticMarketSpec, SyntheticSymbol, write_synthetic_market
from tests.backtests.replay.live_node import EAGER
from tests.backtests.replays import profile

DAY = date(2024, 3, 5)


def spec(day: date) -> SyntheticMarketSpec:
    """Return the market of one day."""
    symbol = SyntheticSymbol(
        symbol="ZVZZT",
        price_usd=7.75,
        spread_cents=2.4,
        volatility_fraction_day=0.08,
        quote_updates_day=3_000,
    )
    return SyntheticMarketSpec(seed=3, start=day, end=day, symbols=(symbol,))


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a catalog and a backtest's run on it; tests change copies only."""
    folder = tmp_path_factory.mktemp("recorded")
    write_synthetic_market(spec(DAY), store=CatalogStore(folder / "catalog"))
    run_backtest(profile(folder, *EAGER), catalog=folder / "catalog", output=folder / "run")
    return folder
