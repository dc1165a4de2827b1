"""Records are read back by kind and number, found through the index, and copied while they are written."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
from pathlib import Path

import pytest

from audit.journal import (
    Backup,
    JournalError,
    JournalIndex,
    backup,
    decode_entry,
    find_entries,
    read_entries,
    verify,
)
from audit.journal.index import INDEX_FILE
from audit.journal.line import day_files
from market.errors import DataError, NotFoundError, UserError
from risk.records import ApprovalRecord
from tests.audit.journal.journals import (
    START_NS,
    WAIT_SECONDS_MAX,
    decision,
    fill,
    head_of,
    lines_of,
    note,
    notes,
    open_fast,
    rewrite_lines,
    write_journal,
)

ANY = b"a" * 64
FILES = ("2024-03-05.jsonl", "2024-03-06.jsonl", "2024-03-07.jsonl")


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Three days of two records each: a decision and its fill; and the closing record."""
    bodies = [body for number in (1, 2, 3) for body in (decision(number), fill(number))]
    write_journal(tmp_path / "journal", bodies, days=[0, 0, 1, 1, 2, 2])
    return tmp_path / "journal"


def seqs(entries: object) -> list[int]:
    return [entry.seq for entry in entries]  # type: ignore[attr-defined]


def test_records_are_read_by_kind_and_number(journal: Path) -> None:
    assert seqs(read_entries(journal)) == [1, 2, 3, 4, 5, 6, 7]
    assert seqs(read_entries(journal, kinds=["fill"])) == [2, 4, 6]
    assert seqs(read_entries(journal, from_seq=4)) == [4, 5, 6, 7]
    assert seqs(read_entries(journal, from_seq=3, to_seq=5, kinds={"decision", "fill"})) == [3, 4, 5]
    assert seqs(read_entries(journal, to_seq=0)) == []
    assert seqs(read_entries(journal, from_seq=8)) == []


def test_files_before_the_first_record_wanted_are_not_opened(journal: Path) -> None:
    (journal / FILES[0]).write_bytes(b"garbage\n")
    assert seqs(read_entries(journal, from_seq=3)) == [3, 4, 5, 6, 7]


def test_a_record_that_is_being_written_is_left_out(journal: Path) -> None:
    with (journal / FILES[2]).open("ab") as file:
        file.write(ANY + b' {"seq":8')
    assert seqs(read_entries(journal)) == [1, 2, 3, 4, 5, 6, 7]


def test_a_journal_without_records_is_read(tmp_path: Path) -> None:
    running = open_fast(tmp_path)
    assert list(read_entries(tmp_path)) == []
    running.close(ts_ns=START_NS, reason="end of test")


@pytest.mark.parametrize("name", ["", "missing"])
def test_what_is_no_journal_is_refused(tmp_path: Path, name: str) -> None:
    for read in (read_entries, JournalIndex):
        with pytest.raises(NotFoundError, match="holds no journal"):
            read(tmp_path / name)
    with pytest.raises(NotFoundError, match="holds no journal"):
        backup(tmp_path / name, tmp_path / "copy")


def test_an_unknown_kind_is_refused_with_those_there_are(journal: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no kind of record 'trade'\. Kinds: opened, closed"):
        read_entries(journal, kinds=["fill", "trade"])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"garbage\n", "is not a line of a journal"),
        (ANY + b" \xff\xfe\n", "is not a line of a journal"),
        (ANY + b' {"seq":2,"ts_ns":1,"kind":"\xff","body":{}}\n', "is not a line of a journal"),
        (
            ANY + b' {"seq":2,"ts_ns":1,"kind":"rocket","body":{}}\n',
            "kind 'rocket', which this version",
        ),
        (
            ANY + b' {"seq":2,"ts_ns":1,"kind":"fill","body":{"quantity":{"a":1}}}\n',
            "is no fill record",
        ),
        (ANY + b' {"seq":2,"ts_ns":1,"kind":"fill","body":[]}\n', "is no fill record"),
        (ANY + b' {"seq":2,"ts_ns":1,"kind":"node","body":{"state":"\xff"}}\n', "is no node record"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(journal: Path, line: bytes, words: str) -> None:
    path = journal / FILES[0]
    rewrite_lines(path, [lines_of(path)[0], line])
    with pytest.raises(DataError, match=words) as refused:
        list(read_entries(journal))
    assert str(refused.value).startswith(f"{path}:2 ")


def test_one_line_is_decoded(journal: Path) -> None:
    line = lines_of(journal / FILES[0])[1].rstrip(b"\n")
    assert decode_entry(line, "here").body == fill(1)
    with pytest.raises(DataError, match=r"^here is not a line"):
        decode_entry(line[:-1], "here")


def test_a_file_that_the_system_does_not_let_be_read_is_named(journal: Path, tmp_path: Path) -> None:
    (journal / FILES[1]).unlink()
    (journal / FILES[1]).mkdir()
    for read in (verify, lambda folder: list(read_entries(folder))):
        with pytest.raises(UserError, match=rf"{FILES[1]} cannot be read: Is a directory"):
            read(journal)
    (journal / "head").unlink()
    (journal / "head").mkdir()
    with pytest.raises(UserError, match=r"head cannot be read: Is a directory"):
        backup(journal, tmp_path / "copy")


# -- The index --------------------------------------------------------------------------------------


def test_records_are_found_by_what_they_are_about(journal: Path) -> None:
    assert seqs(find_entries(journal, name="O-2")) == [4]
    assert seqs(find_entries(journal, name="V-2")) == [4]
    assert seqs(find_entries(journal, name="T-3")) == [6]
    assert seqs(find_entries(journal, name="O-9")) == []
    assert seqs(find_entries(journal, kinds=["decision", "closed"])) == [1, 3, 5, 7]
    assert seqs(find_entries(journal, instrument_id="BAC.SMART")) == [1, 2, 3, 4, 5, 6]
    assert seqs(find_entries(journal, instrument_id="BAC.SMART", kinds=["fill"], name="T-1")) == [2]
    assert seqs(find_entries(journal)) == [1, 2, 3, 4, 5, 6, 7]
    assert find_entries(journal, name="O-2")[0].body == fill(2)


def test_records_are_found_by_decision_and_by_each_order_of_a_verdict(tmp_path: Path) -> None:
    running = open_fast(tmp_path)
    approval = ApprovalRecord(
        command="submit", client_order_ids=("O-1", "O-2"), strategy_id="S", instrument_id="BAC.SMART", ts_ns=1
    )
    running.append(approval, ts_ns=START_NS, correlation_id="D-1")
    running.flush(WAIT_SECONDS_MAX)
    for found in (find_entries(tmp_path, name="O-2"), find_entries(tmp_path, correlation_id="D-1")):
        assert [entry.body for entry in found] == [approval]
    running.close(ts_ns=START_NS, reason="end of test")


def test_the_index_follows_the_journal(journal: Path) -> None:
    with JournalIndex(journal) as index:
        again = open_fast(journal)
        again.append(fill(1), ts_ns=START_NS)
        again.flush(WAIT_SECONDS_MAX)
        assert seqs(index.find(name="O-1")) == [2]
        index.refresh()
        assert seqs(index.find(name="O-1")) == [2, 8]
        again.close(ts_ns=START_NS, reason="end of test")
    assert seqs(find_entries(journal, name="O-1")) == [2, 8]


def test_a_line_that_is_being_written_is_indexed_when_it_is_whole(journal: Path) -> None:
    path = journal / FILES[2]
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert seqs(find_entries(journal)) == [1, 2, 3, 4, 5, 6]
    path.write_bytes(whole)
    assert seqs(find_entries(journal)) == [1, 2, 3, 4, 5, 6, 7]


def test_an_index_that_is_gone_or_damaged_or_old_is_made_anew(journal: Path) -> None:
    path = journal / INDEX_FILE
    expected = find_entries(journal, name="O-2")
    path.unlink()
    assert find_entries(journal, name="O-2") == expected
    path.write_bytes(b"no database at all" * 100)
    assert find_entries(journal, name="O-2") == expected
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("DROP TABLE names")
    assert find_entries(journal, name="O-2") == expected


def test_an_index_of_another_journal_is_made_anew(journal: Path, tmp_path: Path) -> None:
    write_journal(tmp_path / "other", [fill(8), *notes(20)])
    for folder in (tmp_path / "other", journal):
        find_entries(folder)
    content = (tmp_path / "other" / INDEX_FILE).read_bytes()
    (journal / INDEX_FILE).write_bytes(content)
    assert find_entries(journal, name="O-8") == []
    write_journal(tmp_path / "third", notes(2), days=[20, 20])
    (tmp_path / "third" / INDEX_FILE).write_bytes(content)
    assert seqs(find_entries(tmp_path / "third")) == [1, 2, 3]


def test_where_the_index_cannot_be_kept_it_is_made_in_memory(journal: Path) -> None:
    (journal / INDEX_FILE).mkdir()
    assert seqs(find_entries(journal, name="O-2")) == [4]


def test_a_record_that_stands_twice_is_not_indexed(journal: Path) -> None:
    path = journal / FILES[0]
    rewrite_lines(path, [*lines_of(path), lines_of(path)[0]])
    with pytest.raises(DataError, match=r"a record twice.*audit verify"):
        find_entries(journal)


def test_a_line_that_cannot_be_indexed_is_named(journal: Path) -> None:
    path = journal / FILES[1]
    rewrite_lines(path, [lines_of(path)[0], b"garbage\n"])
    with pytest.raises(DataError, match=rf"{FILES[1]}, byte \d+ is not a line of a journal"):
        find_entries(journal)


# -- The backup -------------------------------------------------------------------------------------


def test_a_backup_of_a_closed_journal_is_the_same(journal: Path, tmp_path: Path) -> None:
    made = backup(journal, tmp_path / "deep" / "copy")
    assert made == Backup(
        folder=tmp_path / "deep" / "copy",
        records=7,
        last_hash=head_of(journal).hash,
        files=FILES,
        size_bytes=sum(path.stat().st_size for path in day_files(journal)),
    )
    names = sorted(path.name for path in made.folder.iterdir())
    assert names == [*FILES, "head"]
    for name in names:
        assert (made.folder / name).read_bytes() == (journal / name).read_bytes()


def test_a_backup_of_a_running_journal_ends_with_a_whole_record() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "journal"
        running = open_fast(folder)
        running.append(note("first"), ts_ns=START_NS)
        running.flush(WAIT_SECONDS_MAX)
        stop = threading.Event()

        def produce() -> None:
            while not stop.is_set():
                running.append(note("x" * 100), ts_ns=START_NS)
                running.flush(WAIT_SECONDS_MAX)

        producer = threading.Thread(target=produce)
        producer.start()
        counts = []
        for number in range(10):
            made = backup(folder, Path(name) / str(number))
            assert verify(made.folder, expected_hash=made.last_hash).records == made.records
            counts.append(made.records)
        stop.set()
        producer.join(WAIT_SECONDS_MAX)
        assert counts == sorted(counts)
        last = Path(name) / "9"
        copy = open_fast(last)
        assert copy.recovered is None  # a backup can be gone on with
        copy.close(ts_ns=START_NS, reason="end of test")
        running.close(ts_ns=START_NS, reason="end of test")
        assert verify(folder, expected_hash=made.last_hash, may_have_grown=True).ok


def test_a_backup_of_an_empty_journal_is_empty(tmp_path: Path) -> None:
    running = open_fast(tmp_path / "journal")
    made = backup(tmp_path / "journal", tmp_path / "copy")
    assert (made.records, made.last_hash, made.files, made.size_bytes) == (0, None, (), 0)
    running.close(ts_ns=START_NS, reason="end of test")


def test_a_backup_leaves_out_what_nobody_acknowledged(journal: Path, tmp_path: Path) -> None:
    with (journal / FILES[2]).open("ab") as file:
        file.write(b"torn")
    made = backup(journal, tmp_path / "copy")
    assert verify(made.folder).torn_tail_bytes == 0


def test_a_backup_does_not_replace_anything(journal: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    with pytest.raises(UserError, match="exists already"):
        backup(journal, tmp_path / "copy")
    assert list((tmp_path / "copy").iterdir()) == []


def test_a_journal_that_does_not_verify_is_not_backed_up(journal: Path, tmp_path: Path) -> None:
    (journal / FILES[0]).unlink()
    with pytest.raises(JournalError, match=r"is not copied, .*Records 1 to 2 are missing"):
        backup(journal, tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["journal"]


def test_a_backup_that_cannot_be_written_leaves_nothing(journal: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot be copied to .*Not a directory"):
        backup(journal, tmp_path / "file" / "copy")


def test_what_cannot_be_read_is_left_out_where_that_is_asked(tmp_path: Path) -> None:
    write_journal(tmp_path, notes(4))
    (path,) = day_files(tmp_path)
    lines = lines_of(path)
    lines[1], lines[2] = b"x" * 90 + b"\n", lines[2].replace(b'"node"', b'"nods"')
    rewrite_lines(path, lines)
    with pytest.raises(DataError, match="is not a line of a journal"):
        list(read_entries(tmp_path))
    assert [entry.seq for entry in read_entries(tmp_path, skip_unreadable=True)] == [1, 4, 5]
