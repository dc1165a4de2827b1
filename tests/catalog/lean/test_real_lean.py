"""Recorded Lean data: the numbers of the data's README, from the catalog read by an unmodified reader."""

from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalog.ingest_lean import ingest_lean
from catalog.store import CatalogStore
from market.time import new_york_date, to_ns

pytestmark = pytest.mark.real_data

DAY_BARS = {
    date(2013, 10, 7): ("13.90", "13.95", "13.80", "13.81", 62_286_611),
    date(2013, 10, 8): ("13.82", "13.90", "13.68", "13.69", 90_810_144),
    date(2013, 10, 9): ("13.70", "13.93", "13.69", "13.84", 93_016_940),
}


def reader(store: CatalogStore) -> Any:
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    return ParquetDataCatalog(str(store.root))


def bars(store: CatalogStore, bar_type: str) -> list[Any]:
    return list(reader(store).bars(bar_types=[bar_type]))


@pytest.fixture(scope="module")
def lean(real_data: Path) -> Path:
    return real_data / "lean"


@pytest.fixture(scope="module")
def bac(lean: Path, tmp_path_factory: pytest.TempPathFactory) -> CatalogStore:
    """All of BAC: ticks, seconds, minutes, hours and days."""
    store = CatalogStore(tmp_path_factory.mktemp("bac"))
    ingest_lean(lean, store=store, symbols=["BAC"])
    return store


@pytest.fixture(scope="module")
def ticks(lean: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """BAC's ticks of 2013-10-07."""
    store = CatalogStore(tmp_path_factory.mktemp("ticks"))
    day = date(2013, 10, 7)
    ingest_lean(lean, store=store, symbols=["BAC"], resolutions=["tick"], start=day, end=day)
    return reader(store)


def test_bac_has_the_recorded_ticks_of_a_day(ticks: Any, lean: Path) -> None:
    trades = list(ticks.trade_ticks(instrument_ids=["BAC.SMART"]))
    assert len(trades) == 88_172
    rows = rows_of(lean / "equity/usa/tick/bac/20131007_trade.zip")
    assert [int(trade.size) for trade in trades] == [int(row[2]) for row in rows]
    assert {str(trade.price) for trade in trades} == {price(row[1]) for row in rows}


def rows_of(path: Path) -> list[list[str]]:
    with zipfile.ZipFile(path) as archive:
        return [line.split(",") for line in archive.read(archive.infolist()[0]).decode().splitlines()]


def price(text: str) -> str:
    return f"{int(text) // 10_000}.{int(text) % 10_000:04d}"


def test_bac_has_the_recorded_quotes_uncrossed_with_the_recorded_spread(ticks: Any) -> None:
    quotes = list(ticks.quote_ticks(instrument_ids=["BAC.SMART"]))
    assert len(quotes) == 476_855 - 1  # the first row sets the ask only
    bid = np.array([quote.bid_price.as_double() for quote in quotes])
    ask = np.array([quote.ask_price.as_double() for quote in quotes])
    assert (bid <= ask).all()
    times = np.array([quote.ts_event for quote in quotes])
    is_regular = (times >= to_ns("2013-10-07T09:30:00-04:00")) & (times < to_ns("2013-10-07T16:00:00-04:00"))
    assert (ask - bid)[is_regular].mean() == pytest.approx(0.00983, abs=5e-6)


def test_every_record_of_bac_has_its_own_ts_init(bac: CatalogStore) -> None:
    catalog = reader(bac)
    records = [
        *catalog.trade_ticks(instrument_ids=["BAC.SMART"]),
        *catalog.quote_ticks(instrument_ids=["BAC.SMART"]),
        *catalog.bars(instrument_ids=["BAC.SMART"]),
    ]
    ts_init = np.array([record.ts_init for record in records])
    assert len(np.unique(ts_init)) == len(records) > 2_200_000
    assert (ts_init >= np.array([record.ts_event for record in records])).all()


def test_bac_minutes_of_regular_hours_make_its_daily_bars(bac: CatalogStore) -> None:
    minutes = bars(bac, "BAC.SMART-1-MINUTE-LAST-EXTERNAL")
    daily = {new_york_date(bar.ts_event): bar for bar in bars(bac, "BAC.SMART-1-DAY-LAST-EXTERNAL")}
    for day, (open_, high, low, close, volume) in DAY_BARS.items():
        opens_ns, closes_ns = (to_ns(f"{day}T{clock}-04:00") for clock in ("09:30:00", "16:00:00"))
        regular = [bar for bar in minutes if opens_ns < bar.ts_event <= closes_ns]  # stamped with their close
        assert len(regular) == 390
        prices = (
            regular[0].open,
            max(b.high for b in regular),
            min(b.low for b in regular),
            regular[-1].close,
        )
        assert tuple(str(value) for value in prices) == tuple(f"{p}00" for p in (open_, high, low, close))
        assert sum(int(bar.volume) for bar in regular) == volume
        found = daily[day]
        assert found.ts_event == closes_ns
        assert (found.open, found.high, found.low, found.close) == prices
        assert int(found.volume) == volume


@pytest.mark.parametrize(("folder", "step", "length_s"), [("second", "SECOND", 1), ("minute", "MINUTE", 60)])
def test_bars_are_the_rows_of_their_files(
    bac: CatalogStore, lean: Path, folder: str, step: str, length_s: int
) -> None:
    day, day_ns = date(2013, 10, 7), to_ns("2013-10-07T00:00:00-04:00")
    path = lean / f"equity/usa/{folder}/bac"
    trades, quotes = (rows_of(path / f"20131007_{content}.zip") for content in ("trade", "quote"))
    for price_type, rows, at in (("LAST", trades, 1), ("BID", quotes, 1), ("ASK", quotes, 6)):
        found = [
            bar
            for bar in bars(bac, f"BAC.SMART-1-{step}-{price_type}-EXTERNAL")
            if new_york_date(bar.ts_event) == day
        ]
        assert [
            (str(bar.open), str(bar.high), str(bar.low), str(bar.close), int(bar.volume)) for bar in found
        ] == [(*map(price, row[at : at + 4]), int(row[at + 4])) for row in rows]
        closes_ns = [day_ns + (int(row[0]) + length_s * 1_000) * 10**6 for row in rows]
        assert [bar.ts_event for bar in found] == closes_ns


def test_bac_before_october_1998_is_left_out_because_it_was_another_company(bac: CatalogStore) -> None:
    """`bac.csv` says that today's BAC was NB until 1998-09-30; the file's rows before are BankAmerica's."""
    for step, first in (("DAY", "1998-10-01T16:00:00-04:00"), ("HOUR", "1998-10-01T10:00:00-04:00")):
        found = bars(bac, f"BAC.SMART-1-{step}-LAST-EXTERNAL")
        assert found[0].ts_event == to_ns(first)
    assert str(bars(bac, "BAC.SMART-1-DAY-LAST-EXTERNAL")[0].close) == "53.6900"


def test_goog_is_followed_from_goocv_and_the_old_goog_is_googl(lean: Path, tmp_path: Path) -> None:
    store = CatalogStore(tmp_path)
    ingest_lean(lean, store=store, symbols=["GOOG", "GOOGL"], resolutions=["daily"])
    goog, googl = (
        {
            new_york_date(bar.ts_event): str(bar.close)
            for bar in bars(store, f"{name}.SMART-1-DAY-LAST-EXTERNAL")
        }
        for name in ("GOOG", "GOOGL")
    )
    assert min(goog) == date(2014, 3, 27)
    assert (goog[date(2014, 4, 2)], goog[date(2014, 4, 3)]) == ("567.0000", "569.7400")
    assert min(googl) == date(2004, 8, 19)
    assert (googl[date(2014, 4, 2)], googl[date(2014, 4, 3)]) == ("1135.1000", "571.5000")


def test_spwr_is_one_company_under_two_tickers(lean: Path, tmp_path: Path) -> None:
    store = CatalogStore(tmp_path)
    result = ingest_lean(lean, store=store, symbols=["SPWR"], resolutions=["hour"])
    found = [bar.ts_event for bar in bars(store, "SPWR.SMART-1-HOUR-LAST-EXTERNAL")]
    assert len(found) == 1_700 + 1_108
    assert found == sorted(found)
    assert (result.sources, len(result.files)) == (3, 3)


def aapl_minutes(lean: Path, root: Path, adjust: str) -> list[Any]:
    store = CatalogStore(root)
    summary = ingest_lean(lean / "equity/usa/minute/aapl", store=store, adjust=adjust)
    assert summary.rejected == 0
    return bars(store, "AAPL.SMART-1-MINUTE-LAST-EXTERNAL")


def test_aapl_print_after_its_split_is_kept_for_the_quality_check(lean: Path, tmp_path: Path) -> None:
    after = [bar for bar in aapl_minutes(lean, tmp_path, "none") if new_york_date(bar.ts_event).day == 9]
    assert str(after[0].high) == "645.5700"
    assert max(str(bar.close) for bar in after) < "95"


def test_aapl_prices_meet_over_the_split_when_adjusted(lean: Path, tmp_path: Path) -> None:
    def last_and_next(adjust: str) -> tuple[float, float]:
        found = aapl_minutes(lean, tmp_path / adjust, adjust)
        last = [bar for bar in found if bar.ts_event <= to_ns("2014-06-06T16:00:00-04:00")][-1]
        first = next(bar for bar in found if bar.ts_event > to_ns("2014-06-09T09:30:00-04:00"))
        return last.close.as_double(), first.open.as_double()

    raw, splits, both = (last_and_next(adjust) for adjust in ("none", "splits", "splits_and_dividends"))
    assert raw[0] / raw[1] == pytest.approx(7, rel=0.01)
    assert splits[0] / splits[1] == pytest.approx(1, rel=0.01)
    # 7:1 on this day and 4:1 in 2020; 0.9011818 for the dividends since
    assert splits[0] == pytest.approx(raw[0] * 0.0357143, abs=1e-4)
    assert both[0] == pytest.approx(raw[0] * 0.0357143 * 0.9011818, abs=1e-4)


def test_a_half_day_closes_at_13_00(lean: Path, tmp_path: Path) -> None:
    store = CatalogStore(tmp_path)
    ingest_lean(
        lean,
        store=store,
        symbols=["GOOG"],
        resolutions=["daily"],
        start=date(2015, 12, 24),
        end=date(2015, 12, 24),
    )
    (bar,) = bars(store, "GOOG.SMART-1-DAY-LAST-EXTERNAL")
    assert bar.ts_event == to_ns("2015-12-24T13:00:00-05:00")


def test_the_whole_folder_goes_in_with_one_row_rejected(lean: Path, tmp_path: Path) -> None:
    store = CatalogStore(tmp_path)
    summary = ingest_lean(lean, store=store)
    assert summary.rows > 3_000_000
    assert (summary.rejected, len(summary.rejects_files)) == (1, 1)
    text = (store.root / summary.rejects_files[0]).read_text()
    assert "20131007_quote.zip" in text
    assert "marked suspicious" in text
    assert ingest_lean(lean, store=store).unchanged
