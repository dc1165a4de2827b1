"""Factor files make prices comparable over splits and dividends."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from catalog.lean.factor_files import Adjust, FactorFile
from catalog.lean.rows import day_number
from market.errors import DataError, NotFoundError

FACTORS = "19980102,0.8,0.1,1\n20140606,0.9,0.25,645.57\n20200828,0.95,0.5,499.23\n20501231,1,1,0\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "aapl.csv"
    path.write_text(FACTORS)
    return path


def days(*values: date) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array([day_number(day) for day in values], dtype=np.int64)


BEFORE, LAST, FIRST, NOW = date(1999, 1, 4), date(2014, 6, 6), date(2014, 6, 9), date(2021, 3, 1)


def test_a_factor_holds_up_to_its_day_and_not_after(path: Path) -> None:
    factors = FactorFile.read(path, Adjust.SPLITS)
    prices = factors.prices(np.array([6_455_700] * 4), days(BEFORE, LAST, FIRST, NOW))
    assert prices.tolist() == [1_613_925, 1_613_925, 3_227_850, 6_455_700]


def test_dividends_change_prices_but_not_sizes(path: Path) -> None:
    splits, both = (FactorFile.read(path, adjust) for adjust in (Adjust.SPLITS, Adjust.SPLITS_AND_DIVIDENDS))
    price, size = np.array([1_000_000]), np.array([100])
    assert splits.prices(price, days(LAST)).tolist() == [250_000]
    assert both.prices(price, days(LAST)).tolist() == [225_000]
    assert splits.sizes(size, days(LAST)).tolist() == both.sizes(size, days(LAST)).tolist() == [400]


def test_days_after_the_last_row_need_no_factor(path: Path) -> None:
    path.write_text("20140606,0.9,0.25,645.57\n")
    assert FactorFile.read(path, Adjust.SPLITS).prices(np.array([7]), days(NOW)).tolist() == [7]


@pytest.mark.parametrize(
    "text", ["", "hello", "20140606,x,1", "20140606,1", "20140606,1,0", "20140606,inf,1"]
)
def test_refuses_what_is_no_factor_file(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(DataError, match="not a Lean factor file"):
        FactorFile.read(path, Adjust.SPLITS)


def test_says_that_a_factor_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"No factor file .*ibm\.csv"):
        FactorFile.read(tmp_path / "ibm.csv", Adjust.SPLITS)
