"""The history of a volatility index (VIX, VXN, RVX ...) from a CSV file, a row a day.

A day's level is known from 16:15 New York on, when the index closes: a decision of the day itself sees the
day before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, time
from functools import partial
from pathlib import Path

import numpy as np

from catalog.columns import DataKind, LevelColumns
from catalog.daily_rows import DailyRow, column_named, read_days, read_header, require_date_column, within
from catalog.ingest_rates import one_name
from catalog.ingest_summary import sha256_of
from catalog.lanes import event_clock
from catalog.manifest import IngestResult, SourceDescription
from catalog.progress import SILENT, Progress
from catalog.storage.ingest import Ingest
from catalog.store import CatalogStore
from market.errors import DataError, NotFoundError
from market.time import new_york_ns

KIND = "volatility"
DEFAULT_NAME = "VIX"
KNOWN_FROM = time(16, 15)
LEVEL_MAX = 1_000.0
"""Points above which a level is no volatility index; the VIX never closed above 83."""
_FIELDS = ("open", "high", "low", "close")
_CLOSE_NAMES = ("close", "vix", "value", "vixcls", "last")


def ingest_volatility(
    path: Path,
    *,
    store: CatalogStore,
    symbols: Collection[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    columns: Mapping[str, str] | None = None,
    replace: bool = False,
    progress: Progress = SILENT,
) -> IngestResult:
    """Ingest the levels of one index (`symbols`, default VIX); return what was done.

    `columns` maps date, open, high, low and close to columns; close alone is enough. Raises `DataError` for
    a file that is none.
    """
    name = one_name(symbols, DEFAULT_NAME)
    file, given = Path(path), dict(columns or {})
    if not file.is_file():
        raise NotFoundError(f"{path} is no file. Name a CSV file of index levels.")
    source = SourceDescription(
        kind=KIND,
        path=str(file),
        sha256=sha256_of([file]),
        options={
            "name": name,
            "columns": ",".join(f"{key}={value}" for key, value in sorted(given.items())),
            "start": str(start or ""),
            "end": str(end or ""),
        },
    )
    with store.ingest(source, replace=replace) as ingest:
        if not ingest.unchanged:
            header = read_header(file)
            used = _columns_of(file, header, given)
            reject = partial(ingest.reject, file=file.name)
            rows = read_days(file, require_date_column(file, header, given), reject, progress)
            wanted = within(rows, start, end, path=file)
            _write(wanted, ingest, name=name, columns=used, file=file.name)
    return ingest.result


def _columns_of(file: Path, header: list[str], given: Mapping[str, str]) -> dict[str, str]:
    found = {
        field: column_named(header, given, field, _CLOSE_NAMES if field == "close" else (field,))
        for field in _FIELDS
    }
    if found["close"] is None:
        raise DataError(f"{file} has no close; it has {', '.join(header)}. Name it: --columns close=COLUMN.")
    return {field: column for field, column in found.items() if column is not None}


def _write(rows: list[DailyRow], ingest: Ingest, *, name: str, columns: Mapping[str, str], file: str) -> None:
    kept: list[tuple[int, dict[str, float]]] = []
    reject = partial(ingest.reject, file=file)
    for row in rows:
        known_ns = new_york_ns(row.day, KNOWN_FROM)
        if kept and known_ns <= kept[-1][0]:
            reject(line=row.line, column="date", value=str(row.day), why="is in the file twice")
            continue
        levels = _levels_of(row, columns, reject)
        if levels is not None:
            kept.append((known_ns, levels))
    if not kept:
        return
    ts_event = np.array([ns for ns, _ in kept], dtype=np.int64)
    values = {
        field: np.array([levels.get(field, np.nan) for _, levels in kept], dtype=np.float64)
        for field in _FIELDS
    }
    ts_init = event_clock(ts_event) + ingest.lane(DataKind.LEVEL, name)
    ingest.write(DataKind.LEVEL, name, LevelColumns(ts_event=ts_event, ts_init=ts_init, **values))


def _levels_of(row: DailyRow, columns: Mapping[str, str], reject: partial[None]) -> dict[str, float] | None:
    levels: dict[str, float] = {}
    for field, column in columns.items():
        text = (row.texts.get(column) or "").strip()
        if not text and field != "close":
            continue
        try:
            level = float(text)
        except ValueError:
            level = float("nan")
        if not 0 < level <= LEVEL_MAX:
            reject(line=row.line, column=column, value=text, why=f"is no level from 0 to {LEVEL_MAX:.0f}")
            return None
        levels[field] = level
    return levels
