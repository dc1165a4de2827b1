"""Which files of a run directory belong in its archive, and what they say of the run."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from audit.archive.manifest import MANIFEST_FILE, FileEntry, JournalNote, Manifest, name_of_run, safe_path
from audit.events import OpenedRecord
from audit.journal import Verification, backup, read_entries, verify
from market.errors import DataError, NotFoundError
from market.time import new_york_date

JOURNAL_FOLDER = "journal"
RUN_FILE = "run.json"
PROFILE_FILE = "profile.json"
INDEX_PREFIX = "index.sqlite"
"""The journal's index and its temporary files: made anew from the journal, and not the same twice."""
TORN_SUFFIX = ".torn"
HASH_BLOCK = 1 << 20


class _Period(msgspec.Struct, frozen=True):
    start: str
    end: str


class _NotedJournal(msgspec.Struct, frozen=True):
    last_hash: str | None = None


class _Summary(msgspec.Struct, frozen=True):
    """What an archive needs of `run.json`."""

    name: str | None = None
    profile_hash: str | None = None
    versions: dict[str, str] = {}
    period: _Period | None = None
    journal: _NotedJournal | None = None


class Source(msgspec.Struct, frozen=True):
    """A file as the archive names it, and where its bytes are."""

    entry: FileEntry
    path: Path


class Content(msgspec.Struct, frozen=True):
    """A manifest and the files that it names, in its order."""

    manifest: Manifest
    sources: tuple[Source, ...]


def gather(run_dir: Path, *, staging: Path, even_damaged: bool) -> Content:
    """Return what is to be archived of `run_dir`; the journal is copied to `staging`, as it is now.

    So a journal that is being written is archived up to its last acknowledged record. Raises
    `NotFoundError` for what is no run, and `DataError` for links and for a journal that does not verify
    (with `even_damaged` it is taken as it is, and the manifest says so).
    """
    if not run_dir.is_dir():
        raise NotFoundError(f"There is no folder {run_dir}. Give the folder of a run.")
    summary = _summary(run_dir)
    has_journal = (run_dir / JOURNAL_FOLDER).is_dir()
    if not has_journal and summary is None:
        raise NotFoundError(f"{run_dir} has neither {JOURNAL_FOLDER}/ nor {RUN_FILE}, so it is no run.")
    note = _take_journal(run_dir, staging, summary, even_damaged=even_damaged) if has_journal else None
    sources = tuple(sorted(_sources(run_dir, staging), key=lambda source: source.entry.path))
    files = tuple(source.entry for source in sources)
    return Content(_manifest(run_dir, staging, summary, note=note, files=files), sources)


def hash_of(path: Path) -> tuple[int, str]:
    """Return a file's size and SHA-256."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(HASH_BLOCK):
            digest.update(block)
            size += len(block)
    return size, digest.hexdigest()


def noted_hash(run_dir: Path) -> str | None:
    """Return the last hash of the journal as `run.json` noted it, None without such a note."""
    summary = _summary(run_dir)
    return None if summary is None or summary.journal is None else summary.journal.last_hash


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, so that a file renamed into it stays there."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _summary(run_dir: Path) -> _Summary | None:
    path = run_dir / RUN_FILE
    if not path.is_file():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Summary)
    except msgspec.DecodeError as error:
        raise DataError(f"{path} cannot be read: {error}. Restore it, or run the backtest again.") from None


def _take_journal(
    run_dir: Path, staging: Path, summary: _Summary | None, *, even_damaged: bool
) -> JournalNote:
    """Copy the journal to the staging folder and return what it is."""
    folder, copy = run_dir / JOURNAL_FOLDER, staging / JOURNAL_FOLDER
    found = verify(folder, expected_hash=noted_hash(run_dir), may_have_grown=summary is None)
    if found.ok:
        copied = backup(folder, copy)
        return JournalNote(records=copied.records, last_hash=copied.last_hash, is_closed=found.is_closed)
    problems = tuple(problem.why for problem in found.problems)
    if not even_damaged:
        raise DataError(
            f"The journal of {run_dir} fails verification: {problems[0]} See "
            "docs/runbooks/journal-fails-verification.md. To archive it as it is, add --even-damaged."
        )
    shutil.copytree(folder, copy, symlinks=True, ignore=shutil.ignore_patterns(f"{INDEX_PREFIX}*"))
    return _damaged(found, problems)


def _damaged(found: Verification, problems: tuple[str, ...]) -> JournalNote:
    return JournalNote(
        records=found.records, last_hash=found.last_hash, is_closed=found.is_closed, problems=problems
    )


def _sources(run_dir: Path, staging: Path) -> Iterator[Source]:
    """Yield every file: the journal's from the copy, with what a crash tore off it, all others in place."""
    copied = set()
    for path in _files_below(staging):
        copied.add(path.relative_to(staging))
        yield _source(path, path.relative_to(staging).as_posix())
    for path in _files_below(run_dir):
        name = path.relative_to(run_dir)
        is_journal = name.parts[0] == JOURNAL_FOLDER
        if name not in copied and (not is_journal or path.suffix == TORN_SUFFIX):
            yield _source(path, name.as_posix())


def _source(path: Path, name: str) -> Source:
    if not safe_path(name) or name == MANIFEST_FILE:
        raise DataError(f"{path} has a name that not every system can keep. Rename it.")
    return Source(FileEntry(name, *hash_of(path)), path)


def _files_below(folder: Path) -> Iterator[Path]:
    """Yield all files below a folder but hidden ones (locks, unfinished work), in order.

    Raises `DataError` for a link or a device.
    """
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted((*folders, *(name for name in files if not name.startswith(".")))):
            path = Path(here) / name
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode):
                yield path
            elif not stat.S_ISDIR(mode):
                raise DataError(
                    f"{path} is a link or a device, which is not archived. Put the file in its place."
                )


def _manifest(
    run_dir: Path,
    staging: Path,
    summary: _Summary | None,
    *,
    note: JournalNote | None,
    files: tuple[FileEntry, ...],
) -> Manifest:
    opened, days = _from_journal(staging / JOURNAL_FOLDER) if note is not None else (None, None)
    told = summary or _Summary()
    period = (told.period.start, told.period.end) if told.period else None
    days = days or period
    profile_hash = told.profile_hash or (opened.profile_hash if opened else None)
    if days is None or profile_hash is None:
        raise DataError(
            f"Neither the journal nor {RUN_FILE} of {run_dir} says which days and profile it is of."
        )
    name = told.name or (opened.profile_name if opened else "")
    return Manifest(
        run=name_of_run(name),
        first_day=days[0],
        last_day=days[1],
        profile_hash=profile_hash,
        versions=told.versions or (opened.versions if opened else {}),
        journal=note,
        files=files,
    )


def _from_journal(folder: Path) -> tuple[OpenedRecord | None, tuple[str, str] | None]:
    """Return the first record and the first and last day; what a damaged journal lets be read."""
    opened: OpenedRecord | None = None
    days: set[str] = set()
    try:
        for entry in read_entries(folder):
            days.add(str(new_york_date(entry.ts_ns)))
            if opened is None and isinstance(entry.body, OpenedRecord):
                opened = entry.body
    except DataError:
        pass  # a damaged journal: its problems are in the manifest
    return opened, (min(days), max(days)) if days else None
