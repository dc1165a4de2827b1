"""A part of a catalog as a catalog of its own: the named files, and what is needed to replay them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import msgspec

from catalog.manifest import (
    HALTS_NAME,
    MANIFEST_NAME,
    IngestRecord,
    Manifest,
    encode,
)
from catalog.soundness import DEFINITIONS
from catalog.store import CatalogStore
from market.errors import DataError


def excerpt(root: Path, paths: Collection[str], *, work: Path) -> dict[str, Path]:
    """Return what makes up a catalog of the files at `paths` of the catalog at `root`, by path below it.

    Data and definitions of instruments are named where they are; a manifest and halts that name these files
    alone are written into the folder `work`. Raises `NotFoundError` where there is no catalog, `DataError`
    for a path that the catalog does not name.
    """
    store = CatalogStore.open_existing(root)
    manifest = store.manifest()
    ingests = [part for ingest in manifest.ingests if (part := _part(ingest, paths)) is not None]
    known = {file.path: file.instrument_id for ingest in ingests for file in ingest.files}
    unknown = sorted(set(paths) - known.keys())
    if unknown:
        raise DataError(f"The catalog {root} does not name {unknown[0]}. Name the catalog that holds it.")
    ids = set(known.values())
    halts = [halt for halt in store.halts() if halt.instrument_id in ids]
    files = {path: root / path for path in known} | dict(_definitions(root, ids))
    (work / MANIFEST_NAME).write_bytes(encode(_manifest_of(manifest, ingests, ids)))
    (work / HALTS_NAME).write_bytes(encode(halts))
    return files | {name: work / name for name in (MANIFEST_NAME, HALTS_NAME)}


def _part(ingest: IngestRecord, paths: Collection[str]) -> IngestRecord | None:
    """Return an ingest as if it had written these files alone; None when it wrote none of them."""
    files = tuple(file for file in ingest.files if file.path in paths)
    if not files:
        return None
    return msgspec.structs.replace(
        ingest,
        files=files,
        rows=sum(file.rows for file in files),
        rejects_file=None,
        start_ns=min(file.start_ns for file in files),
        end_ns=max(file.end_ns for file in files),
    )


def _manifest_of(whole: Manifest, ingests: list[IngestRecord], ids: Collection[str]) -> Manifest:
    def chosen[Spec](specs: Mapping[str, Spec]) -> dict[str, Spec]:
        return {name: spec for name, spec in specs.items() if name in ids}

    return Manifest(
        ingests=ingests,
        instruments=chosen(whole.instruments),
        options=chosen(whole.options),
        indexes=chosen(whole.indexes),
        lanes=whole.lanes,
    )


def _definitions(root: Path, ids: Collection[str]) -> Iterator[tuple[str, Path]]:
    for name in ids:
        for kind in DEFINITIONS:
            for path in sorted((root / "data" / kind / name.replace("/", "")).glob("*.parquet")):
                yield path.relative_to(root).as_posix(), path
