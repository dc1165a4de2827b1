"""Reads archives: checks every byte against the manifest, and restores a run as a whole or not at all.

Nothing in an archive is trusted: a member must be a plain file that the manifest names, once, with that
size and hash. Links, paths that leave the folder, and whatever the manifest does not name are refused.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from audit.archive.chains import JOURNAL_FOLDER, NOTES_FOLDER, restored_chains
from audit.archive.content import HASH_BLOCK, noted_hash, sync_folder
from audit.archive.manifest import (
    MANIFEST_BYTES_MAX,
    MANIFEST_FILE,
    FileEntry,
    Manifest,
    archive_name,
    decode,
    is_archive_name,
)
from audit.journal import Verification
from market.errors import DataError, NotFoundError, UserError
from market.folders import require_writable_folder


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run was restored, and what verification said of its journal and notes (None without them).

    `name_agrees` says that the archive's name carries the manifest's hash; None for one that was renamed to
    a name without a hash.
    """

    path: Path
    manifest: Manifest
    verification: Verification | None
    notes: Verification | None
    name_agrees: bool | None


def read_manifest(archive: Path) -> Manifest:
    """Return an archive's manifest without reading the rest; raises `DataError` for what is no archive."""
    with _opened(archive) as (tar, _):
        return _manifest(tar, archive)


def examine(archive: Path, *, into: Path | None = None) -> Manifest:
    """Check every member of an archive, writing each to `into` if given; return the manifest.

    Raises `NotFoundError` and `DataError`; what was written until then is the caller's to remove.
    """
    with _opened(archive) as (tar, packed):
        manifest = _manifest(tar, archive)
        missing = {entry.path: entry for entry in manifest.files}
        while (member := tar.next()) is not None:
            entry = missing.pop(member.name, None)
            if entry is None:
                raise DataError(
                    f"{archive} holds {member.name!r}, which its manifest does not name. Refused."
                )
            _check(tar, member, entry, into=into)
        if missing:
            raise DataError(f"{archive} lacks {min(missing)!r}, which its manifest names. It is damaged.")
        while rest := packed.read(HASH_BLOCK):  # to the end, where gzip keeps its own checksum
            if rest.strip(b"\0"):
                raise DataError(f"{archive} holds more after its last file. Refused.")
    return manifest


def restore(archive: Path, *, to: Path | None = None) -> Restored:
    """Restore a run to the folder `to`, by default `runs/<run>-<day>`, which must be absent or empty.

    Every hash is verified, the manifest against the archive's name, and journal and notes, before the folder
    appears. Raises `NotFoundError`, `DataError`, and `UserError` when the folder is in use or the disk has
    no room.
    """
    manifest = read_manifest(archive)
    name_agrees = _name_agrees(archive, manifest)
    target = to or Path("runs") / f"{manifest.run}-{manifest.last_day}"
    _require_free(target, manifest)
    unfinished = target.with_name(f".{target.name}.unfinished-{os.getpid()}")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(parents=True)
        examined = examine(archive, into=unfinished)
        verified = _verified(unfinished, examined)
        if target.exists():
            target.rmdir()
        unfinished.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        raise UserError(f"{archive} cannot be restored to {target}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return Restored(
        path=target,
        manifest=examined,
        verification=verified[JOURNAL_FOLDER],
        notes=verified[NOTES_FOLDER],
        name_agrees=name_agrees,
    )


@contextmanager
def _opened(archive: Path) -> Iterator[tuple[tarfile.TarFile, gzip.GzipFile]]:
    """Open an archive to be read once, front to end; whatever is wrong with its packing is `DataError`."""
    if not archive.is_file():
        raise NotFoundError(f"There is no archive {archive}. Name a file that `harvester archive` wrote.")
    try:
        with gzip.open(archive, "rb") as packed, tarfile.open(fileobj=packed, mode="r|") as tar:
            yield tar, packed
    except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise DataError(f"{archive} is damaged, or no archive: {error}. Take another copy of it.") from None


def _manifest(tar: tarfile.TarFile, archive: Path) -> Manifest:
    member = tar.next()
    if member is None or member.name != MANIFEST_FILE or not member.isreg():
        raise DataError(f"{archive} does not begin with {MANIFEST_FILE}: no archive of ours.")
    if member.size > MANIFEST_BYTES_MAX:
        raise DataError(
            f"{MANIFEST_FILE} has {member.size:,} bytes, at most {MANIFEST_BYTES_MAX:,}. Refused."
        )
    return decode(_reader(tar, member).read())


def _check(tar: tarfile.TarFile, member: tarfile.TarInfo, entry: FileEntry, *, into: Path | None) -> None:
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
        raise DataError(f"The archive's {member.name!r} is a link or no plain file. Refused.")
    if member.size != entry.size:
        raise DataError(
            f"The archive's {member.name!r} has {member.size:,} bytes, not {entry.size:,}. Refused."
        )
    reader = _reader(tar, member)
    if into is None:
        digest = _copy(reader, None)
    else:
        path = into / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            digest = _copy(reader, file)
            file.flush()
            os.fsync(file.fileno())
    if digest != entry.sha256:
        raise DataError(f"The archive's {member.name!r} is not what was archived: its hash differs. Refused.")


def _reader(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    reader = tar.extractfile(member)
    assert reader is not None, "a plain file has a reader"
    return reader


def _copy(reader: IO[bytes], file: IO[bytes] | None) -> str:
    digest = hashlib.sha256()
    while block := reader.read(HASH_BLOCK):
        digest.update(block)
        if file is not None:
            file.write(block)
    return digest.hexdigest()


def _require_free(target: Path, manifest: Manifest) -> None:
    require_writable_folder(target, option="--to")
    if target.is_symlink() or (target.exists() and any(target.iterdir())):
        raise UserError(f"{target} is not empty. Name another folder with --to.")
    target.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(target.parent).free
    if manifest.size > free:
        raise UserError(f"{target.parent} has {free:,} bytes free, the archive needs {manifest.size:,}.")


def _name_agrees(archive: Path, manifest: Manifest) -> bool | None:
    """Compare the manifest with the hash in the archive's name; raises `DataError` when they differ."""
    if not is_archive_name(archive.name):
        return None
    if archive_name(manifest) != archive.name:
        raise DataError(
            f"{archive} holds what belongs into {archive_name(manifest)}: its manifest was changed, or "
            "it was given another archive's name. Take another copy of it. Nothing was restored."
        )
    return True


def _verified(folder: Path, manifest: Manifest) -> dict[str, Verification | None]:
    """Return the verification of what was restored; it must be what the manifest, and the run, say."""
    found = dict(restored_chains(folder, manifest))
    note = manifest.journal
    if note is not None and not note.is_damaged and noted_hash(folder) not in (None, note.last_hash):
        raise DataError(
            "The archive's files are sound, but its journal is not the one that run.json names. Nothing was "
            "restored."
        )
    return found
