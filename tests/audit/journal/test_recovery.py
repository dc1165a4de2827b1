"""After a crash a journal goes on with all that was acknowledged, and says what the crash left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from audit.drills.faulty_disk import FaultyDisk
from audit.journal import Journal, JournalError, Recovery, read_entries, verify
from audit.journal.head import HEAD_FILE, Head
from audit.journal.line import day_files
from tests.audit.journal.journals import (
    DAY_NS,
    START_NS,
    head_of,
    lines_of,
    note,
    notes,
    only_file,
    open_fast,
    rewrite_lines,
    set_head,
    write_journal,
)

DAY = "2024-03-05.jsonl"


def go_on(folder: Path) -> Recovery | None:
    """Open a journal, close it again, and return what was recovered."""
    journal = open_fast(folder)
    journal.close(ts_ns=START_NS, reason="end of test")
    return journal.recovered


def append_raw(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


def test_a_torn_record_is_moved_aside_and_said(tmp_path: Path) -> None:
    write_journal(tmp_path, notes(3), close=False)
    append_raw(tmp_path / DAY, b"a" * 64 + b' {"seq":4,"ts')
    found = verify(tmp_path)
    assert (found.ok, found.torn_tail_bytes, found.records) == (True, 77, 3)
    torn_file = tmp_path / "2024-03-05.after-3.torn"
    assert go_on(tmp_path) == Recovery(last_seq=3, torn_bytes=77, torn_file=torn_file, records_beyond_head=0)
    assert torn_file.read_bytes() == b"a" * 64 + b' {"seq":4,"ts'
    assert [each.seq for each in read_entries(tmp_path)] == [1, 2, 3, 4]
    assert (verify(tmp_path).ok, verify(tmp_path).torn_tail_bytes) == (True, 0)


@pytest.mark.parametrize(
    "last", [b"\0" * 100 + b"\n", b"a" * 64 + b' {"seq":4,"ts_ns":1,"kind":"node","body":1}\n']
)
def test_a_last_line_torn_by_a_loss_of_power_is_moved_aside(tmp_path: Path, last: bytes) -> None:
    write_journal(tmp_path, notes(3), close=False)
    append_raw(tmp_path / DAY, last)
    found = verify(tmp_path)
    assert (found.ok, found.torn_tail_bytes, found.records) == (True, len(last), 3)
    recovered = go_on(tmp_path)
    assert recovered is not None
    assert recovered.torn_bytes == len(last)
    assert verify(tmp_path).records == 4


def test_two_broken_last_lines_are_no_crash(tmp_path: Path) -> None:
    write_journal(tmp_path, notes(3), close=False)
    append_raw(tmp_path / DAY, b"garbage\nmore\n")
    assert not verify(tmp_path).ok


def test_a_broken_last_line_that_was_acknowledged_is_no_crash(tmp_path: Path) -> None:
    write_journal(tmp_path, notes(3), close=False)
    lines = lines_of(only_file(tmp_path))
    rewrite_lines(only_file(tmp_path), [*lines[:2], b"garbage\n"])
    assert [each.what for each in verify(tmp_path).problems] == ["damaged"]


def test_records_that_the_head_does_not_know_are_kept(tmp_path: Path) -> None:
    write_journal(tmp_path, notes(5), close=False)
    set_head(tmp_path, tmp_path / DAY, 2)
    assert go_on(tmp_path) == Recovery(last_seq=5, torn_bytes=0, torn_file=None, records_beyond_head=3)
    assert head_of(tmp_path).seq == 6


def test_a_day_file_begun_and_never_filled_goes_away(tmp_path: Path) -> None:
    write_journal(tmp_path, notes(2), close=False)
    (tmp_path / "2024-03-06.jsonl").touch()
    assert verify(tmp_path).ok
    assert go_on(tmp_path) is None
    assert only_file(tmp_path).name == DAY


def test_a_first_record_torn_off_leaves_an_empty_journal(tmp_path: Path) -> None:
    open_fast(tmp_path).close(ts_ns=START_NS, reason="end of test")
    (tmp_path / HEAD_FILE).write_bytes(Head().encoded())
    only_file(tmp_path).write_bytes(b"a" * 64 + b' {"seq":1\n')
    found = verify(tmp_path)
    assert (found.ok, found.records, found.first_hash, found.torn_tail_bytes) == (True, 0, None, 74)
    recovered = go_on(tmp_path)
    assert recovered is not None
    assert (recovered.last_seq, recovered.torn_bytes) == (0, 74)
    assert verify(tmp_path).records == 1


def test_a_torn_first_record_of_a_new_day_is_moved_aside(tmp_path: Path) -> None:
    write_journal(tmp_path, notes(2), close=False)
    (tmp_path / "2024-03-06.jsonl").write_bytes(b"b" * 10)
    recovered = go_on(tmp_path)
    assert recovered is not None
    assert recovered.torn_file == tmp_path / "2024-03-06.after-2.torn"
    assert [path.name for path in day_files(tmp_path)] == [DAY]


def test_a_crash_before_the_head_had_content_is_a_new_journal(tmp_path: Path) -> None:
    (tmp_path / HEAD_FILE).touch()
    assert go_on(tmp_path) is None
    assert verify(tmp_path).records == 1


def test_a_journal_that_fails_verification_is_not_written_to(tmp_path: Path) -> None:
    write_journal(tmp_path, notes(3))
    lines = lines_of(only_file(tmp_path))
    rewrite_lines(only_file(tmp_path), [lines[0], *lines[2:]])
    before = only_file(tmp_path).read_bytes()
    with pytest.raises(JournalError, match=r"2024-03-05.jsonl:2: Record 2 is missing .*fails-verification"):
        open_fast(tmp_path)
    assert only_file(tmp_path).read_bytes() == before


@pytest.mark.parametrize("content", [None, b"", b"x"])
def test_a_journal_without_its_head_is_not_written_to(tmp_path: Path, content: bytes | None) -> None:
    write_journal(tmp_path, notes(3))
    (tmp_path / HEAD_FILE).unlink()
    if content is not None:
        (tmp_path / HEAD_FILE).write_bytes(content)
    for _ in range(2):
        with pytest.raises(JournalError, match="fails verification"):
            open_fast(tmp_path)


def test_a_torn_tail_stays_where_it_is_when_the_disk_cannot_take_the_copy(tmp_path: Path) -> None:
    write_journal(tmp_path, notes(3), close=False)
    append_raw(tmp_path / DAY, b"torn")
    before = (tmp_path / DAY).read_bytes()
    with pytest.raises(JournalError, match="No space left"):
        Journal.open(tmp_path, disk=FaultyDisk(room_bytes=2))
    assert (tmp_path / DAY).read_bytes() == before
    recovered = go_on(tmp_path)
    assert recovered is not None
    assert recovered.torn_file is not None
    assert recovered.torn_file.read_bytes() == b"torn"


KILLED = """
import os, random, sys, threading
from pathlib import Path
from audit.journal import Journal, JournalSettings
from tests.audit.journal.journals import DAY_NS, START_NS, note

folder, seed = Path(sys.argv[1]), int(sys.argv[2])

def run(round_):
    chance = random.Random(f"{seed}-{round_}-{os.getpid()}")
    wait_ms, group = chance.choice([0.0, 1.0]), chance.choice([3, 4096])
    settings = JournalSettings(group_wait_ms=wait_ms, max_group_records=group)
    journal = Journal.open(folder, settings=settings)
    def produce():
        own = random.Random(chance.random())
        while True:
            for _ in range(own.choice([1, 1, 5, 40])):
                day = round_ // 3
                journal.append(note("x" * own.choice([0, 10, 5_000])), ts_ns=START_NS + day * DAY_NS)
            os.write(1, b"%d\\n" % journal.flush(30.0))
    for _ in range(2):
        threading.Thread(target=produce, daemon=True).start()
    produce()

for round_ in range(int(sys.argv[3])):
    child = os.fork()
    if child == 0:
        run(round_)
    print("child", child, flush=True)
    os.waitpid(child, 0)
    print("killed", flush=True)
"""


def test_kill_9_at_random_moments_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """A process forks writers one after another; each is killed after some of its acknowledgements."""
    rounds = 12
    words = [sys.executable, "-c", KILLED, str(tmp_path), "7", str(rounds)]
    acknowledged = 0
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child, left = 0, 0
        for line in parent.stdout:
            if line.startswith("child"):
                child, left = int(line.split()[1]), 1 + (acknowledged * 7919) % 9
            elif line.startswith("killed"):
                found = verify(tmp_path)
                assert found.ok, found.problems
                assert found.records >= acknowledged
            else:
                acknowledged = max(acknowledged, int(line))
                left -= 1
                if left == 0:
                    os.kill(child, signal.SIGKILL)
    assert parent.returncode == 0
    assert acknowledged > rounds
    journal = open_fast(tmp_path)
    assert journal.durable_seq >= acknowledged
    journal.append(note("after"), ts_ns=START_NS + 9 * DAY_NS)
    journal.close(ts_ns=START_NS + 9 * DAY_NS, reason="end of test")
    seqs = [each.seq for each in read_entries(tmp_path)]
    assert seqs == list(range(1, journal.durable_seq + 1))
