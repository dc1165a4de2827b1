"""Recorded 15-minute bars of 822 symbols in another maker's Parquet file, with unrounded floats."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from tests.catalog.csv_source.csv_files import ingest

CORNERS = ("open", "high", "low", "close")


@pytest.fixture
def recording(real_data: Path) -> Path:
    return real_data / "low_priced_15_minute_2021" / "nasdaq_A-C_15m_2021-03-15.parquet"


@pytest.mark.real_data
def test_bars_of_a_whole_universe_are_those_of_the_file(recording: Path, tmp_path: Path) -> None:
    result = ingest(recording, tmp_path, bar="15-MINUTE", round_prices=True)
    assert (result.rows, result.rejected, len(result.instruments)) == (18_075, 0, 822)
    bars = {
        (bar.bar_type.instrument_id.value, bar.ts_event): (
            *(Decimal(str(getattr(bar, name))) for name in CORNERS),
            int(bar.volume),
        )
        for bar in ParquetDataCatalog(str(tmp_path)).bars()
    }
    expected = {
        (f"{row['symbol']}.SMART", (int(row["datetime"].timestamp()) + 900) * 10**9): (
            *(Decimal(str(round(row[name], 4))) for name in CORNERS),
            row["volume"],
        )
        for row in pq.read_table(recording).to_pylist()
    }
    assert bars == expected


@pytest.mark.real_data
def test_without_rounding_the_noise_of_floats_is_rejected(recording: Path, tmp_path: Path) -> None:
    result = ingest(recording, tmp_path, bar="15-MINUTE")
    assert (result.rows, result.rejected) == (148, 17_927)
