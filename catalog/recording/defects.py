"""Defects of market data, found in each batch as it is recorded; `MarketWatch` keeps what spans batches.

`DataQualityRecord.check` is one of

    crossed        a bid above its ask
    one_sided      a quote without a price or size on a side
    out_of_order   an event time before that of the record before it in the stream
    gap            longer than the limit without a record of a stream, within one New York day
    silence        longer than the limit without any record at all
    delayed_stamp  a record's time had to be moved ahead by more than the limit to be unique
    lost           records that could not be written
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit.events import DataQualityRecord
from catalog.columns import Columns, Int64Array, QuoteColumns
from catalog.recording.rows import StreamKey
from catalog.recording.settings import RecordingSettings
from market.time import NS_PER_SECOND, format_new_york, new_york_date

CHECKS = ("crossed", "one_sided", "out_of_order", "gap", "silence", "delayed_stamp", "lost")
"""The `data_checks` of the `OpenedRecord` of a node whose market data is recorded."""

ALL_INSTRUMENTS = "*"
"""Stands where a defect is of no single instrument."""


class MarketWatch:
    """Looks at the batches of one recording in order."""

    def __init__(self, settings: RecordingSettings) -> None:
        self._settings = settings
        self._last: dict[StreamKey, tuple[int, int]] = {}  # ts_event and ts_init of a stream's last record
        self._last_ns = 0
        self._is_silent = False

    def defects(self, batch: Mapping[StreamKey, Columns]) -> Iterator[DataQualityRecord]:
        """Yield what is wrong in `batch`: at most one record per check and stream."""
        for key, columns in batch.items():
            event_before, init_before = self._last.get(key, (0, 0))
            self._last[key] = int(columns.ts_event[-1]), int(columns.ts_init[-1])
            self._last_ns = max(self._last_ns, int(columns.ts_init[-1]))
            self._is_silent = False
            label = f"{key.kind} stream"
            yield from _backward(key.instrument_id, columns.ts_event, event_before, label)
            yield from self._gaps(key.instrument_id, columns.ts_init, init_before, label)
            if isinstance(columns, QuoteColumns):
                yield from _bad_quotes(key.instrument_id, columns)

    def silence(self, now_ns: int) -> Iterator[DataQualityRecord]:
        """Yield a record, once per silence, when nothing has come for longer than the limit."""
        limit = self._settings.silence_seconds_max
        if self._is_silent or not self._last_ns or now_ns - self._last_ns <= limit * NS_PER_SECOND:
            return
        self._is_silent = True
        yield DataQualityRecord(
            check="silence",
            instrument_id=ALL_INSTRUMENTS,
            value=f"{(now_ns - self._last_ns) / NS_PER_SECOND:.1f} s",
            limit=f"{limit:g} s",
            why=f"no record of any stream since {format_new_york(self._last_ns)} New York",
        )

    def delay(self, delay_ns: int) -> Iterator[DataQualityRecord]:
        """Yield a record when stamps ran ahead of their records by more than the limit."""
        limit = self._settings.delay_seconds_max
        if delay_ns > limit * NS_PER_SECOND:
            yield DataQualityRecord(
                check="delayed_stamp",
                instrument_id=ALL_INSTRUMENTS,
                value=f"{delay_ns / NS_PER_SECOND:.3f} s",
                limit=f"{limit:g} s",
                why="records came with earlier times than records before them; was the clock set back?",
            )

    def _gaps(
        self, instrument_id: str, ts_init: Int64Array, before: int, label: str
    ) -> Iterator[DataQualityRecord]:
        limit = self._settings.gap_seconds_max
        steps = np.diff(ts_init, prepend=before or ts_init[0])
        longest = int(steps.argmax())
        length, end_ns = int(steps[longest]), int(ts_init[longest])
        if length > limit * NS_PER_SECOND and new_york_date(end_ns - length) == new_york_date(end_ns):
            yield DataQualityRecord(
                check="gap",
                instrument_id=instrument_id,
                value=f"{length / NS_PER_SECOND:.1f} s",
                limit=f"{limit:g} s",
                why=f"{label}: nothing between {format_new_york(end_ns - length)} "
                f"and {format_new_york(end_ns)} New York",
            )


def _backward(
    instrument_id: str, ts_event: Int64Array, before: int, label: str
) -> Iterator[DataQualityRecord]:
    steps = np.diff(ts_event, prepend=before or ts_event[0])
    count = int((steps < 0).sum())
    if count:
        worst = int(-steps.min())
        yield DataQualityRecord(
            check="out_of_order",
            instrument_id=instrument_id,
            value=f"{count} records, up to {worst} ns back",
            limit="0 ns",
            why=f"{label}: event times went back; they are kept in the order of their arrival",
        )


def _bad_quotes(instrument_id: str, quotes: QuoteColumns) -> Iterator[DataQualityRecord]:
    bid, ask = _floats(quotes.bid_price), _floats(quotes.ask_price)
    sizes = np.minimum(_floats(quotes.bid_size), _floats(quotes.ask_size))
    one_sided = (np.minimum(bid, ask) <= 0.0) | (sizes <= 0.0)
    crossed = (bid > ask) & ~one_sided
    for check, found in (("crossed", crossed), ("one_sided", one_sided)):
        if found.any():
            first = int(found.argmax())
            yield DataQualityRecord(
                check=check,
                instrument_id=instrument_id,
                value=f"{int(found.sum())} of {len(found)} quotes",
                limit="0 quotes",
                why=f"first at {format_new_york(int(quotes.ts_init[first]))} New York: "
                f"bid {bid[first]:g}, ask {ask[first]:g}",
            )


def lost(count: int, why: str) -> DataQualityRecord:
    """Return the record that `count` records of the data could not be kept."""
    return DataQualityRecord(
        check="lost", instrument_id=ALL_INSTRUMENTS, value=f"{count} records", limit="0 records", why=why
    )


def _floats(values: pa.Decimal128Array) -> npt.NDArray[np.float64]:
    """Return fixed-point values as floats, near enough to compare prices of one instrument."""
    words = np.frombuffer(values.buffers()[1], dtype="<i8").reshape(-1, 2)
    return np.asarray((words[:, 1] * 2.0**64 + words[:, 0].view(np.uint64)) / 1e16, dtype=np.float64)
