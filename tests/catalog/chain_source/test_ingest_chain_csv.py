"""Chains from CSV and Parquet: columns, units, times, and rows that cannot be used."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

import catalog.chain_source.blocks as blocks
import catalog.ingest_chain_csv as ingest_module
from catalog.chain_source.options import ChainCsvOptions
from catalog.ingest_chain_csv import ingest_chain_csv
from catalog.option_chains import chain_at, chains_between
from catalog.store import CatalogStore
from market.errors import ConfigError, DataError, NotFoundError
from market.time import to_ns

HEADER = (
    "underlying,underlying_last,expiration,quotedate,strike,type,bid,ask,openinterest,impliedvol,vega,theta"
)
ROWS = [
    "SPX,2000.5,2016-06-17,2014-12-15,650,call,1350.1,1352.2,12,0.2,37.13,-36.5",
    "SPX,2000.5,2016-06-17,2014-12-15,650,put,0,3.9,63,0,5,5",
    "SPX,2010.5,2016-06-17,2014-12-16,650,call,1360.1,1362.2,12,0.2,37.13,-36.5",
]
CLOSE = "T16:00:00-05:00"


@pytest.fixture
def store(tmp_path: Path) -> CatalogStore:
    return CatalogStore(tmp_path / "catalog")


def write(tmp_path: Path, rows: list[str], header: str = HEADER) -> Path:
    path = tmp_path / "chain.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_a_day_is_known_at_its_close(tmp_path: Path, store: CatalogStore) -> None:
    result = ingest_chain_csv(write(tmp_path, ROWS), store=store)
    assert (result.rows, result.rejected, result.instruments) == (2, 0, ("SPX-CHAIN-DAY.SMART",))
    with pytest.raises(NotFoundError):
        chain_at(store.root, "SPX", to_ns("2014-12-15T15:59:59-05:00"))
    chain = chain_at(store.root, "SPX", to_ns("2014-12-15" + CLOSE))
    assert chain.underlying_price == 2000.5
    assert chain.is_call.tolist() == [False, True]
    assert (chain.settlement[0], chain.style[0]) == ("AM", "E")
    assert chain.expiry_ns[0] == to_ns("2016-06-17T09:30:00-04:00")


def test_zeros_are_absent_and_greeks_without_a_volatility_are_too(
    tmp_path: Path, store: CatalogStore
) -> None:
    ingest_chain_csv(write(tmp_path, ROWS), store=store)
    chain = chain_at(store.root, "SPX", to_ns("2014-12-15" + CLOSE))
    assert np.isnan([chain.bid[0], chain.iv[0], chain.vega[0]]).all()
    assert (chain.ask[0], chain.open_interest[0]) == (3.9, 63)


def test_greeks_are_brought_to_our_units(tmp_path: Path, store: CatalogStore) -> None:
    ingest_chain_csv(
        write(tmp_path, ROWS), store=store, options=ChainCsvOptions(vega_per="unit", theta_per="year")
    )
    chain = chain_at(store.root, "SPX", to_ns("2014-12-15" + CLOSE))
    assert chain.vega[1] == pytest.approx(0.3713, rel=1e-6)
    assert chain.theta[1] == pytest.approx(-0.1, rel=1e-6)


def test_times_within_the_day_make_a_stream_of_their_own(tmp_path: Path, store: CatalogStore) -> None:
    rows = [row.replace("2014-12-15", "2014-12-15 10:05:00") for row in ROWS[:2]]
    ingest_chain_csv(write(tmp_path, rows), store=store)
    chain = chain_at(store.root, "SPX", to_ns("2014-12-15T10:05:00-05:00"))
    assert len(chain) == 2
    assert (store.root / "data/custom_option_chain_snapshot/SPX-CHAIN.SMART").is_dir()


def test_columns_of_other_names_are_mapped(tmp_path: Path, store: CatalogStore) -> None:
    header = "occ,asof,b,a"
    rows = ["SPXW  210106C03700000,01/04/2021 10:00,50,51", "SPXW  210106P03700000,01/04/2021 10:00,9,9.5"]
    path = write(tmp_path, rows, header)
    with pytest.raises(DataError, match="No column for time, bid, ask, underlying, expiry, strike, right"):
        ingest_chain_csv(path, store=store)
    options = ChainCsvOptions(
        columns={"contract": "occ", "time": "asof", "bid": "b", "ask": "a"}, time_format="%m/%d/%Y %H:%M"
    )
    ingest_chain_csv(path, store=store, options=options)
    chain = chain_at(store.root, "SPXW", to_ns("2021-01-04T10:00:00-05:00"))
    assert chain.contract.tolist() == ["SPXW  210106P03700000.SMART", "SPXW  210106C03700000.SMART"]
    assert np.isnan(chain.underlying_price)


def test_bad_rows_are_named_and_the_others_go_in(tmp_path: Path, store: CatalogStore) -> None:
    bad = [
        ROWS[0].replace("650", "x"),
        ROWS[0].replace("call", "spread"),
        ROWS[0].replace("2014-12-15", "soon"),
        ROWS[0].replace("2014-12-15", "2014-12-14"),
        ROWS[0].replace("1350.1", "-1"),
        ROWS[0].replace("1350.1", "n/a"),
        ROWS[0],
    ]
    good = [row.replace("650", str(strike)) for strike in range(700, 1100, 100) for row in ROWS[:2]]
    result = ingest_chain_csv(write(tmp_path, [ROWS[0], *bad, *good]), store=store)
    assert result.rejected == len(bad)
    assert result.rejects_file is not None
    lines = (store.root / result.rejects_file).read_text(encoding="utf-8").splitlines()[1:]
    assert [int(line.split(",")[1]) for line in lines] == [3, 4, 5, 6, 7, 8, 9]
    assert lines[-1] == "chain.csv,9,contract,SPX   160617C00650000,is in the file twice at this time"
    text = "\n".join(lines)
    for why in (
        "names no contract",
        "is not a time",
        "is no session",
        "is negative",
        "is not a number",
        "twice",
    ):
        assert why in text
    assert len(chain_at(store.root, "SPX", to_ns("2014-12-15" + CLOSE))) == 1 + len(good)


@pytest.mark.parametrize("block", [16 * 1024 * 1024, 256])
def test_lines_with_too_few_or_many_fields_are_rejected_by_line(
    tmp_path: Path, store: CatalogStore, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", block)
    rows = [ROWS[0].replace("650", str(strike)) for strike in range(700, 1500, 100)]
    text = [rows[0], "SPX,2000.5", "", *rows[1:4], ROWS[0] + ",1", *rows[4:], rows[0] + ",", "SPX"]
    assert ingest_chain_csv(write(tmp_path, text), store=store).rejected == 4
    (rejects,) = (store.root / "rejects").iterdir()
    found = [line.split(",", 3)[1:3] for line in rejects.read_text(encoding="utf-8").splitlines()[1:]]
    assert [line for line, _ in found] == ["3", "8", "13", "14"]
    assert "has 2 fields, the header has 12" in rejects.read_text(encoding="utf-8")
    assert len(chain_at(store.root, "SPX", to_ns("2014-12-15" + CLOSE))) == len(rows)


def test_line_numbers_count_empty_and_ragged_lines(tmp_path: Path, store: CatalogStore) -> None:
    good = [ROWS[0].replace("650", str(strike)) for strike in (700, 800, 900)]
    ingest_chain_csv(write(tmp_path, ["", "SPX", *good, ROWS[0].replace("call", "cal")]), store=store)
    (rejects,) = (store.root / "rejects").iterdir()
    lines = [line.split(",")[1] for line in rejects.read_text(encoding="utf-8").splitlines()[1:]]
    assert lines == ["3", "7"]


def test_a_quote_from_after_its_contracts_expiry_is_rejected(tmp_path: Path, store: CatalogStore) -> None:
    rows = [row.replace("2016-06-17", "2014-12-15") for row in ROWS] + ROWS
    result = ingest_chain_csv(write(tmp_path, rows), store=store)
    assert result.rejected == 1
    (rejects,) = (store.root / "rejects").iterdir()
    expected = 'chain.csv,4,expiry,2014-12-15,"is before the day of the quote, 2014-12-16"'
    assert rejects.read_text(encoding="utf-8").splitlines()[1:] == [expected]
    assert (chain_at(store.root, "SPX", to_ns("2014-12-15" + CLOSE)).dte == 0).sum() == 2


def test_a_file_that_is_mostly_bad_is_refused_whole(tmp_path: Path, store: CatalogStore) -> None:
    with pytest.raises(DataError, match="is no chain by these columns: 2 of 3 rows are unusable"):
        ingest_chain_csv(
            write(tmp_path, [ROWS[0], *(row.replace("650", "x") for row in ROWS[1:])]), store=store
        )
    assert not store.root.exists()


def test_order_of_rows_and_size_of_blocks_change_nothing(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    days = [f"2014-12-{day}" for day in (15, 16, 17, 18, 19)]
    rows = [
        f"SPX,2000,2016-06-17,{day},{strike},{right},{strike / 10},{strike / 10 + 1},1,0.2,1,-1"
        for day in days
        for strike in range(600, 1500, 100)
        for right in ("call", "put")
    ]
    found = []
    for name, order in (
        ("ordered", rows),
        ("by contract", sorted(rows, key=lambda row: row.split(",")[4:6])),
    ):
        for block in (16 * 1024 * 1024, 512):
            monkeypatch.setattr(blocks, "BLOCK_BYTES", block)
            store = CatalogStore(tmp_path / f"{name} {block}")
            ingest_chain_csv(write(tmp_path, order), store=store)
            bounds = to_ns("2014-12-15T00:00:00Z"), to_ns("2014-12-21T00:00:00Z")
            chains = list(chains_between(store.root, "SPX", *bounds))
            found.append([(c.ts_ns, c.contract.tolist(), c.bid.tolist()) for c in chains])
    assert len(found[0]) == 5
    assert all(other == found[0] for other in found[1:])


def test_a_file_out_of_order_has_a_limit(tmp_path, store, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(ingest_module, "UNORDERED_ROWS_MAX", 2)
    with pytest.raises(DataError, match="is not in order of time and has more than 2 rows"):
        ingest_chain_csv(write(tmp_path, [ROWS[2], *ROWS[:2]]), store=store)
    ingest_chain_csv(write(tmp_path, ROWS), store=store)  # in order, any size goes


def test_parquet_gives_the_same_chain(tmp_path: Path, store: CatalogStore) -> None:
    path = write(tmp_path, ROWS)
    pq.write_table(pacsv.read_csv(path), tmp_path / "chain.parquet")
    other = CatalogStore(tmp_path / "other")
    ingest_chain_csv(path, store=store)
    ingest_chain_csv(tmp_path / "chain.parquet", store=other)
    at = to_ns("2014-12-16" + CLOSE)
    for name, values in chain_at(store.root, "SPX", at).columns().items():
        assert values.tolist() == pytest.approx(
            chain_at(other.root, "SPX", at).columns()[name].tolist(), nan_ok=True
        )


def test_selection_by_symbol_and_date(tmp_path: Path, store: CatalogStore) -> None:
    result = ingest_chain_csv(
        write(tmp_path, ROWS), store=store, symbols=("spx",), start=date(2014, 12, 16), end=date(2014, 12, 16)
    )
    assert result.rows == 1


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ({"symbols": ("NDX",)}, "no row of NDX; the file has SPX"),
        ({"start": date(2027, 5, 1)}, "no row from 2027-05-01 to the end; the file runs from 2014-12-15 to"),
        ({"symbols": ("SPX",), "end": date(2000, 1, 1)}, "no row of SPX from the start to 2000-01-01; the"),
    ],
)
def test_a_selection_without_rows_says_what_there_is(tmp_path, store, selection, message) -> None:  # type: ignore[no-untyped-def]
    path = write(tmp_path, [*ROWS, ROWS[0].replace("call", "x")])
    with pytest.raises(NotFoundError, match=message):
        ingest_chain_csv(path, store=store, **selection)
    assert not store.root.exists()


def test_a_file_without_wanted_rows_does_not_keep_the_others_of_its_folder_out(
    tmp_path: Path, store: CatalogStore
) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files/a.csv").write_text("\n".join([HEADER, ROWS[0]]), encoding="utf-8")
    (tmp_path / "files/b.csv").write_text("\n".join([HEADER, ROWS[0].replace("SPX", "KO")]), encoding="utf-8")
    result = ingest_chain_csv(tmp_path / "files", store=store, symbols=("SPX",))
    assert result.rows == 1
    assert any("b.csv: no row of SPX; the file has KO" in note for note in result.notes)


@pytest.mark.parametrize("columns", [{"price": "bid"}, {"bid": "nope"}])
def test_a_map_of_what_is_not_there_is_refused(tmp_path, store, columns) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError):
        ingest_chain_csv(write(tmp_path, ROWS), store=store, options=ChainCsvOptions(columns=columns))


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ConfigError, match="time_zone 'Mars'"):
        ChainCsvOptions(time_zone="Mars")


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "symbol", "snapshots", "at", "contracts"),
    [
        ("SPX_2014-12-15_2015-03-13_options.csv", "SPX", 61, "2014-12-15T16:00:00-05:00", 4),
        ("SPX_2017-01-03_2017-05-19_options.csv", "SPX", 96, "2017-01-03T16:00:00-05:00", 6),
        ("AAPL_2014-08-07_ivolatility.csv", "AAPL", 1, "2014-08-07T16:00:00-04:00", 1822),
    ],
)
def test_the_shared_end_of_day_chains_go_in(real_data, store, name, symbol, snapshots, at, contracts) -> None:  # type: ignore[no-untyped-def]
    result = ingest_chain_csv(
        real_data / "end_of_day_chains" / name,
        store=store,
        options=ChainCsvOptions(vega_per="unit", theta_per="year"),
    )
    assert (result.rows, result.rejected) == (snapshots, 0)
    chain = chain_at(store.root, symbol, to_ns(at))
    assert chain.underlying_price > 0
    if name.startswith("AAPL"):
        assert len(chain) == contracts
