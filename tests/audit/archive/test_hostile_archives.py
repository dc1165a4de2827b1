"""Archives made by somebody else's hand: links, paths out of the folder, surplus members, false manifests."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.archive import FileEntry, Manifest, archive_run, restore
from audit.archive.manifest import (
    MANIFEST_BYTES_MAX,
    MANIFEST_FILE,
    decode,
    encode,
    is_archive_name,
    name_of_run,
    safe_path,
)
from market.errors import DataError, UserError
from tests.audit.archive.runs import write_run

TEXT = b"text"


def entry_of(path: str, content: bytes = TEXT) -> FileEntry:
    return FileEntry(path, len(content), hashlib.sha256(content).hexdigest())


def manifest_of(*files: FileEntry, **changes: Any) -> Manifest:
    terms: dict[str, Any] = {
        "run": "day",
        "first_day": "2013-10-07",
        "last_day": "2013-10-07",
        "profile_hash": "00",
        "versions": {},
        "journal": None,
        "files": files,
    }
    return Manifest(**terms | changes)


def member(name: str, content: bytes = TEXT, kind: bytes = tarfile.REGTYPE) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.size = len(content) if kind == tarfile.REGTYPE else 0
    info.linkname = "/etc/passwd"
    return info, content


def write(path: Path, manifest: Manifest | bytes | None, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    head = encode(manifest) if isinstance(manifest, Manifest) else manifest
    with gzip.open(path, "wb") as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
        for info, content in (*([member(MANIFEST_FILE, head)] if head is not None else []), *members):
            tar.addfile(info, io.BytesIO(content) if info.isreg() else None)
    return path


def assert_refused(archive: Path, words: str) -> None:
    with pytest.raises(DataError, match=words):
        restore(archive, to=archive.parent / "back")
    assert [path.name for path in archive.parent.iterdir()] == [archive.name]


def test_a_sound_archive_by_hand_is_restored(tmp_path: Path) -> None:
    archive = write(tmp_path / "a", manifest_of(entry_of("x/y")), member("x/y"))
    assert (restore(archive, to=tmp_path / "back").path / "x" / "y").read_bytes() == TEXT


@pytest.mark.parametrize(
    "path",
    ["../out", "/etc/cron.d/x", "a/../../b", "a//b", "./a", "C:\\x", "a\\b", "", ".", "a/", "a\nb", "nul\0"],
)
def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path, path: str) -> None:
    assert not safe_path(path)
    assert_refused(write(tmp_path / "a", manifest_of(entry_of(path)), member("x")), "would leave the folder")


def test_a_manifest_may_not_name_itself_or_a_file_twice(tmp_path: Path) -> None:
    assert_refused(write(tmp_path / "a", manifest_of(entry_of(MANIFEST_FILE))), "would leave")
    twice = manifest_of(entry_of("x"), entry_of("X"))
    assert_refused(write(tmp_path / "a", twice, member("x"), member("X")), "twice")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_a_link_or_device_is_refused(tmp_path: Path, kind: bytes) -> None:
    archive = write(tmp_path / "a", manifest_of(entry_of("x")), member("x", kind=kind))
    assert_refused(archive, "link or no plain file")


def test_a_member_that_the_manifest_does_not_name_is_refused(tmp_path: Path) -> None:
    archive = write(tmp_path / "a", manifest_of(entry_of("x")), member("x"), member("../../evil"))
    assert_refused(archive, "does not name")
    again = write(tmp_path / "a", manifest_of(entry_of("x")), member("x"), member("x"))
    assert_refused(again, "does not name")


def test_a_missing_longer_or_other_member_is_refused(tmp_path: Path) -> None:
    manifest = manifest_of(entry_of("x"), entry_of("y"))
    assert_refused(write(tmp_path / "a", manifest, member("x")), "lacks 'y'")
    assert_refused(write(tmp_path / "a", manifest, member("x", b"longer")), "6 bytes, not 4")
    assert_refused(write(tmp_path / "a", manifest, member("x", b"txet")), "hash differs")


def test_what_follows_the_last_file_is_refused(tmp_path: Path) -> None:
    archive = write(tmp_path / "a", manifest_of(entry_of("x")), member("x"))
    plain = gzip.decompress(archive.read_bytes())
    archive.write_bytes(gzip.compress(plain + b"\0" * 20_000))
    assert restore(archive, to=tmp_path / "back")
    (tmp_path / "other").mkdir()
    longer = tmp_path / "other" / "a"
    longer.write_bytes(gzip.compress(plain + b"\0" * 20_000 + b"hidden"))
    assert_refused(longer, "more after its last file")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": "other"}, "format 'other'"),
        ({"version": 2}, "version 2"),
        ({"first_day": "2013-10-08"}, "cannot be"),
        ({"first_day": "yesterday"}, "cannot be read"),
        ({"run": "../x"}, "cannot be"),
        ({"files": (FileEntry("x", -1, "0" * 64),)}, "size or hash"),
        ({"files": (FileEntry("x", 1, "xyz"),)}, "size or hash"),
    ],
)
def test_a_false_manifest_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    assert_refused(write(tmp_path / "a", manifest_of(**changes)), words)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    assert_refused(write(tmp_path / "a", b"{}"), "cannot be read")
    assert_refused(write(tmp_path / "a", None, member("x")), "does not begin")
    assert_refused(write(tmp_path / "a", None), "does not begin")
    (tmp_path / "a").write_bytes(b"plain text")
    assert_refused(tmp_path / "a", "no archive")
    assert_refused(write(tmp_path / "a", b" " * (MANIFEST_BYTES_MAX + 1)), "at most")


def test_a_sound_archive_with_another_journal_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path / "run", summary=False)
    archived = archive_run(tmp_path / "run", tmp_path / "archives")
    files = [(entry.path, (tmp_path / "run" / entry.path).read_bytes()) for entry in archived.manifest.files]
    true = archived.manifest.journal
    assert true is not None
    changes: tuple[dict[str, Any], ...] = (
        {"last_hash": "f" * 64},
        {"records": 4},
        {"first_hash": "f" * 64},
    )
    for number, change in enumerate(changes):
        folder = tmp_path / f"forged-{number}"
        folder.mkdir()
        note = msgspec.structs.replace(true, **change)
        manifest = msgspec.structs.replace(archived.manifest, journal=note)
        archive = write(folder / "a", manifest, *(member(name, content) for name, content in files))
        assert_refused(archive, "journal/ are not")


def test_a_journal_that_run_json_does_not_name_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path / "run")
    archived = archive_run(tmp_path / "run", tmp_path / "archives")
    other = (tmp_path / "run" / "run.json").read_bytes().replace(b'"last_hash": "', b'"last_hash": "0')
    files = {entry.path: (tmp_path / "run" / entry.path).read_bytes() for entry in archived.manifest.files}
    files["run.json"] = other
    entries = tuple(entry_of(name, content) for name, content in files.items())
    manifest = msgspec.structs.replace(archived.manifest, files=entries)
    (tmp_path / "forged").mkdir()
    archive = write(tmp_path / "forged" / "a", manifest, *(member(*file) for file in files.items()))
    assert_refused(archive, r"not the one that run\.json names")


def test_a_link_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    archive = write(tmp_path / "a", manifest_of(entry_of("x")), member("x"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    with pytest.raises(UserError, match="not empty"):
        restore(archive, to=tmp_path / "link")


@given(text=st.text(max_size=30))
def test_every_name_becomes_one_that_a_file_can_have(text: str) -> None:
    name = name_of_run(text)
    assert decode(encode(manifest_of(run=name))).run == name
    assert is_archive_name(f"{name}-2013-10-07-0123456789ab.harvester.tar.gz")
