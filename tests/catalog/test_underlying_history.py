"""Closes and realised volatility of an underlying, from its bars or from the prices of its chains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from catalog.csv_source.options import CsvOptions
from catalog.ingest_csv import ingest_csv
from catalog.ingest_lean import ingest_lean
from catalog.store import CatalogStore
from catalog.underlying_history import REALISED_DAYS, daily_closes, realised_at
from market.errors import NotFoundError
from market.time import to_ns
from market.volatility import realised_volatility
from tests.catalog.volatility_days import write_days
from tests.market.chains import DAY_NS, NOW_NS

PRICES = [100.0 + (7 * day) % 5 - 0.3 * (day % 3) for day in range(40)]


def _is_session(day: int) -> bool:
    return day % 7 < 5 and day != 14  # from Monday 2021-01-04 on; 2021-01-18 was Martin Luther King's day


@pytest.fixture
def chains(tmp_path: Path) -> Path:
    """Chains of forty days, weekends and a holiday too, at 10:01 and 11:01."""
    return write_days(
        tmp_path / "chains",
        [(day, minutes, 0.2, PRICES[day] + minutes / 60) for day in range(40) for minutes in (0, 60)],
    )


def test_the_last_price_of_each_session_counts(chains: Path) -> None:
    found = daily_closes(chains, "SPX", NOW_NS + 100 * DAY_NS)
    expected = [PRICES[day] + 1 for day in range(40) if _is_session(day)]
    assert found.close == pytest.approx(expected)
    assert found.source == "SPX option chains"
    at_ten = daily_closes(chains, "SPX", NOW_NS + 8 * DAY_NS)
    assert at_ten.close == pytest.approx([*expected[:6], PRICES[8]])  # of the current day what is known


def test_realised_volatility_is_that_of_the_last_returns(chains: Path) -> None:
    at_ns = NOW_NS + 39 * DAY_NS + DAY_NS // 2
    found = realised_at(chains, "SPX", at_ns)
    assert found is not None
    closes = [PRICES[day] + 1 for day in range(40) if _is_session(day)][-REALISED_DAYS - 1 :]
    returns = np.diff(np.log(closes))
    by_hand = np.sqrt(252 * np.sum((returns - returns.mean()) ** 2) / (len(returns) - 1))
    assert found.volatility == pytest.approx(by_hand) == realised_volatility(closes)
    assert (found.days, found.source) == (REALISED_DAYS, "SPX option chains")


def test_too_few_or_too_old_prices_give_none(chains: Path) -> None:
    sessions = [day for day in range(40) if _is_session(day)]
    enough = NOW_NS + sessions[REALISED_DAYS] * DAY_NS
    assert realised_at(chains, "SPX", enough) is not None
    assert realised_at(chains, "SPX", enough - 1) is None
    last = NOW_NS + sessions[-1] * DAY_NS + 60 * 60 * 10**9
    assert realised_at(chains, "SPX", last + 7 * DAY_NS) is not None
    assert realised_at(chains, "SPX", last + 7 * DAY_NS + 1) is None
    assert realised_at(chains, "NDX", enough) is None
    with pytest.raises(NotFoundError, match="No catalog in"):
        realised_at(chains / "nothing", "SPX", enough)


def test_what_tells_most_days_counts(tmp_path: Path) -> None:
    root = write_days(tmp_path / "catalog", [(day, 0, 0.2, PRICES[day]) for day in range(3)], name="KO")
    path = tmp_path / "ko.csv"
    rows = [f"2021-01-{day:02},50,51,49,{50 + day / 100},1000" for day in (4, 5, 6, 7, 8)]
    path.write_text("date,open,high,low,close,volume\n" + "\n".join(rows) + "\n", encoding="utf-8")
    options = CsvOptions(bar="1-DAY", time_zone="America/New_York")
    ingest_csv(path, store=CatalogStore(root), symbols=["KO"], options=options)
    found = daily_closes(root, "KO", to_ns("2021-01-31T00:00:00Z"))
    assert found.close == pytest.approx([50.04, 50.05, 50.06, 50.07, 50.08])
    assert found.source == "KO.SMART-1-DAY-LAST-EXTERNAL"
    assert daily_closes(root, "KO", to_ns("2021-01-05T18:00:00-05:00")).source == "KO option chains"


@pytest.mark.real_data
def test_closes_of_minutes_are_those_of_the_daily_file(real_data: Path, tmp_path: Path) -> None:
    store = CatalogStore(tmp_path / "catalog")
    ingest_lean(real_data / "lean/equity/usa/minute/bac", store=store)
    found = daily_closes(store.root, "BAC", to_ns("2013-10-09T20:00:00-04:00"))
    assert found.close[-3:] == pytest.approx([13.81, 13.69, 13.84])  # the data README's closes
