"""All checks of a record must cost less than one check of it in a loop over Nautilus' objects."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from catalog.quality import check_catalog
from catalog.store import CatalogStore
from catalog.synthetic_market import LOW_PRICED_STOCKS, SyntheticMarketSpec, write_synthetic_market

RATIO_MIN = 3.0


def test_all_checks_cost_less_than_a_loop_that_looks_for_crossed_quotes(
    benchmark: Any, tmp_path: Path
) -> None:
    from nautilus_trader.model.data import QuoteTick
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    spec = SyntheticMarketSpec(symbols=LOW_PRICED_STOCKS[:2])
    write_synthetic_market(spec, store=CatalogStore(tmp_path))
    seconds: list[float] = []

    def check() -> int:
        started = time.process_time()
        records = check_catalog(tmp_path).records
        seconds.append(time.process_time() - started)
        return records

    records = benchmark.pedantic(check, rounds=3, warmup_rounds=1)
    ours = records / min(seconds)

    started = time.process_time()
    quotes = ParquetDataCatalog(str(tmp_path)).query(QuoteTick)
    crossed = sum(quote.bid_price > quote.ask_price for quote in quotes)
    loop = len(quotes) / (time.process_time() - started)

    assert crossed == 0
    benchmark.extra_info.update(records_per_cpu_second=round(ours), loop_records_per_cpu_second=round(loop))
    assert ours > RATIO_MIN * loop
