"""Small CSV files of a row a day (rates, index levels): header, column map, and bad rows by name."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from catalog.progress import SILENT, Progress
from market.errors import ConfigError, DataError

DATE_NAMES = ("date", "time period", "observation_date", "day", "ex_date", "ex-date")
_DATE_FORMATS = ("%Y-%m-%d", "%m/%d/%Y", "%m/%d/%y", "%Y%m%d")
BAD_FRACTION_MAX = 0.5
Reject = Callable[..., None]


@dataclass(frozen=True)
class DailyRow:
    """One row: `texts` by column, `line` counts from 1."""

    line: int
    day: date
    texts: Mapping[str, str]


def read_header(path: Path) -> list[str]:
    """Return the names of the columns; raises `DataError` for an empty or binary file."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return [name.strip() for name in next(csv.reader(stream), [])]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no CSV file: {error}") from error


def read_days(
    path: Path, date_column: str, reject: Reject, progress: Progress = SILENT
) -> Iterator[DailyRow]:
    """Yield the rows with a date; others are rejected. `progress` hears of the file and of each line.

    Raises `DataError` where most have none, and for a file that is not text to its end.
    """
    good, bad = 0, 0
    progress.begin(path.name, path.stat().st_size)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(_counted(stream, progress))
        names = [name.strip() for name in next(reader)]
        for number, fields in enumerate(_rows_of(path, reader), start=2):
            texts = dict(zip(names, fields, strict=False))
            day = parse_day(texts.get(date_column, ""))
            if day is None:
                bad += 1
                reject(line=number, column=date_column, value=texts.get(date_column, ""), why="is not a date")
                continue
            good += 1
            yield DailyRow(number, day, texts)
    if bad > BAD_FRACTION_MAX * (good + bad):
        raise DataError(f"{path}: {bad} of {good + bad} rows have no date in column {date_column!r}.")


def _counted(lines: Iterable[str], progress: Progress) -> Iterator[str]:
    for line in lines:
        progress.advance(len(line.encode()))
        yield line


def _rows_of(path: Path, reader: Iterator[list[str]]) -> Iterator[list[str]]:
    try:
        yield from reader
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no CSV file to its end: {error}. Nothing was written.") from error


def within(rows: Iterable[DailyRow], start: date | None, end: date | None, *, path: Path) -> list[DailyRow]:
    """Return the rows from `start` to `end`, inclusive, in order of the day.

    Raises `DataError` where the file has rows and none of them lies in that time.
    """
    every = sorted(rows, key=lambda row: row.day)
    wanted = [row for row in every if (not start or row.day >= start) and (not end or row.day <= end)]
    if every and not wanted:
        raise DataError(
            f"{path}: no row from {start or 'the start'} to {end or 'the end'}; the file runs from "
            f"{every[0].day} to {every[-1].day}. Nothing was written."
        )
    return wanted


def column_named(
    header: Sequence[str], given: Mapping[str, str], field: str, names: Sequence[str]
) -> str | None:
    """Return the column of a field: as given, otherwise the first of `names` (lower case) that exists.

    Raises `ConfigError` for a given column that does not exist.
    """
    by_name = {name.lower(): name for name in header}
    if field in given:
        column = by_name.get(given[field].strip().lower())
        if column is None:
            raise ConfigError(f"The file has no column {given[field]!r}; it has {', '.join(header)}.")
        return column
    return next((by_name[name] for name in names if name in by_name), None)


def require_date_column(path: Path, header: Sequence[str], given: Mapping[str, str]) -> str:
    """Return the column of dates; raises `DataError` where there is none."""
    column = column_named(header, given, "date", DATE_NAMES)
    if column is None:
        raise DataError(
            f"{path} has no column of dates; it has {', '.join(header)}. Name it with --columns date=COLUMN."
        )
    return column


def parse_day(text: str) -> date | None:
    """Return the date at the start of a text (2013-10-07, 10/07/2013 or 20131007), or None."""
    first = text.strip().split(" ")[0].split("T")[0]
    for pattern in _DATE_FORMATS:
        try:
            return datetime.strptime(first, pattern).date()  # noqa: DTZ007 - a date has no zone
        except ValueError:
            continue
    return None
