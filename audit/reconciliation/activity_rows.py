"""Reads an activity statement's CSV: sections that carry their own headers, told by a line's first columns.

    Trades,Header,DataDiscriminator,Asset Category,Currency,Symbol,Date/Time,...
    Trades,Data,Order,Stocks,USD,BAC,"2013-10-07, 09:31:00",100,14.01,...
    Trades,SubTotal,,Stocks,USD,BAC,,0,...

A section's header may come again with other columns (each asset class has its own); a row belongs to the
header before it. Rows of sums and notes carry `SubTotal`, `Total` or `Notes` in the place of `Data`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from audit.reconciliation.statement_values import number_or_none
from market.errors import DataError

DATA = "Data"
HEADER = "Header"
TITLE = "Statement"


class Row(msgspec.Struct, frozen=True):
    """One row of data: its section, its values by column, and its line."""

    section: str
    values: Mapping[str, str]
    line: int

    @property
    def where(self) -> str:
        """Its place for a reader."""
        return f"line {self.line}, {self.section}"

    def text(self, *columns: str) -> str:
        """Return the first of the columns that is there and not empty, else an empty text."""
        return next((self.values[name].strip() for name in columns if self.values.get(name)), "")

    def needed(self, *columns: str) -> str:
        """Return the first of the columns; raises `DataError` without one."""
        text = self.text(*columns)
        if not text:
            raise DataError(f"{self.where}: {columns[0]} is missing. Download the statement again.")
        return text

    def decimal(self, *columns: str) -> Decimal | None:
        """Return a number, or None where the column is absent or empty."""
        return number_or_none(self.text(*columns), what=columns[0], where=self.where)


class ActivityRows(msgspec.Struct, frozen=True):
    """The rows of data by section, in their order, and all sections that have a header."""

    rows: Mapping[str, tuple[Row, ...]]
    sections: frozenset[str]

    def of(self, section: str) -> tuple[Row, ...]:
        """Return the rows of a section; none for one that is absent."""
        return self.rows.get(section, ())

    def field(self, section: str, name: str) -> str:
        """Return a value of a section of names and values, empty when it is absent."""
        found = (row.text("Field Value") for row in self.of(section) if row.text("Field Name") == name)
        return next(found, "")


def read_activity(text: str) -> ActivityRows:
    """Return the rows of an activity statement; raises `DataError` naming the line for what is none."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    headers: dict[str, list[str]] = {}
    rows: dict[str, list[Row]] = {}
    try:
        for fields in reader:
            if len(fields) < 3:  # blank, or a remark such as "No exercises ... for October 7, 2013"
                continue
            section, kind, *values = fields
            if kind == HEADER:
                headers[section] = [name.strip() for name in values]
            elif kind == DATA:
                row = _row(section, values, headers=headers, line=reader.line_num)
                rows.setdefault(section, []).append(row)
    except csv.Error as error:
        raise DataError(f"line {reader.line_num}: not CSV ({error}). Download the statement again.") from None
    if TITLE not in headers:
        raise DataError(
            "The file has no Statement section, so it is no activity statement. Download an activity "
            "statement in CSV, or an activity Flex query in XML."
        )
    frozen = {section: tuple(found) for section, found in rows.items()}
    return ActivityRows(frozen, frozenset(headers))


def _row(section: str, values: list[str], *, headers: Mapping[str, list[str]], line: int) -> Row:
    names = headers.get(section)
    if names is None:
        raise DataError(f"line {line}, {section}: data before its header. Download the statement again.")
    if any(value.strip() for value in values[len(names) :]):
        raise DataError(
            f"line {line}, {section}: {len(values)} values for {len(names)} columns: a comma that is not in "
            "quotes. Download the statement again, do not save it from a spreadsheet."
        )
    return Row(section, dict(zip(names, values, strict=False)), line)
