"""An excerpt of a catalog is a catalog of the named files alone."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from backtests.period import select
from catalog.excerpt import excerpt
from catalog.manifest import HALTS_NAME, Halt, encode
from catalog.store import CatalogStore
from catalog.synthetic_market import SyntheticMarketSpec, SyntheticSymbol, write_synthetic_market
from market.errors import DataError, NotFoundError


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog of two symbols on two days, with a halt of each."""
    root = tmp_path_factory.mktemp("whole") / "catalog"
    names = ("ZVZZT", "ZWZZT")
    symbols = tuple(
        SyntheticSymbol(symbol=name, price_usd=8, spread_cents=2, quote_updates_day=300) for name in names
    )
    for day in (date(2024, 3, 5), date(2024, 3, 6)):
        spec = SyntheticMarketSpec(seed=1, start=day, end=day, symbols=symbols)
        write_synthetic_market(spec, store=CatalogStore(root))
    halts = [Halt(f"{name}.SMART", 1, 2, "news") for name in names]
    (root / HALTS_NAME).write_bytes(encode(halts))
    return root


def test_an_excerpt_holds_the_named_files_and_their_instruments(whole: Path, tmp_path: Path) -> None:
    day = (date(2024, 3, 5), date(2024, 3, 5))
    wanted = select(whole, ["ZVZZT.SMART"], book="L1", queue_position=True, days=day)
    paths = {file.path for file in wanted.files}
    (tmp_path / "work").mkdir()
    for name, path in excerpt(whole, paths, work=tmp_path / "work").items():
        (tmp_path / "part" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / "part" / name)
    again = select(tmp_path / "part", ["ZVZZT.SMART"], book="L1", queue_position=True)
    assert again.files == wanted.files
    assert again.period == wanted.period
    store = CatalogStore.open_existing(tmp_path / "part")
    assert list(store.manifest().instruments) == ["ZVZZT.SMART"]
    assert [halt.instrument_id for halt in store.halts()] == ["ZVZZT.SMART"]
    found = {
        path.relative_to(tmp_path / "part").as_posix() for path in (tmp_path / "part").rglob("*.parquet")
    }
    assert {name for name in found if "/equity/" not in name} == paths
    assert len(found) == len(paths) + 1


def test_a_file_that_the_catalog_does_not_name_is_refused(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not name data/x"):
        excerpt(whole, {"data/x"}, work=tmp_path)
    with pytest.raises(NotFoundError, match="No catalog"):
        excerpt(tmp_path / "none", {"data/x"}, work=tmp_path)
    assert list(tmp_path.iterdir()) == []
