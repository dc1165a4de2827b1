"""Option chains from a CSV or Parquet file: one row a contract and moment, end-of-day or within the day.

A file in order of time is streamed, whatever its size. One in another order (contract by contract) is held in
memory and sorted, up to `UNORDERED_ROWS_MAX` rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.chain_contracts import contract_list
from catalog.chain_source.blocks import column_names
from catalog.chain_source.mapping import NUMBERS, map_columns
from catalog.chain_source.options import ChainCsvOptions
from catalog.chain_source.rows import ChainReader, ChainRows
from catalog.ingest_summary import IngestSummary, raise_refused, sha256_of, summary_of
from catalog.manifest import IngestResult, SourceDescription
from catalog.option_chain_writer import ChainWriter
from catalog.progress import SILENT, Progress
from catalog.storage.ingest import Ingest
from catalog.store import CatalogStore
from market.errors import DataError, NotFoundError, UserError
from market.option_contracts import ContractName, occ_symbol
from market.time import new_york_date

KIND = "chain-csv"
UNORDERED_ROWS_MAX = 4_000_000
"""Rows of a file that is not in order of time, about 150 bytes each in memory."""
SYMBOLS_SHOWN = 5
_SUFFIXES = (".csv", ".csv.gz", ".csv.zst", ".parquet")
_DEFAULTS = ChainCsvOptions()


def ingest_chain_csv(
    path: Path,
    *,
    store: CatalogStore,
    symbols: Collection[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    options: ChainCsvOptions = _DEFAULTS,
    replace: bool = False,
    progress: Progress = SILENT,
) -> IngestSummary:
    """Ingest a file of chains, or a folder of them; return what was done. A row of the result is a snapshot.

    `symbols` are roots or underlyings; `start` and `end` New York dates, inclusive. Rows that cannot be used
    are rejected and named, a file of which most rows are unusable is refused. Raises `NotFoundError` without
    files, and where none has a row that is wanted.
    """
    files = _files(Path(path))
    wanted = _Wanted(frozenset(symbol.strip().upper() for symbol in symbols or ()), start, end)
    results: list[IngestResult] = []
    refused: list[tuple[Path, UserError]] = []
    passed_over: list[NotFoundError] = []
    notes: list[str] = []
    for file in files:
        try:
            source = _source(file, wanted, options)
            with store.ingest(source, replace=replace) as ingest:
                if not ingest.unchanged:
                    notes.append(
                        _ingest_file(file, ingest, wanted=wanted, options=options, progress=progress)
                    )
            results.append(ingest.result)
        except NotFoundError as error:
            passed_over.append(error)
        except UserError as error:
            refused.append((file, error))
    raise_refused(refused, of=len(files))
    if not results:
        raise passed_over[0]
    notes += [str(error) for error in passed_over]
    return summary_of(results, notes)


@dataclass(frozen=True)
class _Wanted:
    symbols: frozenset[str]
    start: date | None
    end: date | None


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise NotFoundError(f"{path} does not exist. Name a file of chains, or a folder of them.")
    if path.is_file():
        return [path]
    files = sorted(each for each in path.rglob("*") if each.name.endswith(_SUFFIXES))
    if not files:
        raise NotFoundError(f"No chain file in {path}: expected {', '.join(_SUFFIXES)}.")
    return files


def _source(file: Path, wanted: _Wanted, options: ChainCsvOptions) -> SourceDescription:
    selection = {
        "symbols": ",".join(sorted(wanted.symbols)),
        "start": str(wanted.start or ""),
        "end": str(wanted.end or ""),
    }
    return SourceDescription(
        kind=KIND, path=str(file), sha256=sha256_of([file]), options={**options.identity(), **selection}
    )


def _ingest_file(
    file: Path, ingest: Ingest, *, wanted: _Wanted, options: ChainCsvOptions, progress: Progress
) -> str:
    columns = map_columns(column_names(file), options.columns)
    reader = ChainReader(file, columns, options, partial(ingest.reject, file=file.name))
    is_ordered = reader.times_ascend()
    writer = _SnapshotWriter(ingest, reader)
    pending, found = _Pending(), _Found()
    for rows in reader.blocks(progress):
        found.add(rows)
        pending.add(_wanted_rows(rows, reader, wanted))
        if is_ordered:
            writer.write_all(pending.taken_before_last())
        elif pending.rows > UNORDERED_ROWS_MAX:
            raise DataError(
                f"{file} is not in order of time and has more than {UNORDERED_ROWS_MAX:,} rows. "
                "Sort it by time, or split it by date."
            )
    writer.write_all(pending.taken())
    if not writer.rows and found.rows:
        raise NotFoundError(f"{file}: {found.without(wanted, reader)}. Nothing was written.")
    return f"{file.name}: {writer.rows:,} rows of {len(reader.names):,} contracts"


def _wanted_rows(rows: ChainRows, reader: ChainReader, wanted: _Wanted) -> ChainRows:
    keep = np.ones(len(rows.ts_ns), dtype=np.bool_)
    if wanted.symbols:
        matches = [bool({terms.root, terms.underlying} & wanted.symbols) for terms in reader.classes]
        keep &= np.array(matches, dtype=np.bool_)[rows.contract]
    if wanted.start or wanted.end:
        for ts_ns in np.unique(rows.ts_ns).tolist():
            day = new_york_date(ts_ns)
            if (wanted.start and day < wanted.start) or (wanted.end and day > wanted.end):
                keep &= rows.ts_ns != ts_ns
    return _taken(rows, keep)


def _symbol(name: ContractName) -> str:
    return occ_symbol(name.root, name.expiry, strike=name.strike, is_call=name.is_call)


def _taken(rows: ChainRows, which: NDArray[np.bool_] | NDArray[np.intp]) -> ChainRows:
    return ChainRows(
        rows.ts_ns[which],
        rows.contract[which],
        rows.lines[which],
        {name: values[which] for name, values in rows.numbers.items()},
    )


@dataclass
class _Found:
    """What a file has, to say where nothing of it is wanted."""

    rows: int = 0
    first_ns: int = 0
    last_ns: int = 0

    def add(self, rows: ChainRows) -> None:
        if not len(rows.ts_ns):
            return
        first, last = int(rows.ts_ns.min()), int(rows.ts_ns.max())
        self.first_ns = min(self.first_ns, first) if self.rows else first
        self.last_ns = max(self.last_ns, last)
        self.rows += len(rows.ts_ns)

    def without(self, wanted: _Wanted, reader: ChainReader) -> str:
        """Return in words what is wanted, and what the file has instead."""
        names = {name for terms in reader.classes for name in (terms.root, terms.underlying)}
        listed = ", ".join(sorted(names)[:SYMBOLS_SHOWN]) + (", ..." if len(names) > SYMBOLS_SHOWN else "")
        missing = ", ".join(sorted(wanted.symbols))
        if wanted.symbols and not wanted.symbols & names:
            return f"no row of {missing}; the file has {listed}"
        of = f" of {missing}" if missing else ""
        return (
            f"no row{of} from {wanted.start or 'the start'} to {wanted.end or 'the end'}; the file runs from "
            f"{new_york_date(self.first_ns)} to {new_york_date(self.last_ns)}"
        )


@dataclass
class _Pending:
    """Rows that wait for their moment to be complete."""

    rows: int = 0
    _blocks: list[ChainRows] = field(default_factory=list)

    def add(self, rows: ChainRows) -> None:
        if len(rows.ts_ns):
            self._blocks.append(rows)
            self.rows += len(rows.ts_ns)

    def taken(self) -> Iterator[ChainRows]:
        """Yield all waiting rows, moment by moment in order of time."""
        blocks, self._blocks, self.rows = self._blocks, [], 0
        if not blocks:
            return
        joined = ChainRows(
            np.concatenate([block.ts_ns for block in blocks]),
            np.concatenate([block.contract for block in blocks]),
            np.concatenate([block.lines for block in blocks]),
            {name: np.concatenate([block.numbers[name] for block in blocks]) for name in NUMBERS},
        )
        order = np.argsort(joined.ts_ns, kind="stable")
        times = joined.ts_ns[order]
        for part in np.split(order, np.flatnonzero(np.diff(times)) + 1):
            yield _taken(joined, part)

    def taken_before_last(self) -> Iterator[ChainRows]:
        """Yield the moments before the last, which the next block may continue."""
        moments = list(self.taken())
        if moments:
            self.add(moments[-1])
        yield from moments[:-1]


class _SnapshotWriter:
    """Writes a moment as a snapshot of each class that it has."""

    def __init__(self, ingest: Ingest, reader: ChainReader) -> None:
        self.rows = 0
        self._ingest = ingest
        self._reader = reader
        self._writers: dict[str, ChainWriter] = {}

    def write_all(self, moments: Iterator[ChainRows]) -> None:
        for moment in moments:
            roots = np.array([name.root for name in self._reader.names])[moment.contract]
            for root in np.unique(roots).tolist():
                self._write(_taken(moment, roots == root), root)

    def _write(self, rows: ChainRows, root: str) -> None:
        rows = self._without_repeats(rows)
        names = [self._reader.names[number] for number in rows.contract.tolist()]
        terms = self._reader.classes[int(rows.contract[0])]
        if root not in self._writers:
            self._writers[root] = ChainWriter(self._ingest, terms, is_daily=self._reader.is_daily)
        contracts, order = contract_list(terms, names)
        prices = rows.numbers["underlying_price"]
        known = prices[~np.isnan(prices)]
        self._writers[root].write(
            contracts,
            {name: values[order] for name, values in rows.numbers.items() if name != "underlying_price"},
            ts_ns=int(rows.ts_ns[0]),
            underlying_price=float(known[0]) if known.size else float("nan"),
        )
        self.rows += len(names)

    def _without_repeats(self, rows: ChainRows) -> ChainRows:
        """Reject a contract's second row at one moment."""
        _, first = np.unique(rows.contract, return_index=True)
        if first.size == rows.contract.size:
            return rows
        again = np.setdiff1d(np.arange(rows.contract.size), first)
        for row in again.tolist():
            self._ingest.reject(
                file=self._reader.path.name,
                line=int(rows.lines[row]),
                column="contract",
                value=_symbol(self._reader.names[int(rows.contract[row])]),
                why="is in the file twice at this time",
            )
        return _taken(rows, np.sort(first))
