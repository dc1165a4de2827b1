"""Dividends as files state them: CSV files of any vendor, and Lean's factor files.

A factor file has no amounts: the price factor of a day is that of the days after it, less the fraction of the
closing price that was paid. `592.33 * (1 - 0.8961764 / 0.9011818)` is Apple's 3.29 USD of May 2014. Spin-offs
look the same, and count as the dividend that they are worth.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from catalog.daily_rows import DailyRow, Reject, column_named, parse_day, read_days, read_header
from market.calendar import TradingCalendar
from market.errors import ConfigError, DataError

FIELDS = ("ex_date", "amount", "declared", "symbol")
AMOUNT_USD_MAX = 1_000.0
"""The largest dividend that US shares paid is below it; more is a wrong column or currency."""

_NAMES = {
    "ex_date": ("ex_date", "ex-date", "exdate", "ex_dividend_date", "ex-dividend date", "date"),
    "amount": ("amount", "dividend", "dividends", "cash_amount", "cash amount", "value"),
    "declared": ("declared", "declaration_date", "declared_date", "declaration date", "announced"),
    "symbol": ("symbol", "ticker"),
}
_FACTOR_ROW = re.compile(r"\d{8},\d[\d.]*,\d[\d.]*,\d[\d.]*")
_PLACES = 4


class StatedDividend(NamedTuple):
    """One dividend of a file; `declared` is absent where the file does not say, `line` counts from 1."""

    symbol: str
    ex_day: date
    amount: float
    declared: date | None
    line: int


def is_factor_file(path: Path) -> bool:
    """Whether the first line of a file is one of Lean's factor files."""
    with path.open("rb") as stream:
        return bool(_FACTOR_ROW.fullmatch(stream.readline(200).decode("ascii", "replace").strip()))


def csv_dividends(
    path: Path, *, columns: Mapping[str, str], symbols: Collection[str], reject: Reject
) -> Iterator[StatedDividend]:
    """Yield the dividends of a CSV file; rows that cannot be used are rejected.

    Raises `ConfigError` for fields that are none, `DataError` for a file without the columns it needs.
    """
    if unknown := sorted(set(columns) - set(FIELDS)):
        raise ConfigError(f"--columns names {', '.join(unknown)}; the fields are {', '.join(FIELDS)}.")
    header = read_header(path)
    found = {field: column_named(header, columns, field, _NAMES[field]) for field in FIELDS}
    for field in ("ex_date", "amount"):
        if found[field] is None:
            raise DataError(
                f"{path} has no column {field}; it has {', '.join(header)}. "
                f"Name it: --columns {field}=COLUMN."
            )
    named = {field: column for field, column in found.items() if column is not None}
    if "symbol" not in named and len(symbols) != 1:
        raise ConfigError(f"{path} has no column of symbols: say with --symbol whose dividends they are.")
    for row in read_days(path, named["ex_date"], reject):
        stated = _stated(row, named, symbols, reject)
        if stated is not None:
            yield stated


def listed_symbols(path: Path, columns: Mapping[str, str]) -> tuple[str, ...]:
    """Return the symbols that a file names, sorted; none for a file without a column of them."""
    column = column_named(read_header(path), columns, "symbol", _NAMES["symbol"])
    if column is None:
        return ()
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
        return tuple(sorted({(row[column] or "").strip().upper() for row in reader} - {""}))


def factor_dividends(path: Path) -> Iterator[StatedDividend]:
    """Yield the dividends that a Lean factor file implies; the ex-date is the session after a row's date.

    Raises `DataError` for a file of another form.
    """
    lines = path.read_text(encoding="utf-8", errors="replace").split()
    rows = [_factor_row(path, number, line) for number, line in enumerate(lines, start=1)]
    for (day, number, factor, close), (_, _, after, _) in pairwise(sorted(rows)):
        amount = round(close * (1.0 - factor / after), _PLACES)
        if amount > 0:
            yield StatedDividend(path.stem.upper(), _session_after(day), amount, None, number)


def _factor_row(path: Path, number: int, line: str) -> tuple[date, int, float, float]:
    """Return date, number, price factor and closing price of a line."""
    try:
        if not _FACTOR_ROW.fullmatch(line):
            raise ValueError
        fields = line.split(",")
        day = datetime.strptime(fields[0], "%Y%m%d").date()  # noqa: DTZ007 - a date has no zone
        factor, close = float(fields[1]), float(fields[3])
        if not factor > 0:
            raise ValueError
    except ValueError:
        raise DataError(
            f"{path} line {number} is no row of a Lean factor file, which reads date,price factor above 0,"
            f"split factor,closing price: {line[:60]!r}."
        ) from None
    return day, number, factor, close


def _stated(
    row: DailyRow, columns: Mapping[str, str], symbols: Collection[str], reject: Reject
) -> StatedDividend | None:
    symbol = next(iter(symbols), "")
    if "symbol" in columns:
        symbol = (row.texts.get(columns["symbol"]) or "").strip().upper()
        if symbols and symbol not in symbols:
            return None
    if not re.fullmatch(r"[A-Z][A-Z0-9.]{0,11}", symbol):
        reject(line=row.line, column=columns.get("symbol", ""), value=symbol, why="is no symbol")
        return None
    amount = _amount(row, columns["amount"], reject)
    declared_text = (row.texts.get(columns.get("declared", "")) or "").strip()
    declared = parse_day(declared_text)
    if declared_text and declared is None:
        reject(line=row.line, column=columns["declared"], value=declared_text, why="is not a date")
        return None
    if amount is None:
        return None
    return StatedDividend(symbol, row.day, amount, declared, row.line)


def _amount(row: DailyRow, column: str, reject: Reject) -> float | None:
    text = (row.texts.get(column) or "").strip()
    try:
        amount = float(text)
    except ValueError:
        reject(line=row.line, column=column, value=text, why="is not a number")
        return None
    if not 0 < amount <= AMOUNT_USD_MAX:
        why = f"is no dividend above 0 to {AMOUNT_USD_MAX:,.0f} USD a share"
        reject(line=row.line, column=column, value=text, why=why)
        return None
    return amount


def _session_after(day: date) -> date:
    """Return the first session after `day`; the exchange never closed for more than a week since 1933."""
    return (
        TradingCalendar(day, day + timedelta(days=14))
        .sessions(day + timedelta(days=1), day + timedelta(days=14))[0]
        .date
    )
