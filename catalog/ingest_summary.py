"""What the ingest of a folder did: the results of its sources added up, and remarks for the user."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog.manifest import IngestResult
from market.errors import DataError, UserError

_REFUSALS_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSummary(IngestResult):
    """The sum of several ingests; `unchanged` when all of them were.

    `notes` say what was passed over or could not be known; they are said for new sources only.
    """

    sources: int
    notes: tuple[str, ...] = ()
    rejects_files: tuple[str, ...] = ()


def summary_of(results: Sequence[IngestResult], notes: Iterable[str]) -> IngestSummary:
    """Return the sum of `results`, of which there is at least one."""
    rejects_files = tuple(sorted({result.rejects_file for result in results if result.rejects_file}))
    return IngestSummary(
        ingest_id=results[0].ingest_id if len(results) == 1 else f"{len(results)} sources",
        rows=sum(result.rows for result in results),
        rejected=sum(result.rejected for result in results),
        files=tuple(sorted({file for result in results for file in result.files})),
        instruments=tuple(sorted({instrument for result in results for instrument in result.instruments})),
        unchanged=all(result.unchanged for result in results),
        rejects_file=rejects_files[0] if len(rejects_files) == 1 else None,
        start_ns=min(result.start_ns for result in results if result.start_ns is not None),
        end_ns=max(result.end_ns for result in results if result.end_ns is not None),
        replaced=tuple(sorted({file for result in results for file in result.replaced})),
        sources=len(results),
        notes=tuple(notes),
        rejects_files=rejects_files,
    )


def sha256_of(paths: Sequence[Path]) -> str:
    """Return the SHA-256 of a file, or of the SHA-256 sums of several files, as hexadecimal text."""
    sums = []
    for path in paths:
        with path.open("rb") as stream:
            sums.append(hashlib.file_digest(stream, "sha256").hexdigest())
    return sums[0] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest()


def raise_refused(refused: Sequence[tuple[Path, UserError]], *, of: int) -> None:
    """Raise the error of the only source, or one `DataError` that names the refused among several."""
    if not refused:
        return
    if of == 1:
        path, error = refused[0]
        raise error if path.name in str(error) else type(error)(f"{path.name}: {error}") from error
    first = "; ".join(f"{path.name}: {error}" for path, error in refused[:_REFUSALS_SHOWN])
    raise DataError(
        f"{len(refused)} of {of} sources were refused, the others are in the catalog. First: {first}"
    )
