"""What is appended is on disk, in order, chained, in day files; never written on the caller's thread."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from audit.drills.faulty_disk import FaultyDisk
from audit.events import ClosedRecord
from audit.journal import FOR_BACKTESTS, Journal, JournalError, JournalSettings, read_entries, verify
from audit.journal.line import day_files
from market.errors import ConfigError
from tests.audit.journal.journals import (
    DAY_NS,
    START_NS,
    WAIT_SECONDS_MAX,
    decision,
    fill,
    head_of,
    lines_of,
    note,
    notes,
    only_file,
    open_fast,
    write_journal,
)


def test_records_come_back_as_they_were_appended(tmp_path: Path) -> None:
    journal = open_fast(tmp_path)
    first = journal.append(decision(1), ts_ns=START_NS, correlation_id="S-ONE-1", market_ns=START_NS - 5)
    second = journal.append(fill(1), ts_ns=START_NS + 1, correlation_id="S-ONE-1", caused_by=first)
    journal.close(ts_ns=START_NS + 2, reason="end of test")
    one, two, three = read_entries(tmp_path)
    assert (first, second) == (1, 2)
    assert (one.body, one.correlation_id, one.caused_by, one.market_ns) == (
        decision(1), "S-ONE-1", None, START_NS - 5,
    )  # fmt: skip
    assert (two.body, two.kind, two.caused_by, two.market_ns) == (fill(1), "fill", 1, None)
    assert (three.body, three.seq, three.ts_ns) == (ClosedRecord(reason="end of test"), 3, START_NS + 2)


def test_a_line_is_the_hash_of_the_former_hash_and_the_json(tmp_path: Path) -> None:
    write_journal(tmp_path, notes(2), close=False)
    previous = "0" * 64
    for seq, line in enumerate(lines_of(only_file(tmp_path)), 1):
        digits, _, json = line.decode().rstrip("\n").partition(" ")
        assert digits == hashlib.sha256((previous + json).encode()).hexdigest()
        assert list(msgspec.json.decode(json)) == ["seq", "ts_ns", "kind", "body"]
        assert msgspec.json.decode(json)["seq"] == seq
        previous = digits
    assert head_of(tmp_path).hash == previous


def test_durable_seq_and_last_hash_follow_the_disk(tmp_path: Path) -> None:
    journal = open_fast(tmp_path)
    assert (journal.durable_seq, journal.last_hash, journal.failure) == (0, "0" * 64, None)
    for each in notes(3):
        journal.append(each, ts_ns=START_NS)
    assert journal.flush(WAIT_SECONDS_MAX) == journal.durable_seq == 3
    assert journal.last_hash == head_of(tmp_path).hash
    journal.close(ts_ns=START_NS, reason="end of test")


def test_flush_of_nothing_returns_at_once(tmp_path: Path) -> None:
    journal = open_fast(tmp_path)
    assert journal.flush(0.0) == 0
    journal.close(ts_ns=START_NS, reason="end of test")


def test_each_new_york_day_has_its_file_and_time_never_goes_back_to_one(tmp_path: Path) -> None:
    late_ns = START_NS + 13 * 3_600_000_000_000  # 23:00 in New York, the next day in UTC
    journal = open_fast(tmp_path)
    for ts_ns in (START_NS, late_ns, START_NS + DAY_NS, START_NS, START_NS + 3 * DAY_NS):
        journal.append(note("x"), ts_ns=ts_ns)
    journal.close(ts_ns=START_NS, reason="end of test")
    files = day_files(tmp_path)
    assert [(path.stem, len(lines_of(path))) for path in files] == [
        ("2024-03-05", 2),
        ("2024-03-06", 2),
        ("2024-03-08", 2),
    ]
    assert verify(tmp_path).ok


def test_a_journal_goes_on_where_it_was_closed(tmp_path: Path) -> None:
    write_journal(tmp_path, notes(2))
    journal = open_fast(tmp_path)
    assert (journal.recovered, journal.durable_seq) == (None, 3)
    assert journal.append(note("again"), ts_ns=START_NS + DAY_NS) == 4
    journal.close(ts_ns=START_NS + DAY_NS, reason="end of test")
    found = verify(tmp_path)
    assert (found.ok, found.records, len(found.files)) == (True, 5, 2)


def test_two_writers_are_refused_and_the_second_may_follow_the_first(tmp_path: Path) -> None:
    journal = open_fast(tmp_path)
    with pytest.raises(JournalError, match="is being written by another process"):
        open_fast(tmp_path)
    script = "import sys, pathlib, audit.journal as j; j.Journal.open(pathlib.Path(sys.argv[1]))"
    other = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert "is being written by another process" in other.stderr
    journal.close(ts_ns=START_NS, reason="end of test")
    open_fast(tmp_path).close(ts_ns=START_NS, reason="end of test")
    assert verify(tmp_path).records == 2


def test_many_threads_append_without_a_gap(tmp_path: Path) -> None:
    journal = open_fast(tmp_path, queue_records=100, when_full="wait", max_group_records=7)
    seqs: list[list[int]] = [[] for _ in range(8)]

    def produce(own: list[int]) -> None:
        own.extend(journal.append(note("x"), ts_ns=START_NS) for _ in range(200))
        journal.flush(WAIT_SECONDS_MAX)

    threads = [threading.Thread(target=produce, args=(own,)) for own in seqs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_SECONDS_MAX)
    journal.close(ts_ns=START_NS, reason="end of test")
    assert sorted(seq for own in seqs for seq in own) == list(range(1, 1_601))
    assert all(own == sorted(own) for own in seqs)
    assert verify(tmp_path).records == 1_601


def test_the_caller_never_writes_or_syncs(tmp_path: Path) -> None:
    disk = FaultyDisk()
    journal = Journal.open(tmp_path, disk=disk)
    disk.threads.clear()
    for each in notes(50):
        journal.append(each, ts_ns=START_NS)
    journal.flush(WAIT_SECONDS_MAX)
    journal.close(ts_ns=START_NS, reason="end of test")
    assert len(disk.threads) == 1
    assert threading.get_ident() not in disk.threads


def test_records_that_wait_together_are_synced_together(tmp_path: Path) -> None:
    disk = FaultyDisk()
    journal = Journal.open(tmp_path, disk=disk, settings=JournalSettings(group_wait_ms=0.0))
    disk.stand_still()
    disk.syncs = 0
    for each in notes(1_000):
        journal.append(each, ts_ns=START_NS)
    disk.go_on()
    journal.flush(WAIT_SECONDS_MAX)
    assert disk.syncs <= 3
    journal.close(ts_ns=START_NS, reason="end of test")


def test_a_backtest_journal_syncs_when_it_is_closed(tmp_path: Path) -> None:
    disk = FaultyDisk()
    journal = Journal.open(tmp_path, disk=disk, settings=FOR_BACKTESTS)
    disk.syncs = 0
    for each in notes(10):
        journal.append(each, ts_ns=START_NS)
    journal.flush(WAIT_SECONDS_MAX)
    assert disk.syncs == 0
    journal.close(ts_ns=START_NS, reason="end of test")
    assert disk.syncs == 2  # the day file and the head
    assert verify(tmp_path).ok


def test_what_is_no_record_is_refused(tmp_path: Path) -> None:
    journal = open_fast(tmp_path)
    with pytest.raises(JournalError, match=r"JournalSettings is no record of a journal"):
        journal.append(JournalSettings(), ts_ns=START_NS)
    journal.close(ts_ns=START_NS, reason="end of test")
    assert verify(tmp_path).records == 1


def test_a_closed_journal_takes_nothing_and_closes_once(tmp_path: Path) -> None:
    journal = open_fast(tmp_path)
    journal.close(ts_ns=START_NS, reason="end of test")
    with pytest.raises(JournalError, match="is closed"):
        journal.append(note("late"), ts_ns=START_NS)
    journal.close(ts_ns=START_NS, reason="again")
    assert [each.body for each in read_entries(tmp_path)] == [ClosedRecord(reason="end of test")]


def test_a_process_that_ends_without_close_saves_what_it_appended(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib\n"
        "from audit.journal import Journal\n"
        "from tests.audit.journal.journals import note, START_NS\n"
        "journal = Journal.open(pathlib.Path(sys.argv[1]))\n"
        "for number in range(500): journal.append(note(str(number)), ts_ns=START_NS)\n"
        "raise SystemExit(7)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    found = verify(tmp_path)
    assert (done.returncode, found.ok, found.records, found.is_closed) == (7, True, 500, False)


@pytest.mark.parametrize(
    ("name", "value"),
    [("queue_records", 0), ("group_wait_ms", -1.0), ("max_group_records", 0), ("stall_ms", 0)],
)
def test_settings_out_of_bounds_are_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"journal.{name} is {value}"):
        JournalSettings(**{name: value})  # type: ignore[arg-type]


def test_the_end_of_the_process_waits_for_the_disk_and_is_quiet_when_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_exit: list[Callable[[], None]] = []
    monkeypatch.setattr("audit.journal.journal.atexit.register", at_exit.append)
    disk = FaultyDisk()
    journal = Journal.open(tmp_path, disk=disk, settings=JournalSettings(group_wait_ms=1_000))
    journal.append(note("x"), ts_ns=START_NS)
    at_exit[0]()
    assert journal.durable_seq == 1
    disk.is_broken = True
    journal.append(note("y"), ts_ns=START_NS)
    at_exit[0]()
    assert journal.failure is not None
