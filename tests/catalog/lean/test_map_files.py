"""Map files tell which company a ticker meant on a day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from catalog.lean.map_files import FAR_FUTURE, FAR_PAST, Listing, MapFiles
from market.errors import DataError


def maps(folder: Path, **files: str) -> MapFiles:
    for name, text in files.items():
        (folder / f"{name.replace('_', '.')}.csv").write_text(text)
    return MapFiles.read(folder)


def test_a_company_has_its_tickers_one_after_the_other(tmp_path: Path) -> None:
    known = maps(tmp_path, bac="19980102,nb,N\n19980930,nb,N\n20501231,bac,N\n")
    assert known.listings("NB") == [Listing("nb", date(1998, 1, 2), date(1998, 9, 30), "BAC")]
    assert known.listings("bac") == [Listing("bac", date(1998, 10, 1), date(2050, 12, 31), "BAC")]
    assert known.tickers_of("bac") == ["nb", "bac"]


def test_a_ticker_may_come_back_to_its_company(tmp_path: Path) -> None:
    known = maps(tmp_path, spwr="20051117,spwr\n20080929,spwr\n20111116,spwra\n20501231,spwr\n")
    assert [(one.start.year, one.end.year) for one in known.listings("spwr")] == [(2005, 2008), (2011, 2050)]


def test_a_ticker_may_pass_to_another_company(tmp_path: Path) -> None:
    known = maps(
        tmp_path,
        goog="20140327,goocv\n20140402,goocv\n20501231,goog\n",
        googl="20040819,goog\n20140402,goog\n20501231,googl\n",
    )
    assert [(one.symbol, one.start) for one in known.listings("goog")] == [
        ("GOOGL", date(2004, 8, 19)),
        ("GOOG", date(2014, 4, 3)),
    ]


def test_an_older_company_of_the_same_ticker_has_its_own_symbol(tmp_path: Path) -> None:
    known = maps(tmp_path, aaa_1="20020522,aaa\n20070518,aaa\n", aaa="20200909,aaa\n20501231,aaa\n")
    assert [one.symbol for one in known.listings("aaa")] == ["AAA.1", "AAA"]


def test_without_map_files_a_ticker_is_its_company_at_all_times(tmp_path: Path) -> None:
    everywhere = [Listing("bac", FAR_PAST, FAR_FUTURE, "BAC")]
    assert MapFiles.read(None).listings("BAC") == everywhere
    assert MapFiles.read(tmp_path / "nowhere").listings("bac") == everywhere


def test_joins_rows_that_repeat_a_ticker(tmp_path: Path) -> None:
    known = maps(tmp_path, a="19980102,a,N\n20100101,a,N\n20501231,a,Q\n")
    assert len(known.listings("a")) == 1


@pytest.mark.parametrize("text", ["", "hello", "19980102,a\nyesterday,b"])
def test_refuses_what_is_no_map_file(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match="not a Lean map file"):
        maps(tmp_path, a=text)


def test_refuses_two_companies_with_one_ticker_on_a_day(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.csv and b\.csv both claim 'x' on 2005-01-01"):
        maps(tmp_path, a="20000101,x\n20101231,x\n", b="20050101,x\n20201231,x\n")
