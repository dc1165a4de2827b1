"""A day's statistics count the regular session, weigh spreads by time and admit what is unknown."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from catalog.day_statistics import day_statistics
from catalog.manifest import SourceDescription
from catalog.store import CatalogStore
from market.errors import DataError, NotFoundError
from market.instruments import EquitySpec
from market.universe import DayStatistics
from tests.catalog.day_catalog import QuoteRow, liquid_and_thin, write_quotes

DAY = date(2013, 10, 7)


@pytest.fixture(scope="module")
def statistics(tmp_path_factory: pytest.TempPathFactory) -> dict[str, DayStatistics]:
    return day_statistics(liquid_and_thin(tmp_path_factory.mktemp("catalog")), DAY)


def test_every_instrument_of_the_catalog_is_looked_at(statistics: dict[str, DayStatistics]) -> None:
    assert list(statistics) == ["BARS", "DEAR", "IDLE", "LQD"]


def test_only_the_regular_session_counts(statistics: dict[str, DayStatistics]) -> None:
    liquid = statistics["LQD"]
    assert (liquid.quotes, liquid.trades, liquid.depth_updates) == (3, 2, 2)
    assert liquid.volume_shares == 50_000
    assert (liquid.first_price, liquid.last_price) == (Decimal("5.0000"), Decimal("5.0200"))


def test_spreads_are_weighted_by_the_time_they_stood(statistics: dict[str, DayStatistics]) -> None:
    liquid = statistics["LQD"]
    assert liquid.spread_usd == pytest.approx((0.01 * 3 + 0.03 * 1) / 4)
    assert liquid.spread_bps == pytest.approx((0.01 / 5.005 * 3 + 0.03 / 5.015 * 1) / 4 * 1e4)


def test_without_trades_or_bars_the_price_is_the_mid_and_the_volume_unknown(
    statistics: dict[str, DayStatistics],
) -> None:
    dear = statistics["DEAR"]
    assert (dear.first_price, dear.last_price) == (Decimal("50.5000"), Decimal("50.6000"))
    assert (dear.volume_shares, dear.trades) == (None, 0)


def test_the_finest_bars_of_traded_prices_give_price_and_volume(statistics: dict[str, DayStatistics]) -> None:
    bars = statistics["BARS"]
    assert (bars.bars, bars.volume_shares) == (
        2,
        1_100,
    )  # the bar that ended at the open is not in the session
    assert (bars.first_price, bars.last_price) == (Decimal("7.0000"), Decimal("7.2000"))
    assert (bars.spread_usd, bars.spread_bps) == (None, None)


def test_an_instrument_without_records_has_no_data(statistics: dict[str, DayStatistics]) -> None:
    assert statistics["IDLE"] == DayStatistics(symbol="IDLE")
    assert not statistics["IDLE"].has_data


def _spread(root: Path, rows: list[QuoteRow]) -> float | None:
    source = SourceDescription(kind="csv", path="made-up", sha256="1" * 64)
    with CatalogStore(root).ingest(source) as ingest:
        ingest.add_instrument(EquitySpec(symbol="ODD"))
        write_quotes(ingest, "ODD", rows)
    return day_statistics(root, DAY)["ODD"].spread_usd


def test_crossed_and_one_sided_quotes_weigh_nothing(tmp_path: Path) -> None:
    rows = [
        ("10:00:00", 500, 501, 1, 1),
        ("10:00:01", 502, 501, 1, 1),  # crossed for a minute
        ("10:01:01", 500, 503, 1, 1),
        ("10:01:02", 0, 503, 0, 1),
        ("10:30:00", 500, 599, 1, 1),
    ]
    assert _spread(tmp_path, rows) == pytest.approx(0.02)


def test_a_single_quote_is_its_own_mean(tmp_path: Path) -> None:
    assert _spread(tmp_path, [("10:00:00", 500, 507, 1, 1)]) == pytest.approx(0.07)


def test_a_day_of_nothing_but_crossed_quotes_has_no_spread(tmp_path: Path) -> None:
    assert _spread(tmp_path, [("10:00:00", 502, 501, 1, 1), ("10:00:01", 502, 501, 1, 1)]) is None


def test_named_symbols_are_looked_at_even_when_unknown(tmp_path: Path) -> None:
    catalog = liquid_and_thin(tmp_path)
    found = day_statistics(catalog, DAY, symbols=("DEAR", "NONE"))
    assert list(found) == ["DEAR", "NONE"]
    assert not found["NONE"].has_data


def test_another_day_has_none_of_it(tmp_path: Path) -> None:
    found = day_statistics(liquid_and_thin(tmp_path), date(2013, 10, 8))
    assert not any(day.has_data for day in found.values())


def test_a_day_without_a_session_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="2013-10-06 is not a trading day"):
        day_statistics(liquid_and_thin(tmp_path), date(2013, 10, 6))


def test_a_folder_without_a_catalog_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="No catalog"):
        day_statistics(tmp_path, DAY)
