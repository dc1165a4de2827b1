"""The manifest of an archive: every file with its size and hash, what the journal ends with, what ran.

It holds nothing of the moment or the machine on which it was made, so that the same content has the same
manifest, and with it the same archive, byte for byte.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date
from pathlib import PurePosixPath

import msgspec

from market.errors import DataError

FORMAT = "harvester-archive"
VERSION = 1
MANIFEST_FILE = "archive.json"
"""Not `manifest.json`: a run that holds its market data is a catalog, and that is the catalog's manifest."""
SUFFIX = ".harvester.tar.gz"
MANIFEST_BYTES_MAX = 64 * 1024 * 1024
NAME_HASH_DIGITS = 12
BACKTEST = "backtest"
DATA_PREFIX = "data/"

_ARCHIVE_NAME = re.compile(
    rf"(?P<run>[A-Za-z0-9_.-]+)-(?P<day>\d{{4}}-\d{{2}}-\d{{2}})-(?P<hash>[0-9a-f]{{{NAME_HASH_DIGITS}}})"
    rf"{re.escape(SUFFIX)}"
)
_SHA256 = re.compile(r"[0-9a-f]{64}")


class FileEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the archive: its path within the run directory, bytes, and hash."""

    path: str
    size: int
    sha256: str


class JournalNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a journal, or the notes beside it, was when it was archived.

    `first_hash` and `last_hash` are those of the first and the last record, None without records;
    `problems` are the words of a failed verification.
    """

    records: int
    first_hash: str | None
    last_hash: str | None
    is_closed: bool
    problems: tuple[str, ...] = ()

    @property
    def is_damaged(self) -> bool:
        """Whether it was archived although it did not verify."""
        return bool(self.problems)


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an archive holds. Days are New York dates.

    `environment` is that of the node that wrote the journal: backtest, dev, uat or live. `journal` is None
    for a run without one, `notes` for one that nobody annotated. `data_problems` say which files of market
    data are not what the journal names.
    """

    format: str = FORMAT
    version: int = VERSION
    run: str
    environment: str | None = None
    first_day: str
    last_day: str
    profile_hash: str
    versions: dict[str, str]
    journal: JournalNote | None
    notes: JournalNote | None = None
    data_problems: tuple[str, ...] = ()
    files: tuple[FileEntry, ...]

    @property
    def day(self) -> date:
        """The last day of the run."""
        return date.fromisoformat(self.last_day)

    @property
    def is_live(self) -> bool:
        """Whether a node wrote it that was no backtest: its days follow one another."""
        return self.environment not in (None, BACKTEST)

    @property
    def problems(self) -> tuple[str, ...]:
        """What was wrong with the run when it was archived, all the same, with `--even-damaged`."""
        told = (note.problems for note in (self.journal, self.notes) if note is not None)
        return (*(why for problems in told for why in problems), *self.data_problems)

    @property
    def holds_data(self) -> bool:
        """Whether market data is among the files."""
        return any(entry.path.startswith(DATA_PREFIX) for entry in self.files)

    @property
    def size(self) -> int:
        """Bytes of all files, unpacked."""
        return sum(entry.size for entry in self.files)


def encode(manifest: Manifest) -> bytes:
    """Return the manifest as it stands in an archive."""
    packed = msgspec.json.encode(manifest, order="deterministic")
    return msgspec.json.format(packed, indent=2) + b"\n"


def decode(content: bytes) -> Manifest:
    """Return a manifest whose every path and hash is fit to be used; raises `DataError` for any other."""
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
        first, last = date.fromisoformat(manifest.first_day), date.fromisoformat(manifest.last_day)
    except (msgspec.MsgspecError, ValueError) as error:
        raise DataError(
            f"{MANIFEST_FILE} cannot be read: {error}. It is no archive of Harvester's."
        ) from None
    if (manifest.format, manifest.version) != (FORMAT, VERSION):
        raise DataError(
            f"The archive is of format {manifest.format!r}, version {manifest.version}; this Harvester reads "
            f"{FORMAT!r}, version {VERSION}. Restore it with the version that wrote it."
        )
    if first > last or not re.fullmatch(r"[A-Za-z0-9_.-]+", manifest.run):
        raise DataError(
            f"{MANIFEST_FILE} names run {manifest.run!r} from {first} to {last}, which cannot be."
        )
    _check_files(manifest)
    return manifest


def archive_name(manifest: Manifest) -> str:
    """Return the file's name: run, last day, and the beginning of the manifest's hash."""
    digest = hashlib.sha256(encode(manifest)).hexdigest()[:NAME_HASH_DIGITS]
    return f"{manifest.run}-{manifest.last_day}-{digest}{SUFFIX}"


def is_archive_name(name: str) -> bool:
    """Say whether a file's name is one that we give."""
    return _ARCHIVE_NAME.fullmatch(name) is not None


def name_of_run(text: str) -> str:
    """Return a run's name with nothing in it that a file's name cannot have."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("._-") or "run"


def safe_path(text: str) -> bool:
    """Say whether a path stays below the folder in which it is unpacked, on every system."""
    parts = text.split("/")
    is_plain = all(part not in ("", ".", "..") for part in parts) and text == str(PurePosixPath(text))
    return is_plain and not any(character in '\\:*?"<>|' or ord(character) < 32 for character in text)


def _check_files(manifest: Manifest) -> None:
    seen: set[str] = set()
    for entry in manifest.files:
        if not safe_path(entry.path) or entry.path == MANIFEST_FILE:
            raise DataError(
                f"The archive names the path {entry.path!r}, which would leave the folder. Refused."
            )
        if entry.path.casefold() in seen:
            raise DataError(f"The archive names {entry.path!r} twice. Refused.")
        if entry.size < 0 or not _SHA256.fullmatch(entry.sha256):
            raise DataError(f"The archive's size or hash of {entry.path!r} cannot be. Refused.")
        seen.add(entry.path.casefold())
