"""Rate curves from a CSV file: Treasury par yields, or any rates by tenor, a row a day.

Columns of rates are found by their names (`3month`, `1 Mo`, `10year`, `DGS2`), or given: `3month=PCREDIT8`.
A row becomes a curve of zero rates, known from 18:00 New York on its day: a decision of that afternoon
cannot use it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from catalog.columns import DataKind, RateColumns
from catalog.daily_rows import (
    DailyRow,
    Reject,
    column_named,
    read_days,
    read_header,
    require_date_column,
    within,
)
from catalog.ingest_summary import sha256_of
from catalog.lanes import event_clock
from catalog.manifest import IngestResult, SourceDescription
from catalog.progress import SILENT, Progress
from catalog.storage.ingest import Ingest
from catalog.store import CatalogStore
from market.errors import ConfigError, DataError, NotFoundError
from market.rates import RATE_HIGHEST, RATE_LOWEST, RateCurve, zeros_of_par_yields
from market.time import new_york_ns

KIND = "rates"
DEFAULT_NAME = "USD"
KNOWN_FROM = time(18, 0)
"""When a day's rates are published, New York; the Treasury promises 18:00."""

UNITS = {"fraction": 1.0, "percent": 0.01}
COMPOUNDINGS = ("par", "zero")
_TENOR = re.compile(r"(?P<count>\d+(\.\d+)?)\s*_?-?(?P<unit>d|day|w|week|m|mo|mon|month|y|yr|year)s?")
_FRED = re.compile(r"dgs(?P<count>\d+)(?P<month>mo)?")
_YEARS = {"d": 1 / 365, "w": 7 / 365, "m": 1 / 12, "y": 1.0}
_OUTSIDE = f"is outside {RATE_LOWEST:g} to {RATE_HIGHEST:g} a year (1 is 100 %)"


@dataclass(frozen=True)
class _Curve:
    """How rows become curves."""

    tenors: Mapping[str, float]
    """Years by column."""
    scale: float
    is_par: bool


def ingest_rates(
    path: Path,
    *,
    store: CatalogStore,
    symbols: Collection[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    columns: Mapping[str, str] | None = None,
    unit: str = "fraction",
    compounding: str = "par",
    replace: bool = False,
    progress: Progress = SILENT,
) -> IngestResult:
    """Ingest a file of rates under one name (`symbols`, default USD); return what was done.

    `columns` maps `date` and tenors to columns; `unit` is fraction or percent; `compounding` is par
    (half-yearly coupons, bootstrapped) or zero (continuous). Rows with a rate that is none are rejected.
    Raises `DataError` for files that are none, in another unit, or without a row from `start` to `end`.
    """
    name = one_name(symbols, DEFAULT_NAME)
    if unit not in UNITS or compounding not in COMPOUNDINGS:
        raise ConfigError(
            f"unit {unit!r} and compounding {compounding!r}: allowed are {', '.join(UNITS)} and "
            f"{', '.join(COMPOUNDINGS)}."
        )
    given, file = dict(columns or {}), Path(path)
    if not file.is_file():
        raise NotFoundError(f"{path} is no file. Name a CSV file of rates.")
    settings = {
        "name": name,
        "columns": ",".join(f"{key}={value}" for key, value in sorted(given.items())),
        "unit": unit,
        "compounding": compounding,
        "start": str(start or ""),
        "end": str(end or ""),
    }
    source = SourceDescription(kind=KIND, path=str(path), sha256=sha256_of([file]), options=settings)
    with store.ingest(source, replace=replace) as ingest:
        if not ingest.unchanged:
            header = read_header(file)
            curve = _Curve(tenor_columns(header, given), UNITS[unit], compounding == "par")
            date_column = require_date_column(file, header, given)
            rows = read_days(file, date_column, partial(ingest.reject, file=file.name), progress)
            _write(within(rows, start, end, path=file), ingest, name=name, curve=curve, file=file.name)
    return ingest.result


def one_name(symbols: Collection[str] | None, default: str) -> str:
    """Return the name under which a file goes in; raises `ConfigError` for several or none."""
    names = [symbol.strip().upper() for symbol in symbols or ()] or [default]
    if len(names) != 1 or not re.fullmatch(r"[A-Z0-9^._-]{1,32}", names[0]):
        raise ConfigError(f"A file has one name; --symbol says {', '.join(names)}.")
    return names[0].removeprefix("^")


def tenor_columns(header: Collection[str], given: Mapping[str, str]) -> dict[str, float]:
    """Return the years of each column of rates; raises `DataError` where there is none."""
    named = {field: text for field, text in given.items() if field != "date"}
    if named:
        found: dict[str, float] = {}
        for field in named:
            years = tenor_years(field)
            if years is None:
                raise ConfigError(f"{field!r} is no tenor. Write e.g. 3month=COLUMN or 10year=COLUMN.")
            column = column_named(list(header), given, field, ())
            found[str(column)] = years
        return found
    found = {name: years for name in header if (years := tenor_years(name)) is not None}
    if not found:
        raise DataError(
            f"No column of rates by tenor; the file has {', '.join(header)}. "
            'Name one with --columns, e.g. "3month=COLUMN".'
        )
    return found


def tenor_years(text: str) -> float | None:
    """Return the years that a column name such as `3month`, `10 Yr` or `DGS2` means, or None."""
    name = text.strip().lower()
    if match := _FRED.fullmatch(name):
        return int(match["count"]) * (_YEARS["m"] if match["month"] else 1.0)
    match = _TENOR.fullmatch(name)
    return float(match["count"]) * _YEARS[match["unit"][0]] if match else None


def _write(rows: list[DailyRow], ingest: Ingest, *, name: str, curve: _Curve, file: str) -> None:
    reject = partial(ingest.reject, file=file)
    kept = [(row, rates) for row in rows if (rates := _rates_of(row, curve, reject))]
    _require_fractions(rows, kept, curve, file)
    made: dict[int, RateCurve] = {}
    for (row, _), found in zip(kept, _curves([rates for _, rates in kept], curve), strict=True):
        known_ns = new_york_ns(row.day, KNOWN_FROM)
        if isinstance(found, DataError):
            reject(line=row.line, column="", value="", why=str(found))
        elif known_ns in made:
            reject(line=row.line, column="date", value=str(row.day), why="is in the file twice")
        else:
            made[known_ns] = found
    if not made:
        return
    ts_event = np.array(list(made), dtype=np.int64)
    ingest.write(
        DataKind.RATE,
        name,
        RateColumns(
            ts_event=ts_event,
            ts_init=event_clock(ts_event) + ingest.lane(DataKind.RATE, name),
            tenors=pa.array([list(one.tenors) for one in made.values()], pa.list_(pa.float64())),
            rates=pa.array([list(one.rates) for one in made.values()], pa.list_(pa.float64())),
        ),
    )


def _rates_of(row: DailyRow, curve: _Curve, reject: Reject) -> dict[float, float] | None:
    """Return the rates of a row, by years ascending; one with none or a wrong one is rejected."""
    rates: dict[float, float] = {}
    for column, years in curve.tenors.items():
        text = (row.texts.get(column) or "").strip()
        if text in ("", ".", "N/A", "NA"):
            continue
        try:
            rate = float(text)
        except ValueError:
            reject(line=row.line, column=column, value=text, why="is not a rate")
            return None
        rates[years] = rate * curve.scale
        if not RATE_LOWEST <= rates[years] <= RATE_HIGHEST:
            reject(line=row.line, column=column, value=text, why=_OUTSIDE)
            return None
    if not rates:
        reject(line=row.line, column="", value="", why="has no rate")
        return None
    return dict(sorted(rates.items()))


def _require_fractions(rows: list[DailyRow], kept: Sequence[object], curve: _Curve, file: str) -> None:
    """Raise `DataError` where a file of fractions reads as one of percent, most of its rows above 1."""
    if curve.scale != 1.0 or len(kept) >= len(rows) - len(kept):
        return
    for row in rows:
        for column in curve.tenors:
            if _is_above_one(text := (row.texts.get(column) or "").strip()):
                raise DataError(
                    f"{file} line {row.line}: {column} {text} is no fraction a year, and most rows cannot be "
                    "used. If 4.25 % is written 4.25 there, use --unit percent. Nothing was written."
                )


def _is_above_one(text: str) -> bool:
    try:
        return float(text) > RATE_HIGHEST
    except ValueError:
        return False


def _curves(days: list[dict[float, float]], curve: _Curve) -> list[RateCurve | DataError]:
    """Return the curve of each day's rates, or why there is none; days with the same tenors together."""
    found: list[RateCurve | DataError] = [DataError("has no curve")] * len(days)
    places: dict[tuple[float, ...], list[int]] = {}
    for place, rates in enumerate(days):
        places.setdefault(tuple(rates), []).append(place)
    for tenors, alike in places.items():
        table = np.array([list(days[place].values()) for place in alike])
        zeros = zeros_of_par_yields(tenors, table) if curve.is_par else table
        for place, values in zip(alike, zeros.tolist(), strict=True):
            try:
                found[place] = RateCurve(tenors, tuple(values))
            except DataError as error:
                found[place] = error
    return found
