"""An archive is one file, whole and verified, the same for the same content; restoring gives the run back."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.archive import archive_run, packing, read_manifest, restore, unpacking
from audit.archive.content import gather
from audit.events import NodeRecord
from audit.journal import verify
from market.errors import DataError, NotFoundError, UserError
from tests.audit.archive.runs import DATA_PATH, NOON_NS, annotate, damage, write_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    write_run(tmp_path / "run")
    return tmp_path / "run"


GZIP_HEADER_BYTES = 10


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_restored_run_is_the_run(run: Path, tmp_path: Path) -> None:
    archived = archive_run(run, tmp_path / "archives")
    restored = restore(archived.path, to=tmp_path / "back")
    expected = tree(run)
    for left_out in (".lock", ".unfinished/half", "journal/index.sqlite"):
        del expected[left_out]
    assert tree(tmp_path / "back") == expected
    assert restored.verification is not None
    assert restored.verification.ok
    assert restored.verification.records == 5
    assert archived.is_new
    assert archived.path.name.startswith("bac_ticks-2013-10-07-")


def test_the_manifest_names_every_file_with_its_hash(run: Path, tmp_path: Path) -> None:
    manifest = archive_run(run, tmp_path / "archives").manifest
    assert [entry.path for entry in manifest.files] == sorted(entry.path for entry in manifest.files)
    for entry in manifest.files:
        content = (run / entry.path).read_bytes()
        assert (entry.size, entry.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert manifest.journal is not None
    assert manifest.journal.last_hash == verify(run / "journal").last_hash
    assert manifest.journal.is_closed
    assert manifest.profile_hash == "ab" * 32
    assert manifest.versions == {"harvester": "0.1.0"}


def test_the_same_content_gives_the_same_bytes(run: Path, tmp_path: Path) -> None:
    first = archive_run(run, tmp_path / "one")
    copy = tmp_path / "elsewhere" / "copy"
    shutil.copytree(run, copy)
    for path in copy.rglob("*"):
        if path.is_file():
            os.utime(path, (1, 1))
            path.chmod(0o600)
    second = archive_run(copy, tmp_path / "two")
    assert first.path.name == second.path.name
    assert first.path.read_bytes() == second.path.read_bytes()


def test_archiving_again_leaves_the_archive_alone_and_mends_a_damaged_one(run: Path, tmp_path: Path) -> None:
    first = archive_run(run, tmp_path / "archives")
    again = archive_run(run, tmp_path / "archives")
    assert (again.path, again.is_new) == (first.path, False)
    whole = first.path.read_bytes()
    first.path.write_bytes(whole[:-200])
    mended = archive_run(run, tmp_path / "archives")
    assert mended.is_new
    assert first.path.read_bytes() == whole


def test_a_journal_is_archived_while_it_is_written(tmp_path: Path) -> None:
    journal = write_run(tmp_path / "run", summary=False, close=False)
    archived = archive_run(tmp_path / "run", tmp_path / "archives")
    journal.append(NodeRecord(state="stopped"), ts_ns=NOON_NS + 50)
    journal.close(ts_ns=NOON_NS + 60, reason="done")
    restored = restore(archived.path, to=tmp_path / "back")
    assert restored.verification is not None
    assert (restored.verification.ok, restored.verification.records) == (True, 4)
    assert not restored.verification.is_closed
    assert archived.manifest.run == "bac_ticks"
    assert archive_run(tmp_path / "run", tmp_path / "archives").path != archived.path


def test_what_a_crash_tore_off_the_journal_is_archived_too(tmp_path: Path) -> None:
    write_run(tmp_path / "run")
    (tmp_path / "run" / "journal" / "2013-10-07.jsonl.1.torn").write_bytes(b"half a rec")
    archived = archive_run(tmp_path / "run", tmp_path / "archives")
    assert "journal/2013-10-07.jsonl.1.torn" in [entry.path for entry in archived.manifest.files]


def test_a_damaged_journal_is_refused_unless_told(run: Path, tmp_path: Path) -> None:
    damage(run)
    with pytest.raises(DataError, match=r"fails verification.*--even-damaged"):
        archive_run(run, tmp_path / "archives")
    assert list((tmp_path / "archives").iterdir()) == []
    archived = archive_run(run, tmp_path / "archives", even_damaged=True)
    assert archived.manifest.journal is not None
    assert archived.manifest.journal.is_damaged
    restored = restore(archived.path, to=tmp_path / "back")
    assert restored.verification is not None
    assert not restored.verification.ok
    assert tree(tmp_path / "back" / "journal") == {
        name: content for name, content in tree(run / "journal").items() if "index" not in name
    }


def test_a_journal_that_is_not_the_one_that_the_run_noted_is_refused(run: Path, tmp_path: Path) -> None:
    shutil.rmtree(run / "journal")
    write_run(tmp_path / "other", records=4)
    shutil.copytree(tmp_path / "other" / "journal", run / "journal")
    with pytest.raises(DataError, match="fails verification"):
        archive_run(run, tmp_path / "archives")


def without_journal(run: Path, *, said: str) -> None:
    """Take the journal away; `said` is what run.json says of it."""
    shutil.rmtree(run / "journal")
    content = json.loads((run / "run.json").read_text())
    del content["journal"]
    if said == "null":
        content["journal"] = None
    elif said == "the last hash":
        content["journal"] = {"records": 5, "last_hash": "ab" * 32}
    (run / "run.json").write_text(json.dumps(content))


def test_a_run_without_a_journal_is_archived_and_says_so(run: Path, tmp_path: Path) -> None:
    without_journal(run, said="null")
    archived = archive_run(run, tmp_path / "archives")
    assert archived.manifest.journal is None
    assert restore(archived.path, to=tmp_path / "back").verification is None


@pytest.mark.parametrize("said", ["the last hash", "nothing"])
@pytest.mark.parametrize("emptied", [False, True])
def test_a_journal_that_is_gone_is_loss(run: Path, tmp_path: Path, said: str, emptied: bool) -> None:
    without_journal(run, said=said)
    if emptied:
        (run / "journal").mkdir()
    with pytest.raises(DataError, match=r"journal/ holds no records any more.*--even-damaged"):
        archive_run(run, tmp_path / "archives")
    assert list((tmp_path / "archives").iterdir()) == []
    archived = archive_run(run, tmp_path / "archives", even_damaged=True)
    assert archived.manifest.journal is not None
    assert "no records any more" in archived.manifest.journal.problems[0]
    assert restore(archived.path, to=tmp_path / "back").verification is None


def test_a_journal_of_which_only_the_head_is_left_can_be_kept_as_evidence(run: Path, tmp_path: Path) -> None:
    for path in (run / "journal").glob("*.jsonl"):
        path.unlink()
    with pytest.raises(DataError, match="fails verification"):
        archive_run(run, tmp_path / "archives")
    archived = archive_run(run, tmp_path / "archives", even_damaged=True)
    assert [entry.path for entry in archived.manifest.files if "journal" in entry.path] == ["journal/head"]


def test_a_journal_of_which_no_day_file_has_its_name_can_be_kept_as_evidence(
    run: Path, tmp_path: Path
) -> None:
    (run / "journal" / "head").unlink()
    for path in (run / "journal").glob("*.jsonl"):
        path.rename(run / "journal" / "renamed.jsonl")
    archived = archive_run(run, tmp_path / "archives", even_damaged=True)
    assert archived.manifest.journal is not None
    assert archived.manifest.journal.is_damaged


def test_notes_are_archived_with_their_records_and_last_hash(run: Path, tmp_path: Path) -> None:
    assert archive_run(run, tmp_path / "archives").manifest.notes is None
    annotate(run)
    (run / "notes" / "index.sqlite").write_bytes(b"not the same twice")
    archived = archive_run(run, tmp_path / "archives")
    found = verify(run / "notes")
    assert archived.manifest.notes is not None
    assert archived.manifest.notes.records == found.records > 0
    assert archived.manifest.notes.last_hash == found.last_hash
    restored = restore(archived.path, to=tmp_path / "back")
    assert restored.notes is not None
    assert (restored.notes.ok, restored.notes.records) == (True, found.records)
    assert not (tmp_path / "back" / "notes" / "index.sqlite").exists()


def test_notes_that_do_not_verify_are_refused_unless_told(run: Path, tmp_path: Path) -> None:
    annotate(run)
    damage(run, chain="notes")
    with pytest.raises(DataError, match=r"The notes of .* fails verification.*--even-damaged"):
        archive_run(run, tmp_path / "archives")
    archived = archive_run(run, tmp_path / "archives", even_damaged=True)
    assert archived.manifest.problems
    assert archived.manifest.journal is not None
    assert not archived.manifest.journal.is_damaged
    restored = restore(archived.path, to=tmp_path / "back")
    assert restored.notes is not None
    assert not restored.notes.ok


def test_an_emptied_folder_of_notes_is_loss(run: Path, tmp_path: Path) -> None:
    (run / "notes").mkdir()
    with pytest.raises(DataError, match="notes/ holds no records any more"):
        archive_run(run, tmp_path / "archives")


@pytest.mark.parametrize("environment", ["uat", "backtest"])
@pytest.mark.parametrize("change", ["other", "missing", None])
def test_market_data_must_be_what_the_journal_names(
    tmp_path: Path, environment: str, change: str | None
) -> None:
    run = tmp_path / "run"
    write_run(run, environment=environment, with_data_record=True)
    if change is None:
        assert archive_run(run, tmp_path / "archives").manifest.holds_data
        return
    if change == "other":
        (run / DATA_PATH).write_bytes(b"altered")
    else:
        (run / DATA_PATH).rename(run / "data" / "quotes" / "other")
    with pytest.raises(DataError, match=rf"{DATA_PATH} .*--even-damaged"):
        archive_run(run, tmp_path / "archives")
    archived = archive_run(run, tmp_path / "archives", even_damaged=True)
    assert len(archived.manifest.data_problems) == 1
    assert restore(archived.path, to=tmp_path / "back").verification is not None


def test_a_backtest_s_data_stays_in_the_catalog_unless_it_is_taken_along(tmp_path: Path) -> None:
    run = tmp_path / "run"
    write_run(run, with_data_record=True)
    data = tmp_path / "catalog.parquet"
    (run / DATA_PATH).rename(data)
    assert not archive_run(run, tmp_path / "archives").manifest.holds_data
    whole = archive_run(run, tmp_path / "archives", beside={DATA_PATH: data})
    assert whole.manifest.holds_data
    restored = restore(whole.path, to=tmp_path / "back")
    assert (restored.path / DATA_PATH).read_bytes() == data.read_bytes()
    with pytest.raises(DataError, match="already"):
        archive_run(restored.path, tmp_path / "archives", beside={DATA_PATH: data})


def test_an_archive_whose_name_is_not_its_manifest_s_is_not_restored(run: Path, tmp_path: Path) -> None:
    first = archive_run(run, tmp_path / "archives")
    assert restore(first.path, to=tmp_path / "back").name_agrees
    annotate(run)
    other = archive_run(run, tmp_path / "archives")
    shutil.copy(other.path, first.path)
    with pytest.raises(DataError, match=rf"belongs into {other.path.name}"):
        restore(first.path, to=tmp_path / "again")
    assert archive_run(run, tmp_path / "archives").path == other.path
    renamed = other.path.rename(tmp_path / "backup.tar.gz")
    assert restore(renamed, to=tmp_path / "again").name_agrees is None


def test_another_archive_under_our_name_is_replaced(run: Path, tmp_path: Path) -> None:
    first = archive_run(run, tmp_path / "archives")
    annotate(run)
    second = archive_run(run, tmp_path / "archives")
    shutil.copy(first.path, second.path)
    again = archive_run(run, tmp_path / "archives")
    assert (again.path, again.is_new) == (second.path, True)
    assert read_manifest(again.path).notes is not None


@pytest.mark.parametrize("kind", ["absent", "empty", "bad json", "no days"])
def test_what_is_no_run_is_not_archived(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "run"
    if kind != "absent":
        folder.mkdir()
    if kind == "bad json":
        (folder / "run.json").write_text("{")
    if kind == "no days":
        (folder / "run.json").write_text('{"journal": null}')
    with pytest.raises(UserError):
        archive_run(folder, tmp_path / "archives")
    assert list((tmp_path / "archives").iterdir()) == []


def test_a_link_is_not_archived(run: Path, tmp_path: Path) -> None:
    (run / "data" / "secret").symlink_to("/etc/passwd")
    with pytest.raises(DataError, match="link or a device"):
        archive_run(run, tmp_path / "archives")


def test_a_name_that_not_every_system_can_keep_is_refused(run: Path, tmp_path: Path) -> None:
    (run / "data" / "a:b").write_text("")
    with pytest.raises(DataError, match="Rename it"):
        archive_run(run, tmp_path / "archives")


def test_an_archive_within_the_run_is_refused(run: Path) -> None:
    with pytest.raises(UserError, match="would be archived itself"):
        archive_run(run, run / "archives")
    assert not (run / "archives").exists()


@pytest.mark.parametrize("change", ["grows", "shrinks", "other"])
def test_a_file_that_changes_meanwhile_is_not_archived(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path = run / "report.html"

    def gather_then_change(*arguments: object, **options: object) -> object:
        content = gather(*arguments, **options)  # type: ignore[arg-type]
        text = path.read_text()
        path.write_text({"grows": text + "more", "shrinks": text[:-3], "other": text.upper()}[change])
        return content

    monkeypatch.setattr(packing, "gather", gather_then_change)
    with pytest.raises(DataError, match="changed while"):
        archive_run(run, tmp_path / "archives")
    assert list((tmp_path / "archives").iterdir()) == []


def test_a_full_disk_leaves_nothing_behind(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    archived = archive_run(run, tmp_path / "archives")
    monkeypatch.setattr(packing._HashingReader, "read", full)
    with pytest.raises(UserError, match="No space left"):
        archive_run(run, tmp_path / "others")
    assert list((tmp_path / "others").iterdir()) == []
    monkeypatch.undo()
    monkeypatch.setattr(unpacking, "_copy", full)
    with pytest.raises(UserError, match="No space left"):
        restore(archived.path, to=tmp_path / "back")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archives", "others", "run"]


def test_restoring_needs_room_and_an_empty_folder(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archived = archive_run(run, tmp_path / "archives")
    with pytest.raises(UserError, match="not empty"):
        restore(archived.path, to=run)
    (tmp_path / "empty").mkdir()
    assert restore(archived.path, to=tmp_path / "empty").path == tmp_path / "empty"
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=10))
    with pytest.raises(UserError, match="10 bytes free"):
        restore(archived.path, to=tmp_path / "back")


def test_the_default_folder_names_run_and_day(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archived = archive_run(run, tmp_path / "archives")
    monkeypatch.chdir(tmp_path)
    assert restore(archived.path).path == Path("runs/bac_ticks-2013-10-07")


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no archive"):
        read_manifest(tmp_path / "none")


@pytest.fixture(scope="module")
def archive_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("tampered")
    write_run(folder / "run", records=3)
    shutil.rmtree(folder / "run" / "data")
    return archive_run(folder / "run", folder).path.read_bytes()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255), cuts=st.booleans())
def test_an_altered_or_cut_archive_is_never_restored(
    archive_bytes: bytes, tmp_path: Path, place: float, flip: int, cuts: bool
) -> None:
    # Flags, time and system in gzip's header say nothing that anybody relies on.
    at = GZIP_HEADER_BYTES + int(place * (len(archive_bytes) - GZIP_HEADER_BYTES))
    altered = bytearray(archive_bytes)
    altered[at] ^= flip
    path = tmp_path / "altered.tar.gz"
    path.write_bytes(archive_bytes[:at] if cuts else bytes(altered))
    with pytest.raises(UserError):
        restore(path, to=tmp_path / "back")
    assert [each.name for each in tmp_path.iterdir()] == ["altered.tar.gz"]
