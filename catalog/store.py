"""The catalog as a store that takes one ingest at a time, whole or not at all.

    store = CatalogStore(Path("catalog-folder"))
    with store.ingest(SourceDescription(kind="csv", path=..., sha256=...)) as ingest:
        if not ingest.unchanged:
            ingest.add_instrument(EquitySpec(symbol="BAC"))
            lane = ingest.lane(DataKind.QUOTE, "BAC.SMART")
            clock = event_clock(ts_event)
            ingest.write(DataKind.QUOTE, "BAC.SMART", QuoteColumns(ts_init=clock + lane, ...))
    print(ingest.result)

Leaving the block publishes everything; an exception inside it leaves the catalog as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from catalog.manifest import (
    MANIFEST_NAME,
    Halt,
    IngestRecord,
    Manifest,
    SourceDescription,
    read_halts,
    read_manifest,
)
from catalog.storage.ingest import Ingest
from catalog.storage.lock import CatalogLock
from catalog.storage.publish import WORK_FOLDER, needs_recovery, recover
from market.errors import NotFoundError
from market.folders import require_no_file_in_the_way, require_writable_folder


class CatalogStore:
    """A catalog folder. Opening it completes an ingest that died after its decision to publish."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        require_no_file_in_the_way(self.root, option="--catalog")
        self._complete_unfinished()

    @classmethod
    def open_existing(cls, root: Path) -> CatalogStore:
        """Return the store of a catalog that exists; raises `NotFoundError` where there is none."""
        store = cls(root)
        if not (store.root / MANIFEST_NAME).is_file():
            raise NotFoundError(
                f"No catalog in {root}: {MANIFEST_NAME} is missing. "
                f"Make one with `harvester ingest ... --catalog {root}`."
            )
        return store

    def manifest(self) -> Manifest:
        """Return what the catalog holds; empty for a folder without a manifest."""
        return read_manifest(self.root) or Manifest()

    def halts(self) -> list[Halt]:
        """Return the trading halts that came with the data, by instrument and time."""
        return read_halts(self.root)

    def find(self, source: SourceDescription) -> IngestRecord | None:
        """Return the record of `source` if it was ingested and all its files are still there."""
        record = self.manifest().find(source.ingest_id)
        if record is not None and all((self.root / file.path).is_file() for file in record.files):
            return record
        return None

    @contextmanager
    def ingest(self, source: SourceDescription, *, replace: bool = False) -> Iterator[Ingest]:
        """Yield an `Ingest` to write into; it is published when the block ends without an exception.

        When `source` is in the catalog already, the ingest is `unchanged` and must not be written to.
        With `replace`, files of other ingests that overlap in a stream are removed for the new ones;
        without it an overlap raises `DataError`, as does another process that writes, or a source
        without a single good row.
        """
        require_writable_folder(self.root, option="--catalog")
        lock = CatalogLock(self.root / WORK_FOLDER / "lock")
        is_new = not self.root.exists()
        lock.acquire()
        try:
            recover(self.root)
            ingest = Ingest(self.root, source, replace=replace, known=self.find(source))
            with ingest.published_or_discarded():
                yield ingest
        finally:
            is_empty = not (self.root / MANIFEST_NAME).exists()
            lock.release(remove=is_empty)
            if is_empty:
                _remove_if_empty([self.root / WORK_FOLDER, *([self.root] if is_new else [])])

    def _complete_unfinished(self) -> None:
        if not needs_recovery(self.root):
            return
        lock = CatalogLock(self.root / WORK_FOLDER / "lock")
        if lock.try_acquire():  # otherwise its writer is alive and at work
            try:
                recover(self.root)
            finally:
                lock.release()


def _remove_if_empty(folders: Sequence[Path]) -> None:
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return
