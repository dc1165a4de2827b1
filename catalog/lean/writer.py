"""Writes the rows of one Lean file into an ingest, block by block."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

import numpy as np

from catalog.columns import BarColumns, DataKind, Int64Array
from catalog.headerless_rows import Rows, RowTally
from catalog.lanes import event_clock
from catalog.lean.files import Content, LeanFile, Resolution
from catalog.lean.parts import LeanPart
from catalog.lean.records import (
    Quotes,
    QuoteSides,
    Scale,
    Times,
    bar_columns,
    closing_quotes,
    quote_columns,
    trade_columns,
)
from catalog.lean.rows import SECONDS_PER_DAY, has_side, local_days
from catalog.storage.ingest import Ingest
from market.calendar import TradingCalendar
from market.instruments import instrument_id
from market.time import NS_PER_MS, NS_PER_SECOND, new_york_midnight_ns

_EPOCH = date(1970, 1, 1)


class LeanWriter:
    """Holds what goes on from block to block: the sides of tick quotes, and the clock of each stream."""

    def __init__(
        self, ingest: Ingest, part: LeanPart, *, scale: Scale, tally: RowTally, quotes_from_bars: bool
    ) -> None:
        self._ingest = ingest
        self._file = part.file
        self._instrument_id = instrument_id(part.symbol)
        self._quotes_from_bars = quotes_from_bars
        self._scale = scale
        self._tally = tally
        self._sides = QuoteSides()
        self._clocks: dict[int, int] = {}  # by lane

    def write(self, rows: Rows) -> None:
        """Write checked rows, later than those before."""
        if self._file.resolution is Resolution.DAILY:
            rows = self._of_sessions(rows)
        if not len(rows):
            return
        if self._file.resolution is not Resolution.TICK:
            self._write_bars(rows)
        elif self._file.content is Content.TRADE:
            times = self._times(rows, DataKind.TRADE)
            prefix = f"{self._file.day:%Y%m%d}"
            columns = trade_columns(rows, times, self._scale, id_prefix=prefix)
            self._ingest.write(DataKind.TRADE, self._instrument_id, columns)
        else:
            quotes = self._sides.follow(rows)
            if len(quotes.row):
                self._write_quotes(quotes, rows.part(int(quotes.row[0]), len(rows)))

    def _write_quotes(self, quotes: Quotes, rows: Rows) -> None:
        """Write quotes with the times of `rows`, one each."""
        times = self._times(rows, DataKind.QUOTE)
        self._ingest.write(DataKind.QUOTE, self._instrument_id, quote_columns(quotes, times, self._scale))

    def _write_closing_quotes(self, rows: Rows) -> None:
        """Write what bars with both sides closed with; a side is not carried, for its size is gone."""
        two_sided = rows.where(has_side(rows, "bid") & has_side(rows, "ask"))
        if len(two_sided):
            self._write_quotes(closing_quotes(two_sided), two_sided)

    def _write_bars(self, rows: Rows) -> None:
        if self._file.content is Content.TRADE:
            self._write_side(rows, "LAST", None)
            return
        if self._quotes_from_bars:
            self._write_closing_quotes(rows)
        for side in ("bid", "ask"):
            self._write_side(rows.where(has_side(rows, side)), side.upper(), side)

    def _write_side(self, rows: Rows, price_type: str, side: str | None) -> None:
        if not len(rows):
            return
        bar_type = f"{self._instrument_id}-1-{self._file.resolution.bar_step}-{price_type}-EXTERNAL"
        times = self._times(rows, DataKind.BAR, bar_type)
        columns: BarColumns = bar_columns(rows, times, self._scale, side=side)
        self._ingest.write(DataKind.BAR, self._instrument_id, columns, bar_type)

    def _times(self, rows: Rows, kind: DataKind, bar_type: str | None = None) -> Times:
        lane = self._ingest.lane(kind, self._instrument_id, bar_type)
        days = local_days(rows, self._file)
        ts_event = event_times(rows, self._file, days)
        clock = event_clock(ts_event, after=self._clocks.get(lane, 0))
        self._clocks[lane] = int(clock[-1])
        return Times(days, ts_event, clock + lane)

    def _of_sessions(self, rows: Rows) -> Rows:
        closed = closes_ns(local_days(rows, self._file)) < 0
        return self._tally.good(rows, [("time", closed, "is no session of the exchange")])


def event_times(rows: Rows, file: LeanFile, days: Int64Array) -> Int64Array:
    """Return the event times in ns UTC: of a tick its own, of a bar its close."""
    if file.resolution is Resolution.DAILY:
        return closes_ns(days)
    if file.resolution is Resolution.HOUR:
        since_midnight = rows["time"] % SECONDS_PER_DAY * NS_PER_SECOND
    else:
        since_midnight = rows["time"] * NS_PER_MS
    length_ns = 0 if file.resolution is Resolution.TICK else file.resolution.bar_ns
    midnight_ns = midnights_ns(days) if file.day is None else new_york_midnight_ns(file.day)
    return midnight_ns + since_midnight + length_ns


def midnights_ns(days: Int64Array) -> Int64Array:
    """Return the ns UTC at which days (since 1970) begin in New York."""
    distinct, place = np.unique(days, return_inverse=True)
    midnights = [new_york_midnight_ns(_EPOCH + timedelta(days=day)) for day in distinct.tolist()]
    return np.array(midnights, dtype=np.int64)[place]


def closes_ns(days: Int64Array) -> Int64Array:
    """Return the ns UTC at which the exchange closes on days (since 1970), -1 where it does not open."""
    distinct, place = np.unique(days, return_inverse=True)
    dates = [_EPOCH + timedelta(days=day) for day in distinct.tolist()]
    calendar = _calendar(dates[0].year, dates[-1].year)
    sessions = [calendar.session_on(day) for day in dates]
    closes = [session.close_ns if session else -1 for session in sessions]
    return np.array(closes, dtype=np.int64)[place]


@lru_cache(maxsize=4)
def _calendar(first_year: int, last_year: int) -> TradingCalendar:
    return TradingCalendar(date(first_year, 1, 1), date(last_year, 12, 31))
