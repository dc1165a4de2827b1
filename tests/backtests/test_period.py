"""A run names what it misses before it loads anything."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from backtests.period import Book, Selection, select
from catalog.columns import Aggressor, DataKind
from market.errors import DataError, NotFoundError
from market.time import NS_PER_MINUTE
from tests.backtests.markets import DAY, START_NS, steady_quotes, write_market

ZVZZT, ZWZZT = "ZVZZT.SMART", "ZWZZT.SMART"
ONE_DAY_NS = 24 * 60 * NS_PER_MINUTE
MARK = [(500, 9.00, 100, Aggressor.SELLER)]


def _select(
    catalog: Path,
    *names: str,
    book: Book = "L1",
    days: tuple[date | None, date | None] = (None, None),
    queue: bool = True,
) -> Selection:
    return select(catalog, names or (ZVZZT,), book=book, queue_position=queue, days=days)


def test_takes_the_days_of_the_catalog_unless_told_otherwise(tmp_path: Path) -> None:
    catalog = write_market(tmp_path / "c", quotes=steady_quotes(seconds=2))
    period = _select(catalog).period
    assert (period.start, period.end, len(period.sessions)) == (DAY, DAY, 1)


def test_chooses_files_by_kind_and_instrument_in_a_fixed_order(tmp_path: Path) -> None:
    catalog = write_market(tmp_path / "c", symbol="ZWZZT", quotes=steady_quotes(seconds=1))
    write_market(catalog, symbol="ZVZZT", quotes=steady_quotes(seconds=1), trades=MARK)
    selection = _select(catalog, ZWZZT, ZVZZT)
    assert selection.instrument_ids == (ZVZZT, ZWZZT)
    assert selection.of(DataKind.QUOTE) == (ZVZZT, ZWZZT)
    assert selection.of(DataKind.TRADE) == (ZVZZT,)


def test_keeps_a_queue_only_where_every_instrument_has_trades(tmp_path: Path) -> None:
    catalog = write_market(tmp_path / "c", quotes=steady_quotes(seconds=1), trades=MARK)
    write_market(catalog, symbol="ZWZZT", quotes=steady_quotes(seconds=1))
    assert _select(catalog, ZVZZT).queue_position
    assert not _select(catalog, ZVZZT, queue=False).queue_position
    assert not _select(catalog, ZVZZT, ZWZZT).queue_position


def test_names_a_symbol_without_quotes_and_the_command_that_brings_it(tmp_path: Path) -> None:
    catalog = write_market(tmp_path / "c", quotes=steady_quotes(seconds=1))
    with pytest.raises(
        DataError, match=r"ZWZZT has no quotes.*harvester ingest .*--symbol ZVZZT --symbol ZWZZT"
    ):
        _select(catalog, ZVZZT, ZWZZT)


def test_names_the_date_on_which_quotes_are_missing(tmp_path: Path) -> None:
    catalog = write_market(tmp_path / "c", quotes=steady_quotes(seconds=1))
    with pytest.raises(
        DataError, match=r"ZVZZT has no quotes on 2013-10-08.*--start 2013-10-07 --end 2013-10-08"
    ):
        _select(catalog, days=(DAY, date(2013, 10, 8)))


def test_names_the_day_in_the_middle_that_another_symbol_has(tmp_path: Path) -> None:
    catalog = write_market(tmp_path / "c", quotes=steady_quotes(seconds=1))
    write_market(catalog, quotes=steady_quotes(seconds=1), start_ns=START_NS + 2 * ONE_DAY_NS)
    with pytest.raises(DataError, match="ZVZZT has no quotes on 2013-10-08") as raised:
        _select(catalog)
    assert "10-07" not in str(raised.value).split("Bring")[0]


def test_names_missing_depth(tmp_path: Path) -> None:
    catalog = write_market(tmp_path / "c", quotes=steady_quotes(seconds=1))
    with pytest.raises(DataError, match="ZVZZT has no order book deltas"):
        _select(catalog, book="L2")


def test_names_missing_bars(tmp_path: Path) -> None:
    catalog = write_market(tmp_path / "c", quotes=steady_quotes(seconds=1))
    with pytest.raises(DataError, match="ZVZZT has no bars"):
        _select(catalog, book="bars")


def test_shows_only_so_many_of_many_missing_things(tmp_path: Path) -> None:
    catalog = write_market(tmp_path / "c", quotes=steady_quotes(seconds=1))
    with pytest.raises(DataError, match=r"and \d+ more"):
        _select(catalog, days=(DAY, date(2013, 11, 29)))


def test_refuses_a_period_without_a_session(tmp_path: Path) -> None:
    catalog = write_market(tmp_path / "c", quotes=steady_quotes(seconds=1))
    with pytest.raises(DataError, match="exchange is closed from 2013-10-05 to 2013-10-06"):
        _select(catalog, days=(date(2013, 10, 5), date(2013, 10, 6)))


def test_refuses_a_period_that_ends_before_the_catalog_begins(tmp_path: Path) -> None:
    catalog = write_market(tmp_path / "c", quotes=steady_quotes(seconds=1))
    with pytest.raises(DataError, match="ends on 2013-10-04, before it starts on 2013-10-07"):
        _select(catalog, days=(None, date(2013, 10, 4)))


def test_says_where_no_catalog_is(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="No catalog in"):
        _select(tmp_path / "nothing")


@pytest.mark.parametrize("folder", ["quote_tick", "equity"])
def test_names_a_damaged_file_before_the_run(tmp_path: Path, folder: str) -> None:
    catalog = write_market(tmp_path / "c", quotes=steady_quotes(seconds=2))
    path = next((catalog / "data" / folder).rglob("*.parquet"))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"damaged files: .*cannot be read.*ingest their sources") as raised:
        _select(catalog)
    assert str(path) in str(raised.value)


def test_names_files_that_are_gone_or_hold_other_rows(tmp_path: Path) -> None:
    catalog = write_market(tmp_path / "c", quotes=steady_quotes(seconds=2))
    path = next((catalog / "data" / "quote_tick").rglob("*.parquet"))
    pq.write_table(pq.read_table(path, partitioning=None).slice(1), path)
    with pytest.raises(DataError, match="rows, the manifest says"):
        _select(catalog)
    path.unlink()
    with pytest.raises(DataError, match=rf"{path.name} is gone"):
        _select(catalog)
