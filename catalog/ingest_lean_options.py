"""QuantConnect Lean's options and index levels into the catalog.

| file                              | becomes                                                     |
|-----------------------------------|-------------------------------------------------------------|
| minute quote, trade, openinterest | a chain snapshot a minute, `GOOG-CHAIN.SMART`, at its close |
| universe                          | one a day, `GOOG-CHAIN-DAY.SMART`, at the session's close   |
| minutes of an index               | bars `^SPX.SMART-1-MINUTE-LAST-EXTERNAL`                    |

The files of one class and day are one source. The price of the underlying comes from the equity or index
files beside the options; without them it is absent (pricing then takes it from put-call parity).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np

from catalog.chain_contracts import contract_list
from catalog.columns import BarColumns, DataKind, prices_from_ten_thousandths, sizes_from_integers
from catalog.ingest_summary import IngestSummary, raise_refused, sha256_of, summary_of
from catalog.lanes import event_clock
from catalog.lean_options.day_rows import DayRows, read_day
from catalog.lean_options.files import IndexDay, LeanOptionFiles, OptionDay, UniverseDay, find_option_files
from catalog.lean_options.snapshots import moments_of
from catalog.lean_options.underlying import index_times_ns, prices_of, read_index_minutes
from catalog.lean_options.universes import read_universe
from catalog.manifest import IngestResult, SourceDescription
from catalog.option_chain_writer import ChainWriter
from catalog.progress import SILENT, Progress
from catalog.settlements import session_of
from catalog.storage.ingest import Ingest
from catalog.store import CatalogStore
from market.errors import NotFoundError, UserError
from market.option_contracts import IndexSpec
from market.time import new_york_midnight_ns

KIND = "lean-options"


@dataclass(frozen=True)
class _Run:
    """What is the same for all sources of one call, and the remarks that they leave."""

    store: CatalogStore
    replace: bool
    progress: Progress
    notes: list[str] = field(default_factory=list)


def ingest_lean_options(
    path: Path,
    *,
    store: CatalogStore,
    symbols: Collection[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    replace: bool = False,
    progress: Progress = SILENT,
) -> IngestSummary:
    """Ingest a Lean zip, a folder of them or a whole Lean data folder; return what was done.

    `symbols` are roots or underlyings; `start` and `end` are New York dates, inclusive. A row of the result
    is a snapshot (or a bar); `notes` say how many quotes went in. Files that have to be refused do not keep
    the others out: `DataError` names them at the end. Raises `NotFoundError` when there is nothing to ingest.
    """
    found = find_option_files(Path(path), symbols=symbols or (), start=start, end=end)
    run = _Run(store, replace, progress)
    results: list[IngestResult] = []
    refused: list[tuple[Path, UserError]] = []
    for one_path, ingest_one in _sources(found, run):
        try:
            result = ingest_one()
        except UserError as error:
            refused.append((one_path, error))
            continue
        if result is not None:
            results.append(result)
    if found.passed_over:
        run.notes.append(f"{found.passed_over} hour and daily files left out: the minutes say what they say")
    raise_refused(refused, of=len(found))
    if not results:
        raise NotFoundError(f"No usable option data in {path}. " + " ".join(run.notes[:3]))
    return summary_of(results, run.notes)


def _sources(found: LeanOptionFiles, run: _Run) -> list[tuple[Path, Callable[[], IngestResult | None]]]:
    sources: list[tuple[Path, Callable[[], IngestResult | None]]] = []
    sources += [
        (day.paths[0].with_name(f"{day.day:%Y%m%d}"), partial(_ingest_day, day, run))
        for day in found.option_days
    ]
    sources += [(day.path, partial(_ingest_universe, day, run)) for day in found.universes]
    sources += [(day.path, partial(_ingest_index, day, run)) for day in found.indexes]
    return sources


def _ingest_day(day: OptionDay, run: _Run) -> IngestResult | None:
    root = day.option_class.root
    if "quote" not in day.zips:
        run.notes.append(f"{root} {day.day}: no quotes, left out")
        return None
    prices = prices_of(day.option_class, day.day, day.lean_folder)
    options = {"root": root, "day": day.day.isoformat()}
    if prices.source is not None:
        options["underlying_sha256"] = sha256_of([prices.source])
    source = SourceDescription(
        kind=KIND, path=str(day.paths[0].parent), sha256=sha256_of(day.paths), options=options
    )
    with run.store.ingest(source, replace=run.replace) as ingest:
        if not ingest.unchanged:
            rows = read_day(day, reject=ingest.reject, progress=run.progress)
            writer = ChainWriter(ingest, day.option_class, is_daily=False)
            midnight_ns = new_york_midnight_ns(day.day)
            for moment in moments_of(rows, day.option_class, midnight_ns=midnight_ns):
                writer.write(
                    moment.contracts,
                    moment.market,
                    ts_ns=moment.ts_ns,
                    underlying_price=prices.at(moment.ts_ns),
                )
            run.notes.append(_quotes_note(day, rows, has_underlying=prices.source is not None))
    return ingest.result


def _quotes_note(day: OptionDay, rows: DayRows, *, has_underlying: bool) -> str:
    quotes = rows.contents["quote"]
    bid, ask = quotes.values["bid_close"], quotes.values["ask_close"]
    two_sided = (bid > 0) & (ask > 0)
    crossed = int((two_sided & (bid > ask)).sum())
    expiries = len({contract.expiry for contract in rows.contracts})
    note = (
        f"{day.option_class.root} {day.day}: {len(quotes):,} quotes of {len(rows.contracts):,} contracts and "
        f"{expiries} expiries, {int(two_sided.sum()):,} two-sided, {crossed} crossed"
    )
    return note if has_underlying else f"{note}; no file of the underlying's prices"


def _ingest_universe(day: UniverseDay, run: _Run) -> IngestResult | None:
    root = day.option_class.root
    source = SourceDescription(
        kind=KIND,
        path=str(day.path),
        sha256=sha256_of([day.path]),
        options={"root": root, "universe": day.day.isoformat()},
    )
    with day.path.open(encoding="utf-8", newline="") as stream:
        why = read_universe(stream, root=root, reject=_ignore).why_unusable
    if why is not None:
        run.notes.append(f"{root} {day.day}: universe left out, {why}")
        return None
    with run.store.ingest(source, replace=run.replace) as ingest:
        if not ingest.unchanged:
            with day.path.open(encoding="utf-8", newline="") as stream:
                universe = read_universe(stream, root=root, reject=partial(ingest.reject, file=day.path.name))
            contracts, order = contract_list(day.option_class, universe.contracts)
            ChainWriter(ingest, day.option_class, is_daily=True).write(
                contracts,
                {name: values[order] for name, values in universe.market.items()},
                ts_ns=session_of(day.day).close_ns,
                underlying_price=universe.underlying_price,
            )
    return ingest.result


def _ignore(**_: object) -> None:
    """Take no note: the rows are read again when they are written."""


def _ingest_index(day: IndexDay, run: _Run) -> IngestResult:
    source = SourceDescription(
        kind=KIND,
        path=str(day.path),
        sha256=sha256_of([day.path]),
        options={"index": day.symbol, "day": day.day.isoformat()},
    )
    with run.store.ingest(source, replace=run.replace) as ingest:
        if not ingest.unchanged:
            _write_index(day, ingest)
    return ingest.result


def _write_index(day: IndexDay, ingest: Ingest) -> None:
    spec = IndexSpec(symbol=day.symbol)
    ingest.add_index(spec)
    bar_type = f"{spec.instrument_id}-1-MINUTE-LAST-EXTERNAL"
    rows = read_index_minutes(day.path)
    cents = {
        name: np.rint(rows[name] * 100).astype(np.int64) * 100 for name in ("open", "high", "low", "close")
    }
    ts_event = index_times_ns(rows["time"], day.day)
    lane = ingest.lane(DataKind.BAR, spec.instrument_id, bar_type)
    ingest.write(
        DataKind.BAR,
        spec.instrument_id,
        BarColumns(
            ts_event=ts_event,
            ts_init=event_clock(ts_event) + lane,
            **{name: prices_from_ten_thousandths(values) for name, values in cents.items()},
            volume=sizes_from_integers(rows["volume"].astype(np.int64)),
        ),
        bar_type,
    )
