"""What a universe's rules ask of a catalog day: price, volume, spread and counts of each symbol.

Only the regular session counts: quotes and trades from the open up to the close, bars that end after the
open and not after the close. Columns are read, never objects: 500,000 quotes take about 0.2 s of CPU.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from catalog.columns import DataKind, stored_decimals
from catalog.manifest import FileRecord
from catalog.store import CatalogStore
from market.calendar import Session, TradingCalendar
from market.errors import DataError
from market.instruments import EQUITY_PRICE_PRECISION, instrument_id, symbol_of
from market.time import new_york_midnight_ns
from market.universe import DayStatistics

Floats = npt.NDArray[np.float64]

BPS = 1e4
_PRICE = Decimal(1).scaleb(-EQUITY_PRICE_PRECISION)
_LAST_PRICE_BAR = "-LAST-"  # a bar type names the price it is made of; only trades have a volume


class _Prices(NamedTuple):
    """First and last price of a session in USD, the most direct that there is."""

    first: Decimal
    last: Decimal


def day_statistics(
    root: Path, day: date, *, symbols: Sequence[str] | None = None
) -> dict[str, DayStatistics]:
    """Return the statistics of `symbols` (default: all of the catalog) for the session of `day`.

    A symbol without records on that day has zero counts. Raises `NotFoundError` where there is no catalog
    and `DataError` when `day` is not a trading day.
    """
    session = TradingCalendar(day, day).session_on(day)
    if session is None:
        raise DataError(f"{day} is not a trading day of the New York Stock Exchange. Choose another --date.")
    manifest = CatalogStore.open_existing(root).manifest()
    wanted = sorted(symbol_of(name) for name in manifest.instruments) if symbols is None else symbols
    start_ns, end_ns = new_york_midnight_ns(day), new_york_midnight_ns(day + timedelta(days=1))
    files: dict[tuple[str, DataKind], list[FileRecord]] = {}
    for record in sorted((file for ingest in manifest.ingests for file in ingest.files), key=_start):
        if record.start_ns < end_ns and record.end_ns >= start_ns:
            files.setdefault((record.instrument_id, record.kind), []).append(record)
    return {
        symbol: _statistics_of(
            symbol, {kind: files.get((instrument_id(symbol), kind), []) for kind in DataKind}, root, session
        )
        for symbol in wanted
    }


def _start(record: FileRecord) -> int:
    return record.start_ns


def _statistics_of(
    symbol: str, files: dict[DataKind, list[FileRecord]], root: Path, session: Session
) -> DayStatistics:
    quotes = _session_rows(_paths(root, files[DataKind.QUOTE]), _QUOTE_COLUMNS, session)
    trades = _session_rows(_paths(root, files[DataKind.TRADE]), ("price", "size"), session)
    bars = _finest_bars(root, files[DataKind.BAR], session)
    depth = _session_rows(_paths(root, files[DataKind.DELTA]), (), session)
    spread_usd, spread_bps, mids = _time_weighted_spread(quotes)
    prices = _prices(trades, bars, mids)
    return DayStatistics(
        symbol=symbol,
        first_price=prices.first if prices else None,
        last_price=prices.last if prices else None,
        volume_shares=_volume(trades, bars),
        spread_usd=spread_usd,
        spread_bps=spread_bps,
        quotes=quotes.num_rows,
        trades=trades.num_rows,
        bars=bars.num_rows,
        depth_updates=depth.num_rows,
    )


_QUOTE_COLUMNS = ("bid_price", "ask_price", "bid_size", "ask_size")
_BAR_COLUMNS = ("open", "close", "volume")


def _paths(root: Path, records: Iterable[FileRecord]) -> list[Path]:
    return [root / record.path for record in records]


def _session_rows(
    paths: Sequence[Path], columns: Sequence[str], session: Session, *, bars: bool = False
) -> pa.Table:
    """Return the rows of the session, `ts_event` and `columns`; bars are stamped at their end."""
    wanted = ["ts_event", *columns]
    shift = 1 if bars else 0
    opening = pa.scalar(session.open_ns + shift, pa.uint64())
    closing = pa.scalar(session.close_ns + shift, pa.uint64())
    stamped = pc.field("ts_event")
    inside = (stamped >= opening) & (stamped < closing)
    tables = [pq.read_table(path, columns=wanted, filters=inside, partitioning=None) for path in paths]
    if not tables:
        return pa.table({name: [] for name in wanted})
    return pa.concat_tables([table.replace_schema_metadata(None) for table in tables])


def _finest_bars(root: Path, records: Sequence[FileRecord], session: Session) -> pa.Table:
    """Return the session's bars of the bar type that has most of them: minutes before days."""
    by_type: dict[str, list[FileRecord]] = {}
    for record in records:
        bar_type = Path(record.path).parent.name
        if _LAST_PRICE_BAR in bar_type:
            by_type.setdefault(bar_type, []).append(record)
    tables = [
        _session_rows(_paths(root, of_type), _BAR_COLUMNS, session, bars=True)
        for _, of_type in sorted(by_type.items())
    ]
    return max(tables, key=lambda table: table.num_rows, default=_session_rows((), _BAR_COLUMNS, session))


def _time_weighted_spread(quotes: pa.Table) -> tuple[float | None, float | None, Floats]:
    """Return the mean spread in USD and in bps of the mid, and the mids of the usable quotes.

    A quote counts for as long as it stood, up to the next one; the last one, of which nobody knows how long
    it stood, does not count. Crossed and one-sided quotes count for nothing and end the quote before them.
    """
    bid, ask, bid_size, ask_size = (_floats(quotes, name) for name in _QUOTE_COLUMNS)
    usable = (bid > 0) & (bid <= ask) & (bid_size > 0) & (ask_size > 0)
    if not usable.any():
        return None, None, np.empty(0)
    ts_event = np.maximum.accumulate(quotes.column("ts_event").to_numpy().astype(np.int64))
    stood_ns = np.append(np.diff(ts_event), 0).astype(float) * usable
    mid = (bid + ask) * 0.5
    spread = np.where(usable, ask - bid, 0.0)
    spread_bps = np.divide(spread, mid, out=np.zeros(len(mid)), where=usable) * BPS
    weights = stood_ns if stood_ns.sum() > 0 else usable.astype(float)
    return (
        float(np.average(spread, weights=weights)),
        float(np.average(spread_bps, weights=weights)),
        mid[usable],
    )


def _prices(trades: pa.Table, bars: pa.Table, mids: Floats) -> _Prices | None:
    """Return first and last price: of trades, else of bars, else of mids."""
    if trades.num_rows:
        return _Prices(_decimal(trades, "price", 0), _decimal(trades, "price", -1))
    if bars.num_rows:
        return _Prices(_decimal(bars, "open", 0), _decimal(bars, "close", -1))
    if len(mids):
        first, last = (Decimal(repr(float(mids[index]))).quantize(_PRICE) for index in (0, -1))
        return _Prices(first, last)
    return None


def _volume(trades: pa.Table, bars: pa.Table) -> int | None:
    if trades.num_rows:
        return round(_floats(trades, "size").sum())
    return round(_floats(bars, "volume").sum()) if bars.num_rows else None


def _floats(table: pa.Table, name: str) -> Floats:
    if not table.num_rows:
        return np.empty(0)
    values: Floats = stored_decimals(table, name).cast(pa.float64()).to_numpy()
    return values


def _decimal(table: pa.Table, name: str, index: int) -> Decimal:
    price: Decimal = stored_decimals(table.slice(index % table.num_rows, 1), name)[0].as_py()
    return price.quantize(_PRICE)
