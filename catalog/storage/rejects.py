"""The rows that an ingest left out, and why: `rejects/<ingest>.csv` in the catalog."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TextIO

COLUMNS = ("file", "line", "column", "value", "why")
VALUE_CHARACTERS_MAX = 200
SORTED_ROWS_MAX = 1_000_000
"""More rejected rows than these stay in the order in which they were found."""


class RejectFile:
    """Writes rejected rows as they come; the file exists from the first on, which `first` puts in words.

    Checks on whole columns find a later line before an earlier one: closing puts the lines of each file in
    order, files as they came.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.first: str | None = None
        self._file: TextIO | None = None
        self._places: dict[str, int] = {}
        self._latest = (0, 0)
        self._is_ordered = True

    def add(self, *, file: str, line: int, column: str, value: str, why: str) -> None:
        """Record one row: 1-based `line` of `file`, and the column and value at fault."""
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", newline="", encoding="utf-8")
            self._writer = csv.writer(self._file, lineterminator="\n")
            self._writer.writerow(COLUMNS)
        self._writer.writerow((file, line, column, value[:VALUE_CHARACTERS_MAX], why))
        self.count += 1
        place = (self._places.setdefault(file, len(self._places)), line)
        self._is_ordered &= place >= self._latest
        self._latest = place
        self.first = self.first or f"line {line}: {column} {value[:VALUE_CHARACTERS_MAX]!r} {why}"

    def close(self) -> None:
        """Flush and close; may be called more than once."""
        if self._file is not None:
            self._file.close()
            self._file = None
            if not self._is_ordered and self.count <= SORTED_ROWS_MAX:
                self._sort()

    def _sort(self) -> None:
        with self.path.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        rows.sort(key=lambda row: (self._places[row[0]], int(row[1])))
        with self.path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *rows])
        _, line, column, value, why = rows[0]
        self.first = f"line {line}: {column} {value!r} {why}"
