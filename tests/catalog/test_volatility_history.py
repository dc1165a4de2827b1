"""The underlying's own volatility day by day, without a look ahead."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from catalog.manifest import SourceDescription
from catalog.option_chain_rows import COUNTS, PRICES, ContractList
from catalog.option_chain_writer import ChainWriter
from catalog.store import CatalogStore
from catalog.volatility_history import iv_history
from market.errors import NotFoundError
from market.option_contracts import option_class
from market.volatility import volatility_rank
from tests.market.chains import DAY_NS, NOW_NS, RATE, priced_at

VOLATILITIES = (0.20, 0.35, 0.25, 0.30)
STATIC = ("contract", "expiry_ns", "strike", "is_call", "style", "settlement", "multiplier")


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two snapshots a day, of which the first has a volatility of 0.50."""
    root = tmp_path_factory.mktemp("catalog")
    with CatalogStore(root).ingest(SourceDescription(kind="test", path="", sha256="0")) as ingest:
        writer = ChainWriter(ingest, option_class("SPXW"), is_daily=False)
        for day, volatility in enumerate(VOLATILITIES):
            for minutes, level in ((0, 0.50), (60, volatility)):
                chain = priced_at(level)
                moved = replace(chain, ts_ns=NOW_NS + day * DAY_NS, expiry_ns=chain.expiry_ns + day * DAY_NS)
                names = np.array([f"SPXW  21{i:04d}C00100000.SMART" for i in range(len(moved))], dtype=object)
                columns = {name: getattr(moved, name) for name in STATIC} | {"contract": names}
                market = {name: getattr(moved, name) for name in (*PRICES, *COUNTS)}
                writer.write(
                    ContractList("SPXW", "SPX", columns),
                    {name: np.round(values, 4) for name, values in market.items()},
                    ts_ns=moved.ts_ns + minutes * 60 * 10**9,
                    underlying_price=moved.underlying_price,
                )
    return root


def test_each_day_counts_with_its_last_snapshot(catalog: Path) -> None:
    found = iv_history(catalog, "SPX", NOW_NS + 10 * DAY_NS, rate=RATE)
    assert found.iv == pytest.approx(VOLATILITIES, abs=1e-3)
    rank = volatility_rank(found.iv)
    assert rank.rank_fraction == pytest.approx(2 / 3, abs=0.01)
    assert rank.percentile_fraction == 0.5


def test_nothing_after_the_moment_is_used(catalog: Path) -> None:
    noon = NOW_NS + 2 * DAY_NS  # the first snapshot of the third day
    assert iv_history(catalog, "SPXW", noon, rate=RATE).iv == pytest.approx([0.20, 0.35, 0.50], abs=1e-3)
    assert iv_history(catalog, "SPXW", noon, days=2, rate=RATE).iv == pytest.approx([0.35, 0.50], abs=1e-3)


def test_an_unknown_symbol_is_said(catalog: Path) -> None:
    with pytest.raises(NotFoundError, match="no chain of NDX"):
        iv_history(catalog, "NDX", NOW_NS)
