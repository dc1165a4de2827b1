"""`harvester audit verify`: exit 0, 3 and 2; the record is named; run.json's hash is compared."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from audit.events import NoteRecord
from audit.journal import verify
from audit.note_store import add_note
from cli import audit, run_journal
from cli.__main__ import main
from market.errors import DataError, NotFoundError, UserError
from tests.audit.journal.journals import (
    START_NS,
    lines_of,
    notes,
    open_fast,
    rechain,
    rewrite_lines,
    write_journal,
)

DAY = "2024-03-05.jsonl"


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """A run whose journal holds nine notes and the closing record, noted in run.json."""
    write_journal(tmp_path / "journal", notes(9))
    note_in_run_file(tmp_path)
    return tmp_path


def note_in_run_file(run_dir: Path) -> None:
    found = verify(run_dir / "journal")
    summary = {"journal": {"records": found.records, "last_hash": found.last_hash}}
    (run_dir / "run.json").write_text(json.dumps(summary))


def edit_a_record(run_dir: Path) -> None:
    path = run_dir / "journal" / DAY
    rewrite_lines(path, [line.replace(b"record 5", b"record V") for line in lines_of(path)])


def test_an_untouched_journal_exits_0(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify", str(run_dir)]) == 0
    text = capsys.readouterr().out
    assert "10 records in 1 file, closed. All holds." in text
    assert verify(run_dir / "journal").last_hash in text  # type: ignore[operator]
    assert "No hash from elsewhere" not in text


def test_an_edited_record_exits_3_and_is_named(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit_a_record(run_dir)
    assert main(["audit", "verify", str(run_dir)]) == 3
    text = capsys.readouterr().out
    assert f"{DAY}:5" in text
    assert "edited" in text
    assert "1 problem: do not rely on this journal." in text


def test_json_is_one_object(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit_a_record(run_dir)
    assert main(["audit", "verify", str(run_dir), "--json"]) == 3
    answer = json.loads(capsys.readouterr().out)
    assert (answer["ok"], answer["records"], answer["torn_tail_bytes"]) == (False, 10, 0)
    (problem,) = answer["problems"]
    assert (problem["file"], problem["line"], problem["seq"], problem["what"]) == (DAY, 5, 5, "edited")
    assert answer["expected_hash"] == answer["last_hash"]


def test_a_journal_written_anew_is_found_by_the_hash_in_run_json(run_dir: Path) -> None:
    edit_a_record(run_dir)
    rechain(run_dir / "journal")
    assert audit.verify(run_dir) == 3
    (run_dir / "run.json").unlink()
    assert audit.verify(run_dir) == 0


def test_a_given_hash_goes_before_that_of_run_json(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = lines_of(run_dir / "journal" / DAY)[0][:64].decode()
    assert audit.verify(run_dir, expect_hash=first) == 3
    assert "others were added after it" in capsys.readouterr().out
    assert audit.verify(run_dir, expect_hash=first, may_have_grown=True) == 0
    with pytest.raises(UserError, match="is not a hash"):
        audit.verify(run_dir, expect_hash="abc")


def test_a_torn_tail_is_said_and_no_problem(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (run_dir / "journal" / DAY).open("ab") as file:
        file.write(b"torn")
    assert audit.verify(run_dir) == 0
    assert "4 bytes at the end are no whole record" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["[]", "{}", '{"journal": null}', '{"journal": {"last_hash": 5}}'])
def test_a_run_without_a_note_is_verified_and_says_so(
    run_dir: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (run_dir / "run.json").write_text(content)
    assert audit.verify(run_dir) == 0
    assert "No hash from elsewhere was compared" in capsys.readouterr().out


def test_a_running_journal_without_records_has_no_hash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = open_fast(tmp_path / "journal")
    assert audit.verify(tmp_path) == 0
    assert "Last hash" not in capsys.readouterr().out
    journal.close(ts_ns=START_NS, reason="end of test")


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe"])
def test_a_damaged_run_file_is_named(run_dir: Path, content: bytes) -> None:
    (run_dir / "run.json").write_bytes(content)
    with pytest.raises(DataError, match=r"run.json is damaged.*--expect-hash"):
        audit.verify(run_dir)


def test_notes_are_verified_too(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("late fill", "news at ten"):
        add_note(run_dir, NoteRecord(subject="O-1", text=text, tags=(), by="Ann"), ts_ns=START_NS)
    assert main(["audit", "verify", str(run_dir), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["notes"]
    assert (found["ok"], found["count"]) == (True, 2)
    assert audit.verify(run_dir) == 0
    assert "2 notes among them." in capsys.readouterr().out
    (day_file,) = (run_dir / "notes").glob("*.jsonl")
    rewrite_lines(day_file, [line.replace(b"late fill", b"good fill") for line in lines_of(day_file)])
    assert main(["audit", "verify", str(run_dir)]) == 3
    text = capsys.readouterr().out
    assert "All holds." in text
    assert f"{day_file.name}:1" in text


def test_bad_input_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify", str(tmp_path / "missing")]) == 2
    assert "There is no folder" in capsys.readouterr().err
    assert main(["audit", "verify", str(tmp_path)]) == 2
    assert "has no journal" in capsys.readouterr().err
    with pytest.raises(NotFoundError, match="has no journal"):
        audit.verify(tmp_path)
    (tmp_path / "journal").mkdir()
    with pytest.raises(NotFoundError, match="has no journal"):
        audit.verify(tmp_path)
    file = tmp_path / "README.md"
    file.touch()
    with pytest.raises(UserError, match="is a file, not a folder"):
        audit.verify(file)


def test_what_cannot_be_read_is_named(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(UserError, match=r"run.json cannot be read: Permission denied\. Check its rights"):
        audit.verify(run_dir)


@pytest.mark.parametrize("is_emptied", [False, True])
def test_a_journal_that_run_json_names_and_that_is_gone_exits_3(
    run_dir: Path, is_emptied: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(run_dir / "journal")
    if is_emptied:
        (run_dir / "journal").mkdir()
        (run_dir / "journal" / "index.sqlite").touch()
    assert main(["audit", "verify", str(run_dir)]) == 3
    text = capsys.readouterr().out
    assert "journal_missing" in text
    assert "run.json names a journal of 10 records" in " ".join(text.split())
    assert main(["audit", "verify", str(run_dir), "--json"]) == 3
    answer = json.loads(capsys.readouterr().out)
    assert (answer["ok"], answer["records"], answer["problems"][0]["what"]) == (False, 0, "journal_missing")
    (run_dir / "run.json").write_text('{"journal": {"last_hash": "a"}}')
    assert "names a journal, and" in run_journal.verify_run(run_dir, expected_hash=None).problems[0].why
    assert "hash was noted" in run_journal.verify_run(run_dir, expected_hash="a" * 64).problems[0].why
    (run_dir / "run.json").write_text('{"journal": null}')
    assert main(["audit", "verify", str(run_dir)]) == 2


def test_a_wrong_hash_in_run_json_is_told_as_such(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run_dir / "run.json").write_text(json.dumps({"journal": {"last_hash": "ab" * 32}}))
    assert audit.verify(run_dir) == 3
    text = capsys.readouterr().out
    assert f"{DAY}:10" in text
    assert f"Expected, by run.json: {'ab' * 32}" in text


def test_a_hash_may_be_in_capitals(run_dir: Path) -> None:
    last_hash = verify(run_dir / "journal").last_hash or ""
    assert audit.verify(run_dir, expect_hash=f" {last_hash.upper()}") == 0


def test_a_cut_record_is_not_called_a_crash(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run_dir / "journal" / DAY
    path.write_bytes(path.read_bytes()[:-9])
    assert audit.verify(run_dir) == 3
    text = capsys.readouterr().out
    assert "truncated" in text
    assert "being written" not in text


def test_many_problems_fill_no_screen(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_journal(run_dir / "more" / "journal", notes(60))
    rewrite_lines(run_dir / "more" / "journal" / DAY, [b"x\n"] * 60)
    assert audit.verify(run_dir / "more") == 3
    text = capsys.readouterr().out
    assert text.count("damaged") == audit.PROBLEMS_SHOWN_MAX
    assert "and 41 more; --json lists them." in text
