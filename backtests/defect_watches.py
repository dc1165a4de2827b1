"""Watches over the records of one stream: what is wrong with them is counted by New York day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from audit.events import DataQualityRecord
from catalog.quality_checks.records import BoolArray, goes_backwards, is_crossed, is_locked, is_one_sided
from catalog.reading.blocks import Block, Int64Array
from catalog.reading.streams import StoredStream
from market.time import format_new_york, new_york_date, new_york_midnight_ns

QUOTE_COLUMNS = ("bid_price", "ask_price", "bid_size", "ask_size")
"""What `QuoteWatch` needs beside the times."""


@dataclass(frozen=True, slots=True)
class DataDefect:
    """A defect and when in the data it is: ns UTC, for a silence its beginning."""

    ts_ns: int
    record: DataQualityRecord


@dataclass(slots=True)
class _Tally:
    """How often one defect was seen on one day, and its first and last time (`ts_init`)."""

    first_ns: int
    first_words: str
    last_ns: int = 0
    count: int = 0
    worst: int = 0


@dataclass(slots=True)
class _DayTallies:
    """Defects counted by day, over the blocks of one stream."""

    records: dict[int, int] = field(default_factory=dict)  # midnight -> records
    tallies: dict[tuple[str, int], _Tally] = field(default_factory=dict)

    def count(self, block: Block) -> list[tuple[int, slice]]:
        """Count the fresh records of `block`; return each of its days with the rows of it."""
        times = block.ts_init
        days = []
        start = block.context
        while start < len(times):
            midnight, following = _day_around(int(times[start]))
            end = start + int(np.searchsorted(times[start:], following))
            self.records[midnight] = self.records.get(midnight, 0) + end - start
            days.append((midnight, slice(start, end)))
            start = end
        return days

    def add(
        self, check: str, midnight: int, rows: Int64Array, *, ts_init: Int64Array, words: Callable[[int], str]
    ) -> _Tally:
        """Count `check` at `rows`, of which there are some; `words` describes a row."""
        tally = self.tallies.get((check, midnight))
        if tally is None:
            first = int(rows[0])
            tally = self.tallies[check, midnight] = _Tally(int(ts_init[first]), words(first))
        tally.count += len(rows)
        tally.last_ns = int(ts_init[rows[-1]])
        return tally


def _day_around(ts_ns: int) -> tuple[int, int]:
    """Return the midnights in New York at the beginning and the end of a moment's day."""
    day = new_york_date(ts_ns)
    return new_york_midnight_ns(day), new_york_midnight_ns(day.fromordinal(day.toordinal() + 1))


class OrderWatch:
    """Counts event times that go back."""

    def __init__(self, stream: StoredStream) -> None:
        self._stream = stream
        self._days = _DayTallies()

    def add(self, block: Block) -> None:
        """Look at the next block."""
        mask = goes_backwards(block.ts_event)
        for midnight, rows in self._days.count(block):
            back = np.flatnonzero(mask[rows]) + rows.start
            if len(back):
                tally = self._days.add("out_of_order", midnight, back, ts_init=block.ts_init, words=_nothing)
                steps = block.ts_event[back - 1] - block.ts_event[back]
                tally.worst = max(tally.worst, int(steps.max()))

    def defects(self) -> Iterator[DataDefect]:
        """Yield what was found, one for each day."""
        for (check, midnight), tally in self._days.tallies.items():
            yield DataDefect(
                tally.first_ns,
                DataQualityRecord(
                    check=check,
                    instrument_id=self._stream.instrument_id,
                    value=f"{tally.count} of {self._days.records[midnight]} records, "
                    f"up to {tally.worst} ns back",
                    limit="0 ns",
                    why=f"{stream_label(self._stream)}: event times went back; {_span(tally)}",
                ),
            )


class QuoteWatch:
    """Counts quotes that are crossed, locked or without a side."""

    def __init__(self, stream: StoredStream) -> None:
        self._stream = stream
        self._days = _DayTallies()

    def add(self, block: Block) -> None:
        """Look at the next block."""
        bid, ask, bid_size, ask_size = (block.columns[name] for name in QUOTE_COLUMNS)
        one_sided = is_one_sided(bid, ask, bid_size, ask_size)
        masks: dict[str, BoolArray] = {
            "crossed": is_crossed(bid, ask) & ~one_sided,
            "locked": is_locked(bid, ask) & ~one_sided,
            "one_sided": one_sided,
        }

        def words(row: int) -> str:
            return f"bid {bid[row]:g}, ask {ask[row]:g}"

        for midnight, rows in self._days.count(block):
            for check, mask in masks.items():
                bad = np.flatnonzero(mask[rows]) + rows.start
                if len(bad):
                    self._days.add(check, midnight, bad, ts_init=block.ts_init, words=words)

    def defects(self) -> Iterator[DataDefect]:
        """Yield what was found, one for each day."""
        for (check, midnight), tally in self._days.tallies.items():
            yield DataDefect(
                tally.first_ns,
                DataQualityRecord(
                    check=check,
                    instrument_id=self._stream.instrument_id,
                    value=f"{tally.count} of {self._days.records[midnight]} quotes",
                    limit="0 quotes",
                    why=f"{_span(tally)}: {tally.first_words} at first",
                ),
            )


def stream_label(stream: StoredStream) -> str:
    return f"{stream.data_type} stream"


def _span(tally: _Tally) -> str:
    first, last = format_new_york(tally.first_ns), format_new_york(tally.last_ns)
    return f"at {first}" if tally.count == 1 else f"from {first} to {last}"


def _nothing(_: int) -> str:
    return ""
