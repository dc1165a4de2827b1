"""Recordings through a real kernel's bus: what is kept, what survives a death, what is said of the data."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import BacktestEngineConfig, LoggingConfig
from nautilus_trader.model.data import OptionGreeks, OrderBookDelta, QuoteTick, TradeTick
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from audit.events import ALERTS_TOPIC, AlertRecord, DataFileRecord, DataQualityRecord
from catalog.columns import DataKind
from catalog.instruments import nautilus_equity
from catalog.recording import NodeRecording, RecordingSettings, record_market_data, recover
from catalog.recording.publication import SPOOL, file_hash
from catalog.recording.rows import columns_of
from catalog.recording.spool import Spool, read_spool
from market.errors import DataError
from market.instruments import EquitySpec
from tests.catalog.recording.records import (
    AAPL,
    START_NS,
    MemorySink,
    content,
    delta,
    greeks,
    message,
    quote,
    trade,
)

NEVER = 3_600.0
PATIENT = RecordingSettings(batch_seconds=NEVER)


@pytest.fixture
def kernel() -> Iterator[Any]:
    config = BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True))
    engine = BacktestEngine(config=config)
    for symbol in ("BAC", "AAPL"):
        engine.kernel.cache.add_instrument(nautilus_equity(EquitySpec(symbol=symbol)))
    yield engine.kernel
    engine.dispose()


def _send(kernel: Any, *records: Any) -> None:
    for record in records:
        kernel.msgbus.send(endpoint="DataEngine.process", msg=record)


def _recorded(kernel: Any, run_dir: Path, records: list[Any], sink: MemorySink | None = None) -> MemorySink:
    sink = sink or MemorySink()
    recording = record_market_data(kernel, run_dir, sink=sink, settings=PATIENT)
    _send(kernel, *records)
    recording.close()
    return sink


def _dead(kernel: Any, run_dir: Path, batches: list[list[Any]]) -> None:
    """Leave behind what a node leaves that died after these batches."""
    recording = record_market_data(kernel, run_dir, sink=MemorySink(), settings=PATIENT)
    for records in batches:
        _send(kernel, *records)
        recording.writer._write_batches()
    recording.writer._publish = lambda: None  # type: ignore[method-assign]
    recording.close()


def test_an_unmodified_catalog_reads_what_strategies_saw(kernel: Any, tmp_path: Path) -> None:
    seen: list[Any] = []
    for topic in ("data.quotes.*", "data.trades.*", "data.option_greeks.*"):
        kernel.msgbus.subscribe(topic=topic, handler=seen.append)
    kernel.msgbus.subscribe(topic="data.book.deltas.*", handler=lambda msg: seen.extend(msg.deltas))
    records = [quote(START_NS), trade(START_NS), message(START_NS), greeks(START_NS), delta(START_NS)]
    records += [quote(START_NS, bid="950.1234", ask="951.0000", of=AAPL)]
    _recorded(kernel, tmp_path, records)

    stored = ParquetDataCatalog(str(tmp_path))
    read = [*stored.quote_ticks(), *stored.trade_ticks(), *stored.order_book_deltas()]
    read += stored.query(OptionGreeks)
    read.sort(key=lambda record: record.ts_init)
    assert [content(each) for each in read] == [content(each) for each in seen]
    assert len({each.ts_init for each in read}) == len(read) == 8
    assert {str(each.id) for each in stored.instruments()} == {"BAC.SMART", "AAPL.SMART"}


def test_the_tape_comes_before_every_strategy(kernel: Any, tmp_path: Path) -> None:
    places: list[tuple[int, int | None]] = []
    kernel.msgbus.subscribe(
        topic="data.quotes.*",
        handler=lambda tick: places.append((tick.ts_init, recording.market_ns)),
        priority=1_000,
    )
    recording: NodeRecording = record_market_data(kernel, tmp_path, sink=MemorySink(), settings=PATIENT)
    assert recording.market_ns is None
    _send(kernel, *[quote(START_NS) for _ in range(5)])
    recording.close()
    assert places == [(START_NS + each, START_NS + each) for each in range(5)]


def test_an_alert_is_journalled_at_its_place_among_the_data(kernel: Any, tmp_path: Path) -> None:
    places: list[int | None] = []

    class Sink(MemorySink):
        def append(self, body: Any, *, ts_ns: int, market_ns: int | None = None) -> int:
            places.append(market_ns)
            return super().append(body, ts_ns=ts_ns)

    sink = Sink()
    recording = record_market_data(kernel, tmp_path, sink=sink, settings=PATIENT)
    _send(kernel, quote(START_NS))
    alert = AlertRecord(strategy_id="S-1", action="alert", now_ns=START_NS + 9)
    kernel.msgbus.publish(topic=ALERTS_TOPIC, msg=alert)
    recording.close()
    assert (sink.bodies[0], places[0]) == (alert, START_NS)


def test_the_files_are_told_with_their_hashes(kernel: Any, tmp_path: Path) -> None:
    sink = _recorded(kernel, tmp_path, [quote(START_NS), quote(START_NS + 5), trade(START_NS)])
    files = {file.kind: file for file in sink.of(DataFileRecord)}
    assert {kind: file.rows for kind, file in files.items()} == {"quote": 2, "trade": 1}
    for file in files.values():
        path = tmp_path / file.path
        assert (path.stat().st_size, file_hash(path)) == (file.size_bytes, file.sha256)


def test_a_recording_that_goes_on_never_repeats_a_stamp(kernel: Any, tmp_path: Path) -> None:
    for _ in range(2):
        _recorded(kernel, tmp_path, [quote(START_NS), quote(START_NS)])
    assert [tick.ts_init - START_NS for tick in ParquetDataCatalog(str(tmp_path)).quote_ticks()] == [
        0,
        1,
        2,
        3,
    ]


@pytest.mark.parametrize("cut", [0, 1, 7, 15, 40, 200])
def test_a_torn_batch_is_absent_and_those_before_it_are_whole(kernel: Any, tmp_path: Path, cut: int) -> None:
    _dead(kernel, tmp_path, [[quote(START_NS), trade(START_NS + 1)], [quote(START_NS + 2)]])
    spool = tmp_path / SPOOL
    ends = [end for end, _ in read_spool(spool)]
    os.truncate(spool, ends[-1] - cut)
    recovered = recover(tmp_path)
    assert recovered is not None
    whole = cut == 0
    assert recovered.rows == (3 if whole else 2)
    assert recovered.torn_bytes == (0 if whole else ends[1] - ends[0] - cut)
    assert recovered.last_ns == START_NS + (2 if whole else 1)
    assert len(ParquetDataCatalog(str(tmp_path)).quote_ticks()) == (2 if whole else 1)
    assert recover(tmp_path) is None


def test_a_changed_byte_ends_the_spool_before_its_batch(kernel: Any, tmp_path: Path) -> None:
    _dead(kernel, tmp_path, [[quote(START_NS)], [quote(START_NS + 1)], [quote(START_NS + 2)]])
    spool = tmp_path / SPOOL
    ends = [end for end, _ in read_spool(spool)]
    data = bytearray(spool.read_bytes())
    data[ends[0] + 60] ^= 1
    spool.write_bytes(bytes(data))
    assert [end for end, _ in read_spool(spool)] == ends[:1]


def test_a_publication_that_was_cut_off_is_done_again(kernel: Any, tmp_path: Path) -> None:
    _dead(kernel, tmp_path, [[quote(START_NS)], [quote(START_NS + 1)]])
    content = (tmp_path / SPOOL).read_bytes()
    recover(tmp_path)
    (tmp_path / SPOOL).write_bytes(content)  # as if the node had died before it emptied the spool
    recover(tmp_path)
    assert len(ParquetDataCatalog(str(tmp_path)).quote_ticks()) == 2


def test_the_next_node_says_what_the_dead_one_lost(kernel: Any, tmp_path: Path) -> None:
    _dead(kernel, tmp_path, [[quote(START_NS)], [quote(START_NS + 1)]])
    os.truncate(tmp_path / SPOOL, (tmp_path / SPOOL).stat().st_size - 3)
    sink = _recorded(kernel, tmp_path, [])
    (lost,) = [record for record in sink.of(DataQualityRecord) if record.check == "lost"]
    assert lost.value.endswith("bytes of a batch")
    assert "until 2013-10-07 09:30:00" in lost.why


def test_two_nodes_cannot_record_into_one_directory(kernel: Any, tmp_path: Path) -> None:
    spool = Spool(tmp_path / SPOOL)
    with pytest.raises(DataError, match="being written by another process"):
        Spool(tmp_path / SPOOL)
    spool.close()


class _FullDisk:
    """Refuses the first writes, as a full disk does."""

    def __init__(self, spool: Spool, refusals: int) -> None:
        self._write, self.refusals = spool.append, refusals

    def append(self, streams: Any) -> None:
        if self.refusals:
            self.refusals -= 1
            raise OSError(errno.ENOSPC, "No space left on device")
        self._write(streams)


def test_a_batch_waits_for_room_on_the_disk(
    kernel: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = MemorySink()
    recording = record_market_data(kernel, tmp_path, sink=sink, settings=PATIENT)
    writer = recording.writer
    monkeypatch.setattr(writer._spool, "append", _FullDisk(writer._spool, 2).append)
    failures: list[str | None] = []
    for index in range(4):
        _send(kernel, quote(START_NS + index))
        writer._turn(is_last=False)
        failures.append(writer.failure)
    recording.close()
    assert [failure is not None for failure in failures] == [True, True, False, False]
    assert [tick.ts_init - START_NS for tick in ParquetDataCatalog(str(tmp_path)).quote_ticks()] == [
        0,
        1,
        2,
        3,
    ]
    (told,) = [record for record in sink.of(DataQualityRecord) if record.check == "lost"]
    assert "No space left on device" in told.why


def test_what_waits_is_bounded_and_the_rest_is_counted_as_lost(
    kernel: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = MemorySink()
    settings = RecordingSettings(batch_seconds=NEVER, waiting_records_max=10)
    recording = record_market_data(kernel, tmp_path, sink=sink, settings=settings)
    writer = recording.writer
    monkeypatch.setattr(writer._spool, "append", _FullDisk(writer._spool, 3).append)
    for round_ in range(3):
        _send(kernel, *[quote(START_NS + round_ * 100 + each) for each in range(25)])
        writer._turn(is_last=False)
    recording.close()
    rows = len(ParquetDataCatalog(str(tmp_path)).quote_ticks())
    assert writer.lost_rows + rows == 75
    assert writer.lost_rows == 25 - 10 + 25
    said = [record.value for record in sink.of(DataQualityRecord) if record.check == "lost"]
    assert "25 records" in said


DEFECTS: dict[str, Callable[[], list[Any]]] = {
    "crossed": lambda: [quote(START_NS), quote(START_NS + 1, bid="13.9200")],
    "one_sided": lambda: [quote(START_NS, size=0)],
    "gap": lambda: [quote(START_NS), quote(START_NS + 61 * 10**9)],
    "out_of_order": lambda: [quote(START_NS + 9), quote(START_NS)],
    "delayed_stamp": lambda: [quote(START_NS + 2 * 10**9), quote(START_NS)],
}
SOUND = [quote(START_NS), trade(START_NS + 1), quote(START_NS + 60 * 10**9), message(START_NS + 60 * 10**9)]


@pytest.mark.parametrize("check", DEFECTS)
def test_a_defect_of_the_data_is_told(kernel: Any, tmp_path: Path, check: str) -> None:
    sink = _recorded(kernel, tmp_path, DEFECTS[check]())
    assert check in {record.check for record in sink.of(DataQualityRecord)}


def test_sound_data_is_not_complained_of(kernel: Any, tmp_path: Path) -> None:
    checks = {record.check for record in _recorded(kernel, tmp_path, SOUND).of(DataQualityRecord)}
    assert checks <= {"silence"}  # the data is of 2013, the clock is not


def test_silence_is_told_once(kernel: Any, tmp_path: Path) -> None:
    sink = MemorySink()
    recording = record_market_data(kernel, tmp_path, sink=sink, settings=PATIENT)
    _send(kernel, quote(START_NS))
    for _ in range(3):
        recording.writer._turn(is_last=False)
    recording.close()
    assert [record.check for record in sink.of(DataQualityRecord)] == ["silence"]


def test_the_door_and_the_tape_can_be_taken_out_again(kernel: Any, tmp_path: Path) -> None:
    _recorded(kernel, tmp_path, [quote(START_NS)])
    _send(kernel, quote(START_NS))
    assert kernel.cache.quote_tick(quote(START_NS).instrument_id).ts_init == START_NS
    assert len(ParquetDataCatalog(str(tmp_path)).query(QuoteTick)) == 1
    assert ParquetDataCatalog(str(tmp_path)).query(TradeTick) == []
    assert ParquetDataCatalog(str(tmp_path)).query(OrderBookDelta) == []


def test_a_write_that_fails_half_way_leaves_nothing_of_its_batch(
    kernel: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _dead(kernel, tmp_path, [[quote(START_NS)]])
    spool = Spool(tmp_path / SPOOL)
    before = spool.size_bytes
    (batch,) = [parts for _, parts in read_spool(spool.path)]
    columns = columns_of(DataKind.QUOTE, [quote(START_NS + 1)])
    write, calls = os.write, iter([True, False])

    def full(descriptor: int, data: memoryview) -> int:
        if next(calls):
            return write(descriptor, data[:40])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        spool.append({batch[0][0]: columns})
    spool.close()
    assert spool.path.stat().st_size == spool.size_bytes == before


def test_what_an_engine_derives_from_a_record_is_not_recorded(kernel: Any, tmp_path: Path) -> None:
    """Quotes that Nautilus makes from depth have its stamp; a replay makes them again."""
    recording = record_market_data(kernel, tmp_path, sink=MemorySink(), settings=PATIENT)
    _send(kernel, message(START_NS))
    kernel.msgbus.publish(topic="data.quotes.SMART.BAC", msg=quote(START_NS + 2))
    recording.close()
    assert len(ParquetDataCatalog(str(tmp_path)).order_book_deltas()) == 3
    assert ParquetDataCatalog(str(tmp_path)).quote_ticks() == []


def test_records_that_cannot_be_stored_are_counted_as_lost_and_the_rest_is_kept(
    kernel: Any, tmp_path: Path
) -> None:
    sink = MemorySink()
    recording = record_market_data(kernel, tmp_path, sink=sink, settings=PATIENT)
    odd = AlertRecord(strategy_id="S-1", action="alert", now_ns=START_NS)
    recording.writer.pending.append(odd)
    recording.writer._turn(is_last=False)
    _send(kernel, quote(START_NS))
    recording.close()
    (told,) = [record for record in sink.of(DataQualityRecord) if record.check == "lost"]
    assert (told.value, recording.writer.lost_rows) == ("1 records", 1)
    assert len(ParquetDataCatalog(str(tmp_path)).quote_ticks()) == 1


def test_an_unforeseen_failure_does_not_end_the_recording(
    kernel: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = record_market_data(kernel, tmp_path, sink=MemorySink(), settings=PATIENT)
    with monkeypatch.context() as patch:
        patch.setattr(recording.writer._watch, "silence", lambda now_ns: 1 / 0)
        recording.writer._turn(is_last=False)
    assert recording.writer.failure == "ZeroDivisionError: division by zero"
    _send(kernel, quote(START_NS))
    recording.close()
    assert recording.writer.failure is None
    assert len(ParquetDataCatalog(str(tmp_path)).quote_ticks()) == 1


def test_nothing_of_the_work_is_left_behind_a_finished_recording(kernel: Any, tmp_path: Path) -> None:
    _recorded(kernel, tmp_path, [quote(START_NS)])
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_spool_that_cannot_be_finished_is_named(
    kernel: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _dead(kernel, tmp_path, [[quote(START_NS)]])

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("catalog.recording.publication.pq.write_table", full)
        with pytest.raises(DataError, match=r"cannot be finished: .* No space left"):
            recover(tmp_path)
    recovered = recover(tmp_path)
    assert recovered is not None
    assert recovered.rows == 1
