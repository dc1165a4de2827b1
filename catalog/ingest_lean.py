"""QuantConnect Lean's equity data into the catalog: ticks, and bars of a second, minute, hour and day.

| file                      | becomes                                                                  |
|---------------------------|--------------------------------------------------------------------------|
| tick trade                | trades, without aggressor (the tape has none); exchange and sale         |
|                           | condition have no place in a Nautilus trade and are left out             |
| tick quote                | quotes: rows set one side, the other is carried forward                  |
| second, minute trade      | bars `...-LAST-EXTERNAL`                                                 |
| second, minute quote      | bars `...-BID-EXTERNAL` and `...-ASK-EXTERNAL`, volume is the last size  |
|                           | with `quotes_from_bars` also quotes: the close of both sides, at that close |
| hour, daily               | bars `...-LAST-EXTERNAL`; daily bars close with the session              |

Rows that the vendor marked suspicious are rejected, as Lean leaves them out of its bars. A bar's time is its
close, though the files state its start. Prices are raw unless `adjust` says otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import partial
from pathlib import Path

from catalog.headerless_rows import Rows, RowTally, read_rows
from catalog.ingest_summary import IngestSummary, raise_refused, sha256_of, summary_of
from catalog.lean.factor_files import Adjust, FactorFile
from catalog.lean.files import Content, Resolution, find_files, opened_entry
from catalog.lean.parts import LeanPart, Selection, parts_of
from catalog.lean.records import Raw, Scale
from catalog.lean.rows import layout_of, local_days, possible_rows
from catalog.lean.writer import LeanWriter
from catalog.manifest import IngestRecord, IngestResult, SourceDescription
from catalog.progress import SILENT, Progress
from catalog.storage.ingest import Ingest
from catalog.store import CatalogStore
from market.errors import ConfigError, DataError, NotFoundError, UserError
from market.instruments import EquitySpec, instrument_id


class _NothingSelectedError(Exception):
    """No row of a file lies in the wanted time; the transaction is given up."""


@dataclass(frozen=True, slots=True)
class _Run:
    """What is the same for all sources of one call."""

    store: CatalogStore
    known: dict[str, IngestRecord]
    adjust: Adjust
    quotes_from_bars: bool
    replace: bool
    progress: Progress

    def unchanged(self, source: SourceDescription) -> IngestResult | None:
        """Return the result of a source that was in the catalog with all its files when the run began."""
        record = self.known.get(source.ingest_id)
        if record is None or not all((self.store.root / file.path).is_file() for file in record.files):
            return None
        return IngestResult.of(record, unchanged=True)


def ingest_lean(
    path: Path,
    *,
    store: CatalogStore,
    symbols: Collection[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    resolutions: Collection[str] = (),
    adjust: str = Adjust.NONE,
    quotes_from_bars: bool = False,
    replace: bool = False,
    progress: Progress = SILENT,
) -> IngestSummary:
    """Ingest a Lean zip, a folder of them or a whole Lean data folder; return what was done.

    `start` and `end` are dates in New York, inclusive; `resolutions` are of tick, second, minute, hour and
    daily (none means all); `adjust` is none, splits or splits_and_dividends. `quotes_from_bars` also writes
    the closing bid and ask of each second or minute quote bar as a quote at the bar's close; it takes one of
    these resolutions at a time. Each file (of a file of all years: each company that used its ticker) is one
    source, published as a whole. Files that have to be refused do not keep the others out: `DataError` names
    them at the end. Raises `NotFoundError` when there is nothing to ingest, `ConfigError` for an option that
    is not one or does not fit the files.
    """
    selection = Selection(
        frozenset(symbol.strip().upper() for symbol in symbols or ()),
        start,
        end,
        frozenset(_choice(Resolution, "resolution", name) for name in resolutions),
    )
    known = {record.ingest_id: record for record in store.manifest().ingests}
    run = _Run(store, known, _choice(Adjust, "adjust", adjust), quotes_from_bars, replace, progress)
    parts, notes = parts_of(find_files(Path(path)), selection)
    if quotes_from_bars:
        _require_quote_bars_of_one_length(parts)
    _require_one_adjustment(run, {instrument_id(part.symbol) for part in parts})
    results: list[IngestResult] = []
    refused: list[tuple[Path, UserError]] = []
    for part in parts:
        try:
            results.append(_ingest_part(part, run, notes))
        except _NothingSelectedError:
            notes.append(f"{part.file.path.name}: no row of {part.symbol} from {part.start} to {part.end}")
        except UserError as error:
            refused.append((part.file.path, error))
    raise_refused(refused, of=len(parts))
    if not results:
        raise NotFoundError(f"No row of {path} lies in the wanted time. " + " ".join(notes[:3]))
    return summary_of(results, notes)


def _ingest_part(part: LeanPart, run: _Run, notes: list[str]) -> IngestResult:
    file = part.file
    scale, factors_sha256 = _scale(part, run.adjust)
    options = {
        "symbol": part.symbol,
        "ticker": file.ticker,
        "resolution": file.resolution,
        "content": file.content,
        "start": part.start.isoformat(),
        "end": part.end.isoformat(),
        "adjust": run.adjust,
    }
    if run.quotes_from_bars and file.content is Content.QUOTE:
        # Only where it makes a difference: other files give the same rows with and without it.
        options["quotes_from_bars"] = "yes"
    source = SourceDescription(
        kind="lean",
        path=str(file.path),
        sha256=sha256_of([file.path]),
        options={**options, **({"factors_sha256": factors_sha256} if factors_sha256 else {})},
    )
    if (unchanged := run.unchanged(source)) is not None:
        return unchanged
    with run.store.ingest(source, replace=run.replace) as ingest:
        if not ingest.unchanged:
            unclaimed = _write_part(part, ingest, run, scale=scale)
            if unclaimed:
                notes.append(
                    f"{unclaimed} rows of {file.ticker} {file.resolution} left out: on those days the ticker "
                    "was another company's, or nobody's, by the map files"
                )
    return ingest.result


def _write_part(part: LeanPart, ingest: Ingest, run: _Run, *, scale: Scale) -> int:
    """Write the rows of the part; return how many rows of the file nobody claims, on its first part."""
    tally = RowTally(layout_of(part.file).title, partial(ingest.reject, file=part.file.path.name))
    ingest.add_instrument(EquitySpec(symbol=part.symbol))
    writer = LeanWriter(ingest, part, scale=scale, tally=tally, quotes_from_bars=run.quotes_from_bars)
    after = -1
    unclaimed = 0
    is_empty = True
    for every in _rows_of(part, tally=tally, progress=run.progress):
        rows = every
        if part.file.day is None:
            days = local_days(every, part.file)
            unclaimed += int(part.is_unclaimed(days).sum())
            rows = every.where(part.is_wanted(days))
        if not len(rows):
            continue
        is_empty = False
        possible = possible_rows(rows, part.file, after=after, tally=tally)
        if len(possible):
            after = int(possible["time"][-1])
            writer.write(possible)
    if is_empty:
        raise _NothingSelectedError
    return unclaimed


def _rows_of(part: LeanPart, *, tally: RowTally, progress: Progress) -> Iterator[Rows]:
    with opened_entry(part.file, progress) as stream:
        yield from read_rows(stream, layout_of(part.file), tally)


def _scale(part: LeanPart, adjust: Adjust) -> tuple[Scale, str | None]:
    if adjust is Adjust.NONE:
        return Raw(), None
    folder = part.file.market_folder
    if folder is None:
        raise NotFoundError(f"No factor_files folder above {part.file.path}: prices cannot be adjusted.")
    path = folder / "factor_files" / f"{part.symbol.lower()}.csv"
    return FactorFile.read(path, adjust), sha256_of([path])


def _require_quote_bars_of_one_length(parts: Collection[LeanPart]) -> None:
    """Refuse to sample quotes where bars are too long for it, or of two lengths, which would mix."""
    held = {part.file.resolution for part in parts}
    if held not in ({Resolution.SECOND}, {Resolution.MINUTE}):
        raise ConfigError(
            "Quotes can be made from the bars of seconds or of minutes, one of them at a time; these files "
            f"hold {', '.join(sorted(held))}. Say --resolution second or --resolution minute, and ingest the "
            "others by a command of their own without --quotes-from-bars."
        )
    if not any(part.file.content is Content.QUOTE for part in parts):
        raise ConfigError(
            f"Quotes cannot be made from these {min(held)} files: they hold trades only. Name the folder "
            "with the files YYYYMMDD_quote.zip, or leave --quotes-from-bars away."
        )


def _require_one_adjustment(run: _Run, instruments: set[str]) -> None:
    """Refuse to put prices of one instrument beside others that were adjusted otherwise."""
    for ingest in run.known.values():
        known = ingest.source.options.get("adjust")
        clash = instruments & {file.instrument_id for file in ingest.files}
        if ingest.source.kind == "lean" and known != run.adjust and clash and not run.replace:
            raise DataError(
                f"The catalog has {min(clash)} with adjust={known}, this ingest says {run.adjust}: their "
                "prices cannot be compared. Use another catalog."
            )


def _choice[Choice: StrEnum](choices: type[Choice], name: str, value: str) -> Choice:
    try:
        return choices(value)
    except ValueError:
        allowed = ", ".join(choices)
        raise ConfigError(f"{name} {value!r} is not known. Allowed: {allowed}.") from None
