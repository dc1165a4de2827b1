"""Builds a small Lean data folder."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path


class LeanFolder:
    """A folder as QuantConnect lays it out, below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.usa = root / "equity" / "usa"

    def day(self, resolution: str, ticker: str, day: str, content: str, lines: Sequence[str]) -> Path:
        """Write `equity/usa/<resolution>/<ticker>/<day>_<content>.zip`."""
        entry = f"{day}_{ticker}_{resolution}_{content}.csv"
        return write_zip(self.usa / resolution / ticker / f"{day}_{content}.zip", entry, lines)

    def years(self, resolution: str, ticker: str, lines: Sequence[str]) -> Path:
        """Write `equity/usa/<resolution>/<ticker>.zip`."""
        return write_zip(self.usa / resolution / f"{ticker}.zip", f"{ticker}.csv", lines)

    def maps(self, symbol: str, *rows: str) -> None:
        """Write a map file."""
        self._text("map_files", symbol, rows)

    def factors(self, symbol: str, *rows: str) -> None:
        """Write a factor file."""
        self._text("factor_files", symbol, rows)

    def _text(self, folder: str, symbol: str, rows: Sequence[str]) -> None:
        path = self.usa / folder / f"{symbol}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(rows))


def write_zip(path: Path, entry: str, lines: Sequence[str]) -> Path:
    """Write a zip with one text of `lines`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(entry, "\n".join(lines))
    return path
