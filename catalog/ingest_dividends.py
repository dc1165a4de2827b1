"""Cash dividends from CSV files and Lean's factor files, each known from the day after its declaration.

A chain is priced with the dividends that had been declared at its moment, so the day of declaration counts
as much as the ex-dividend date. Where a file does not say it, the user does: so many days before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from catalog.columns import DataKind, DividendColumns
from catalog.daily_rows import Reject
from catalog.dividend_rows import (
    StatedDividend,
    csv_dividends,
    factor_dividends,
    is_factor_file,
    listed_symbols,
)
from catalog.ingest_summary import IngestSummary, raise_refused, sha256_of, summary_of
from catalog.lanes import event_clock
from catalog.manifest import IngestResult, SourceDescription
from catalog.progress import SILENT, Progress
from catalog.storage.ingest import Ingest
from catalog.store import CatalogStore
from market.calendar import TradingCalendar
from market.errors import ConfigError, DataError, NotFoundError, UserError
from market.session_table import FIRST_DAY, LAST_DAY
from market.time import new_york_midnight_ns

KIND = "dividends"
FACTOR_FOLDER = "factor_files"
DECLARED_DAYS_MAX = 365
SYMBOLS_SHOWN = 5
_SAY_WHEN = "Say how many days before the ex-date they count as known: --declared-days 14."


class _NoDividendError(DataError):
    """A file without a single dividend in the wanted time."""


class _Known(NamedTuple):
    """A dividend that goes in; sorts by the time from which it was known."""

    known_ns: int
    ex_ns: int
    amount: float


@dataclass(frozen=True)
class _Wanted:
    """What to take of each file."""

    symbols: frozenset[str]
    start: date | None
    end: date | None
    columns: Mapping[str, str]
    declared_days: int | None

    def has(self, day: date) -> bool:
        return (not self.start or day >= self.start) and (not self.end or day <= self.end)

    def described(self) -> dict[str, str]:
        return {
            "symbols": ",".join(sorted(self.symbols)),
            "columns": ",".join(f"{key}={value}" for key, value in sorted(self.columns.items())),
            "declared_days": "" if self.declared_days is None else str(self.declared_days),
            "start": str(self.start or ""),
            "end": str(self.end or ""),
        }


def ingest_dividends(
    path: Path,
    *,
    store: CatalogStore,
    symbols: Collection[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    columns: Mapping[str, str] | None = None,
    declared_days: int | None = None,
    replace: bool = False,
    progress: Progress = SILENT,
) -> IngestSummary:
    """Ingest the dividends of a file, or of Lean's factor files in a folder; return what was done.

    `columns` maps ex_date, amount, declared and symbol to columns; `declared_days` stands for dates of
    declaration that a file lacks, in days before the ex-dividend date; `start` and `end` are ex-dividend
    dates. Each file goes in whole or not at all. Raises `ConfigError` where nothing tells when dividends were
    declared, `DataError` for files that are none, `NotFoundError` for paths without files.
    """
    if declared_days is not None and not 0 <= declared_days <= DECLARED_DAYS_MAX:
        raise ConfigError(f"--declared-days is {declared_days}, allowed: 0 to {DECLARED_DAYS_MAX}.")
    wanted = _Wanted(
        frozenset(symbol.strip().upper() for symbol in symbols or ()),
        start,
        end,
        columns or {},
        declared_days,
    )
    files = _files(Path(path), wanted.symbols)
    _require_declared_days(files, declared_days)
    results: list[IngestResult] = []
    refused: list[tuple[Path, UserError]] = []
    without: list[str] = []
    for file in files:
        try:
            results.append(_ingest_file(file, store, wanted, replace=replace, progress=progress))
        except _NoDividendError as error:
            if len(files) == 1:
                raise
            without.append(error.args[0])
        except UserError as error:
            refused.append((file, error))
    raise_refused(refused, of=len(files))
    if not results:
        raise NotFoundError(f"None of the {len(files)} factor files in {path} has a dividend in that time.")
    notes = [f"{len(without)} of {len(files)} factor files have no dividend in that time"] if without else []
    return summary_of(results, notes)


def _files(path: Path, symbols: Collection[str]) -> list[Path]:
    """Return the file, or the factor files below a folder, those of `symbols` where some are named."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise NotFoundError(f"{path} is no file. Name a CSV file of dividends, or Lean's {FACTOR_FOLDER}.")
    folders = [path] if path.name == FACTOR_FOLDER else sorted(path.rglob(FACTOR_FOLDER))
    files = sorted(file for folder in folders for file in folder.glob("*.csv"))
    chosen = [file for file in files if not symbols or file.stem.upper() in symbols]
    if missing := sorted(set(symbols) - {file.stem.upper() for file in chosen}):
        raise NotFoundError(f"No factor file of {', '.join(missing)} below {path}.")
    if not chosen:
        raise NotFoundError(f"No {FACTOR_FOLDER} below {path}. Of other vendors name a CSV file.")
    return chosen


def _require_declared_days(files: list[Path], declared_days: int | None) -> None:
    """Refuse Lean's files without `declared_days`: they never say when a dividend was declared."""
    if declared_days is None and any(is_factor_file(file) for file in files):
        raise ConfigError(
            f"Lean's factor files do not say when dividends were declared. {_SAY_WHEN} Nothing was written."
        )


def _ingest_file(
    file: Path, store: CatalogStore, wanted: _Wanted, *, replace: bool, progress: Progress
) -> IngestResult:
    is_lean = is_factor_file(file)
    settings = {**wanted.described(), **({"factor_file_of": file.stem.upper()} if is_lean else {})}
    source = SourceDescription(kind=KIND, path=str(file), sha256=sha256_of([file]), options=settings)
    with store.ingest(source, replace=replace) as ingest:
        if not ingest.unchanged:
            progress.begin(file.name, file.stat().st_size)
            reject = partial(ingest.reject, file=file.name)
            stated = list(
                factor_dividends(file)
                if is_lean
                else csv_dividends(file, columns=wanted.columns, symbols=wanted.symbols, reject=reject)
            )
            chosen = [one for one in stated if wanted.has(one.ex_day)]
            _write(chosen, ingest, wanted, reject)
            why = None if chosen else _why_none(file, stated, wanted, is_lean=is_lean)
            if why or not (ingest.rejected or ingest.has_rows):
                why = why or "has no dividend in that time"
                raise _NoDividendError(f"{file} {why}. Nothing was written.")
            progress.advance(file.stat().st_size)
    return ingest.result


def _why_none(file: Path, stated: list[StatedDividend], wanted: _Wanted, *, is_lean: bool) -> str | None:
    """Return in words why no dividend of a file was wanted, or None where its rows cannot tell."""
    if stated:
        days = sorted(one.ex_day for one in stated)
        time = f"from {wanted.start or 'the start'} to {wanted.end or 'the end'}"
        return f"has no dividend {time}; its ex-dividend dates run from {days[0]} to {days[-1]}"
    listed = () if is_lean else listed_symbols(file, wanted.columns)
    if listed and wanted.symbols and not wanted.symbols & set(listed):
        more = ", ..." if len(listed) > SYMBOLS_SHOWN else ""
        has = ", ".join(listed[:SYMBOLS_SHOWN])
        return f"has no dividend of {', '.join(sorted(wanted.symbols))}; it has {has}{more}"
    return None


def _write(stated: Iterable[StatedDividend], ingest: Ingest, wanted: _Wanted, reject: Reject) -> None:
    seen: dict[tuple[str, date], int] = {}
    by_symbol: dict[str, list[_Known]] = {}
    for one in stated:
        known = _known(one, wanted.declared_days, reject)
        if known is None:
            continue
        first = seen.setdefault((one.symbol, one.ex_day), one.line)
        if first != one.line:
            why = f"is the ex-date of line {first} too; write what is paid on one day as one row"
            reject(line=one.line, column="ex_date", value=str(one.ex_day), why=why)
        else:
            by_symbol.setdefault(one.symbol, []).append(known)
    for symbol, rows in sorted(by_symbol.items()):
        known_ns, ex_ns, amounts = zip(*sorted(rows), strict=True)
        ts_event = np.array(known_ns, dtype=np.int64)
        columns = DividendColumns(
            ts_event=ts_event,
            ts_init=event_clock(ts_event) + ingest.lane(DataKind.DIVIDEND, symbol),
            ex_ns=np.array(ex_ns, dtype=np.int64),
            amount=np.array(amounts, dtype=np.float64),
        )
        ingest.write(DataKind.DIVIDEND, symbol, columns)


def _known(one: StatedDividend, declared_days: int | None, reject: Reject) -> _Known | None:
    declared = one.declared
    if declared is None:
        if declared_days is None:
            why = "does not say when it was declared; see --declared-days"
            reject(line=one.line, column="declared", value="", why=why)
            return None
        declared = one.ex_day - timedelta(days=declared_days)
    if declared > one.ex_day:
        reject(line=one.line, column="declared", value=str(declared), why="is after the ex-date")
        return None
    if not (declared >= FIRST_DAY and one.ex_day <= LAST_DAY):
        why = f"is not between {FIRST_DAY} and {LAST_DAY}, or was declared before"
        reject(line=one.line, column="ex_date", value=str(one.ex_day), why=why)
        return None
    session = TradingCalendar(one.ex_day, one.ex_day).session_on(one.ex_day)
    if session is None:
        why = "is a day without a session"
        reject(line=one.line, column="ex_date", value=str(one.ex_day), why=why)
        return None
    return _Known(new_york_midnight_ns(declared + timedelta(days=1)), session.open_ns, one.amount)
