from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from catalog.contents import describe_catalog
from catalog.store import CatalogStore
from catalog.synthetic_market import write_synthetic_market
from market.errors import DataError, NotFoundError
from tests.catalog.quality_checks.quality_builders import (
    DAILY_BARS,
    DAY,
    INSTRUMENT,
    Planted,
    at_new_york,
    clean_bars,
    clean_quotes,
    clean_trades,
    session_times,
)
from tests.catalog.synthetic.builders import small_spec

TUESDAY = date(2025, 3, 4)


def test_describes_streams_sources_and_halts_of_an_ingest(tmp_path: Path) -> None:
    spec = small_spec(end=TUESDAY, halt_probability=1.0)
    result = write_synthetic_market(spec, store=CatalogStore(tmp_path))
    contents = describe_catalog(tmp_path)
    assert contents.has_manifest
    assert contents.problems == ()
    assert contents.rows == result.rows
    assert [(found.instrument_id, found.kind) for found in contents.instruments] == [
        ("ZVZZT.SMART", "equity"),
        ("ZWZZT.SMART", "equity"),
    ]
    assert contents.instruments[0].price_increment == Decimal("0.01")
    assert [(stream.instrument_id, stream.data_type) for stream in contents.streams] == [
        (name, kind)
        for name in ("ZVZZT.SMART", "ZWZZT.SMART")
        for kind in ("order_book_deltas", "quote_tick", "trade_tick")
    ]
    for stream in contents.streams:
        assert (stream.sessions, stream.first_session, stream.last_session) == (2, DAY, TUESDAY)
        assert stream.sources == (result.ingest_id,)
    (source,) = contents.sources
    assert (source.kind, source.rows, source.rejected) == ("synthetic", result.rows, 0)
    assert len(contents.halts) == 4


def test_describes_a_catalog_without_a_manifest(tmp_path: Path) -> None:
    times = np.concatenate([session_times(DAY), session_times(TUESDAY)])
    root = Planted(streams=[clean_quotes(times), clean_trades()]).write(tmp_path / "c")
    contents = describe_catalog(root)
    assert not contents.has_manifest
    assert contents.sources == ()
    quotes, trades = contents.streams
    assert (quotes.rows, quotes.sessions, quotes.files) == (4_680, 2, 1)
    assert quotes.first_ns == int(times[0]) + 1_000
    assert (trades.rows, trades.sessions, trades.sources) == (2_340, 1, ())
    assert contents.size_bytes == sum(
        path.stat().st_size for path in (root / "data").glob("*_tick/*/*.parquet")
    )


def test_a_bar_that_closes_at_midnight_belongs_to_the_day_before(tmp_path: Path) -> None:
    midnights = np.array([at_new_york(day, time.min) for day in (DAY, TUESDAY)])
    root = Planted(streams=[clean_bars(midnights - 1_001, bar_type=DAILY_BARS)]).write(tmp_path / "c")
    (stream,) = describe_catalog(root).streams
    assert (stream.first_session, stream.last_session, stream.sessions) == (date(2025, 3, 2), DAY, 2)


def test_says_where_files_and_manifest_disagree(tmp_path: Path) -> None:
    write_synthetic_market(small_spec(depth_levels=0), store=CatalogStore(tmp_path))
    quotes = next((tmp_path / "data/quote_tick/ZVZZT.SMART").glob("*.parquet"))
    trades = next((tmp_path / "data/trade_tick/ZVZZT.SMART").glob("*.parquet"))
    others = next((tmp_path / "data/trade_tick/ZWZZT.SMART").glob("*.parquet"))
    damaged = next((tmp_path / "data/quote_tick/ZWZZT.SMART").glob("*.parquet"))
    quotes.rename(quotes.with_name("2020-01-01T00-00-00-000000000Z_2020-01-01T00-00-01-000000000Z.parquet"))
    trades.write_bytes(others.read_bytes())
    damaged.write_bytes(b"nothing")
    problems = describe_catalog(tmp_path).problems
    assert len(problems) == 4
    assert "cannot be read" in problems[0]
    assert "is in the manifest and not on disk" in problems[1]
    assert "the manifest says" in problems[2]
    assert "another program" in problems[3]


def test_refuses_a_folder_that_is_no_catalog_and_a_damaged_manifest(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="No catalog"):
        describe_catalog(tmp_path)
    root = Planted(streams=[clean_quotes()]).write(tmp_path / "c")
    (root / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="damaged"):
        describe_catalog(root)


def test_reads_no_records_of_a_file_within_one_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Planted(streams=[clean_quotes()], with_instrument=False).write(tmp_path / "c")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("records were read")

    monkeypatch.setattr("catalog.contents.pq.read_table", refuse)
    (stream,) = describe_catalog(root).streams
    assert (stream.instrument_id, stream.sessions) == (INSTRUMENT, 1)
