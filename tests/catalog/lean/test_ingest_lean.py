"""Lean data through the catalog and back, read by an unmodified `ParquetDataCatalog`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from catalog import headerless_rows
from catalog.ingest_lean import ingest_lean
from catalog.store import CatalogStore
from market.errors import ConfigError, DataError, NotFoundError
from market.time import new_york_midnight_ns, to_ns
from tests.catalog.lean.lean_folder import LeanFolder, write_zip

TRADES = ["34200000,100000,100,Q,1,0", "34200000,100100,200,N,20,0", "34201500,99900,50,D,1,0"]
BARS = ["34200000,100000,100500,99500,100200,1000", "34260000,100200,100300,100100,100100,500"]
DAY_NS = new_york_midnight_ns(date(2013, 10, 7))


@pytest.fixture
def lean(tmp_path: Path) -> LeanFolder:
    return LeanFolder(tmp_path / "lean")


@pytest.fixture
def store(tmp_path: Path) -> CatalogStore:
    return CatalogStore(tmp_path / "catalog")


def reader(store: CatalogStore) -> Any:
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    return ParquetDataCatalog(str(store.root))


def bars(store: CatalogStore, bar_type: str) -> list[Any]:
    return list(reader(store).bars(bar_types=[bar_type]))


def test_tick_trades_keep_time_price_size_and_line(lean: LeanFolder, store: CatalogStore) -> None:
    lean.day("tick", "bac", "20131007", "trade", TRADES)
    result = ingest_lean(lean.root, store=store)
    trades = reader(store).trade_ticks(instrument_ids=["BAC.SMART"])
    assert [(t.ts_event - DAY_NS, str(t.price), int(t.size), t.trade_id.value) for t in trades] == [
        (34_200_000_000_000, "10.0000", 100, "20131007-1"),
        (34_200_000_000_000, "10.0100", 200, "20131007-2"),
        (34_201_500_000_000, "9.9900", 50, "20131007-3"),
    ]
    assert {trade.aggressor_side.name for trade in trades} == {"NO_AGGRESSOR"}
    assert (result.rows, result.rejected, result.instruments) == (3, 0, ("BAC.SMART",))


def test_tick_quotes_begin_when_both_sides_are_known(
    lean: LeanFolder, store: CatalogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headerless_rows, "BLOCK_BYTES", 64)  # the sides are carried over blocks
    rows = ["0,0,100200,500", "100000,700,0,0", "100100,300,0,0", "0,0,100300,900", "99900,100,100400,50"]
    lines = [f"{34_200_000 + at},{row},Q,1,0" for at, row in enumerate(rows)]
    lean.day("tick", "bac", "20131007", "quote", lines)
    ingest_lean(lean.root, store=store)
    quotes = reader(store).quote_ticks(instrument_ids=["BAC.SMART"])
    assert [(str(q.bid_price), int(q.bid_size), str(q.ask_price), int(q.ask_size)) for q in quotes] == [
        ("10.0000", 700, "10.0200", 500),
        ("10.0100", 300, "10.0200", 500),
        ("10.0100", 300, "10.0300", 900),
        ("9.9900", 100, "10.0400", 50),
    ]
    assert [quote.ts_event - DAY_NS for quote in quotes] == [(34_200_000 + at) * 10**6 for at in (1, 2, 3, 4)]


def test_suspicious_ticks_are_rejected_by_name(lean: LeanFolder, store: CatalogStore) -> None:
    lean.day("tick", "bac", "20131007", "trade", [*TRADES, "34202000,999900,1,D,1,1"])
    result = ingest_lean(lean.root, store=store)
    assert (result.rows, result.rejected) == (3, 1)
    assert result.rejects_file is not None
    expected = "20131007_trade.zip,4,suspicious,1,was marked suspicious by the data's vendor"
    assert expected in (store.root / result.rejects_file).read_text()


@pytest.mark.parametrize(
    ("resolution", "step", "seconds"), [("second", "SECOND", 1), ("minute", "MINUTE", 60)]
)
def test_trade_bars_are_stamped_with_their_close(
    lean: LeanFolder, store: CatalogStore, resolution: str, step: str, seconds: int
) -> None:
    lean.day(resolution, "bac", "20131007", "trade", BARS)
    ingest_lean(lean.root, store=store)
    first, second = bars(store, f"BAC.SMART-1-{step}-LAST-EXTERNAL")
    assert first.ts_event == DAY_NS + (34_200 + seconds) * 10**9
    assert second.ts_event == DAY_NS + (34_260 + seconds) * 10**9
    assert [str(value) for value in (first.open, first.high, first.low, first.close, first.volume)] == [
        "10.0000",
        "10.0500",
        "9.9500",
        "10.0200",
        "1000",
    ]


def test_quote_bars_become_bid_and_ask_bars_where_a_side_has_prices(
    lean: LeanFolder, store: CatalogStore
) -> None:
    lean.day(
        "minute",
        "bac",
        "20131007",
        "quote",
        [
            "34200000,100000,100100,99900,100000,700,100200,100300,100100,100200,500",
            "34260000,,,,,,100200,100300,100100,100250,900",
            "34320000,100000,100100,99900,100050,800,0,0,0,0,0",
        ],
    )
    ingest_lean(lean.root, store=store)
    bids, asks = (bars(store, f"BAC.SMART-1-MINUTE-{side}-EXTERNAL") for side in ("BID", "ASK"))
    assert [(str(bar.close), int(bar.volume)) for bar in bids] == [("10.0000", 700), ("10.0050", 800)]
    assert [(str(bar.close), int(bar.volume)) for bar in asks] == [("10.0200", 500), ("10.0250", 900)]
    assert bids[1].ts_event - bids[0].ts_event == 120 * 10**9


def test_daily_bars_close_with_the_session_also_on_half_days_and_over_clock_changes(
    lean: LeanFolder, store: CatalogStore
) -> None:
    days = ["20131007", "20131104", "20131129", "20131128"]  # daylight time, standard time, half day, holiday
    lines = [f"{day} 00:00,100000,100500,99500,100200,1000" for day in sorted(days)]
    lean.years("daily", "bac", lines)
    result = ingest_lean(lean.root, store=store)
    found = [bar.ts_event for bar in bars(store, "BAC.SMART-1-DAY-LAST-EXTERNAL")]
    assert found == [
        to_ns("2013-10-07T16:00:00-04:00"),
        to_ns("2013-11-04T16:00:00-05:00"),
        to_ns("2013-11-29T13:00:00-05:00"),
    ]
    assert result.rejected == 1


def test_hour_bars_span_years_and_are_stamped_with_their_close(lean: LeanFolder, store: CatalogStore) -> None:
    lines = ["20130705 09:00,100000,100500,99500,100200,10", "20131231 15:00,100000,100500,99500,100200,20"]
    lean.years("hour", "bac", lines)
    ingest_lean(lean.root, store=store)
    found = [bar.ts_event for bar in bars(store, "BAC.SMART-1-HOUR-LAST-EXTERNAL")]
    assert found == [to_ns("2013-07-05T10:00:00-04:00"), to_ns("2013-12-31T16:00:00-05:00")]


def years(ticker_year: int, price: int) -> list[str]:
    return [f"{ticker_year}0615 10:00,{price},{price},{price},{price},10"]


def test_a_company_is_followed_through_its_tickers(lean: LeanFolder, store: CatalogStore) -> None:
    """SPWR was SPWR, then SPWRA, then SPWR again; its middle years are in another file."""
    lean.maps("spwr", "20051117,spwr,Q", "20080929,spwr,Q", "20111116,spwra,Q", "20501231,spwr,Q")
    lean.years("hour", "spwr", years(2007, 100_000) + years(2012, 300_000))
    lean.years("hour", "spwra", years(2009, 200_000))
    result = ingest_lean(lean.root, store=store)
    found = bars(store, "SPWR.SMART-1-HOUR-LAST-EXTERNAL")
    assert [str(bar.close) for bar in found] == ["10.0000", "20.0000", "30.0000"]
    assert (result.instruments, result.sources) == (("SPWR.SMART",), 3)


def test_another_companys_rows_under_the_same_ticker_stay_out(lean: LeanFolder, store: CatalogStore) -> None:
    lean.maps("bac", "19980102,nb,N", "19980930,nb,N", "20501231,bac,N")
    lean.years("hour", "bac", years(1998, 700_000) + years(2013, 140_000))
    result = ingest_lean(lean.root, store=store)
    found = bars(store, "BAC.SMART-1-HOUR-LAST-EXTERNAL")
    assert [str(bar.close) for bar in found] == ["14.0000"]
    assert result.notes[0].startswith("1 rows of bac hour left out: on those days the ticker")


def test_only_rows_within_the_asked_dates_are_said_to_be_left_out(
    lean: LeanFolder, store: CatalogStore
) -> None:
    lean.maps("bac", "19980102,nb,N", "19980930,nb,N", "20501231,bac,N")
    lean.years("hour", "bac", years(1998, 700_000) + years(2013, 140_000))
    result = ingest_lean(lean.root, store=store, start=date(2013, 1, 1))
    assert (result.rows, result.notes) == (1, ())


def test_symbols_name_companies_not_file_names(lean: LeanFolder, store: CatalogStore) -> None:
    lean.maps("goog", "20140327,goocv", "20140402,goocv", "20501231,goog")
    lean.maps("googl", "20040819,goog", "20140402,goog", "20501231,googl")
    lean.years("daily", "goog", ["20140402 00:00,9,9,9,9,1", "20140403 00:00,5,5,5,5,1"])
    lean.years("daily", "goocv", ["20140402 00:00,4,4,4,4,1"])
    ingest_lean(lean.root, store=store, symbols=["goog"])
    assert set(store.manifest().instruments) == {"GOOG.SMART"}
    found = bars(store, "GOOG.SMART-1-DAY-LAST-EXTERNAL")
    assert [str(bar.close) for bar in found] == ["0.0004", "0.0005"]
    ingest_lean(lean.root, store=store)
    assert [str(bar.close) for bar in bars(store, "GOOGL.SMART-1-DAY-LAST-EXTERNAL")] == ["0.0009"]


def test_selects_days_and_resolutions(lean: LeanFolder, store: CatalogStore) -> None:
    for day in ("20131007", "20131008", "20131009"):
        lean.day("minute", "bac", day, "trade", BARS)
        lean.day("tick", "bac", day, "trade", TRADES)
    lean.years("daily", "bac", [f"201310{day:02d} 00:00,9,9,9,9,1" for day in (7, 8, 9)])
    only = date(2013, 10, 8)
    result = ingest_lean(lean.root, store=store, start=only, end=only, resolutions=["minute", "daily"])
    assert sorted(file.split("/")[2] for file in result.files) == [
        "BAC.SMART-1-DAY-LAST-EXTERNAL",
        "BAC.SMART-1-MINUTE-LAST-EXTERNAL",
    ]
    assert [bar.ts_event for bar in bars(store, "BAC.SMART-1-DAY-LAST-EXTERNAL")] == [
        to_ns("2013-10-08T16:00:00-04:00")
    ]


SPLIT = ["34200000,6000000,6000000,6000000,6000000,700"]


@pytest.mark.parametrize(
    ("adjust", "price", "volume"),
    [("none", "600.0000", 700), ("splits", "150.0000", 2_800), ("splits_and_dividends", "135.0000", 2_800)],
)
def test_prices_are_adjusted_when_asked(
    lean: LeanFolder, store: CatalogStore, adjust: str, price: str, volume: int
) -> None:
    lean.factors("aapl", "19980102,0.9,0.25,1", "20140606,0.9,0.25,600", "20501231,1,1,0")
    lean.day("minute", "aapl", "20140606", "trade", SPLIT)
    ingest_lean(lean.root, store=store, adjust=adjust)
    (bar,) = bars(store, "AAPL.SMART-1-MINUTE-LAST-EXTERNAL")
    assert (str(bar.close), int(bar.volume)) == (price, volume)


def test_adjusted_and_raw_prices_do_not_mix(lean: LeanFolder, store: CatalogStore) -> None:
    lean.factors("aapl", "19980102,0.9,0.25,1", "20501231,1,1,0")
    first = lean.day("minute", "aapl", "20140606", "trade", SPLIT)
    second = lean.day("minute", "aapl", "20140609", "trade", SPLIT)
    ingest_lean(first, store=store)
    with pytest.raises(DataError, match=r"AAPL\.SMART with adjust=none, this ingest says splits"):
        ingest_lean(second, store=store, adjust="splits")


def test_adjusting_needs_a_factor_file(lean: LeanFolder, store: CatalogStore) -> None:
    path = lean.day("minute", "ibm", "20140606", "trade", SPLIT)
    with pytest.raises(NotFoundError, match="No factor_files folder"):
        ingest_lean(path, store=store, adjust="splits")
    lean.factors("aapl", "20501231,1,1,0")
    with pytest.raises(NotFoundError, match=r"No factor file .*ibm\.csv"):
        ingest_lean(path, store=store, adjust="splits")


def test_repeating_changes_nothing_and_new_days_are_added(lean: LeanFolder, store: CatalogStore) -> None:
    lean.day("minute", "bac", "20131007", "trade", BARS)
    first = ingest_lean(lean.root, store=store)
    before = (store.root / "manifest.json").read_bytes()
    assert ingest_lean(lean.root, store=store).unchanged
    assert (store.root / "manifest.json").read_bytes() == before
    lean.day("minute", "bac", "20131008", "trade", BARS)
    second = ingest_lean(lean.root, store=store)
    assert not second.unchanged
    assert (first.rows, second.rows) == (2, 4)


def test_bad_rows_are_named_and_the_rest_goes_in(lean: LeanFolder, store: CatalogStore) -> None:
    lean.day(
        "tick", "bac", "20131007", "trade", [*TRADES, "34202000,ten,1,D,1,0", "34203000,100000,100,Q,1,0"]
    )
    result = ingest_lean(lean.root, store=store)
    assert (result.rows, result.rejected) == (4, 1)
    assert result.rejects_file is not None
    text = (store.root / result.rejects_file).read_text()
    assert "20131007_trade.zip,4,price,ten,is not a whole number" in text


def test_a_refused_file_leaves_nothing_and_does_not_keep_the_others_out(
    lean: LeanFolder, store: CatalogStore
) -> None:
    lean.day("tick", "bac", "20131007", "trade", BARS)  # bars where ticks should be
    lean.day("tick", "bac", "20131008", "trade", TRADES)
    with pytest.raises(
        DataError, match=r"1 of 2 sources were refused.*20131007_trade\.zip.*not a Lean tick trade"
    ):
        ingest_lean(lean.root, store=store)
    assert len(reader(store).trade_ticks(instrument_ids=["BAC.SMART"])) == len(TRADES)


def test_a_single_refused_file_says_why(lean: LeanFolder, store: CatalogStore) -> None:
    path = lean.day("minute", "bac", "20131007", "trade", TRADES)
    with pytest.raises(DataError, match="not a Lean minute trade file"):
        ingest_lean(path, store=store)
    assert not (store.root / "manifest.json").exists()


def test_a_damaged_zip_is_refused(lean: LeanFolder, store: CatalogStore) -> None:
    path = lean.day("minute", "bac", "20131007", "trade", [f"{60_000 * at},9,9,9,9,1" for at in range(1_000)])
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(DataError, match="damaged"):
        ingest_lean(path, store=store)


def test_a_zip_out_of_its_folder_is_known_by_its_content(tmp_path: Path, store: CatalogStore) -> None:
    path = write_zip(tmp_path / "x.zip", "20131007_bac_Trade_Tick.csv", TRADES)
    assert ingest_lean(path, store=store).instruments == ("BAC.SMART",)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"resolutions": ["weekly"]},
            "resolution 'weekly' is not known. Allowed: tick, second, minute, hour, daily",
        ),
        ({"adjust": "all"}, "adjust 'all' is not known. Allowed: none, splits, splits_and_dividends"),
    ],
)
def test_refuses_unknown_options(
    lean: LeanFolder, store: CatalogStore, options: dict[str, Any], message: str
) -> None:
    lean.day("tick", "bac", "20131007", "trade", TRADES)
    with pytest.raises(ConfigError, match=message):
        ingest_lean(lean.root, store=store, **options)


def test_says_which_symbols_there_are(lean: LeanFolder, store: CatalogStore) -> None:
    lean.day("tick", "bac", "20131007", "trade", TRADES)
    with pytest.raises(NotFoundError, match="The symbols there are: BAC"):
        ingest_lean(lean.root, store=store, symbols=["IBM"])


def test_says_when_no_row_is_in_the_wanted_time(lean: LeanFolder, store: CatalogStore) -> None:
    lean.years("daily", "bac", ["20131007 00:00,9,9,9,9,1"])
    with pytest.raises(NotFoundError, match=r"bac\.zip: no row of BAC from 2014-01-01"):
        ingest_lean(lean.root, store=store, start=date(2014, 1, 1))
    assert not store.root.exists()


def test_a_file_that_vanished_from_the_catalog_is_written_again(
    lean: LeanFolder, store: CatalogStore
) -> None:
    lean.day("minute", "bac", "20131007", "trade", BARS)
    lean.day("minute", "bac", "20131008", "trade", BARS)
    (gone, kept) = ingest_lean(lean.root, store=store).files
    (store.root / gone).unlink()
    again = ingest_lean(lean.root, store=store)
    assert not again.unchanged
    assert {gone, kept} == set(again.files)
    assert len(bars(store, "BAC.SMART-1-MINUTE-LAST-EXTERNAL")) == 4
