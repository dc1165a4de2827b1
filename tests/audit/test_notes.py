"""Notes say who wrote them, are about something that exists, and cannot be changed unnoticed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from audit import note_store
from audit.journal import FOR_BACKTESTS, Journal, JournalBusyError, TamperedError
from audit.note_store import NOTES_FOLDER, add_note, read_notes
from audit.notes import (
    TAGS_MAX,
    TEXT_MAX,
    About,
    Note,
    NotesBySubject,
    checked_note,
    notes_of,
    require_subject,
)
from market.errors import DataError, NotFoundError, UserError
from tests.audit.script import OPEN_NS, Script


def keep(run: Path, text: str = "looked at", *tags: str) -> Note:
    return add_note(run, checked_note("O-1", text=text, tags=tags, by="Ann"), ts_ns=OPEN_NS)


def test_a_note_comes_back_as_it_was_written(tmp_path: Path) -> None:
    keep(tmp_path, " late fill ", "review", "late-fill", "review")
    keep(tmp_path, "", "done")
    first, second = read_notes(tmp_path)
    assert (first.subject, first.text, first.tags, first.by) == (
        "O-1",
        "late fill",
        ("review", "late-fill"),
        "Ann",
    )
    assert (second.text, second.tags) == ("", ("done",))
    assert (first.number, second.number) == (1, 2)
    assert second.seq > first.seq


def test_a_run_without_notes_has_none(tmp_path: Path) -> None:
    assert read_notes(tmp_path) == []


def test_a_changed_note_is_found(tmp_path: Path) -> None:
    keep(tmp_path)
    (day,) = (tmp_path / NOTES_FOLDER).glob("*.jsonl")
    day.write_bytes(day.read_bytes().replace(b"looked at", b"looked up"))
    with pytest.raises(TamperedError, match=r"fail their verification.*--no-notes"):
        read_notes(tmp_path)
    assert [note.text for note in read_notes(tmp_path, unverified=True)] == ["looked up"]
    assert TamperedError.exit_code == 3


def test_a_note_that_was_taken_away_is_found(tmp_path: Path) -> None:
    keep(tmp_path)
    keep(tmp_path, "embarrassing")
    (day,) = (tmp_path / NOTES_FOLDER).glob("*.jsonl")
    lines = day.read_bytes().splitlines(keepends=True)
    day.write_bytes(b"".join(lines[:2]))
    with pytest.raises(DataError, match="fail their verification"):
        read_notes(tmp_path)


@pytest.mark.parametrize(
    ("text", "tags", "by", "message"),
    [
        ("x", (), " ", "author"),
        (" ", (), "Ann", "text or a tag"),
        ("x" * (TEXT_MAX + 1), (), "Ann", "4,001 characters"),
        ("x", tuple(f"t{n}" for n in range(TAGS_MAX + 1)), "Ann", "21 tags"),
        ("x", ("Late Fill",), "Ann", "'Late Fill' is no tag"),
        ("red \x1b[31m", (), "Ann", r"text has the control character '.x1b' at 5"),
        ("x", (), "A\u202enn", "author has the control character"),
    ],
)
def test_what_is_no_note_is_refused(text: str, tags: tuple[str, ...], by: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        checked_note("O-1", text=text, tags=tags, by=by)


def test_a_note_may_have_lines(tmp_path: Path) -> None:
    assert keep(tmp_path, "one\n\ttwo").text == "one\n\ttwo"


def test_every_note_has_its_author() -> None:
    def note(number: int, text: str, *tags: str) -> Note:
        return Note(number=number, seq=number, ts_ns=0, subject="O-1", text=text, tags=tags, by="Ann")

    about = NotesBySubject([note(1, "late", "a"), note(2, "", "a", "b")]).about(["O-1"])
    assert about == About(("a", "b"), ("late (Ann)", "tagged a, b (Ann)"))


def test_notes_written_at_once_are_all_kept(tmp_path: Path) -> None:
    texts = [f"note {number}" for number in range(6)]
    with ThreadPoolExecutor(len(texts)) as pool:
        kept = list(pool.map(lambda text: keep(tmp_path, text), texts))
    assert sorted(note.number for note in kept) == [1, 2, 3, 4, 5, 6]
    assert sorted(note.text for note in read_notes(tmp_path)) == texts


def test_who_writes_notes_for_too_long_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(note_store, "WAIT_SECONDS_MAX", 0.0)
    other = Journal.open(tmp_path / NOTES_FOLDER, settings=FOR_BACKTESTS)
    with pytest.raises(JournalBusyError, match="being written by another process"):
        keep(tmp_path)
    other.close(ts_ns=OPEN_NS, reason="end of test")


def test_the_longest_note_is_kept(tmp_path: Path) -> None:
    keep(tmp_path, "x" * TEXT_MAX, *(f"t{n}" for n in range(TAGS_MAX)))
    assert len(read_notes(tmp_path)[0].text) == TEXT_MAX


def test_a_note_is_about_an_id_or_a_day_of_the_journal() -> None:
    entries = Script().filled_order("O-1", "c-1").entries
    for subject in ("O-1", "trip-6", "2013-10-07"):
        require_subject(entries, subject)
    with pytest.raises(NotFoundError, match="Near it: O-1"):
        require_subject(entries, "o-1")
    with pytest.raises(NotFoundError, match=r"no record of 2013-10-08\. Its days: 2013-10-07"):
        require_subject(entries, "2013-10-08")
    with pytest.raises(NotFoundError, match="Its days: none"):
        require_subject([], "2013-10-08")
    with pytest.raises(DataError, match="not a date"):
        require_subject(entries, "2013-13-08")


def test_other_records_are_no_notes() -> None:
    script = Script()
    script.opened()
    assert list(notes_of(script.entries)) == []
