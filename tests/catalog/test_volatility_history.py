"""The underlying's own volatility day by day, without a look ahead, and where it stands in its history."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from catalog.ingest_volatility import ingest_volatility
from catalog.option_chains import chain_at
from catalog.pricing_inputs import inputs_at
from catalog.store import CatalogStore
from catalog.volatility_history import RANK_DAYS_MIN, index_place, iv_history, own_place
from market.errors import NotFoundError
from market.option_chain_pricing import priced
from market.time import to_ns
from market.volatility import constant_maturity_iv, term_structure, volatility_rank
from tests.catalog.volatility_days import one_a_day, write_days
from tests.market.chains import DAY_NS, NOW_NS, RATE, SPOT

VOLATILITIES = (0.20, 0.35, 0.25, 0.30)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two snapshots a day, of which the first has a volatility of 0.50."""
    days = [
        (day, minutes, level, SPOT)
        for day, volatility in enumerate(VOLATILITIES)
        for minutes, level in ((0, 0.50), (60, volatility))
    ]
    return write_days(tmp_path_factory.mktemp("catalog"), days)


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


def test_a_day_without_quotes_around_the_money_has_no_volatility(tmp_path: Path) -> None:
    at_ns = NOW_NS + DAY_NS
    near = write_days(tmp_path / "near", one_a_day([0.2, 0.3]), unquoted=(99, 103))
    assert iv_history(near, "SPX", at_ns, rate=RATE).iv == pytest.approx([0.2, 0.3], abs=1e-3)
    gap = write_days(tmp_path / "gap", one_a_day([0.2, 0.3]), unquoted=(90, 110))
    assert np.isnan(iv_history(gap, "SPX", at_ns, rate=RATE).iv).all()


def test_an_unknown_symbol_is_said(catalog: Path) -> None:
    with pytest.raises(NotFoundError, match="no chain of NDX"):
        iv_history(catalog, "NDX", NOW_NS)


def test_the_own_place_needs_enough_days_and_a_current_one(tmp_path: Path) -> None:
    levels = [0.20 + 0.01 * (day % 5) for day in range(RANK_DAYS_MIN)]
    root = write_days(tmp_path, one_a_day(levels))
    last_ns = NOW_NS + (RANK_DAYS_MIN - 1) * DAY_NS
    place = own_place(root, "SPX", last_ns, rate=RATE)
    assert (place.days, place.source) == (RANK_DAYS_MIN, "own at-the-money IV of 30 days")
    assert place.rank is not None
    assert place.rank.current == pytest.approx(levels[-1], abs=1e-3)
    assert place.rank.percentile_fraction == sum(level < levels[-1] for level in levels) / RANK_DAYS_MIN
    assert own_place(root, "SPX", last_ns - 1, rate=RATE)[:2] == (None, RANK_DAYS_MIN - 1)
    assert own_place(root, "SPX", last_ns + 7 * DAY_NS, rate=RATE).rank is not None
    assert own_place(root, "SPX", last_ns + 7 * DAY_NS + 1, rate=RATE).rank is None


def test_an_index_has_a_place_while_its_history_is_current(tmp_path: Path) -> None:
    rows = [f"2021-{1 + day // 28:02}-{1 + day % 28:02},{20 + day % 5}" for day in range(40)]
    path = tmp_path / "vix.csv"
    path.write_text("DATE,CLOSE\n" + "\n".join(rows) + "\n", encoding="utf-8")
    store = CatalogStore(tmp_path / "catalog")
    ingest_volatility(path, store=store)
    known = to_ns("2021-02-12T16:15:00-05:00")
    place = index_place(store.root, "VIX", known)
    assert (place.days, place.source) == (40, "index VIX")
    assert place.rank == volatility_rank([20.0 + day % 5 for day in range(40)])
    assert index_place(store.root, "VIX", to_ns("2021-01-19T16:15:00-05:00")).rank is None  # 19 closes
    assert index_place(store.root, "VIX", to_ns("2021-01-20T16:15:00-05:00")).rank is not None
    assert index_place(store.root, "VIX", known + 7 * DAY_NS + 1).rank is None


@pytest.mark.real_data
def test_pricing_what_is_at_the_money_alone_gives_what_pricing_all_gives(
    real_data: Path, tmp_path: Path
) -> None:
    from catalog.ingest_lean_options import ingest_lean_options

    store = CatalogStore(tmp_path / "catalog")
    path = real_data / "lean/option/usa/minute/goog"
    ingest_lean_options(path, store=store, start=date(2015, 12, 24))
    noon = to_ns("2015-12-24T12:00:00-05:00")
    inputs = inputs_at(store.root, noon, symbol="GOOG", rate=0.01).inputs
    whole = priced(chain_at(store.root, "GOOG", noon).with_dte(8, 45), inputs)
    expected = constant_maturity_iv(term_structure(whole, inputs))
    found = iv_history(store.root, "GOOG", noon, rate=0.01).iv
    assert not np.isnan(expected)
    assert found[-1] == expected
