"""Statistics of recorded days equal the numbers of the recordings' own README."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from catalog.day_statistics import day_statistics
from catalog.ingest_lean import ingest_lean
from catalog.ingest_lobster import ingest_lobster
from catalog.store import CatalogStore

pytestmark = pytest.mark.real_data


def test_amazon_on_2012_06_21(real_data: Path, tmp_path: Path) -> None:
    ingest_lobster(
        real_data / "nasdaq_level1_amzn_2012" / "AMZN_2012-06-21_34200000_57600000_message_1.csv.gz",
        store=CatalogStore(tmp_path),
    )
    found = day_statistics(tmp_path, date(2012, 6, 21))["AMZN"]
    assert found.spread_usd == pytest.approx(0.12849, abs=5e-6)
    assert (found.trades, found.volume_shares) == (11_419, 810_755)


@pytest.mark.parametrize(
    ("day", "first", "last", "volume"),
    [
        (date(2013, 10, 7), "13.90", "13.81", 62_286_611),
        (date(2013, 10, 8), "13.82", "13.69", 90_810_144),
        (date(2013, 10, 9), "13.70", "13.84", 93_016_940),
    ],
)
def test_bank_of_america_from_minute_bars(
    real_data: Path, tmp_path: Path, day: date, first: str, last: str, volume: int
) -> None:
    minutes = real_data / "lean" / "equity" / "usa" / "minute" / "bac" / f"{day:%Y%m%d}_trade.zip"
    ingest_lean(minutes, store=CatalogStore(tmp_path))
    found = day_statistics(tmp_path, day)["BAC"]
    assert (found.first_price, found.last_price) == (Decimal(first), Decimal(last))
    assert (found.bars, found.volume_shares) == (390, volume)
