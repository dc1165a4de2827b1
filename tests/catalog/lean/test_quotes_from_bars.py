"""Quotes made of what quote bars closed with."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from catalog import headerless_rows
from catalog.ingest_lean import ingest_lean
from catalog.store import CatalogStore
from market.errors import ConfigError, DataError
from market.time import NS_PER_MS, NS_PER_SECOND, new_york_midnight_ns
from tests.catalog.lean.lean_folder import LeanFolder

DAY_NS = new_york_midnight_ns(date(2013, 10, 7))
QUOTE_BARS = [
    "34200000,1670000,1670500,1669900,1670100,700,1670200,1670600,1670100,1670200,500",
    "34201000,,,,,,1670200,1670300,1670100,1670250,900",
    "34202000,1670000,1670100,1669900,1670050,800,0,0,0,0,0",
    "34203000,1670000,1670100,1669900,1670000,300,1670100,1670300,1670000,1670300,200",
]
TRADE_BARS = ["34200000,1670000,1670500,1669900,1670100,1000"]


@pytest.fixture
def lean(tmp_path: Path) -> LeanFolder:
    folder = LeanFolder(tmp_path / "lean")
    folder.day("second", "spy", "20131007", "quote", QUOTE_BARS)
    folder.day("second", "spy", "20131007", "trade", TRADE_BARS)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> CatalogStore:
    return CatalogStore(tmp_path / "catalog")


def reader(store: CatalogStore) -> Any:
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    return ParquetDataCatalog(str(store.root))


def quotes(store: CatalogStore) -> list[tuple[int, str, int, str, int]]:
    """Return ms after midnight, bid and its size, ask and its size."""
    return [
        (
            (quote.ts_event - DAY_NS) // NS_PER_MS,
            str(quote.bid_price),
            int(quote.bid_size),
            str(quote.ask_price),
            int(quote.ask_size),
        )
        for quote in reader(store).quote_ticks(instrument_ids=["SPY.SMART"])
    ]


def test_a_quote_stands_at_the_close_of_each_bar_that_has_both_sides(
    lean: LeanFolder, store: CatalogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headerless_rows, "BLOCK_BYTES", 100)  # a bar a block
    result = ingest_lean(lean.root, store=store, quotes_from_bars=True)
    assert quotes(store) == [
        (34_201_000, "167.0100", 700, "167.0200", 500),
        (34_204_000, "167.0000", 300, "167.0300", 200),
    ]
    assert result.rows == 2 + 3 + 3 + 1  # quotes, bids, asks, trades


def test_no_quote_is_known_before_the_last_moment_of_its_bar(lean: LeanFolder, store: CatalogStore) -> None:
    lean.day("minute", "bac", "20131007", "quote", QUOTE_BARS[:1])
    for symbol, resolution, length_ns in (("SPY", "second", NS_PER_SECOND), ("BAC", "minute", 60 * 10**9)):
        ingest_lean(lean.root, store=store, symbols=[symbol], resolutions=[resolution], quotes_from_bars=True)
        first = reader(store).quote_ticks(instrument_ids=[f"{symbol}.SMART"])[0]
        assert first.ts_init >= first.ts_event == DAY_NS + 34_200 * NS_PER_SECOND + length_ns


def test_bars_are_the_same_with_and_without_quotes(
    lean: LeanFolder, store: CatalogStore, tmp_path: Path
) -> None:
    plain = CatalogStore(tmp_path / "plain")
    ingest_lean(lean.root, store=plain)
    ingest_lean(lean.root, store=store, quotes_from_bars=True)
    found, expected = (
        [
            (str(bar.bar_type), str(bar), bar.ts_event)
            for bar in reader(one).bars(instrument_ids=["SPY.SMART"])
        ]
        for one in (store, plain)
    )
    assert sorted(found) == sorted(expected)
    assert len(found) == 3 + 3 + 1
    assert quotes(plain) == []


def test_each_quote_and_bar_has_its_own_ts_init(lean: LeanFolder, store: CatalogStore) -> None:
    result = ingest_lean(lean.root, store=store, quotes_from_bars=True)
    catalog = reader(store)
    records = [
        *catalog.quote_ticks(instrument_ids=["SPY.SMART"]),
        *catalog.bars(instrument_ids=["SPY.SMART"]),
    ]
    assert len({record.ts_init for record in records}) == len(records) == result.rows


def test_repeating_is_a_no_op_and_files_of_trades_do_not_ask_for_it(
    lean: LeanFolder, store: CatalogStore
) -> None:
    ingest_lean(lean.usa / "second/spy/20131007_trade.zip", store=store)
    assert not ingest_lean(lean.root, store=store, quotes_from_bars=True).unchanged
    before = (store.root / "manifest.json").read_bytes()
    assert ingest_lean(lean.root, store=store, quotes_from_bars=True).unchanged
    assert ingest_lean(lean.usa / "second/spy/20131007_trade.zip", store=store).unchanged
    assert (store.root / "manifest.json").read_bytes() == before


def test_bars_that_are_there_without_quotes_are_replaced_only_when_asked(
    lean: LeanFolder, store: CatalogStore
) -> None:
    ingest_lean(lean.root, store=store)
    with pytest.raises(DataError, match="--replace"):
        ingest_lean(lean.root, store=store, quotes_from_bars=True)
    assert quotes(store) == []
    ingest_lean(lean.root, store=store, quotes_from_bars=True, replace=True)
    assert len(quotes(store)) == 2
    assert len(reader(store).bars(bar_types=["SPY.SMART-1-SECOND-BID-EXTERNAL"])) == 3


def test_quotes_are_adjusted_as_their_bars_are(lean: LeanFolder, store: CatalogStore) -> None:
    lean.factors("spy", "20131007,1,0.5,167", "20501231,1,1,0")
    ingest_lean(lean.root, store=store, adjust="splits", quotes_from_bars=True)
    assert quotes(store)[0][1:] == ("83.5050", 1400, "83.5100", 1000)


@pytest.mark.parametrize("resolution", ["tick", "hour", "daily"])
def test_other_resolutions_are_refused(lean: LeanFolder, store: CatalogStore, resolution: str) -> None:
    if resolution == "tick":
        lean.day("tick", "spy", "20131007", "quote", ["34200000,0,0,1670200,500,Q,1,0"])
    else:
        lean.years(resolution, "spy", ["20131007 00:00,1670000,1670000,1670000,1670000,1"])
    with pytest.raises(ConfigError, match=f"these files hold {resolution}.*--resolution second"):
        ingest_lean(lean.root, store=store, resolutions=[resolution], quotes_from_bars=True)
    with pytest.raises(ConfigError, match="second"):  # nor beside seconds
        ingest_lean(lean.root, store=store, quotes_from_bars=True)
    assert not store.root.exists()


def test_seconds_and_minutes_do_not_mix(lean: LeanFolder, store: CatalogStore) -> None:
    lean.day("minute", "spy", "20131007", "quote", QUOTE_BARS[:1])
    with pytest.raises(ConfigError, match="hold minute, second"):
        ingest_lean(lean.root, store=store, quotes_from_bars=True)


def test_trades_alone_make_no_quotes(lean: LeanFolder, store: CatalogStore) -> None:
    with pytest.raises(ConfigError, match="trades only"):
        ingest_lean(lean.usa / "second/spy/20131007_trade.zip", store=store, quotes_from_bars=True)
