"""A disk that is full, broken, slow or not writable: said clearly, nothing corrupted, and it can go on."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.drills.faulty_disk import FaultyDisk
from audit.events import ClosedRecord
from audit.journal import Journal, JournalError, JournalSettings, read_entries, verify
from audit.journal.disk import Disk
from audit.journal.line import day_files
from tests.audit.journal.journals import (
    DAY_NS,
    START_NS,
    WAIT_SECONDS_MAX,
    UnsyncedDisk,
    decision,
    note,
    notes,
    open_fast,
    write_journal,
)

RUNBOOK = "docs/runbooks/journal-cannot-be-written.md"


@pytest.fixture
def disk() -> Iterator[FaultyDisk]:
    """A disk that goes on at the end of the test, whatever came of it."""
    disk = FaultyDisk()
    yield disk
    disk.go_on()


def fill_up(journal: Journal, *, count: int = 200, per_day: int = 1_000_000) -> JournalError:
    """Append until the journal refuses; return what it says."""
    try:
        for number in range(count):
            journal.append(note(str(number)), ts_ns=START_NS + number // per_day * DAY_NS)
            journal.flush(WAIT_SECONDS_MAX)
    except JournalError as error:
        return error
    raise AssertionError("the journal refused nothing")


@settings(max_examples=30)
@given(room_bytes=st.integers(0, 3_000), per_day=st.sampled_from([3, 1_000_000]), is_synced=st.booleans())
def test_a_full_disk_corrupts_nothing_and_the_journal_goes_on(
    room_bytes: int, per_day: int, is_synced: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        disk = FaultyDisk(room_bytes=room_bytes)
        journal = Journal.open(folder, disk=disk, settings=JournalSettings(sync=is_synced, group_wait_ms=0.0))
        error = fill_up(journal, per_day=per_day)
        assert "No space left on device" in str(error)
        assert RUNBOOK in str(error)
        safe = f" Records up to {journal.durable_seq} are safe."
        assert str(error).endswith(f"See {RUNBOOK}.{safe if is_synced else ''}")
        assert journal.failure == str(error)
        with pytest.raises(JournalError, match="No space left"):
            journal.append(note("late"), ts_ns=START_NS)
        with pytest.raises(JournalError, match="No space left"):
            journal.close(ts_ns=START_NS, reason="end of test")
        found = verify(folder)
        assert (found.ok, found.records, found.torn_tail_bytes) == (True, journal.durable_seq, 0)
        again = open_fast(folder)
        again.close(ts_ns=START_NS, reason="end of test")
        assert verify(folder).records == journal.durable_seq + 1


def test_a_disk_that_cannot_even_cut_leaves_a_torn_tail_that_is_recovered(tmp_path: Path) -> None:
    class Stubborn(FaultyDisk):
        def cut(self, descriptor: int, length: int) -> None:
            raise OSError("no")

    journal = Journal.open(tmp_path, disk=Stubborn(room_bytes=400))
    fill_up(journal)
    found = verify(tmp_path)
    assert (found.ok, found.records) == (True, journal.durable_seq)
    assert found.torn_tail_bytes == 400 - sum(len(line) for line in _lines(tmp_path))
    again = open_fast(tmp_path)
    assert again.recovered is not None
    again.close(ts_ns=START_NS, reason="end of test")


def _lines(folder: Path) -> list[bytes]:
    content = b"".join(path.read_bytes() for path in day_files(folder))
    return content[: content.rfind(b"\n") + 1].splitlines(keepends=True)


def test_a_sync_that_fails_acknowledges_nothing(tmp_path: Path, disk: FaultyDisk) -> None:
    journal = Journal.open(tmp_path, disk=disk)
    journal.append(note("kept"), ts_ns=START_NS)
    journal.flush(WAIT_SECONDS_MAX)
    disk.is_broken = True
    assert "Input/output error" in str(fill_up(journal))
    assert journal.durable_seq == 1
    assert verify(tmp_path).head_seq == 1


def test_a_sync_that_fails_at_the_end_is_said_by_close(tmp_path: Path, disk: FaultyDisk) -> None:
    journal = Journal.open(tmp_path, disk=disk, settings=JournalSettings(sync=False))
    disk.is_broken = True
    with pytest.raises(JournalError, match="Input/output error"):
        journal.close(ts_ns=START_NS, reason="end of test")
    open_fast(tmp_path).close(ts_ns=START_NS, reason="end of test")  # the lock is free


def test_a_head_that_cannot_be_written_stops_the_journal(tmp_path: Path) -> None:
    class Headless(UnsyncedDisk):
        is_full = False

        def write_at_start(self, descriptor: int, data: bytes) -> None:
            if self.is_full:
                raise OSError(28, os.strerror(28))
            super().write_at_start(descriptor, data)

    disk = Headless()
    journal = Journal.open(tmp_path, disk=disk)
    disk.is_full = True
    assert "No space left" in str(fill_up(journal))


def test_a_disk_that_takes_a_part_is_asked_for_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = os.write
    monkeypatch.setattr("audit.journal.disk.os.write", lambda fd, data: whole(fd, data[:7]))
    path = tmp_path / "file"
    disk = Disk()
    descriptor = disk.open_to_append(path)
    disk.write(descriptor, b"0123456789" * 3)
    disk.close(descriptor)
    assert path.read_bytes() == b"0123456789" * 3


def test_too_many_waiting_records_are_refused_and_counted(tmp_path: Path, disk: FaultyDisk) -> None:
    journal = Journal.open(tmp_path, disk=disk, settings=JournalSettings(queue_records=10))
    disk.stand_still()
    for each in notes(10):
        journal.append(each, ts_ns=START_NS)
    for count in (1, 2):
        with pytest.raises(JournalError, match=r"10 records wait for the disk, which is the limit"):
            journal.append(note("refused"), ts_ns=START_NS)
        assert journal.refused == count
    assert journal.failure is None
    disk.go_on()
    assert journal.flush(WAIT_SECONDS_MAX) == 10
    assert journal.append(note("later"), ts_ns=START_NS) == 11
    journal.close(ts_ns=START_NS, reason="end of test")
    *_, last = read_entries(tmp_path)
    assert last.body == ClosedRecord(reason="end of test (2 records were refused before)")
    assert verify(tmp_path).ok


def test_a_disk_that_stands_still_is_noticed_before_the_queue_is_full(
    tmp_path: Path, disk: FaultyDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal.open(tmp_path, disk=disk, settings=JournalSettings(stall_ms=5_000))
    disk.stand_still()
    journal.append(note("x"), ts_ns=START_NS)
    with pytest.raises(JournalError, match=r"not taken 1 record.* within 0.2 s"):
        journal.flush(0.2)
    from time import monotonic_ns

    monkeypatch.setattr("audit.journal.journal.monotonic_ns", lambda: monotonic_ns() + 6_000_000_000)
    with pytest.raises(JournalError, match="not answered for 5000 ms, which is the limit"):
        journal.append(note("x"), ts_ns=START_NS)
    assert "not answered for 5000 ms" in str(journal.failure)
    disk.go_on()
    assert journal.flush(WAIT_SECONDS_MAX) == 1
    assert journal.append(note("y"), ts_ns=START_NS) == 2
    journal.close(ts_ns=START_NS, reason="end of test")


def test_a_backtest_waits_for_room(tmp_path: Path, disk: FaultyDisk) -> None:
    journal = Journal.open(tmp_path, disk=disk, settings=JournalSettings(queue_records=5, when_full="wait"))
    disk.stand_still()
    done = threading.Event()

    def produce() -> None:
        for each in notes(20):
            journal.append(each, ts_ns=START_NS)
        done.set()

    producer = threading.Thread(target=produce)
    producer.start()
    assert not done.wait(0.1)
    disk.go_on()
    assert done.wait(WAIT_SECONDS_MAX)
    producer.join(WAIT_SECONDS_MAX)
    journal.close(ts_ns=START_NS, reason="end of test")
    assert verify(tmp_path).records == 21


def test_a_backtest_does_not_wait_for_ever(tmp_path: Path, disk: FaultyDisk) -> None:
    chosen = JournalSettings(queue_records=1, when_full="wait", stall_ms=100)
    journal = Journal.open(tmp_path, disk=disk, settings=chosen)
    disk.stand_still()
    journal.append(note("x"), ts_ns=START_NS)
    with pytest.raises(JournalError, match="1 records wait for the disk"):
        journal.append(note("y"), ts_ns=START_NS)
    disk.go_on()
    journal.close(ts_ns=START_NS, reason="end of test")


def test_close_does_not_wait_for_ever(
    tmp_path: Path, disk: FaultyDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.journal.journal.CLOSE_SECONDS_MAX", 0.1)
    journal = Journal.open(tmp_path, disk=disk)
    disk.stand_still()
    with pytest.raises(JournalError, match="not taken the last records"):
        journal.close(ts_ns=START_NS, reason="end of test")


def test_a_record_that_is_no_json_stops_the_journal_after_those_before_it(
    tmp_path: Path, disk: FaultyDisk
) -> None:
    journal = Journal.open(tmp_path, disk=disk)
    disk.stand_still()
    for each in (note("1"), note("2"), note(object())):  # type: ignore[arg-type]
        journal.append(each, ts_ns=START_NS)
    disk.go_on()
    with pytest.raises(JournalError, match=r"Record 3 \(node\) cannot be written as JSON: .*object"):
        journal.flush(WAIT_SECONDS_MAX)
    assert journal.durable_seq == verify(tmp_path).records == 2


def test_numpy_numbers_are_numbers_and_what_is_none_comes_back_as_nan(tmp_path: Path) -> None:
    features = {"a": np.float64(1.5), "b": float("nan"), "c": float("inf"), "d": 2.0}
    write_journal(tmp_path, [msgspec.structs.replace(decision(1), features=features)])
    first, _ = read_entries(tmp_path)
    assert first.body.features["a"] == 1.5
    assert first.body.features["d"] == 2.0
    assert np.isnan([first.body.features["b"], first.body.features["c"]]).all()


LIMITED = """
import resource, sys
from pathlib import Path
from audit.journal import Journal, JournalError
from tests.audit.journal.journals import START_NS, note

journal = Journal.open(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, resource.RLIM_INFINITY))
try:
    while True:
        journal.append(note("x" * 100), ts_ns=START_NS)
        journal.flush(30.0)
except JournalError as error:
    print(journal.durable_seq, error)
"""


def test_a_real_limit_of_the_file_system_is_handled(tmp_path: Path) -> None:
    words = [sys.executable, "-c", LIMITED, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    durable, _, message = done.stdout.partition(" ")
    assert message.startswith(f"The journal cannot be written: {tmp_path}/2024-03-05.jsonl: File too large.")
    found = verify(tmp_path)
    assert (found.ok, found.records, found.torn_tail_bytes) == (True, int(durable), 0)


READ_ONLY = """
import os, sys
from pathlib import Path
from audit.journal import Journal, JournalError

if os.geteuid() == 0:
    os.setuid(65534)  # root may write anywhere
try:
    Journal.open(Path(sys.argv[1]))
except JournalError as error:
    print(error)
"""


@pytest.mark.parametrize("has_journal", [False, True])
def test_a_folder_that_cannot_be_written_is_refused(has_journal: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "journal"
        if has_journal:
            write_journal(folder, notes(3))
        else:
            folder.mkdir()
        for path in folder.iterdir():
            path.chmod(0o444)
        folder.chmod(0o555)
        Path(name).chmod(0o755)
        before = sorted(path.read_bytes() for path in folder.iterdir())
        words = [sys.executable, "-c", READ_ONLY, str(folder)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        assert done.stdout.startswith(f"The journal cannot be written: {folder}: Permission denied.")
        assert sorted(path.read_bytes() for path in folder.iterdir()) == before


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "journal").touch()
    with pytest.raises(JournalError, match="File exists"):
        Journal.open(tmp_path / "journal")


def test_whatever_stops_the_writer_stops_the_journal(tmp_path: Path) -> None:
    class Faulty(UnsyncedDisk):
        def write(self, descriptor: int, data: bytes) -> None:
            raise RuntimeError("a fault of ours")

    error = fill_up(Journal.open(tmp_path, disk=Faulty()))
    assert "The journal's writer failed: RuntimeError: a fault of ours" in str(error)
