"""The feed brings every record of the period once, in order, whatever the size of its chunks."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from backtests.node import AssembledNode
from backtests.period import Selection, select
from backtests.record_feed import DATA_CLASSES, record_feed
from backtests.result_hash import result_hash
from market.time import NS_PER_MINUTE
from tests.backtests.markets import START_NS, steady_quotes, write_market
from tests.backtests.replays import profile, replay
from tests.backtests.scripted_strategy import alternating

NAMES = ("ZVZZT.SMART", "ZWZZT.SMART")
ONE_DAY_NS = 24 * 60 * NS_PER_MINUTE


def _fed(selection: Selection, chunk_size: int | None = None) -> list[dict[str, Any]]:
    chunks = list(record_feed(selection, chunk_size=chunk_size))
    return [type(record).to_dict(record) for chunk in chunks for record in chunk]


@pytest.fixture(scope="module")
def selection(small_market: Path) -> Selection:
    return select(small_market, NAMES, book="L2", queue_position=True)


def test_brings_what_nautilus_own_catalog_reads_in_order_of_arrival(selection: Selection) -> None:
    catalog = ParquetDataCatalog(str(selection.catalog))
    expected = [
        type(record).to_dict(record)
        for kind in selection.kinds
        for record in catalog.query(DATA_CLASSES[kind], identifiers=list(NAMES))
    ]
    expected.sort(key=lambda record: record["ts_init"])
    assert _fed(selection) == expected
    assert len(expected) == selection.rows > 10_000


@pytest.mark.parametrize("chunk_size", [1_000, 7_777])
def test_chunks_change_nothing(selection: Selection, chunk_size: int) -> None:
    assert _fed(selection, chunk_size) == _fed(selection)
    sizes = [len(chunk) for chunk in record_feed(selection, chunk_size=chunk_size)]
    assert len(sizes) > 3
    assert max(sizes) <= 2 * chunk_size


def test_arrivals_grow_strictly_over_all_streams(selection: Selection) -> None:
    arrivals = [record["ts_init"] for record in _fed(selection)]
    assert all(earlier < later for earlier, later in pairwise(arrivals))
    assert (arrivals[0], arrivals[-1]) == (selection.first_ns, selection.last_ns)


def test_stays_within_the_period(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog"
    for day in range(3):
        start_ns = START_NS + day * ONE_DAY_NS
        write_market(catalog, quotes=steady_quotes(seconds=1), start_ns=start_ns)
    whole = select(catalog, ["ZVZZT.SMART"], book="L1", queue_position=False)
    second = whole.period.sessions[1].date
    one = select(catalog, ["ZVZZT.SMART"], book="L1", queue_position=False, days=(second, second))
    assert (len(_fed(whole)), len(_fed(one))) == (30, 10)
    assert all(one.first_ns <= record["ts_init"] <= one.last_ns for record in _fed(one))


@pytest.mark.parametrize("book", ["L1", "L2"])
def test_a_run_is_the_one_that_nautilus_own_node_would_make(
    book: str, tmp_path: Path, small_market: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = profile(tmp_path, f"universe.book={book}", "backtest.latency_ms=20", symbols=("ZVZZT", "ZWZZT"))
    ours = result_hash(replay(loaded, small_market, alternating(NAMES)))

    def by_the_node(assembled: AssembledNode) -> None:
        assembled.node.run()

    monkeypatch.setattr(AssembledNode, "run", by_the_node)
    assert result_hash(replay(loaded, small_market, alternating(NAMES))) == ours
