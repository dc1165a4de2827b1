"""Lean's option files into snapshots: what a minute's close knows, and what is refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from catalog.ingest_lean_options import ingest_lean_options
from catalog.lean_options.universes import HEADER
from catalog.option_chains import chain_at, chain_symbols, chains_between
from catalog.store import CatalogStore
from market.errors import DataError, NotFoundError
from market.option_chain import OptionChain
from market.time import to_ns
from tests.catalog.lean_options.lean_option_folder import entry, quote, write_spxw, write_zip

CALL, PUT = "SPXW  210106C03700000.SMART", "SPXW  210106P03700000.SMART"


@pytest.fixture
def lean(tmp_path: Path) -> Path:
    return write_spxw(tmp_path / "lean")


@pytest.fixture
def store(tmp_path: Path) -> CatalogStore:
    return CatalogStore(tmp_path / "catalog")


def at(store: CatalogStore, clock: str) -> OptionChain:
    return chain_at(store.root, "SPXW", to_ns(f"2021-01-04T{clock}-05:00"))


def test_a_minute_is_known_at_its_close(lean: Path, store: CatalogStore) -> None:
    result = ingest_lean_options(lean, store=store)
    assert result.rows == 3 + 2  # snapshots of three minutes, and two bars of the index
    with pytest.raises(NotFoundError, match="No chain of SPXW in the 7 days before"):
        at(store, "09:30:59.999999999")
    first = at(store, "09:31:00")
    assert first.contract.tolist() == [PUT, CALL]
    assert (first.bid.tolist(), first.ask.tolist()) == ([9.0, 60.0], [9.5, 62.0])
    assert (first.bid_size[0], first.ask_size[0]) == (1, 2)
    assert first.settlement.tolist() == ["PM", "PM"]


def test_a_quote_stays_until_the_next_and_an_empty_side_is_gone(lean: Path, store: CatalogStore) -> None:
    ingest_lean_options(lean, store=store)
    second, third = at(store, "09:32:00"), at(store, "09:33:30")
    assert (second.bid[1], second.ask[1]) == (60.0, 62.0)
    assert second.is_crossed.tolist() == [True, False]
    assert third.bid[1] == 61.0
    assert np.isnan(third.ask[1])
    assert np.isnan(third.ask_size[1])


def test_volume_adds_up_and_open_interest_is_known_from_the_start(lean: Path, store: CatalogStore) -> None:
    ingest_lean_options(lean, store=store)
    first, second = at(store, "09:31:00"), at(store, "09:32:00")
    assert (first.volume[1], second.volume[1], second.last[1]) == (4, 7, 60.5)
    assert (first.open_interest[0], np.isnan(first.open_interest[1])) == (1732, True)


def test_the_index_counts_from_midnight_in_chicago_and_is_not_scaled(lean: Path, store: CatalogStore) -> None:
    ingest_lean_options(lean, store=store)
    assert at(store, "09:31:00").underlying_price == 3760.55
    assert at(store, "09:32:00").underlying_price == 3758.25


def test_without_the_index_the_underlying_is_absent_and_that_is_said(lean: Path, store: CatalogStore) -> None:
    (lean / "index/usa/minute/spx/20210104_trade.zip").unlink()
    result = ingest_lean_options(lean, store=store)
    assert np.isnan(at(store, "09:31:00").underlying_price)
    assert "no file of the underlying's prices" in result.notes[0]
    assert "4 quotes of 2 contracts and 1 expiries, 3 two-sided, 1 crossed" in result.notes[0]


def test_repeating_is_unchanged_and_another_file_of_the_day_needs_replace(
    lean: Path, store: CatalogStore
) -> None:
    ingest_lean_options(lean, store=store)
    before = (store.root / "manifest.json").read_bytes()
    assert ingest_lean_options(lean, store=store).unchanged
    assert (store.root / "manifest.json").read_bytes() == before
    write_spxw(lean, quotes={entry("quote", "call", 3700, "20210106"): quote(0, "1000", "2000")})
    with pytest.raises(DataError, match="already has chain data"):
        ingest_lean_options(lean, store=store)
    ingest_lean_options(lean, store=store, replace=True)
    assert len(at(store, "09:31:00")) == 2  # the put has open interest still
    assert np.nansum(at(store, "09:31:00").bid) == 0.1


def test_bad_rows_are_named_and_the_others_go_in(lean: Path, store: CatalogStore) -> None:
    name = entry("quote", "call", 3700, "20210106")
    rows = [quote(0, "1000", "2000"), "x,,,,,,,,,,", quote(1, "1100", "2100"), quote(2, "-5", "2000")]
    write_spxw(lean, quotes={name: "\n".join([*rows, quote(3, "1200", "2200")])})
    result = ingest_lean_options(lean, store=store)
    assert result.rejected == 2
    rejects = (store.root / result.rejects_files[0]).read_text(encoding="utf-8")
    assert f"20210104_quote_european.zip/{name},2,time,x,is not a whole number" in rejects
    assert ",4,bid_close,-5,is not from 0 to" in rejects
    assert at(store, "09:34:00").bid[1] == 0.12


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_bytes(b"no zip"), "is not a zip or is damaged"),
        (
            lambda path: write_zip(path, {"20210104_goog_minute_quote_american_call_1_20210106.csv": "1"}),
            "no quote",
        ),
        (lambda path: write_zip(path, {"readme.txt": "1"}), "'readme.txt' is no quote file"),
    ],
)
def test_a_damaged_source_leaves_nothing_behind(lean, store, damage, message) -> None:  # type: ignore[no-untyped-def]
    damage(lean / "indexoption/usa/minute/spxw/20210104_quote_european.zip")
    (lean / "index/usa/minute/spx/20210104_trade.zip").unlink()
    with pytest.raises(DataError, match=message):
        ingest_lean_options(lean, store=store)
    assert not store.root.exists()


def test_the_text_of_a_contract_that_had_expired_is_rejected(lean: Path, store: CatalogStore) -> None:
    good, late = (entry("quote", "call", 3700, day) for day in ("20210104", "20210101"))
    texts = {late: quote(0, "600000", "620000"), good: quote(0, "600000", "620000")}
    write_zip(lean / "indexoption/usa/minute/spxw/20210104_quote_european.zip", texts)
    result = ingest_lean_options(lean / "indexoption/usa/minute/spxw", store=store)
    assert result.rejected == 1
    (rejects,) = (store.root / "rejects").iterdir()
    assert f'{late},"expired before the day of the file, 2021-01-04"' in rejects.read_text(encoding="utf-8")
    chain = chain_at(store.root, "SPXW", to_ns("2021-01-04T09:31:00-05:00"))
    assert chain.dte.min() == 0


def test_the_file_that_is_wrong_is_the_one_that_is_named(lean: Path, store: CatalogStore) -> None:
    write_zip(lean / "indexoption/usa/minute/spxw/20210104_quote_european.zip", {"bogus.csv": "1,2"})
    with pytest.raises(DataError) as refused:
        ingest_lean_options(lean / "indexoption/usa/minute/spxw", store=store)
    assert "20210104_quote_european.zip: 'bogus.csv' is no quote file" in str(refused.value)
    assert "openinterest_european.zip" not in str(refused.value)


def test_selection_by_class_underlying_and_day(lean: Path, store: CatalogStore) -> None:
    with pytest.raises(NotFoundError, match="No Lean option or index data"):
        ingest_lean_options(lean, store=store, start=date(2021, 1, 5))
    with pytest.raises(NotFoundError, match="No Lean option or index data"):
        ingest_lean_options(lean, store=store, symbols=("GOOG",))
    result = ingest_lean_options(lean, store=store, symbols=("spxw",), end=date(2021, 1, 4))
    assert result.instruments == ("SPXW-CHAIN.SMART",)
    assert chain_symbols(store.root) == ("SPX",)


def test_snapshots_follow_each_other_within_their_bounds(lean: Path, store: CatalogStore) -> None:
    ingest_lean_options(lean, store=store)
    bounds = [to_ns(f"2021-01-04T09:{minute}:00-05:00") for minute in ("32", "33")]
    times = [chain.ts_ns for chain in chains_between(store.root, "SPX", *bounds)]
    assert times == [bounds[0]]


UNIVERSE = f"""{HEADER}
,,,747.93,748.77,747.86,748.40,{{volume}},,,,,,,
20151231,450,C,300.05,301.15,296.75,298.30,0,5,1.7405772,0.9915959,0.0001368,0.0219203,-0.3277778,0.0728466
20151231,460,C,0,0,0,0,0,,0,0,0,0,0,0
20151231,x,C,0,0,0,0,0,,0,0,0,0,0,0
20151231,470,P,1,1,1,1,0,,0.5,-0.1,0,0,0,0
"""


def write_universe(lean: Path, *, volume: int = 106_129) -> None:
    path = lean / "option/usa/universes/goog/20151224.csv"
    path.parent.mkdir(parents=True)
    path.write_text(UNIVERSE.format(volume=volume), encoding="utf-8")


def test_a_universe_is_a_chain_at_the_close_with_the_vendors_greeks(
    tmp_path: Path, store: CatalogStore
) -> None:
    write_universe(tmp_path)
    result = ingest_lean_options(tmp_path, store=store)
    assert (result.rows, result.rejected, result.instruments) == (1, 1, ("GOOG-CHAIN-DAY.SMART",))
    with pytest.raises(NotFoundError):
        chain_at(store.root, "GOOG", to_ns("2015-12-24T12:59:59-05:00"))
    chain = chain_at(store.root, "GOOG", to_ns("2015-12-24T13:00:00-05:00"))
    assert chain.underlying_price == 748.40
    assert chain.strike.tolist() == [450, 460, 470]
    assert chain.iv[0] == pytest.approx(1.7405772, rel=1e-6)
    assert np.isnan([chain.iv[1], chain.delta[1], chain.last[1]]).all()
    assert (chain.last[0], chain.open_interest[0]) == (298.30, 5)


def test_a_universe_that_was_copied_forward_is_left_out(tmp_path: Path, store: CatalogStore) -> None:
    write_universe(tmp_path, volume=0)
    with pytest.raises(NotFoundError, match="the vendor copied the day before"):
        ingest_lean_options(tmp_path, store=store)
