"""Market data files for tests, and short ways to ingest them and to read the catalog back."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from catalog.csv_source.options import CsvOptions
from catalog.ingest_csv import ingest_csv
from catalog.manifest import IngestResult
from catalog.store import CatalogStore

QUOTE_HEADER = ("ts", "bid", "ask", "bid_size", "ask_size")
OPEN_NS = 1_381_152_600_000_000_000  # 2013-10-07 09:30 in New York
GOOD_QUOTE = (OPEN_NS, "13.90", "13.91", 100, 200)


def write_csv(path: Path, rows: Sequence[Sequence[object]], header: Sequence[str] = QUOTE_HEADER) -> Path:
    """Write `rows` below `header`, joined by commas and quoted by nothing."""
    lines = [",".join(map(str, row)) for row in (header, *rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def quote_rows(times: Sequence[object]) -> list[tuple[object, ...]]:
    """Return good quotes at `times`."""
    return [(time, f"13.{row % 90 + 10}", "14.00", 100 + row, 200) for row, time in enumerate(times)]


def ingest(path: Path, root: Path, *symbols: str, **options: Any) -> IngestResult:
    """Ingest `path` into the catalog at `root`; by default as BAC. `options` are those of `CsvOptions`."""
    arguments = {name: options.pop(name) for name in ("start", "end", "replace") if name in options}
    return ingest_csv(
        path, store=CatalogStore(root), symbols=symbols or None, options=CsvOptions(**options), **arguments
    )


def rejects(root: Path, result: IngestResult) -> list[tuple[int, str, str, str]]:
    """Return line, column, value and reason of each rejected row."""
    assert result.rejects_file is not None
    with (root / result.rejects_file).open(newline="", encoding="utf-8") as file:
        return [(int(row["line"]), row["column"], row["value"], row["why"]) for row in csv.DictReader(file)]


def stored(root: Path, kind: str = "quote_ticks") -> list[dict[str, Any]]:
    """Return the records of a catalog as Nautilus reads them: quote_ticks, trade_ticks or bars."""
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    return [type(record).to_dict(record) for record in getattr(ParquetDataCatalog(str(root)), kind)()]
