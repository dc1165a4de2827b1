"""A seeded market of one day for the tests of whole runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.store import CatalogStore
from catalog.synthetic_market import SyntheticMarketSpec, SyntheticSymbol, write_synthetic_market


@pytest.fixture(scope="session")
def small_market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog of two symbols with trades and depth, about 30,000 records."""
    symbols = (
        SyntheticSymbol(symbol="ZVZZT", price_usd=7.75, spread_cents=1.4, quote_updates_day=6_000),
        SyntheticSymbol(symbol="ZWZZT", price_usd=5.60, spread_cents=1.0, quote_updates_day=4_000),
    )
    root = tmp_path_factory.mktemp("small-market")
    write_synthetic_market(
        SyntheticMarketSpec(seed=11, symbols=symbols, depth_levels=3), store=CatalogStore(root)
    )
    return root
