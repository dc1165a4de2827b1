"""Rates and volatility indexes: files in, and what was known at a moment out."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from catalog.columns import DataKind
from catalog.daily_series import curve_at, levels_until, series_names
from catalog.ingest_rates import ingest_rates, tenor_years
from catalog.ingest_volatility import ingest_volatility
from catalog.pricing_inputs import inputs_at
from catalog.store import CatalogStore
from market.errors import ConfigError, DataError, NotFoundError
from market.time import to_ns
from market.volatility import volatility_rank

RATES = """Date,1 Mo,10 Yr,note
01/04/2021,0.0009,0.0093,x
01/05/2021,,0.0096,
01/06/2021,,,
01/07/2021,abc,0.01,
never,0.01,0.01,
01/05/2021,0.001,0.01,
"""
LEVELS = """DATE,OPEN,HIGH,LOW,CLOSE
2021-01-04,23.04,29.19,22.56,26.97
2021-01-05,26.94,28.6,24.8,25.34
2021-01-06,25.48,26.77,22.14,0
2021-01-07,,,,22.37
"""


@pytest.fixture
def store(tmp_path: Path) -> CatalogStore:
    return CatalogStore(tmp_path / "catalog")


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "file.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_curve_is_known_from_six_in_the_evening(tmp_path: Path, store: CatalogStore) -> None:
    result = ingest_rates(write(tmp_path, RATES), store=store)
    assert (result.rows, result.rejected) == (2, 4)
    assert curve_at(store.root, to_ns("2021-01-04T17:59:59-05:00")) is None
    first = curve_at(store.root, to_ns("2021-01-04T18:00:00-05:00"))
    assert first is not None
    assert first.tenors == pytest.approx((1 / 12, 10.0))
    second = curve_at(store.root, to_ns("2021-01-10T18:00:00-05:00"))
    assert second is not None
    assert second.tenors == (10.0,)
    assert curve_at(store.root, to_ns("2021-01-25T18:00:00-05:00")) is None  # too old to price with


def test_rejected_rates_are_named(tmp_path: Path, store: CatalogStore) -> None:
    result = ingest_rates(write(tmp_path, RATES), store=store)
    assert result.rejects_file is not None
    text = (store.root / result.rejects_file).read_text(encoding="utf-8")
    for line, why in ((4, "has no rate"), (5, "abc,is not a rate"), (6, "is not a date"), (7, "twice")):
        assert any(f".csv,{line}," in row and why in row for row in text.splitlines())


def test_percent_must_be_said(tmp_path: Path, store: CatalogStore) -> None:
    path = write(tmp_path, "DATE,PCREDIT8\n2003-01-09,2.25\n")
    with pytest.raises(DataError, match="No column of rates by tenor"):
        ingest_rates(path, store=store)
    with pytest.raises(DataError, match=r"file.csv line 2: PCREDIT8 2.25 .* use --unit percent"):
        ingest_rates(path, store=store, columns={"3month": "PCREDIT8"})
    ingest_rates(path, store=store, columns={"3month": "PCREDIT8"}, unit="percent", compounding="zero")
    curve = curve_at(store.root, to_ns("2003-01-10T12:00:00Z"))
    assert curve is not None
    assert curve.rates == (0.0225,)


def test_a_rate_that_is_none_costs_its_row_and_not_the_file(tmp_path: Path, store: CatalogStore) -> None:
    bad = ("2021-01-05,0.01,2.5", "2021-01-06,-0.5,0.02", "2021-01-07,nan,0.02")
    good = ("2021-01-08,0.01,0.02", "2021-01-11,0.5,0.9")
    lines = ("Date,1 Mo,10 Yr", "2021-01-04,0.01,0.02", *bad, *good)
    result = ingest_rates(write(tmp_path, "\n".join(lines)), store=store)
    assert (result.rows, result.rejected) == (3, 3)
    assert result.rejects_file is not None
    rejects = (store.root / result.rejects_file).read_text(encoding="utf-8").splitlines()[1:]
    assert rejects == [
        "file.csv,3,10 Yr,2.5,is outside -0.1 to 1 a year (1 is 100 %)",
        "file.csv,4,1 Mo,-0.5,is outside -0.1 to 1 a year (1 is 100 %)",
        "file.csv,5,1 Mo,nan,is outside -0.1 to 1 a year (1 is 100 %)",
    ]


def test_a_time_without_rows_is_said_with_the_time_that_has_some(tmp_path: Path, store: CatalogStore) -> None:
    with pytest.raises(DataError, match="no row from 2027-05-01 to the end; the file runs from 2021-01"):
        ingest_rates(write(tmp_path, RATES), store=store, start=date(2027, 5, 1))
    with pytest.raises(DataError, match="no row from the start to 2020-01-01; the file runs"):
        ingest_volatility(write(tmp_path, LEVELS), store=store, end=date(2020, 1, 1))


class Heard:
    """A progress that keeps what it is told."""

    def __init__(self) -> None:
        self.files: list[tuple[str, int]] = []
        self.steps: list[int] = []

    def begin(self, label: str, total_bytes: int) -> None:
        self.files.append((label, total_bytes))

    def advance(self, n_bytes: int) -> None:
        self.steps.append(n_bytes)


def test_progress_moves_with_the_lines(tmp_path: Path, store: CatalogStore) -> None:
    heard = Heard()
    ingest_rates(write(tmp_path, RATES), store=store, progress=heard)
    assert heard.files == [("file.csv", len(RATES))]
    assert heard.steps == [len(line) + 1 for line in RATES.splitlines()]


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("1month", 1 / 12),
        ("3 Mo", 0.25),
        ("10year", 10),
        ("2 Yr", 2),
        ("DGS10", 10),
        ("DGS3MO", 0.25),
        ("7d", 7 / 365),
    ],
)
def test_tenors_are_known_by_their_names(text: str, years: float) -> None:
    assert tenor_years(text) == pytest.approx(years)


def test_other_names_are_no_tenors() -> None:
    assert [tenor_years(text) for text in ("date", "vix", "10", "year")] == [None] * 4


@pytest.mark.parametrize(
    "options", [{"unit": "bps"}, {"symbols": ("A", "B")}, {"columns": {"often": "1 Mo"}}]
)
def test_options_that_are_none_are_refused(tmp_path, store, options) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError):
        ingest_rates(write(tmp_path, RATES), store=store, **options)


def test_pricing_takes_the_given_rate_then_the_catalogs_then_none(
    tmp_path: Path, store: CatalogStore
) -> None:
    ingest_rates(write(tmp_path, RATES), store=store)
    at = to_ns("2021-01-05T12:00:00-05:00")
    assert inputs_at(store.root, at, symbol="SPX").rates_from == "catalog"
    given = inputs_at(store.root, at, symbol="SPX", rate=0.05)
    assert (given.rates_from, given.inputs.rates.rates) == ("given", (0.05,))
    assert inputs_at(store.root, to_ns("2020-01-05T12:00:00-05:00"), symbol="SPX").rates_from == "none (0 %)"


def test_a_curve_that_is_too_old_is_said(tmp_path: Path, store: CatalogStore) -> None:
    ingest_rates(write(tmp_path, RATES), store=store)
    found = inputs_at(store.root, to_ns("2021-03-01T12:00:00-05:00"), symbol="SPX")
    assert found.rates_from == "none (0 %): the catalog's last curve, of 2021-01-05, is older than 14 days"
    assert found.inputs.rates.rates == (0.0,)
    fortnight = inputs_at(store.root, to_ns("2021-01-19T18:00:00-05:00"), symbol="SPX")
    assert fortnight.rates_from == "catalog"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rate": 4.25}, "--rate is 4.25, allowed: -0.1 to 1"),
        ({"rate": float("nan")}, "--rate is nan"),
        ({"dividend_yield": -1.0}, "--dividend-yield is -1.0, allowed: -0.1 to 1"),
        ({"dividend_yield": float("nan")}, "--dividend-yield is nan"),
    ],
)
def test_a_rate_or_yield_that_is_none_is_refused(
    store: CatalogStore, given: dict[str, float], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        inputs_at(store.root, to_ns("2021-01-05T12:00:00-05:00"), symbol="SPX", **given)


def test_levels_are_known_after_the_index_closes(tmp_path: Path, store: CatalogStore) -> None:
    result = ingest_volatility(write(tmp_path, LEVELS), store=store)
    assert (result.rows, result.rejected) == (3, 1)
    assert levels_until(store.root, to_ns("2021-01-05T16:14:59-05:00")).close.tolist() == [26.97]
    assert levels_until(store.root, to_ns("2021-01-07T16:15:00-05:00")).close.tolist() == [
        26.97,
        25.34,
        22.37,
    ]
    assert levels_until(store.root, to_ns("2021-01-07T16:15:00-05:00"), days=2).close.tolist() == [
        25.34,
        22.37,
    ]
    assert levels_until(store.root, to_ns("2021-01-07T16:15:00-05:00"), name="VXN").close.size == 0
    assert series_names(store.root, DataKind.LEVEL) == ("VIX",)


def test_a_repeat_changes_nothing_and_an_overlap_needs_replace(tmp_path: Path, store: CatalogStore) -> None:
    ingest_volatility(write(tmp_path, LEVELS), store=store)
    assert ingest_volatility(write(tmp_path, LEVELS), store=store).unchanged
    other = write(tmp_path, LEVELS.replace("25.34", "25.35"))
    with pytest.raises(DataError, match="VIX already has level data"):
        ingest_volatility(other, store=store)
    ingest_volatility(other, store=store, replace=True)
    assert levels_until(store.root, to_ns("2021-01-06T12:00:00-05:00")).close[-1] == 25.35


def test_a_file_without_closes_is_refused(tmp_path: Path, store: CatalogStore) -> None:
    with pytest.raises(DataError, match="has no close"):
        ingest_volatility(write(tmp_path, "DATE,X\n2021-01-04,1\n"), store=store)
    with pytest.raises(NotFoundError, match="is no file"):
        ingest_volatility(tmp_path / "absent.csv", store=store)
    assert not store.root.exists()


@pytest.mark.real_data
def test_the_rank_of_vix_on_2021_01_04(real_data: Path, store: CatalogStore) -> None:
    ingest_volatility(real_data / "rates_and_volatility/vix-daily.csv", store=store)
    rank = volatility_rank(levels_until(store.root, to_ns("2021-01-04T18:00:00-05:00")).close)
    assert (rank.current, rank.days) == (26.97, 252)
    assert round(100 * rank.rank_fraction, 2) == 21.07
    assert round(100 * rank.percentile_fraction, 2) == 50.79


@pytest.mark.real_data
def test_treasury_par_yields_become_curves(real_data: Path, store: CatalogStore) -> None:
    result = ingest_rates(
        real_data / "rates_and_volatility/us_treasury_par_yield_curve_1990_2017.csv", store=store
    )
    assert (result.rows, result.rejected) == (6816, 0)
    curve = curve_at(store.root, to_ns("2015-12-24T12:00:00-05:00"))
    assert curve is not None
    assert len(curve.tenors) == 11
    assert np.all(np.diff(curve.rates) > 0)
    assert float(curve.zero_rates(1.0)) == pytest.approx(0.0065, abs=0.0002)
