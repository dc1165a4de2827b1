"""Dividends: files in, and what had been declared at a moment out, priced with and looked out for."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.columns import DataKind
from catalog.daily_series import dividends_at, series_names
from catalog.ingest_chain_csv import ingest_chain_csv
from catalog.ingest_dividends import DECLARED_DAYS_MAX, ingest_dividends
from catalog.ingest_rates import ingest_rates
from catalog.option_chains import chain_at
from catalog.pricing_inputs import inputs_at, knows_dividends
from catalog.store import CatalogStore
from market.errors import ConfigError, DataError, NotFoundError
from market.option_chain_pricing import priced
from market.pricing.implied_volatility import Reason
from market.time import parse_date, to_ns

ROWS = """symbol,ex_date,amount,declared
KO,2024-03-14,0.485,2024-02-15
KO,2024-06-14,0.485,2024-05-02
PG,2024-04-18,1.0065,2024-04-09
"""
FACTORS = """20140205,0.8908440,0.03571430,512.59
20140507,0.8961764,0.03571430,592.33
20140606,0.9011818,0.03571430,645.57
20140806,0.9011818,0.25,94.97
20141105,0.9056639,0.25,108.86
20501231,0.9095911,1,0
"""


@pytest.fixture
def store(tmp_path: Path) -> CatalogStore:
    return CatalogStore(tmp_path / "catalog")


def write(folder: Path, text: str, name: str = "dividends.csv") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_dividend_is_known_from_the_midnight_after_its_declaration(
    tmp_path: Path, store: CatalogStore
) -> None:
    result = ingest_dividends(write(tmp_path, ROWS), store=store)
    assert (result.rows, result.rejected, result.instruments) == (3, 0, ("KO", "PG"))
    assert dividends_at(store.root, "KO", to_ns("2024-02-15T23:59:59-05:00")).amounts == ()
    first = dividends_at(store.root, "KO", to_ns("2024-02-16T00:00:00-05:00"))
    assert (first.amounts, first.ex_ns) == ((0.485,), (to_ns("2024-03-14T09:30:00-04:00"),))
    assert len(dividends_at(store.root, "ko", to_ns("2024-05-03T00:00:00-04:00")).amounts) == 2
    assert dividends_at(store.root, "MSFT", to_ns("2024-05-03T00:00:00-04:00")).amounts == ()
    assert series_names(store.root, DataKind.DIVIDEND) == ("KO", "PG")


def test_what_is_declared_later_does_not_show(tmp_path: Path, store: CatalogStore) -> None:
    before, after = to_ns("2024-02-15T12:00:00-05:00"), to_ns("2024-02-16T12:00:00-05:00")
    assert inputs_at(store.root, before, symbol="KO").dividends_from == "unknown"
    ingest_dividends(write(tmp_path, ROWS), store=store)
    assert inputs_at(store.root, before, symbol="KO").dividends_from == "unknown"
    assert not knows_dividends(store.root, "KO", before)
    assert inputs_at(store.root, after, symbol="KO").dividends_from == "catalog (1 ahead)"
    assert knows_dividends(store.root, "KO", after)


BAD_ROWS = """symbol,ex_date,amount,declared
KO,2024-03-14,0.485,2024-02-15
KO,2024-03-14,0.485,2024-02-15
KO,2024-06-15,0.485,2024-05-02
KO,2024-09-13,zero,2024-07-18
KO,2024-09-13,-0.5,2024-07-18
KO,2024-09-13,0.485,soon
KO,2024-09-13,0.485,
KO,2024-09-13,0.485,2024-09-14
,2024-09-13,0.485,2024-07-18
KO,2060-09-13,0.485,2024-07-18
KO,never,0.485,2024-07-18
"""


def test_rows_that_cannot_be_used_are_named(tmp_path: Path, store: CatalogStore) -> None:
    result = ingest_dividends(write(tmp_path, BAD_ROWS), store=store)
    assert (result.rows, result.rejected) == (1, 10)
    assert result.rejects_file is not None
    text = (store.root / result.rejects_file).read_text(encoding="utf-8").splitlines()
    for line, why in (
        (3, "is the ex-date of line 2 too"),
        (4, "is a day without a session"),
        (5, "is not a number"),
        (6, "is no dividend above 0"),
        (7, "is not a date"),
        (8, "does not say when it was declared"),
        (9, "is after the ex-date"),
        (10, "is no symbol"),
        (11, "is not between"),
        (12, "is not a date"),
    ):
        assert any(f".csv,{line}," in row and why in row for row in text), (line, why)


def test_other_columns_are_mapped_and_a_symbol_may_be_given(tmp_path: Path, store: CatalogStore) -> None:
    path = write(tmp_path, "Ex,Cash,Said\n03/14/2024,0.485,02/15/2024\n")
    columns = {"ex_date": "Ex", "amount": "Cash", "declared": "Said"}
    with pytest.raises(ConfigError, match=r"no column of symbols.*--symbol"):
        ingest_dividends(path, store=store, columns=columns)
    ingest_dividends(path, store=store, columns=columns, symbols=["ko"])
    assert dividends_at(store.root, "KO", to_ns("2024-03-01T00:00:00Z")).amounts == (0.485,)
    with pytest.raises(ConfigError, match="--columns names paid; the fields are"):
        ingest_dividends(path, store=store, columns={"paid": "Cash"}, symbols=["KO"])
    with pytest.raises(DataError, match=r"no column ex_date.*Ex, Cash, Said"):
        ingest_dividends(path, store=store, symbols=["KO"])


def test_only_the_wanted_symbols_and_dates_go_in(tmp_path: Path, store: CatalogStore) -> None:
    path = write(tmp_path, ROWS)
    after = ingest_dividends(path, store=store, symbols=["KO"], start=parse_date("2024-06-01"))
    assert (after.rows, after.instruments) == (1, ("KO",))
    until = ingest_dividends(path, store=store, end=parse_date("2024-04-18"), symbols=["PG"])
    assert (until.rows, until.instruments) == (1, ("PG",))


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ({"symbols": ("NOPE",)}, "has no dividend of NOPE; it has KO, PG"),
        (
            {"start": parse_date("2027-05-01")},
            "no dividend from 2027-05-01 to the end; its .* 2024-03-14 to 2024",
        ),
    ],
)
def test_a_selection_without_dividends_says_what_there_is(tmp_path, store, selection, message) -> None:  # type: ignore[no-untyped-def]
    path = write(tmp_path, ROWS + "KO,soon,1,2024-02-15\n")
    with pytest.raises(DataError, match=message):
        ingest_dividends(path, store=store, **selection)
    assert not store.root.exists()


def test_a_repeat_changes_nothing_and_an_overlap_needs_replace(tmp_path: Path, store: CatalogStore) -> None:
    path = write(tmp_path, ROWS)
    ingest_dividends(path, store=store)
    before = sorted((file, file.stat().st_mtime_ns) for file in store.root.rglob("*.*"))
    assert ingest_dividends(path, store=store).unchanged
    assert sorted((file, file.stat().st_mtime_ns) for file in store.root.rglob("*.*")) == before
    other = write(tmp_path, ROWS.replace("0.485", "0.49"))
    with pytest.raises(DataError, match="KO already has dividend data"):
        ingest_dividends(other, store=store)
    assert dividends_at(store.root, "KO", to_ns("2024-07-01T00:00:00Z")).amounts == (0.485, 0.485)
    ingest_dividends(other, store=store, replace=True)
    assert dividends_at(store.root, "KO", to_ns("2024-07-01T00:00:00Z")).amounts == (0.49, 0.49)


def test_what_was_declared_last_of_one_ex_date_counts(tmp_path: Path, store: CatalogStore) -> None:
    ingest_dividends(write(tmp_path, ROWS), store=store, symbols=["PG"])
    raised = "symbol,ex_date,amount,declared\nPG,2024-04-18,2.00,2024-04-12\n"
    ingest_dividends(write(tmp_path, raised), store=store)
    assert dividends_at(store.root, "PG", to_ns("2024-04-12T12:00:00Z")).amounts == (1.0065,)
    assert dividends_at(store.root, "PG", to_ns("2024-04-13T12:00:00Z")).amounts == (2.00,)


def test_a_factor_file_tells_amounts_and_the_user_when_they_were_declared(
    tmp_path: Path, store: CatalogStore
) -> None:
    path = write(tmp_path, FACTORS, "factor_files/aapl.csv")
    with pytest.raises(ConfigError, match=r"do not say when.*--declared-days 14.*Nothing was written"):
        ingest_dividends(path, store=store)
    assert not store.root.exists()
    ingest_dividends(path, store=store, declared_days=14)
    known = dividends_at(store.root, "AAPL", to_ns("2014-12-31T00:00:00Z"))
    assert known.amounts == pytest.approx((3.05, 3.29, 0.47, 0.47), abs=0.001)  # as Apple paid them
    assert known.ex_ns[1] == to_ns("2014-05-08T09:30:00-04:00")  # the session after the row's date
    assert dividends_at(store.root, "AAPL", to_ns("2014-04-24T23:59:59-04:00")).amounts[-1] < 3.1
    assert dividends_at(store.root, "AAPL", to_ns("2014-04-25T00:00:00-04:00")).amounts[-1] > 3.2


def test_a_lean_folder_gives_those_that_pay(tmp_path: Path, store: CatalogStore) -> None:
    write(tmp_path, FACTORS, "lean/equity/usa/factor_files/aapl.csv")
    write(tmp_path, "20120518,1,1,1\n20501231,1,1,0\n", "lean/equity/usa/factor_files/fb.csv")
    result = ingest_dividends(tmp_path / "lean", store=store, declared_days=14)
    assert (result.rows, result.instruments) == (4, ("AAPL",))
    assert result.notes == ("1 of 2 factor files have no dividend in that time",)
    with pytest.raises(NotFoundError, match="No factor file of TSLA"):
        ingest_dividends(tmp_path / "lean", store=store, declared_days=14, symbols=["TSLA"])
    with pytest.raises(DataError, match=r"fb\.csv has no dividend in that time"):
        ingest_dividends(tmp_path / "lean", store=store, declared_days=14, symbols=["FB"])
    with pytest.raises(NotFoundError, match="No factor_files below"):
        ingest_dividends(store.root / "series", store=store, declared_days=14)


@pytest.mark.parametrize(
    "row", ["20140806;x", "20149999,0.9011818,0.25,94.97", "20140806,0,0.25,94.97", "20140806,1.2.3,1,94.97"]
)
def test_a_damaged_factor_file_is_refused(tmp_path: Path, store: CatalogStore, row: str) -> None:
    path = write(tmp_path, FACTORS.replace("20140806,0.9011818,0.25,94.97", row), "aapl.csv")
    with pytest.raises(DataError, match="line 4 is no row of a Lean factor file"):
        ingest_dividends(path, store=store, declared_days=14)
    assert not store.root.exists()


def test_a_file_that_is_not_text_to_its_end_is_refused(tmp_path: Path, store: CatalogStore) -> None:
    path = write(tmp_path, ROWS)
    more = b"KO,2024-06-14,0.485,2024-05-02\n" * 2_000  # beyond what is read for the header
    path.write_bytes(path.read_bytes() + more + b"KO,2024-09-13,0.5,\xff\xfe\n")
    with pytest.raises(DataError, match="is no CSV file to its end"):
        ingest_dividends(path, store=store)
    assert not store.root.exists()


@pytest.mark.parametrize("days", [-1, DECLARED_DAYS_MAX + 1])
def test_days_of_declaration_have_bounds(tmp_path: Path, store: CatalogStore, days: int) -> None:
    with pytest.raises(ConfigError, match=f"--declared-days is {days}, allowed: 0 to {DECLARED_DAYS_MAX}"):
        ingest_dividends(write(tmp_path, ROWS), store=store, declared_days=days)


def test_a_path_without_a_file_is_said(tmp_path: Path, store: CatalogStore) -> None:
    with pytest.raises(NotFoundError, match="is no file"):
        ingest_dividends(tmp_path / "absent.csv", store=store)


@pytest.mark.real_data
def test_apples_and_the_spiders_dividends_of_leans_factor_files(real_data: Path, store: CatalogStore) -> None:
    ingest_dividends(real_data / "lean", store=store, declared_days=14, symbols=["AAPL", "SPY"])
    apple = dividends_at(store.root, "AAPL", to_ns("2015-01-01T00:00:00Z"))
    assert apple.amounts[-3:] == pytest.approx((3.29, 0.47, 0.47), abs=5e-4)
    spider = dividends_at(store.root, "SPY", to_ns("2013-09-19T00:00:00Z"))
    assert spider.amounts[-1] == pytest.approx(0.838, abs=0.003)  # ex 2013-09-20
    assert spider.ex_ns[-1] == to_ns("2013-09-20T09:30:00-04:00")


@pytest.mark.real_data
def test_with_its_dividends_apples_calls_and_puts_agree_on_volatility(
    real_data: Path, store: CatalogStore
) -> None:
    """One volatility explains call and put of a strike once the dividends until expiry are known."""
    close = to_ns("2014-08-07T16:00:00-04:00")
    file = real_data / "end_of_day_chains/AAPL_2014-08-07_ivolatility.csv"
    ingest_chain_csv(file, store=store)
    yields = real_data / "rates_and_volatility/us_treasury_par_yield_curve_1990_2017.csv"
    ingest_rates(yields, store=store, start=parse_date("2014-08-01"), end=parse_date("2014-08-07"))
    assert _call_less_put(store.root, close) < -0.03
    factors = real_data / "lean/equity/usa/factor_files/aapl.csv"
    ingest_dividends(factors, store=store, declared_days=365)  # as if Apple had told a year before
    assert (
        len(dividends_at(store.root, "AAPL", close).between(close, close + 365 * 86_400 * 10**9).ex_ns) == 4
    )
    assert abs(_call_less_put(store.root, close)) < 0.005


def _call_less_put(root: Path, at_ns: int) -> float:
    """Return the mean difference of the volatilities at the strikes around the money, January 2016."""
    chain = chain_at(root, "AAPL", at_ns).with_dte(500, 550).with_strikes(90, 100)
    found = priced(chain, inputs_at(root, at_ns, symbol="AAPL").inputs)
    assert set(found.iv_reason.tolist()) == {Reason.OK}
    return float(found.iv[found.is_call].mean() - found.iv[~found.is_call].mean())
