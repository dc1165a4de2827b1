"""What the underlying itself did: its closes day by day, as a catalog knows them, and how they moved."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from catalog.columns import DataKind, stored_decimals
from catalog.manifest import FileRecord, Manifest, read_manifest
from catalog.option_chains import underlying_prices
from market.calendar import TradingCalendar
from market.errors import NotFoundError
from market.instruments import VENUE
from market.pricing.scaled_erfc import Array
from market.time import NS_PER_SECOND, new_york_date
from market.volatility import realised_volatility

REALISED_DAYS = 20
"""Daily returns of which realised volatility is made; a month of sessions."""
AGE_DAYS_MAX = 7
_TRADE_BARS, _DAILY_BARS = "-LAST-", "-1-DAY-"


class Closes(NamedTuple):
    """The last price of each session, USD; `ts_ns` is when it was known, `source` where it comes from."""

    ts_ns: NDArray[np.int64]
    close: Array
    source: str


class Realised(NamedTuple):
    """Volatility a year as a fraction, made of `days` daily returns of `source`."""

    volatility: float
    days: int
    source: str


def realised_at(root: Path, symbol: str, at_ns: int, *, days: int = REALISED_DAYS) -> Realised | None:
    """Return the volatility of the last `days` daily returns known at `at_ns`, or None.

    None stands for fewer days, or a last price more than a week old. Prices are as they were traded: a split
    that the data is not adjusted for counts as a return.
    """
    known = daily_closes(root, symbol, at_ns)
    if len(known.close) <= days or known.ts_ns[-1] < at_ns - AGE_DAYS_MAX * 86_400 * NS_PER_SECOND:
        return None
    return Realised(realised_volatility(known.close[-days - 1 :]), days, known.source)


def daily_closes(root: Path, symbol: str, at_ns: int) -> Closes:
    """Return the closes of an underlying known at `at_ns` (ns UTC), of whatever tells most days.

    That is one of its bar types of trades, or the prices that came with its option chains. A day's close is
    the last price within its session; of the current day it is the latest. Empty where there is none.
    """
    manifest = read_manifest(root)
    if manifest is None:
        raise NotFoundError(f"No catalog in {root}. Make one with `harvester ingest ... --catalog {root}`.")
    found = [
        _of_sessions(*_bar_closes(root, files, at_ns), name, is_daily=_DAILY_BARS in name)
        for name, files in sorted(_bars_of(manifest, symbol).items())
    ]
    found.append(_of_sessions(*underlying_prices(root, symbol, at_ns), f"{symbol} option chains"))
    return max(found, key=lambda closes: len(closes.close))


def _bars_of(manifest: Manifest, symbol: str) -> dict[str, list[FileRecord]]:
    """Return the files of an underlying's bars of trades, by bar type."""
    ids = (f"{symbol}.{VENUE}", f"^{symbol}.{VENUE}")
    by_type: dict[str, list[FileRecord]] = {}
    for ingest in manifest.ingests:
        for file in ingest.files:
            name = Path(file.path).parent.name
            if file.kind is DataKind.BAR and file.instrument_id in ids and _TRADE_BARS in name:
                by_type.setdefault(name, []).append(file)
    return by_type


def _bar_closes(root: Path, files: list[FileRecord], at_ns: int) -> tuple[NDArray[np.int64], Array]:
    tables = [pq.ParquetFile(root / file.path).read(columns=["ts_event", "close"]) for file in files]
    table = pa.concat_tables([one.replace_schema_metadata(None) for one in tables]).sort_by("ts_event")
    times = table["ts_event"].to_numpy().astype(np.int64)
    known = times <= at_ns
    closes: Array = stored_decimals(table, "close").cast(pa.float64()).to_numpy(zero_copy_only=False)
    return times[known], closes[known]


def _of_sessions(times: NDArray[np.int64], prices: Array, source: str, *, is_daily: bool = False) -> Closes:
    """Return the last of the prices within each session; `times` ascend, a session ends with its close.

    Daily bars belong to the date that they end, at its session's close or at midnight.
    """
    usable = np.isfinite(prices) & (prices > 0)
    times, prices = times[usable], prices[usable]
    if not times.size:
        return Closes(times, prices, source)
    first, last = new_york_date(int(times[0]) - 1), new_york_date(int(times[-1]))
    sessions = TradingCalendar(first, last).sessions(first, last)
    opens = np.array([session.open_ns for session in sessions], dtype=np.int64)
    closes = np.array([session.close_ns for session in sessions], dtype=np.int64)
    moments = _within_their_day(times, closes) if is_daily else times
    place = np.searchsorted(closes, moments)
    inside = place < len(sessions)
    inside[inside] = moments[inside] > opens[place[inside]]
    times, prices, place = times[inside], prices[inside], place[inside]
    is_last = np.append(place[1:] != place[:-1], True) if place.size else np.empty(0, dtype=np.bool_)
    return Closes(times[is_last], prices[is_last], source)


def _within_their_day(times: NDArray[np.int64], closes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the close of the session whose New York date each of `times` ends, otherwise the time itself."""
    if not closes.size:
        return times
    before = np.maximum(np.searchsorted(closes, times, side="right") - 1, 0)
    ends = closes[before]
    same_day = [
        new_york_date(int(end)) == new_york_date(int(ts_ns) - 1)
        for end, ts_ns in zip(ends, times, strict=True)
    ]
    return np.where(same_day, ends, times)
