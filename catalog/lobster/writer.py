"""Writes one instrument and day of LOBSTER messages into an ingest, block by block."""

from __future__ import annotations

from datetime import timedelta

from catalog.columns import DataKind
from catalog.headerless_rows import Rows
from catalog.lobster.depth import Depth
from catalog.lobster.files import LobsterDay
from catalog.lobster.messages import halts_of, trades_of
from catalog.lobster.records import MessageClock, delta_columns, quote_columns, trade_columns, trade_ids
from catalog.lobster.top import Top, changed_rows
from catalog.manifest import Halt
from catalog.storage.ingest import Ingest
from market.instruments import instrument_id
from market.time import new_york_midnight_ns


class DayWriter:
    """Holds what goes on from block to block: the clock, the last quote, a halt."""

    def __init__(self, ingest: Ingest, day: LobsterDay, depth: Depth) -> None:
        self._ingest = ingest
        self._day = day
        self._depth = depth
        self._instrument_id = instrument_id(day.symbol)
        self._midnight_ns = new_york_midnight_ns(day.day)
        self._clock = 0
        self._quote: Top | None = None
        self._halted_from_ns: int | None = None

    def write(self, rows: Rows) -> None:
        """Write what the messages of one block mean."""
        deltas, top = self._depth.follow(rows)
        clock = MessageClock(self._midnight_ns + rows["time"], deltas.row, after=self._clock)
        self._clock = clock.last
        if len(deltas):
            lane = self._lane(DataKind.DELTA)
            columns = delta_columns(deltas, clock, lines=rows.lines, lane=lane)
            self._ingest.write(DataKind.DELTA, self._instrument_id, columns)
        self._write_trades(rows, clock)
        if top is not None:
            self._write_quotes(top, clock)
        self._note_halts(rows)

    def finish(self) -> None:
        """Let a halt that lasts at the end of the file last until the end of the day."""
        if self._halted_from_ns is not None:
            next_midnight_ns = new_york_midnight_ns(self._day.day + timedelta(days=1))
            self._add_halt(self._midnight_ns + self._halted_from_ns, next_midnight_ns)

    def _write_trades(self, rows: Rows, clock: MessageClock) -> None:
        trades = trades_of(rows)
        if not len(trades.row):
            return
        ids = trade_ids(f"{self._day.day:%Y%m%d}", rows.lines[trades.row])
        columns = trade_columns(trades, clock, ids=ids, lane=self._lane(DataKind.TRADE))
        self._ingest.write(DataKind.TRADE, self._instrument_id, columns)

    def _write_quotes(self, top: Top, clock: MessageClock) -> None:
        changed = changed_rows(top, self._quote)
        if not len(changed):
            return
        self._quote = top.at(changed[-1:])
        columns = quote_columns(top, changed, clock, lane=self._lane(DataKind.QUOTE))
        self._ingest.write(DataKind.QUOTE, self._instrument_id, columns)

    def _note_halts(self, rows: Rows) -> None:
        ended, self._halted_from_ns = halts_of(rows, self._halted_from_ns)
        for from_ns, to_ns in ended:
            self._add_halt(self._midnight_ns + from_ns, self._midnight_ns + to_ns)

    def _add_halt(self, from_ns: int, to_ns: int) -> None:
        self._ingest.add_halts([Halt(self._instrument_id, from_ns, to_ns, "halt message of the exchange")])

    def _lane(self, kind: DataKind) -> int:
        return self._ingest.lane(kind, self._instrument_id)
