"""Rows of a file into the streams of an ingest: selected, checked, put on the clock, written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from catalog.columns import (
    Aggressor,
    BarColumns,
    Columns,
    DataKind,
    Int64Array,
    QuoteColumns,
    TradeColumns,
    trade_ids_from,
)
from catalog.csv_source.checks import BoolArray, Fault, aggressors, faults
from catalog.csv_source.mapping import SYMBOL, TIME, ColumnMap
from catalog.csv_source.options import CsvOptions
from catalog.csv_source.rows import BadRow, Rows
from catalog.lanes import event_clock
from catalog.storage.ingest import Ingest
from market.errors import DataError
from market.instruments import EquitySpec, instrument_id, is_symbol
from market.time import new_york_date, new_york_midnight_ns


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows to take: `symbols` (none means all), from `first_ns` up to, not including, `limit_ns`."""

    symbols: tuple[str, ...]
    first_ns: int | None = None
    limit_ns: int | None = None

    @classmethod
    def of(cls, symbols: tuple[str, ...], start: date | None, end: date | None) -> Selection:
        """Return the selection of two New York dates, both included; raises `DataError` if reversed."""
        if start and end and end < start:
            raise DataError(f"--end {end} is before --start {start}.")
        first_ns = new_york_midnight_ns(start) if start else None
        return cls(symbols, first_ns, new_york_midnight_ns(end + timedelta(days=1)) if end else None)

    def as_text(self) -> dict[str, str]:
        """Return what was chosen, as the manifest records it."""
        bounds = {"from_ns": self.first_ns, "before_ns": self.limit_ns}
        chosen = {name: str(bound) for name, bound in bounds.items() if bound is not None}
        return chosen | ({"symbols": ",".join(self.symbols)} if self.symbols else {})

    def outside(self, times: Int64Array) -> BoolArray | None:
        """Return which times are outside; an unusable time (0) is not. None where there is no bound."""
        if self.first_ns is None and self.limit_ns is None:
            return None
        outside = times < (self.first_ns or 0)
        if self.limit_ns is not None:
            outside |= times >= self.limit_ns
        return outside & (times != 0)


@dataclass(slots=True)
class _Progression:
    """How far a stream has come: the time of its last row, and its last clock reading (ns)."""

    last_ns: int = 0
    clock_ns: int = 0


class RowWriter:
    """Takes `Rows` in file order and writes what is wanted and good into an ingest."""

    def __init__(
        self, ingest: Ingest, mapping: ColumnMap, options: CsvOptions, *, file: str, selection: Selection
    ) -> None:
        self._ingest = ingest
        self._mapping = mapping
        self._options = options
        self._file = file
        self._selection = selection
        self._streams: dict[str, _Progression] = {}
        self._seen: set[str] = set()
        self._written = 0
        self._backward = 0
        self._outside_ns: list[int] = []
        """First and last time of the rows that are outside the asked dates, block by block."""

    def write(self, rows: Rows) -> None:
        """Write the rows that are wanted and good; reject, with a reason, those that are not good."""
        bad = [self._with_column(each) for each in rows.bad]
        for symbol, group in self._by_symbol(self._in_window(rows), bad):
            good = self._without_faults(group, bad)
            in_order = self._without_backward(symbol, good, bad)
            if len(in_order):
                self._append(symbol, in_order)
        for each in sorted(bad, key=lambda each: each.line):
            self._ingest.reject(
                file=self._file, line=each.line, column=each.column, value=each.value, why=each.why
            )

    def finish(self) -> None:
        """Raise `DataError` if the file turns out not to be what its reading supposed."""
        if self._outside_ns and not self._written + self._ingest.rejected:
            raise DataError(self._outside_message())
        absent = [symbol for symbol in self._selection.symbols if symbol not in self._seen]
        if absent and self._mapping.has_symbols:
            there = "in the asked dates it has" if self._outside_ns else "it has"
            raise DataError(f"{self._file} has no row of {', '.join(absent)}; {there}: {_some(self._seen)}.")
        if self._backward > self._written:
            column = self._mapping.column_of[TIME]
            raise DataError(
                f"{self._file} is not in order of time: {self._backward} rows are earlier than one before "
                f"them, {self._written} are not. Sort it by {column!r} and ingest it again."
            )

    def _in_window(self, rows: Rows) -> Rows:
        outside = self._selection.outside(rows.times)
        if outside is None or not outside.any():
            return rows
        times = rows.times[outside]
        self._outside_ns += (int(times.min()), int(times.max()))
        return rows.take(np.flatnonzero(~outside))

    def _outside_message(self) -> str:
        dates = [new_york_date(ns) for ns in self._outside_ns]
        first, limit = self._selection.first_ns, self._selection.limit_ns
        asked = [
            f"from {new_york_date(first)}" if first is not None else "",
            f"to {new_york_date(limit - 1)}" if limit is not None else "",
        ]
        return (
            f"{self._file} has no rows {' '.join(filter(None, asked))}: its rows are of {min(dates)} to "
            f"{max(dates)} (New York dates). Change --start and --end."
        )

    def _by_symbol(self, rows: Rows, bad: list[BadRow]) -> Iterator[tuple[str, Rows]]:
        """Yield the wanted symbols with their rows, in file order within each; what is no symbol is bad."""
        if not len(rows):
            return
        if not self._mapping.has_symbols:
            yield self._selection.symbols[0], rows
            return
        names, codes = _symbols_of(rows.columns[SYMBOL])
        rows = replace(rows, columns={name: rows.columns[name] for name in rows.columns if name != SYMBOL})
        in_order = rows if len(names) == 1 else rows.take(np.argsort(codes, kind="stable"))
        ends = np.cumsum(np.bincount(codes, minlength=len(names))).tolist()
        for symbol, start, end in zip(names, [0, *ends[:-1]], ends, strict=True):
            group = in_order if len(names) == 1 else in_order.part(start, end)
            if not is_symbol(symbol):
                everyone = np.ones(len(group), dtype=bool)
                self._without(group, [Fault(SYMBOL, everyone, "is no symbol")], bad)
                continue
            self._seen.add(symbol)
            if symbol in self._selection.symbols or not self._selection.symbols:
                yield symbol, group

    def _without_faults(self, rows: Rows, bad: list[BadRow]) -> Rows:
        found = faults(self._mapping.kind, rows.columns, lowest=rows.lowest)
        if not rows.times.all():
            found[:0] = _time_faults(rows)
        return self._without(rows, found, bad)

    def _without_backward(self, symbol: str, rows: Rows, bad: list[BadRow]) -> Rows:
        """Leave out rows that are earlier than one before them: a replay cannot go back in time."""
        last_ns = self._streams.get(symbol, _NEW).last_ns
        times = rows.times
        if not len(times) or (times[0] >= last_ns and (times[1:] >= times[:-1]).all()):
            return rows
        backward = times < np.maximum(np.maximum.accumulate(times), last_ns)
        self._backward += int(backward.sum())
        return self._without(rows, [Fault(TIME, backward, "is earlier than a row before it")], bad)

    def _without(self, rows: Rows, found: list[Fault], bad: list[BadRow]) -> Rows:
        """Return the rows without fault, adding the others to `bad`, each with its first fault."""
        broken = np.zeros(len(rows), dtype=bool)
        for fault in found:
            for row in np.flatnonzero(fault.rows & ~broken):
                text = rows.text(int(row), fault.field)
                why = "is not a number" if text.strip().lower() == "nan" else fault.why
                bad.append(self._with_column(BadRow(int(rows.lines[int(row)]), fault.field, text, why)))
            broken |= fault.rows
        return rows.take(np.flatnonzero(~broken)) if broken.any() else rows

    def _with_column(self, bad: BadRow) -> BadRow:
        """Name the column as the file does."""
        return BadRow(bad.line, self._mapping.column_of.get(bad.column, bad.column), bad.value, bad.why)

    def _append(self, symbol: str, rows: Rows) -> None:
        if symbol not in self._streams:
            self._ingest.add_instrument(EquitySpec(symbol=symbol))
            self._streams[symbol] = _Progression()
        stream, kind, instrument = self._streams[symbol], self._mapping.kind, instrument_id(symbol)
        bar_type = self._options.bar_type(instrument) if kind is DataKind.BAR else None
        ts_event = rows.times + self._bar_shift_ns() if kind is DataKind.BAR else rows.times
        clock = event_clock(ts_event, after=stream.clock_ns)
        stream.clock_ns, stream.last_ns = int(clock[-1]), int(rows.times[-1])
        ts_init = clock + self._ingest.lane(kind, instrument, bar_type)
        self._ingest.write(kind, instrument, _COLUMNS[kind](ts_event, ts_init, rows.columns), bar_type)
        self._written += len(rows)

    def _bar_shift_ns(self) -> int:
        """Bars are stamped with their close; a file that stamps the open is shifted by a bar."""
        return self._options.bar_ns if self._options.bar_stamp == "open" else 0


_NEW = _Progression()


def _time_faults(rows: Rows) -> list[Fault]:
    """Return the faults of the rows without a usable time, one for each reason."""
    reasons: dict[str, BoolArray] = {}
    for row in np.flatnonzero(rows.times == 0).tolist():
        why = rows.why_no_time(rows.text(row, TIME))
        reasons.setdefault(why, np.zeros(len(rows), dtype=bool))[row] = True
    return [Fault(TIME, broken, why) for why, broken in reasons.items()]


def _symbols_of(values: pa.Array) -> tuple[list[str], npt.NDArray[np.uint32]]:
    """Return the distinct symbols in upper case, and for each row which of them it has."""
    coded = values.dictionary_encode() if not pa.types.is_dictionary(values.type) else values
    upper = [name.strip().upper() for name in coded.dictionary.to_pylist()]
    names = sorted(set(upper))
    position = {name: code for code, name in enumerate(names)}
    code_of = np.array([position[name] for name in upper], dtype=np.uint32)
    return names, code_of[coded.indices.to_numpy()]


def _quote_columns(ts_event: Int64Array, ts_init: Int64Array, fields: dict[str, pa.Array]) -> Columns:
    return QuoteColumns(
        ts_event=ts_event,
        ts_init=ts_init,
        bid_price=fields["bid_price"],
        ask_price=fields["ask_price"],
        bid_size=fields["bid_size"],
        ask_size=fields["ask_size"],
    )


def _trade_columns(ts_event: Int64Array, ts_init: Int64Array, fields: dict[str, pa.Array]) -> Columns:
    trade_id = trade_ids_from(ts_init)
    if "trade_id" in fields:
        trade_id = pc.if_else(pc.equal(fields["trade_id"], ""), trade_id, fields["trade_id"])
    nobody = np.full(len(ts_init), Aggressor.NONE, dtype=np.uint8)
    return TradeColumns(
        ts_event=ts_event,
        ts_init=ts_init,
        price=fields["price"],
        size=fields["size"],
        aggressor_side=aggressors(fields["side"]) if "side" in fields else nobody,
        trade_id=trade_id,
    )


def _bar_columns(ts_event: Int64Array, ts_init: Int64Array, fields: dict[str, pa.Array]) -> Columns:
    return BarColumns(
        ts_event=ts_event,
        ts_init=ts_init,
        open=fields["open"],
        high=fields["high"],
        low=fields["low"],
        close=fields["close"],
        volume=fields["volume"],
    )


_COLUMNS: dict[DataKind, Callable[[Int64Array, Int64Array, dict[str, pa.Array]], Columns]] = {
    DataKind.QUOTE: _quote_columns,
    DataKind.TRADE: _trade_columns,
    DataKind.BAR: _bar_columns,
}


def _some(symbols: set[str]) -> str:
    listed = sorted(symbols)
    return ", ".join(listed[:10]) + (f" and {len(listed) - 10} more" if len(listed) > 10 else "")
