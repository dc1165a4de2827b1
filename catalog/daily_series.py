"""Stored rates, index levels and dividends back, as they were known at a moment."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from catalog.columns import DataKind
from catalog.manifest import read_manifest
from market.dividends import DividendSchedule
from market.pricing.scaled_erfc import Array
from market.rates import RateCurve
from market.time import NS_PER_SECOND

RATE_AGE_MAX = timedelta(days=14)
"""How old a curve may be to price with."""


def curve_at(
    root: Path, at_ns: int, *, name: str = "USD", age_max: timedelta = RATE_AGE_MAX
) -> RateCurve | None:
    """Return the latest curve known at `at_ns` (ns UTC), or None where there is none young enough."""
    rows = _known(root, DataKind.RATE, name, at_ns, int(age_max.total_seconds()) * NS_PER_SECOND)
    if not rows.num_rows:
        return None
    last = rows.slice(rows.num_rows - 1).to_pylist()[0]
    return RateCurve(tuple(last["tenors"]), tuple(last["rates"]))


def last_curve_ns(root: Path, at_ns: int, *, name: str = "USD") -> int | None:
    """Return when the latest curve at `at_ns` became known, however old (ns UTC), or None without one."""
    times = _known(root, DataKind.RATE, name, at_ns, at_ns)["ts_event"]
    return int(times[-1].as_py()) if len(times) else None


class Levels(NamedTuple):
    """Closes of a volatility index in points, in order of time, and when each was known (ns UTC)."""

    ts_ns: NDArray[np.int64]
    close: Array


def levels_until(root: Path, at_ns: int, *, name: str = "VIX", days: int = 252) -> Levels:
    """Return the last `days` closes of a volatility index known at `at_ns`."""
    rows = _known(root, DataKind.LEVEL, name, at_ns, at_ns)
    times = rows["ts_event"].to_numpy().astype(np.int64)
    return Levels(times[-days:], rows["close"].to_numpy().astype(np.float64)[-days:])


def dividends_at(root: Path, symbol: str, at_ns: int) -> DividendSchedule:
    """Return the dividends of an underlying that had been declared at `at_ns` (ns UTC), past ones too.

    Where one ex-dividend date was stated twice, what was declared last counts.
    """
    rows = _known(root, DataKind.DIVIDEND, symbol.strip().upper(), at_ns, at_ns)
    if not rows.num_rows:
        return DividendSchedule()
    latest = dict(zip(rows["ex_ns"].to_pylist(), rows["amount"].to_pylist(), strict=True))
    return DividendSchedule.of(latest.items())


def series_names(root: Path, kind: DataKind) -> tuple[str, ...]:
    """Return the names of the series of a kind in the catalog, sorted."""
    manifest = read_manifest(root)
    files = [file for ingest in manifest.ingests for file in ingest.files] if manifest else []
    return tuple(sorted({file.instrument_id for file in files if file.kind is kind}))


def _known(root: Path, kind: DataKind, name: str, at_ns: int, age_ns: int) -> pa.Table:
    """Return the rows of a series with `at_ns - age_ns` <= time <= `at_ns`, in order of time."""
    manifest = read_manifest(root)
    files = [
        file
        for ingest in (manifest.ingests if manifest else [])
        for file in ingest.files
        if file.kind is kind and file.instrument_id == name
    ]
    tables = [pq.ParquetFile(root / file.path).read() for file in files if file.end_ns >= at_ns - age_ns]
    if not tables:
        empty = pa.schema({"ts_event": pa.uint64(), "close": pa.float64()})
        return empty.empty_table()
    table = pa.concat_tables(tables).sort_by("ts_event")
    times = table["ts_event"].cast(pa.int64())
    keep = pc.and_(pc.less_equal(times, at_ns), pc.greater_equal(times, at_ns - age_ns))
    return table.filter(keep)
