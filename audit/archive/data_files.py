"""Whether the market data that goes into an archive is what the journal names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from audit.archive.manifest import BACKTEST, DATA_PREFIX, FileEntry
from audit.events import DataFileRecord


def data_problems(
    named: Iterable[DataFileRecord], files: Sequence[FileEntry], *, environment: str | None
) -> tuple[str, ...]:
    """Return what is wrong with the data files among `files`, each in words.

    A node's own recording must be there as a whole; a backtest's data lies in the catalog unless any of it
    was taken along.
    """
    by_path = {entry.path: entry for entry in files}
    holds_data = any(path.startswith(DATA_PREFIX) for path in by_path)
    if environment == BACKTEST and not holds_data:
        return ()
    return tuple(why for file in named if (why := _problem(file, by_path.get(file.path))) is not None)


def _problem(named: DataFileRecord, found: FileEntry | None) -> str | None:
    if found is None:
        return f"{named.path} is missing"
    if (found.size, found.sha256) != (named.size_bytes, named.sha256):
        return f"{named.path} has SHA-256 {found.sha256[:12]}.., the journal says {named.sha256[:12]}.."
    return None
