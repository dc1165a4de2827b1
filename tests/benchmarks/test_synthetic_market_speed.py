"""The synthetic day of the demo must be made in a few seconds; measured against Nautilus' own writer."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from catalog.store import CatalogStore
from catalog.synthetic_market import SyntheticMarketSpec, write_synthetic_market

RATIO_MIN = 2.0
DEMO_DAY_CPU_SECONDS_MAX = 5.0


def test_a_synthetic_day_is_drawn_and_written_faster_than_nautilus_writes_it(
    benchmark: Any, tmp_path: Path
) -> None:
    from nautilus_trader.model.data import QuoteTick
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    seconds: list[float] = []

    def draw_and_write() -> int:
        started = time.process_time()
        root = tmp_path / f"synthetic-{len(seconds)}"
        rows = write_synthetic_market(SyntheticMarketSpec(), store=CatalogStore(root)).rows
        seconds.append(time.process_time() - started)
        return rows

    rows = benchmark.pedantic(draw_and_write, rounds=3, warmup_rounds=1)
    ours = rows / min(seconds)

    quotes = ParquetDataCatalog(str(tmp_path / "synthetic-0")).query(QuoteTick, identifiers=["ZAZZT.SMART"])
    started = time.process_time()
    ParquetDataCatalog(str(tmp_path / "nautilus")).write_data(quotes)
    theirs = len(quotes) / (time.process_time() - started)

    benchmark.extra_info.update(
        rows_per_cpu_second=round(ours), nautilus_write_rows_per_cpu_second=round(theirs)
    )
    assert ours > RATIO_MIN * theirs
    assert min(seconds) < DEMO_DAY_CPU_SECONDS_MAX, pytest.fail(
        f"the demo's day took {min(seconds):.1f} CPU-seconds"
    )
