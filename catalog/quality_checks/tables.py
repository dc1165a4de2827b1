"""Checks of the streams that are read as they are stored: chains, greeks, and the series beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
import pyarrow as pa

from catalog.manifest import Halt
from catalog.option_chain_writer import DAILY_SUFFIX
from catalog.quality_checks import option_chains, option_greeks, series
from catalog.quality_checks.findings import FindingLog
from catalog.quality_checks.registry import QualityThresholds
from catalog.quality_checks.sessions import ExchangeDays, SessionCoverage
from catalog.quality_checks.stale import StaleStretches, Stretch
from catalog.quality_checks.ticks import check_order
from catalog.reading.blocks import TimesInRow
from catalog.reading.streams import CHAINS, DIVIDENDS, GREEKS, LEVELS, RATES, StoredStream
from market.instruments import symbol_of
from market.time import NS_PER_MINUTE, NS_PER_SECOND

TABLE_TYPES = (CHAINS, GREEKS, RATES, LEVELS, DIVIDENDS)
_DAY_NS = 24 * 60 * NS_PER_MINUTE


class _RecordCheck(Protocol):
    """What looks at the content of records."""

    def add(self, batch: pa.RecordBatch) -> None: ...
    def finish(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TableContext:
    """What a check needs to know beside the stream."""

    thresholds: QualityThresholds
    exchange: ExchangeDays
    halts: Sequence[Halt]


class TableCheck:
    """All checks of one such stream: order of times, sessions where they apply, and content."""

    def __init__(self, stream: StoredStream, log: FindingLog, context: TableContext) -> None:
        self.batch_rows, self._records = _records_check(stream, log, context)
        self._log = log
        # Several dividends may be declared on one day; of all else one time is one record.
        self._times = TimesInRow(("ex_ns",) if stream.data_type == DIVIDENDS else ())
        self._coverage = _coverage(stream, log, context)
        self._frozen = _Frozen(log, context.thresholds) if _is_intraday_chain(stream) else None

    def add(self, batch: pa.RecordBatch) -> tuple[int, int]:
        """Check the next batch, which is not empty; return its first and last event, ns UTC."""
        block = self._times.block(batch)
        check_order(block, self._log)
        if self._coverage is not None:
            self._coverage.add(block)
        if self._frozen is not None:
            self._frozen.add(batch)
        self._records.add(batch)
        return int(block.ts_event[block.context]), int(block.ts_event[-1])

    def finish(self) -> None:
        """Log what needed the whole stream."""
        self._records.finish()
        for whole in (self._coverage, self._frozen):
            if whole is not None:
                whole.finish()


class _Frozen:
    """Says where snapshot after snapshot has the same market."""

    def __init__(self, log: FindingLog, thresholds: QualityThresholds) -> None:
        self._log = log
        self._seconds = thresholds.stale_seconds
        self._market: bytes | None = None
        self._stretches = StaleStretches(
            records_min=thresholds.stale_records,
            longer_than_ns=round(thresholds.stale_seconds * NS_PER_SECOND),
            broken_by_ns=_DAY_NS // 4,
        )

    def add(self, batch: pa.RecordBatch) -> None:
        times = batch["ts_event"].to_numpy(zero_copy_only=False).astype(np.int64)
        markets = [self._market, *batch["market"].to_pylist()]
        repeats = np.array([a == b for a, b in pairwise(markets)], dtype=np.bool_)
        self._market = markets[-1]
        self._say(self._stretches.add(times, repeats))

    def finish(self) -> None:
        self._say(self._stretches.finish())

    def _say(self, stretches: Sequence[Stretch]) -> None:
        for stretch in stretches:
            seconds = (stretch.end_ns - stretch.start_ns) // NS_PER_SECOND
            example = f"{stretch.records} equal snapshots over {seconds} s from here"
            self._log.add("stale", example, at_ns=stretch.start_ns)


def _records_check(stream: StoredStream, log: FindingLog, context: TableContext) -> tuple[int, _RecordCheck]:
    """Return how many records are read at once, and what looks at them."""
    thresholds = context.thresholds
    if stream.data_type == CHAINS:
        return option_chains.BATCH_ROWS, option_chains.ChainCheck(log, thresholds=thresholds)
    if stream.data_type == GREEKS:
        check = option_greeks.GreeksCheck(log, thresholds=thresholds, instrument_id=stream.instrument_id)
        return option_greeks.BATCH_ROWS, check
    if stream.data_type == RATES:
        return series.BATCH_ROWS, series.RatesCheck(log, thresholds=thresholds)
    if stream.data_type == LEVELS:
        return series.BATCH_ROWS, series.LevelsCheck(log, thresholds=thresholds)
    return series.BATCH_ROWS, series.DividendsCheck(log, exchange=context.exchange)


def _coverage(stream: StoredStream, log: FindingLog, context: TableContext) -> SessionCoverage | None:
    """Return what holds times against the exchange's; series have days of their own."""
    if stream.is_series:
        return None
    length_ns = _DAY_NS if stream.data_type == CHAINS else None
    if _is_intraday_chain(stream):
        length_ns = NS_PER_MINUTE  # known at the end of its minute: that of the close is of the session
    return SessionCoverage(
        log,
        exchange=context.exchange,
        halts=[halt for halt in context.halts if halt.instrument_id == stream.instrument_id],
        thresholds=context.thresholds,
        bar_ns=length_ns,
    )


def _is_intraday_chain(stream: StoredStream) -> bool:
    return stream.data_type == CHAINS and not symbol_of(stream.instrument_id).endswith(DAILY_SUFFIX)
