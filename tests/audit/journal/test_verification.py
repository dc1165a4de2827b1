"""Every change of a journal is found, and the record is named: file, line, number, what and why."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from audit.journal import Problem, Verification, backup, verify
from audit.journal.findings import PROBLEMS_MAX, Findings
from audit.journal.head import HEAD_BYTES, Head
from audit.journal.line import JSON_START, chained, day_files
from market.errors import NotFoundError, UserError
from tests.audit.journal.journals import (
    START_NS,
    WAIT_SECONDS_MAX,
    head_of,
    lines_of,
    note,
    notes,
    only_file,
    open_fast,
    rechain,
    rewrite_lines,
    set_head,
    write_journal,
)

DAY = "2024-03-05.jsonl"
DAYS = ("2024-03-05.jsonl", "2024-03-06.jsonl", "2024-03-07.jsonl")


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A journal of nine notes and the closing record, on one day."""
    write_journal(tmp_path, notes(9))
    return tmp_path


@pytest.fixture
def three_days(tmp_path: Path) -> Path:
    """A journal of three days with three, three and four records."""
    write_journal(tmp_path, notes(9), days=[0, 0, 0, 1, 1, 1, 2, 2, 2])
    return tmp_path


def change(folder: Path, edit: Callable[[list[bytes]], None], *, name: str | None = None) -> None:
    """Apply `edit` to the lines of the one day file, or of the one named."""
    path = only_file(folder) if name is None else folder / name
    lines = lines_of(path)
    edit(lines)
    rewrite_lines(path, lines)


def places(found: Verification) -> list[tuple[str, int | None, int | None, str]]:
    return [(each.file, each.line, each.seq, each.what) for each in found.problems]


def test_an_untouched_journal_holds(three_days: Path) -> None:
    found = verify(three_days)
    assert found == Verification(
        ok=True,
        records=10,
        files=DAYS,
        first_hash=lines_of(three_days / DAYS[0])[0][:64].decode(),
        last_hash=lines_of(three_days / DAYS[2])[-1][:64].decode(),
        is_closed=True,
        torn_tail_bytes=0,
        head_seq=10,
        problems=(),
    )


def test_a_journal_without_records_holds(tmp_path: Path) -> None:
    journal = open_fast(tmp_path)
    found = verify(tmp_path)
    assert (found.ok, found.records, found.first_hash, found.last_hash) == (True, 0, None, None)
    journal.close(ts_ns=START_NS, reason="end of test")


def test_a_running_journal_holds_and_is_not_closed(tmp_path: Path) -> None:
    journal = open_fast(tmp_path)
    journal.append(note("x"), ts_ns=START_NS)
    journal.flush(WAIT_SECONDS_MAX)
    found = verify(tmp_path)
    assert (found.ok, found.records, found.is_closed) == (True, 1, False)
    journal.close(ts_ns=START_NS, reason="end of test")


@pytest.mark.parametrize("position", [0, 63, 64, 65, 72, 80, 120, -3, -2])
@pytest.mark.parametrize("line", [1, 5, 10])
def test_an_edited_byte_is_found_in_its_line(journal: Path, line: int, position: int) -> None:
    def edit(lines: list[bytes]) -> None:
        content = bytearray(lines[line - 1])
        content[position] ^= 1
        lines[line - 1] = bytes(content)

    change(journal, edit)
    (problem,) = verify(journal).problems
    assert (problem.file, problem.line, problem.seq) == (DAY, line, line)
    assert problem.what in {"edited", "damaged"}


def test_an_edited_record_with_its_own_new_hash_breaks_the_next(journal: Path) -> None:
    def edit(lines: list[bytes]) -> None:
        json = lines[4][JSON_START:].replace(b"record 5", b"record V")
        lines[4] = chained(lines[3][:64], json.rstrip(b"\n")) + b" " + json

    change(journal, edit)
    found = verify(journal)
    assert places(found) == [(DAY, 6, 6, "edited")]
    assert "the one before it was replaced" in found.problems[0].why


def test_an_edited_number_is_an_edit_and_no_gap(journal: Path) -> None:
    def edit(lines: list[bytes]) -> None:
        lines[4] = lines[4].replace(b'{"seq":5,', b'{"seq":8,')

    change(journal, edit)
    assert places(verify(journal)) == [(DAY, 5, 5, "edited")]


def test_a_deleted_record_is_named(journal: Path) -> None:
    change(journal, lambda lines: lines.__delitem__(4))
    found = verify(journal)
    assert places(found) == [(DAY, 5, 5, "missing")]
    assert found.problems[0].why == "Record 5 is missing before this line: what stood there was deleted."


def test_deleted_records_are_named_as_a_range(journal: Path) -> None:
    change(journal, lambda lines: lines.__delitem__(slice(3, 7)))
    (problem,) = verify(journal).problems
    assert (problem.line, problem.seq) == (4, 4)
    assert problem.why.startswith("Records 4 to 7 are missing")


def test_a_deleted_first_record_is_named(journal: Path) -> None:
    change(journal, lambda lines: lines.__delitem__(0))
    (problem,) = verify(journal).problems
    assert (problem.line, problem.seq, problem.what) == (1, 1, "missing")
    assert "a day file before it, or the beginning of this one" in problem.why


def test_records_in_another_order_are_named(journal: Path) -> None:
    def edit(lines: list[bytes]) -> None:
        lines[3], lines[6] = lines[6], lines[3]

    change(journal, edit)
    found = verify(journal)
    assert {each.what for each in found.problems} <= {"reordered", "duplicated"}
    assert found.problems[0].line in {4, 5}


def test_neighbours_in_another_order_are_named(journal: Path) -> None:
    def edit(lines: list[bytes]) -> None:
        lines[3], lines[4] = lines[4], lines[3]

    change(journal, edit)
    assert places(verify(journal)) == [(DAY, 5, 4, "reordered")]


def test_a_copied_record_is_named(journal: Path) -> None:
    change(journal, lambda lines: lines.insert(6, lines[2]))
    assert places(verify(journal)) == [(DAY, 7, 3, "duplicated")]


def test_an_inserted_line_is_named_and_what_follows_is_still_checked(journal: Path) -> None:
    def edit(lines: list[bytes]) -> None:
        lines.insert(2, b"\n")
        lines[8] = lines[8].replace(b"record 8", b"record B")

    change(journal, edit)
    assert places(verify(journal)) == [(DAY, 3, 3, "damaged"), (DAY, 9, 8, "edited")]


def test_overwritten_lines_are_named_once_each(journal: Path) -> None:
    def edit(lines: list[bytes]) -> None:
        lines[2] = lines[3] = b"garbage\n"

    change(journal, edit)
    assert places(verify(journal)) == [(DAY, 3, 3, "damaged"), (DAY, 4, 3, "damaged")]


def test_more_deleted_than_overwritten_is_named(journal: Path) -> None:
    def edit(lines: list[bytes]) -> None:
        lines[2:5] = [b"garbage\n"]

    change(journal, edit)
    assert places(verify(journal)) == [(DAY, 3, 3, "damaged"), (DAY, 4, 3, "missing")]


@pytest.mark.parametrize("cut", [1, 50, 200])
def test_a_cut_end_is_found(journal: Path, cut: int) -> None:
    path = only_file(journal)
    path.write_bytes(path.read_bytes()[:-cut])
    found = verify(journal)
    assert [each.what for each in found.problems] == ["truncated"]
    assert found.problems[0].seq == found.records + 1
    assert f"acknowledges 10 records, and the files end in the middle of record {found.records + 1}: " in (
        found.problems[0].why
    )


def test_whole_records_cut_off_are_found(journal: Path) -> None:
    change(journal, lambda lines: lines.__delitem__(slice(7, None)))
    assert places(verify(journal)) == [(DAY, 8, 8, "truncated")]


def test_an_emptied_file_is_found(journal: Path) -> None:
    only_file(journal).write_bytes(b"")
    assert places(verify(journal)) == [(DAY, 1, 1, "truncated")]


@pytest.mark.parametrize(
    ("gone", "expected"),
    [
        (0, (DAYS[1], 1, 1, "missing")),
        (1, (DAYS[2], 1, 4, "missing")),
        (2, (DAYS[1], 4, 7, "truncated")),
    ],
)
def test_a_deleted_file_is_found(three_days: Path, gone: int, expected: tuple[object, ...]) -> None:
    (three_days / DAYS[gone]).unlink()
    found = verify(three_days)
    assert places(found) == [expected]


def test_deleted_files_all_together_are_found(three_days: Path) -> None:
    for name in DAYS:
        (three_days / name).unlink()
    assert places(verify(three_days)) == [(DAYS[2], 1, 1, "truncated")]


def test_a_cut_in_an_inner_file_is_found(three_days: Path) -> None:
    path = three_days / DAYS[1]
    path.write_bytes(path.read_bytes()[:-4])
    assert places(verify(three_days)) == [(DAYS[1], 3, 6, "damaged")]


def test_an_emptied_inner_file_is_found(three_days: Path) -> None:
    (three_days / DAYS[1]).write_bytes(b"")
    assert [each[0] for each in places(verify(three_days))] == [DAYS[1], DAYS[2]]


def test_exchanged_files_are_found(three_days: Path) -> None:
    first, second = (three_days / name for name in DAYS[:2])
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    found = verify(three_days)
    assert (DAYS[1], 1, 1, "reordered") in places(found)
    assert [each.what for each in found.problems].count("misnamed") == 2


def test_a_renamed_file_is_found(three_days: Path) -> None:
    (three_days / DAYS[0]).rename(three_days / "2024-03-04.jsonl")
    found = verify(three_days)
    assert places(found) == [("2024-03-04.jsonl", 1, 1, "misnamed")]
    assert "Its first record is of 2024-03-05" in found.problems[0].why


@pytest.mark.parametrize("name", ["copy.jsonl", "2024-13-45.jsonl"])
def test_a_file_that_only_looks_like_a_day_is_found(journal: Path, name: str) -> None:
    (journal / name).write_bytes(only_file(journal).read_bytes())
    assert places(verify(journal)) == [(name, None, None, "misnamed")]


def test_a_missing_head_is_found(journal: Path) -> None:
    (journal / "head").unlink()
    assert places(verify(journal)) == [("head", None, None, "head_missing")]


@pytest.mark.parametrize(
    "content", [b"", b"\n" * HEAD_BYTES, b'{"seq":1}', b'{"seq":"x"}', Head(seq=10).encoded() + b" "]
)
def test_a_damaged_head_is_found(journal: Path, content: bytes) -> None:
    (journal / "head").write_bytes(content)
    (problem,) = verify(journal).problems
    assert problem.what in {"head_damaged", "head_missing"}


@pytest.mark.parametrize(
    "changes",
    [
        {"seq": 9},
        {"hash": "1" * 64},
        {"file": "2024-03-06.jsonl"},
        {"file_bytes": 5},
        {"seq": 0},
        {"seq": 3, "file_bytes": 10**9},
    ],
)
def test_an_edited_head_is_found(journal: Path, changes: dict[str, object]) -> None:
    head = msgspec.structs.replace(head_of(journal), **changes)
    (journal / "head").write_bytes(head.encoded())
    assert [each.what for each in verify(journal).problems] == ["head_differs"]


def test_a_head_behind_its_records_holds(three_days: Path, tmp_path: Path) -> None:
    set_head(three_days, three_days / DAYS[1], 2)
    found = verify(three_days)
    assert (found.ok, found.records, found.head_seq) == (True, 10, 5)


def test_a_chain_written_anew_is_found_by_a_hash_kept_elsewhere_alone(journal: Path) -> None:
    noted = verify(journal).last_hash
    change(journal, lambda lines: lines.__setitem__(4, lines[4].replace(b"record 5", b"record V")))
    rechain(journal)
    assert verify(journal).ok
    found = verify(journal, expected_hash=noted)
    assert places(found) == [(only_file(journal).name, 10, 10, "replaced")]
    assert "or the hash that was noted is wrong" in found.problems[0].why


def test_records_after_the_expected_hash_are_found_unless_they_may_be(journal: Path) -> None:
    noted = verify(journal).last_hash
    again = open_fast(journal)
    again.append(note("later"), ts_ns=START_NS + 20)
    again.close(ts_ns=START_NS + 21, reason="end of test")
    assert verify(journal, expected_hash=verify(journal).last_hash).ok
    assert places(verify(journal, expected_hash=noted)) == [(only_file(journal).name, 12, 12, "grown")]
    assert verify(journal, expected_hash=noted, may_have_grown=True).ok
    assert not verify(journal, expected_hash="1" * 64, may_have_grown=True).ok


@pytest.mark.parametrize("text", ["", "abc", "G" * 64, "A" * 64])
def test_what_is_no_hash_is_refused(journal: Path, text: str) -> None:
    with pytest.raises(UserError, match="is not a hash"):
        verify(journal, expected_hash=text)


def test_a_folder_without_a_journal_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(NotFoundError, match="holds no journal"):
            verify(folder)


def test_many_problems_are_counted(tmp_path: Path) -> None:
    write_journal(tmp_path, notes(2 * PROBLEMS_MAX))

    def edit(lines: list[bytes]) -> None:
        lines[:] = [line.replace(b"connected", b"c0nnected") for line in lines]

    change(tmp_path, edit)
    found = verify(tmp_path)
    assert len(found.problems) == PROBLEMS_MAX + 1
    assert found.problems[-1] == Problem(
        file="",
        line=None,
        seq=None,
        what="more",
        why=f"{PROBLEMS_MAX} more problems were found and are not listed.",
    )


def test_many_gaps_are_counted(tmp_path: Path) -> None:
    write_journal(tmp_path, notes(2 * PROBLEMS_MAX + 3))
    change(tmp_path, lambda lines: lines.__delitem__(slice(None, None, 2)))
    assert verify(tmp_path).problems[-1].what == "more"


def test_progress_is_told(journal: Path) -> None:
    told: list[int] = []
    verify(journal, progress=told.append)
    assert told == [10]


def test_lines_longer_than_a_block_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_journal(tmp_path, [note("x" * 1_000), *notes(3)])
    monkeypatch.setattr("audit.journal.scan.BLOCK_BYTES", 64)
    assert verify(tmp_path).ok
    change(tmp_path, lambda lines: lines.__setitem__(0, lines[0].replace(b"xx", b"xy", 1)))
    assert places(verify(tmp_path)) == [(DAY, 1, 1, "edited")]


def test_a_copy_of_a_day_file_in_place_of_another_is_found(three_days: Path, tmp_path: Path) -> None:
    (three_days / DAYS[1]).write_bytes((three_days / DAYS[0]).read_bytes())
    found = verify(three_days)
    assert (DAYS[1], 1, 1, "duplicated") in places(found)
    assert (DAYS[2], 1, 4, "missing") in places(found)


def test_a_journal_is_not_taken_for_another(tmp_path: Path) -> None:
    write_journal(tmp_path / "one", notes(3))
    write_journal(tmp_path / "two", [note("other"), *notes(2)])
    copied = backup(tmp_path / "two", tmp_path / "copy")
    assert verify(tmp_path / "copy", expected_hash=copied.last_hash).ok
    assert not verify(tmp_path / "one", expected_hash=copied.last_hash).ok
    assert day_files(tmp_path / "one") != day_files(tmp_path / "two")


def test_a_head_that_acknowledges_a_false_last_line_is_found(journal: Path) -> None:
    path = only_file(journal)
    lines = lines_of(path)
    rewrite_lines(path, [*lines, lines[0]])
    set_head(journal, path, 11)
    found = verify(journal, expected_hash=lines[-1][:64].decode())
    assert [each.what for each in found.problems] == ["head_differs"]


@pytest.mark.parametrize("length", [10, 4_000, 50_000])
@pytest.mark.parametrize("line", [1, 2, 3])
def test_the_head_is_found_after_a_line_of_any_length(tmp_path: Path, length: int, line: int) -> None:
    write_journal(tmp_path, [note("x" * length) for _ in range(3)])
    set_head(tmp_path, tmp_path / DAY, line)
    assert verify(tmp_path).ok
    wrong = msgspec.structs.replace(head_of(tmp_path), file_bytes=head_of(tmp_path).file_bytes - 1)
    (tmp_path / "head").write_bytes(wrong.encoded())
    assert [each.what for each in verify(tmp_path).problems] == ["head_differs"]


@pytest.mark.parametrize("file_bytes", [-1, 0, 10**9])
def test_a_head_that_points_beside_an_inner_file_is_found(three_days: Path, file_bytes: int) -> None:
    set_head(three_days, three_days / DAYS[0], 2)
    wrong = msgspec.structs.replace(head_of(three_days), file_bytes=file_bytes)
    (three_days / "head").write_bytes(wrong.encoded())
    assert places(verify(three_days)) == [(DAYS[0], None, 2, "head_differs")]


def test_a_shuffled_journal_is_found_in_the_time_of_one_reading(tmp_path: Path) -> None:
    count = 5_000
    write_journal(tmp_path, notes(count))
    change(tmp_path, random.Random(7).shuffle)
    found = verify(tmp_path)
    assert {each.what for each in found.problems} >= {"reordered", "more"}


def test_gaps_are_filled_wherever_their_records_turn_up() -> None:
    findings = Findings()
    findings.missing(2, 4, file=DAY, line=2)
    findings.missing(8, 9, file=DAY, line=3)
    for seq in (3, 1, 5, 9, 10):
        findings.misplaced(seq, file=DAY, line=4)
    found = [(each.what, each.seq) for each in findings.all()]
    assert found == [
        ("missing", 2),
        ("missing", 4),
        ("missing", 8),
        ("reordered", 3),
        ("duplicated", 1),
        ("duplicated", 5),
        ("reordered", 9),
    ]


def test_converted_line_ends_are_one_finding_a_file(three_days: Path) -> None:
    for path in day_files(three_days):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    found = verify(three_days)
    assert [(each.file, each.line, each.what) for each in found.problems] == [
        (name, 1, "line_ends") for name in DAYS
    ]
    assert found.records == 10


def test_an_edit_among_converted_lines_is_named_beside_them(journal: Path) -> None:
    path = only_file(journal)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n").replace(b"record 5", b"record V"))
    assert [(each.seq, each.what) for each in verify(journal).problems] == [(1, "line_ends"), (5, "edited")]


def test_a_problem_is_said_in_one_line(journal: Path) -> None:
    (journal / "head").unlink()
    assert str(verify(journal).problems[0]).startswith("head, head_missing: The file 'head' is missing: ")
    change(journal, lambda lines: lines.__setitem__(4, lines[4].replace(b"record 5", b"record V")))
    assert str(verify(journal).problems[0]).startswith("2024-03-05.jsonl:5, record 5, edited: Its hash")


def test_an_empty_journal_is_not_the_one_of_a_noted_hash(tmp_path: Path) -> None:
    open_fast(tmp_path / "empty")
    found = verify(tmp_path / "empty", expected_hash="1" * 64)
    assert places(found) == [("head", None, 0, "replaced")]
