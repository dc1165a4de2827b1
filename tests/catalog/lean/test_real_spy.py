"""SPY of October 2013: quotes from its second bars, and day bars from its minutes."""

from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalog.ingest_lean import ingest_lean
from catalog.store import CatalogStore
from market.time import new_york_date, new_york_midnight_ns, to_ns

pytestmark = pytest.mark.real_data

DAYS = tuple(date(2013, 10, day) for day in (7, 8, 9))
SOURCE_DIFFERS = {(date(2013, 10, 8), "low"): ("165.3600", "165.3700")}
"""Made of minutes, and in the daily file, which lacks the 165.36 of the last minute (the seconds have it)."""


def reader(store: CatalogStore) -> Any:
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    return ParquetDataCatalog(str(store.root))


def rows_of(path: Path) -> list[list[str]]:
    with zipfile.ZipFile(path) as archive:
        return [line.split(",") for line in archive.read(archive.infolist()[0]).decode().splitlines()]


@pytest.mark.parametrize(("resolution", "length_ms"), [("second", 1_000), ("minute", 60_000)])
def test_quotes_are_the_closes_of_the_recorded_bars(
    real_data: Path, tmp_path: Path, resolution: str, length_ms: int
) -> None:
    lean, store = real_data / "lean", CatalogStore(tmp_path)
    ingest_lean(
        lean,
        store=store,
        symbols=["SPY"],
        resolutions=[resolution],
        start=DAYS[0],
        end=DAYS[-1],
        quotes_from_bars=True,
    )
    found = [
        (q.ts_event, q.bid_price.as_double(), int(q.bid_size), q.ask_price.as_double(), int(q.ask_size))
        for q in reader(store).quote_ticks(instrument_ids=["SPY.SMART"])
    ]
    expected = [
        (
            new_york_midnight_ns(day) + (int(row[0]) + length_ms) * 10**6,
            *(int(row[4]) / 1e4, int(row[5]), int(row[9]) / 1e4, int(row[10])),
        )
        for day in DAYS
        for row in rows_of(lean / f"equity/usa/{resolution}/spy/{day:%Y%m%d}_quote.zip")
        if row[4] not in ("", "0") and row[9] not in ("", "0")
    ]
    assert found == expected


def test_minutes_of_regular_hours_make_the_daily_bars_but_for_one_low(
    real_data: Path, tmp_path: Path
) -> None:
    store = CatalogStore(tmp_path)
    ingest_lean(
        real_data / "lean",
        store=store,
        symbols=["SPY"],
        resolutions=["minute", "daily"],
        start=date(2013, 10, 4),
        end=DAYS[-1],
    )
    minutes = reader(store).bars(bar_types=["SPY.SMART-1-MINUTE-LAST-EXTERNAL"])
    times = np.array([bar.ts_event for bar in minutes])
    daily = reader(store).bars(bar_types=["SPY.SMART-1-DAY-LAST-EXTERNAL"])
    assert [new_york_date(bar.ts_event) for bar in daily] == [date(2013, 10, 4), *DAYS]
    differences: dict[tuple[date, str], tuple[str, str]] = {}
    for bar in daily:
        day = new_york_date(bar.ts_event)
        opens_ns = to_ns(f"{day}T09:30:00-04:00")
        regular = [minutes[at] for at in np.flatnonzero((times > opens_ns) & (times <= bar.ts_event))]
        assert len(regular) == 390
        made = {
            "open": regular[0].open,
            "high": max(one.high for one in regular),
            "low": min(one.low for one in regular),
            "close": regular[-1].close,
            "volume": sum(int(one.volume) for one in regular),
        }
        stated = {name: getattr(bar, name) for name in made}
        differences |= {
            (day, name): (str(value), str(stated[name]))
            for name, value in made.items()
            if value != stated[name]
        }
    assert differences == SOURCE_DIFFERS
