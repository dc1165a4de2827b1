"""Writes an archive: a tar file in gzip, of which the same content always gives the same bytes.

Members are sorted, with the manifest first; times, owners and rights are left out. (Another version of the
zlib library may compress to other bytes; the manifest, and the hash in the file's name, are the same.)
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import msgspec

from audit.archive.content import Content, Source, gather, sync_folder
from audit.archive.manifest import MANIFEST_FILE, Manifest, archive_name, encode
from audit.archive.unpacking import examine
from market.errors import DataError, UserError
from market.folders import require_writable_folder

COMPRESSION_LEVEL = 6


class Archived(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run was archived, and as what; `is_new` is false when the same archive was there already."""

    path: Path
    manifest: Manifest
    size: int
    is_new: bool


def archive_run(
    run_dir: Path, to: Path, *, even_damaged: bool = False, beside: Mapping[str, Path] | None = None
) -> Archived:
    """Archive the run in `run_dir` as one file in the folder `to`; it appears whole and verified, or not.

    Works beside a node that writes the journal. `beside` are files from elsewhere, by the path that they get
    in the restored run. Raises `NotFoundError` and `DataError` as `gather` does,
    and `UserError` when `to` cannot be written.
    """
    require_writable_folder(to, option="--to")
    if to.resolve().is_relative_to(run_dir.resolve()):
        raise UserError(
            f"{to} lies in {run_dir} and would be archived itself. Name a folder outside with --to."
        )
    to.mkdir(parents=True, exist_ok=True)
    unfinished = to / f".unfinished-{os.getpid()}"
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        (unfinished / "copy").mkdir(parents=True)
        content = gather(run_dir, staging=unfinished / "copy", even_damaged=even_damaged, beside=beside)
        return _put_in_place(content, to, unfinished / "archive")
    except OSError as error:
        raise UserError(f"{run_dir} cannot be archived to {to}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _put_in_place(content: Content, to: Path, draft: Path) -> Archived:
    target = to / archive_name(content.manifest)
    is_new = not _is_sound(target, content.manifest)
    if is_new:
        with draft.open("wb") as file:
            _write(content, file)
            file.flush()
            os.fsync(file.fileno())
        examine(draft)
        draft.replace(target)
        sync_folder(to)
    size = target.stat().st_size
    return Archived(path=target, manifest=content.manifest, size=size, is_new=is_new)


def _is_sound(path: Path, manifest: Manifest) -> bool:
    if not path.is_file():
        return False
    try:
        return examine(path) == manifest
    except DataError:
        return False


def _write(content: Content, file: IO[bytes]) -> None:
    manifest = encode(content.manifest)
    with (
        gzip.GzipFile(
            filename="", mode="wb", compresslevel=COMPRESSION_LEVEL, fileobj=file, mtime=0
        ) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        tar.addfile(_member(MANIFEST_FILE, len(manifest)), io.BytesIO(manifest))
        for source in content.sources:
            _add(tar, source)


def _add(tar: tarfile.TarFile, source: Source) -> None:
    with source.path.open("rb") as file:
        reader = _HashingReader(file)
        try:
            tar.addfile(_member(source.entry.path, source.entry.size), reader)  # type: ignore[arg-type]
        except OSError as error:
            if "unexpected end of data" not in str(error):
                raise
        if reader.digest.hexdigest() != source.entry.sha256 or file.read(1):
            raise DataError(f"{source.path} changed while it was archived. Try again when it is at rest.")


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o644
    return member


class _HashingReader:
    """Hashes what is read through it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        block = self._file.read(size)
        self.digest.update(block)
        return block
