"""The rows that an ingest left out, and why: `rejects/<ingest>.csv` in the catalog."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TextIO

COLUMNS = ("file", "line", "column", "value", "why")
VALUE_CHARACTERS_MAX = 200


class RejectFile:
    """Writes rejected rows as they come; the file exists from the first on, which `first` puts in words."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.first: str | None = None
        self._file: TextIO | None = None

    def add(self, *, file: str, line: int, column: str, value: str, why: str) -> None:
        """Record one row: 1-based `line` of `file`, and the column and value at fault."""
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", newline="", encoding="utf-8")
            self._writer = csv.writer(self._file, lineterminator="\n")
            self._writer.writerow(COLUMNS)
        self._writer.writerow((file, line, column, value[:VALUE_CHARACTERS_MAX], why))
        self.count += 1
        self.first = self.first or f"line {line}: {column} {value[:VALUE_CHARACTERS_MAX]!r} {why}"

    def close(self) -> None:
        """Flush and close; may be called more than once."""
        if self._file is not None:
            self._file.close()
            self._file = None
