"""Which files of a run directory belong in its archive, and what they say of the run."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from audit.archive.chains import CHAINS, JOURNAL_FOLDER, NOTES_FOLDER, take_chain
from audit.archive.data_files import data_problems
from audit.archive.manifest import MANIFEST_FILE, FileEntry, JournalNote, Manifest, name_of_run, safe_path
from audit.events import DataFileRecord, OpenedRecord
from audit.journal import TamperedError, read_entries
from market.errors import DataError, NotFoundError
from market.time import new_york_date

RUN_FILE = "run.json"
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
    journal: _NotedJournal | msgspec.UnsetType | None = msgspec.UNSET
    """None where the run was made without one; a summary that says nothing of it does not excuse it."""

    @property
    def last_hash(self) -> str | None:
        """The last hash of the journal as the run noted it."""
        return self.journal.last_hash if isinstance(self.journal, _NotedJournal) else None


class Source(msgspec.Struct, frozen=True):
    """A file as the archive names it, and where its bytes are."""

    entry: FileEntry
    path: Path


class Content(msgspec.Struct, frozen=True):
    """A manifest and the files that it names, in its order."""

    manifest: Manifest
    sources: tuple[Source, ...]


class _Told(msgspec.Struct, kw_only=True):
    """What the journal says of the run, as far as it can be read."""

    opened: OpenedRecord | None = None
    days: set[str] = msgspec.field(default_factory=set)
    data: list[DataFileRecord] = msgspec.field(default_factory=list)


def gather(
    run_dir: Path, *, staging: Path, even_damaged: bool, beside: Mapping[str, Path] | None = None
) -> Content:
    """Return what is to be archived of `run_dir`; journal and notes are copied to `staging`, as they are now.

    So a journal that is being written is archived up to its last acknowledged record. `beside` are files
    from elsewhere by the path that they get in the archive. Raises `NotFoundError` for what is no run,
    `DataError` for links, `TamperedError` for a journal or notes that do not verify or are gone, and for
    market data that is not what the journal names (with `even_damaged` all is taken as it is, and the
    manifest says so).
    """
    if not run_dir.is_dir():
        raise NotFoundError(f"There is no folder {run_dir}. Give the folder of a run.")
    summary = _summary(run_dir)
    if not (run_dir / JOURNAL_FOLDER).is_dir() and summary is None:
        raise NotFoundError(f"{run_dir} has neither {JOURNAL_FOLDER}/ nor {RUN_FILE}, so it is no run.")
    notes = dict(_take_chains(run_dir, staging, summary, even_damaged=even_damaged))
    sources = tuple(sorted(_sources(run_dir, staging, beside or {}), key=lambda source: source.entry.path))
    told = _told(staging / JOURNAL_FOLDER)
    manifest = _manifest(
        run_dir, summary or _Summary(), told=told, chains=notes, files=tuple(each.entry for each in sources)
    )
    if manifest.data_problems and not even_damaged:
        raise TamperedError(
            f"The market data of {run_dir} is not what its journal names: {manifest.data_problems[0]}. "
            "Restore it; to archive the run as it is, add --even-damaged."
        )
    return Content(manifest, sources)


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
    return None if summary is None else summary.last_hash


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
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}. Restore it, or run the backtest again.") from None


def _take_chains(
    run_dir: Path, staging: Path, summary: _Summary | None, *, even_damaged: bool
) -> Iterator[tuple[str, JournalNote]]:
    """Copy journal and notes to the staging folder and yield what they are, by name."""
    noted = None if summary is None else summary.last_hash
    if (run_dir / JOURNAL_FOLDER).is_dir() or (summary is not None and summary.journal is not None):
        folder, copy = run_dir / JOURNAL_FOLDER, staging / JOURNAL_FOLDER
        yield JOURNAL_FOLDER, take_chain(folder, copy, expected_hash=noted, even_damaged=even_damaged)
    if (run_dir / NOTES_FOLDER).is_dir():
        folder, copy = run_dir / NOTES_FOLDER, staging / NOTES_FOLDER
        yield NOTES_FOLDER, take_chain(folder, copy, expected_hash=None, even_damaged=even_damaged)


def _sources(run_dir: Path, staging: Path, beside: Mapping[str, Path]) -> Iterator[Source]:
    """Yield every file: the chains' from the copy, with what a crash tore off, all others in place."""
    taken = set()
    for path in _files_below(staging):
        taken.add(path.relative_to(staging).as_posix())
        yield _source(path, path.relative_to(staging).as_posix())
    for path in _files_below(run_dir):
        name = path.relative_to(run_dir)
        is_chain = name.parts[0] in CHAINS
        if name.as_posix() not in taken and (not is_chain or path.suffix == TORN_SUFFIX):
            taken.add(name.as_posix())
            yield _source(path, name.as_posix())
    for given, path in beside.items():
        if given in taken:
            raise DataError(
                f"{run_dir} has {given} already, which {path} was to become. Move one of them away."
            )
        yield _source(path, given)


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
    summary: _Summary,
    *,
    told: _Told,
    chains: Mapping[str, JournalNote],
    files: tuple[FileEntry, ...],
) -> Manifest:
    opened = told.opened
    period = (summary.period.start, summary.period.end) if summary.period else None
    days = (min(told.days), max(told.days)) if told.days else period
    profile_hash = summary.profile_hash or (opened.profile_hash if opened else None)
    if days is None or profile_hash is None:
        raise DataError(
            f"Neither the journal nor {RUN_FILE} of {run_dir} says which days and profile it is of."
        )
    environment = opened.environment if opened else None
    return Manifest(
        run=name_of_run(summary.name or (opened.profile_name if opened else "")),
        environment=environment,
        first_day=days[0],
        last_day=days[1],
        profile_hash=profile_hash,
        versions=summary.versions or (opened.versions if opened else {}),
        journal=chains.get(JOURNAL_FOLDER),
        notes=chains.get(NOTES_FOLDER),
        data_problems=data_problems(told.data, files, environment=environment),
        files=files,
    )


def _told(folder: Path) -> _Told:
    """Return what the copied journal says; of a damaged one what can be read."""
    told = _Told()
    if not folder.is_dir():
        return told
    try:
        for entry in read_entries(folder, skip_unreadable=True):
            told.days.add(str(new_york_date(entry.ts_ns)))
            if told.opened is None and isinstance(entry.body, OpenedRecord):
                told.opened = entry.body
            elif isinstance(entry.body, DataFileRecord):
                told.data.append(entry.body)
    except NotFoundError:
        pass  # not one day file is left: the manifest says what is wrong
    return told
