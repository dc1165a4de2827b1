"""The store: one ingest at a time, whole or not at all, and nothing twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.columns import DataKind
from catalog.lanes import LANES, event_clock
from catalog.manifest import Halt, read_manifest
from catalog.storage.ingest import Ingest
from catalog.storage.lock import CatalogLock
from catalog.storage.streams import OPEN_FILES_MAX
from catalog.store import CatalogStore
from market.errors import DataError, HarvesterError, NotFoundError, UserError
from market.instruments import EquitySpec
from tests.catalog.stored_columns import (
    BAC,
    MINUTE_BARS,
    OPEN_NS,
    add_quotes,
    columns_of,
    ingest_with,
    quotes,
    snapshot,
    source,
    write_quotes,
)

TIMES = [OPEN_NS, OPEN_NS + 1, OPEN_NS + 1_000_000]
LATER = [time + 60_000_000_000 for time in TIMES]
WHY = "is not a number"


@pytest.fixture
def store(tmp_path: Path) -> CatalogStore:
    return CatalogStore(tmp_path / "catalog")


def test_an_ingest_is_recorded_with_source_rows_range_and_files(store: CatalogStore) -> None:
    result = write_quotes(store, TIMES).result
    record = store.manifest().find(source().ingest_id)
    assert record is not None
    assert (record.source, record.rows, record.rejected) == (source(), 3, 0)
    assert (record.start_ns, record.end_ns) == (result.start_ns, result.end_ns)
    assert [file.path for file in record.files] == list(result.files)
    assert all((store.root / path).is_file() for path in result.files)
    assert result.instruments == (BAC,)


def test_repeating_an_ingest_changes_no_byte(store: CatalogStore) -> None:
    first = write_quotes(store, TIMES).result
    before = snapshot(store.root)
    again = write_quotes(store, TIMES)
    assert again.unchanged
    assert again.result == replace(first, unchanged=True)
    assert snapshot(store.root) == before


def test_the_same_sources_give_the_same_catalog_byte_for_byte(tmp_path: Path) -> None:
    roots = [tmp_path / "one", tmp_path / "two"]
    for root in roots:
        write_quotes(CatalogStore(root), TIMES)
        write_quotes(CatalogStore(root), LATER, name="b")
    assert snapshot(roots[0]) == snapshot(roots[1])


def test_other_options_make_another_ingest() -> None:
    assert source(zone="UTC").ingest_id != source().ingest_id
    assert msgspec.structs.replace(source(), path="elsewhere.csv").ingest_id == source().ingest_id


def test_an_unchanged_ingest_must_not_be_written_to(store: CatalogStore) -> None:
    write_quotes(store, TIMES)
    with pytest.raises(HarvesterError, match="unchanged"):
        ingest_with(store, lambda ingest: add_quotes(ingest, LATER))


def test_a_source_whose_files_were_deleted_is_ingested_again(store: CatalogStore) -> None:
    result = write_quotes(store, TIMES).result
    complete = snapshot(store.root)
    (store.root / result.files[0]).unlink()
    assert not write_quotes(store, TIMES).unchanged
    assert snapshot(store.root) == complete


def _fail(_: Ingest) -> None:
    raise RuntimeError("in the middle")


def test_an_exception_leaves_the_catalog_as_it_was(store: CatalogStore) -> None:
    write_quotes(store, TIMES)
    before = snapshot(store.root)
    with pytest.raises(RuntimeError, match="in the middle"):
        ingest_with(store, lambda ingest: add_quotes(ingest, LATER), _fail, name="b")
    assert snapshot(store.root) == before


def test_an_exception_in_the_first_ingest_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        ingest_with(CatalogStore(tmp_path / "new"), lambda ingest: add_quotes(ingest, TIMES), _fail)
    assert not (tmp_path / "new").exists()


def test_an_ingest_without_a_good_row_is_refused_and_names_the_first_bad_one(store: CatalogStore) -> None:
    message = r"no usable row, 1 rejected, the first in line 7: bid 'x' is not a number"
    with pytest.raises(DataError, match=message):
        ingest_with(store, lambda ingest: ingest.reject(file="a", line=7, column="bid", value="x", why=WHY))
    assert not store.root.exists()


def test_other_data_of_the_same_time_is_refused_unless_it_replaces(store: CatalogStore) -> None:
    first = write_quotes(store, TIMES).result
    before = snapshot(store.root)
    with pytest.raises(DataError, match=r"BAC\.SMART already has quote data .* from a\.csv.*--replace"):
        write_quotes(store, TIMES[1:], name="b")
    assert snapshot(store.root) == before
    result = write_quotes(store, TIMES[1:], name="b", replace=True).result
    assert result.replaced == first.files
    assert [record.source.path for record in store.manifest().ingests] == ["b.csv"]
    assert not (store.root / first.files[0]).exists()


def test_an_ingest_around_other_data_is_refused(store: CatalogStore) -> None:
    write_quotes(store, LATER)
    with pytest.raises(DataError, match="already has"):
        write_quotes(store, [OPEN_NS, LATER[-1] + 60_000_000_000], name="b")


def test_replacing_a_stream_keeps_the_other_streams_of_that_ingest(store: CatalogStore) -> None:
    with store.ingest(source()) as ingest:
        add_quotes(ingest, TIMES)
        add_quotes(ingest, TIMES, symbol="SPY")
        ingest.reject(file="a.csv", line=1, column="x", value="y", why="z")
    write_quotes(store, TIMES, name="b", replace=True)
    kept = store.manifest().find(source().ingest_id)
    assert kept is not None
    assert [file.instrument_id for file in kept.files] == ["SPY.SMART"]
    assert kept.rows == 3
    write_quotes(store, TIMES, name="c", symbol="SPY", replace=True)
    assert store.manifest().find(source().ingest_id) is None
    assert not list((store.root / "rejects").iterdir())


def test_data_that_another_program_wrote_is_not_overwritten(store: CatalogStore) -> None:
    write_quotes(store, TIMES)
    (store.root / "manifest.json").unlink()
    with pytest.raises(DataError, match="a program other than"):
        write_quotes(store, TIMES, name="b")


@settings(max_examples=10, deadline=None)
@given(parts=st.lists(st.lists(st.integers(0, 30_000), min_size=1, max_size=8), min_size=1, max_size=6))
def test_ts_init_is_unique_over_the_catalog_and_grows_in_every_stream(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[int]]
) -> None:
    import pyarrow.parquet as pq

    store = CatalogStore(tmp_path_factory.mktemp("catalog"))
    start = OPEN_NS
    for number, gaps in enumerate(parts):
        times = start + np.cumsum(gaps)
        start = int(times[-1]) + 10 * LANES * (len(gaps) + 1)
        with store.ingest(source(f"s{number}")) as ingest:
            for symbol in ("BAC", "SPY"):
                ingest.add_instrument(EquitySpec(symbol=symbol))
                clock = event_clock(times.astype(np.int64))
                for kind in (DataKind.DELTA, DataKind.TRADE, DataKind.QUOTE, DataKind.BAR):
                    bar_type = f"{symbol}.SMART-1-MINUTE-LAST-EXTERNAL" if kind is DataKind.BAR else None
                    lane = ingest.lane(kind, f"{symbol}.SMART", bar_type)
                    columns = columns_of(kind, clock, lane, [1] * len(clock))
                    ingest.write(kind, f"{symbol}.SMART", columns, bar_type)
    streams = {
        folder: [pq.read_table(path)["ts_init"].to_pylist() for path in sorted(folder.glob("*.parquet"))]
        for folder in (store.root / "data").glob("*/*")
        if folder.parent.name != "equity"
    }
    everything: list[int] = []
    for files in streams.values():
        stream = [time for file in files for time in file]
        assert stream == sorted(set(stream))
        everything += stream
    assert len(set(everything)) == len(everything) == 8 * sum(len(part) for part in parts)


def test_ts_init_must_grow_and_lie_in_its_lane(store: CatalogStore) -> None:
    def add(ingest: Ingest) -> None:
        add_quotes(ingest, TIMES)

    def add_in_the_next_lane(ingest: Ingest) -> None:
        wrong = ingest.lane(DataKind.QUOTE, BAC) + 1
        ingest.write(DataKind.QUOTE, BAC, quotes(LATER, lane=wrong))

    with pytest.raises(ValueError, match="grow strictly"):
        ingest_with(store, add, add)
    with pytest.raises(ValueError, match="must be a clock reading plus the lane 2"):
        ingest_with(store, add, add_in_the_next_lane)


def test_streams_need_their_instrument_and_bars_their_type(store: CatalogStore) -> None:
    def know_bac(ingest: Ingest) -> None:
        ingest.add_instrument(EquitySpec(symbol="BAC"))

    with pytest.raises(ValueError, match=r"add_instrument\('BAC'\)"):
        ingest_with(store, lambda ingest: _ignore(ingest.lane(DataKind.QUOTE, BAC)))
    with pytest.raises(ValueError, match="bars need one"):
        ingest_with(store, know_bac, lambda ingest: _ignore(ingest.lane(DataKind.BAR, BAC)))
    with pytest.raises(TypeError, match="QuoteColumns are no columns of a trade"):
        ingest_with(store, know_bac, lambda ingest: ingest.write(DataKind.TRADE, BAC, quotes(TIMES, lane=2)))


def _ignore(_: object) -> None:
    pass


def test_lanes_survive_from_ingest_to_ingest(store: CatalogStore) -> None:
    write_quotes(store, TIMES)
    with store.ingest(source("b")) as ingest:
        add_quotes(ingest, TIMES, symbol="SPY")
        lanes = ingest.lane(DataKind.QUOTE, BAC), ingest.lane(DataKind.QUOTE, "SPY.SMART")
    assert lanes == (2, 5)
    assert store.manifest().lanes.ticks == {BAC: 0, "SPY.SMART": 3}


def test_an_instrument_cannot_change(store: CatalogStore) -> None:
    write_quotes(store, TIMES)
    with pytest.raises(DataError, match="The catalog knows BAC"), store.ingest(source("b")) as ingest:
        ingest.add_instrument(EquitySpec(symbol="BAC", lot_size=100))


@pytest.mark.parametrize("symbol", ["", "A*B", "../BAC", "A" * 40, "BAC'"])
def test_what_cannot_be_a_symbol_is_refused(store: CatalogStore, symbol: str) -> None:
    with pytest.raises(DataError, match="is no symbol"), store.ingest(source()) as ingest:
        ingest.add_instrument(EquitySpec(symbol=symbol))


def test_two_symbols_that_nautilus_cannot_tell_apart_are_refused(store: CatalogStore) -> None:
    def know_both(ingest: Ingest) -> None:
        ingest.add_instrument(EquitySpec(symbol="BRK.B"))
        ingest.add_instrument(EquitySpec(symbol="BRK-B"))

    with pytest.raises(DataError, match=r"cannot tell BRK-B\.SMART from BRK\.B\.SMART"):
        ingest_with(store, know_both)


def test_halts_are_kept_sorted_and_once(store: CatalogStore) -> None:
    halts = [Halt("SPY.SMART", 5, 6, "volatility"), Halt(BAC, 3, 4, "news")]
    for name in ("a", "b"):
        with store.ingest(source(name)) as ingest:
            add_quotes(ingest, TIMES if name == "a" else LATER)
            ingest.add_halts(halts)
    assert store.halts() == sorted(halts)


def test_more_streams_than_open_files_are_written_completely(store: CatalogStore) -> None:
    import pyarrow.parquet as pq

    symbols = [f"S{number}" for number in range(OPEN_FILES_MAX + 20)]
    with store.ingest(source()) as ingest:
        for symbol in symbols:
            add_quotes(ingest, TIMES, symbol=symbol)
    assert len(ingest.result.files) == len(symbols)
    assert sum(pq.read_metadata(store.root / path).num_rows for path in ingest.result.files) == 3 * len(
        symbols
    )


def test_a_stream_whose_file_was_closed_goes_on_in_another(
    store: CatalogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.storage.streams.OPEN_FILES_MAX", 1)
    monkeypatch.setattr("catalog.storage.streams.ROW_GROUP_ROWS", 1)
    with store.ingest(source()) as ingest:
        add_quotes(ingest, TIMES)
        add_quotes(ingest, TIMES, symbol="SPY")
        add_quotes(ingest, LATER)
    assert len([path for path in ingest.result.files if "BAC" in path]) == 2
    assert ingest.result.rows == 9


def test_waiting_rows_are_bounded(store: CatalogStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.storage.streams.WAITING_ROWS_MAX", 4)
    with store.ingest(source()) as ingest:
        for symbol in ("BAC", "SPY", "F"):
            add_quotes(ingest, TIMES, symbol=symbol)
            assert ingest._staged._waiting_rows <= 4
    assert ingest.result.rows == 9


def test_only_one_process_writes_at_a_time(store: CatalogStore) -> None:
    write_quotes(store, TIMES)
    lock = CatalogLock(store.root / ".ingest" / "lock")
    lock.acquire()
    try:
        with pytest.raises(DataError, match="Another ingest is writing"):
            write_quotes(store, LATER, name="b")
        assert CatalogStore.open_existing(store.root).manifest().ingests  # reading goes on
    finally:
        lock.release()
    write_quotes(store, LATER, name="b")


def test_a_folder_without_a_catalog_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"No catalog in .*harvester ingest"):
        CatalogStore.open_existing(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="is a file"):
        CatalogStore(tmp_path / "file")


@pytest.mark.parametrize(
    ("content", "message"), [("{", "is damaged"), ('{"format_version": 99}', "format version 99")]
)
def test_a_manifest_that_cannot_be_read_is_refused(store: CatalogStore, content: str, message: str) -> None:
    write_quotes(store, TIMES)
    (store.root / "manifest.json").write_text(content)
    with pytest.raises(DataError, match=message):
        read_manifest(store.root)


def test_bars_go_into_the_folder_of_their_type(store: CatalogStore) -> None:
    with store.ingest(source()) as ingest:
        ingest.add_instrument(EquitySpec(symbol="BAC"))
        clock = event_clock(np.array(TIMES))
        lane = ingest.lane(DataKind.BAR, BAC, MINUTE_BARS)
        ingest.write(DataKind.BAR, BAC, columns_of(DataKind.BAR, clock, lane, [1, 2, 3]), MINUTE_BARS)
    assert ingest.result.files[0].startswith(f"data/bar/{MINUTE_BARS}/")
