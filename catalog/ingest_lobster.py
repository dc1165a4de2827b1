"""LOBSTER / NASDAQ TotalView files into the catalog: book deltas, trades with aggressor, quotes, halts.

How the book is made depends on the order book file beside the messages:

| order book file         | deltas                                                              |
|-------------------------|---------------------------------------------------------------------|
| a row for every message | what changes from row to row: the book always is what the row shows |
| the first rows only     | a snapshot of the first row, then one delta for each message        |
| none                    | one delta for each message, from an empty book                      |
| one level (`_1.csv`)    | none: one level is no depth; quotes and trades only                 |

Messages alone cannot tell of orders that rested before the first one, nor of what happened below the
file's levels: reductions of such orders are ignored and counted in the notes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from functools import partial
from pathlib import Path

from catalog.headerless_rows import Rows, RowTally, opened, read_rows
from catalog.ingest_summary import IngestSummary, raise_refused, sha256_of, summary_of
from catalog.lobster.depth import depth_of, require_belongs
from catalog.lobster.files import LobsterDay, find_days
from catalog.lobster.messages import MESSAGES, possible_messages
from catalog.lobster.writer import DayWriter
from catalog.manifest import IngestResult, SourceDescription
from catalog.progress import SILENT, Progress
from catalog.storage.ingest import Ingest
from catalog.store import CatalogStore
from market.errors import DataError, UserError
from market.instruments import EquitySpec


def ingest_lobster(
    path: Path,
    *,
    store: CatalogStore,
    symbols: Collection[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    replace: bool = False,
    progress: Progress = SILENT,
) -> IngestSummary:
    """Ingest a LOBSTER message file with the files beside it, or all of a folder; return what was done.

    `start` and `end` are dates in New York, both inclusive. Each instrument and day is one source: published
    as a whole, and left alone when it is in the catalog already. Files that have to be refused do not keep
    the others out: `DataError` names them at the end. Raises `NotFoundError` when there is no such file.
    """
    days, passed_over = find_days(Path(path), symbols=symbols, start=start, end=end)
    notes = [f"{file.name} passed over: another file covers that instrument and day" for file in passed_over]
    results: list[IngestResult] = []
    refused: list[tuple[Path, UserError]] = []
    for day in days:
        try:
            results.append(_ingest_day(day, store, replace=replace, progress=progress, notes=notes))
        except UserError as error:
            refused.append((day.messages.path, error))
    raise_refused(refused, of=len(days))
    return summary_of(results, notes)


def _ingest_day(
    day: LobsterDay, store: CatalogStore, *, replace: bool, progress: Progress, notes: list[str]
) -> IngestResult:
    source = SourceDescription(
        kind="lobster",
        path=str(day.messages.path),
        sha256=sha256_of(day.paths),
        options={"symbol": day.symbol, "date": day.day.isoformat(), "levels": str(day.levels)},
    )
    with store.ingest(source, replace=replace) as ingest:
        if not ingest.unchanged:
            _write_day(day, ingest, progress=progress, notes=notes)
    return ingest.result


def _write_day(day: LobsterDay, ingest: Ingest, *, progress: Progress, notes: list[str]) -> None:
    depth = depth_of(day)
    ingest.add_instrument(EquitySpec(symbol=day.symbol))
    writer = DayWriter(ingest, day, depth)
    progress.begin(day.messages.path.name, day.messages.path.stat().st_size)
    is_first = True
    for rows in _messages(day, ingest, progress):
        if is_first:
            require_belongs(day, rows)
            is_first = False
        for begin in range(0, len(rows), depth.block_rows):
            writer.write(rows.part(begin, begin + depth.block_rows))
    writer.finish()
    notes.extend(f"{day.symbol} {day.day}: {note}" for note in depth.notes())


def _messages(day: LobsterDay, ingest: Ingest, progress: Progress) -> Iterator[Rows]:
    name = day.messages.path.name
    window_ms = day.messages.window_ms

    tally = RowTally(MESSAGES.title, partial(ingest.reject, file=name))
    latest_ns = 0
    with opened(day.messages.path, progress) as stream:
        for raw in read_rows(stream, MESSAGES, tally):
            rows = possible_messages(raw, after_ns=latest_ns, tally=tally)
            if not len(rows):
                continue
            first_ns, latest_ns = int(rows["time"][0]), int(rows["time"][-1])
            if window_ms and not window_ms[0] * 10**6 <= first_ns <= latest_ns <= window_ms[1] * 10**6:
                raise DataError(
                    f"{name} has messages from {first_ns / 1e9:.3f} to {latest_ns / 1e9:.3f} s, "
                    f"outside the {window_ms[0]} to {window_ms[1]} ms of its name. Check which file this is."
                )
            yield rows
