"""Check a catalog: every stream, every record, in bounded memory.

    report = check_catalog(Path("catalog-folder"), symbols=["BAC"])
    for finding in report.findings:
        print(finding.severity, finding.check, finding.instrument_id, finding.count, finding.examples)

The checks themselves are in `catalog/quality_checks/`; their names, meanings and remedies in its `registry`
and `option_registry`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from catalog.manifest import Halt, read_halts
from catalog.progress import SILENT, Progress
from catalog.quality_checks.depth import BookCheck
from catalog.quality_checks.findings import CheckedStream, Finding, FindingLog, QualityReport
from catalog.quality_checks.records import repeats_previous
from catalog.quality_checks.registry import CHECKS, QualityThresholds, Severity
from catalog.quality_checks.sessions import ExchangeDays, SessionCoverage
from catalog.quality_checks.stale import StaleStretches, Stretch
from catalog.quality_checks.tables import TABLE_TYPES, TableCheck, TableContext
from catalog.quality_checks.ticks import check_bars, check_order, check_quotes, check_trades
from catalog.reading.blocks import Block, read_batches, read_blocks
from catalog.reading.streams import (
    BARS,
    DELTAS,
    QUOTES,
    READABLE_TYPES,
    TRADES,
    StoredFile,
    StoredInstrument,
    StoredStream,
    find_instruments,
    find_streams,
)
from market.errors import ConfigError, NotFoundError
from market.instruments import symbol_of
from market.time import NS_PER_MINUTE, NS_PER_SECOND, new_york_date, new_york_midnight_ns

__all__ = ["Finding", "QualityReport", "QualityThresholds", "Severity", "check_catalog"]

_EXCHANGE_KINDS = frozenset({"equity", "option_contract", "option_spread", "index_instrument"})
_DAY_NS = 24 * 60 * NS_PER_MINUTE
_NIGHT_NS = _DAY_NS // 4  # so long a silence separates two days
_SEVERITIES = list(Severity)


def check_catalog(
    catalog: Path,
    *,
    symbols: Sequence[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    thresholds: QualityThresholds | None = None,
    progress: Progress = SILENT,
) -> QualityReport:
    """Check the streams of `catalog` and return what was found, gravest first.

    `symbols` are symbols or whole instrument ids; `start` and `end` are New York dates, both inclusive.
    Raises `NotFoundError` for a folder that is no catalog, for a symbol that is not in it and where there is
    no record to check, `ConfigError` for dates that end before they start.
    """
    if start is not None and end is not None and start > end:
        raise ConfigError(f"start {start} is after end {end}. Swap them.")
    streams = _chosen(find_streams(catalog), symbols)
    starts = [file.first_ns for stream in streams for file in stream.files if file.first_ns is not None]
    ends = [file.last_ns for stream in streams for file in stream.files if file.last_ns is not None]
    context = _Context(
        instruments=find_instruments(catalog),
        halts=read_halts(catalog),
        exchange=ExchangeDays(first_ns=min(starts, default=None), last_ns=max(ends, default=None)),
        thresholds=thresholds or QualityThresholds(),
        from_ns=None if start is None else new_york_midnight_ns(start),
        to_ns=None if end is None else new_york_midnight_ns(end + timedelta(days=1)),
        progress=progress,
    )
    checked, findings = [], []
    for stream in streams:
        done, found = _check_stream(stream, context)
        checked.append(done)
        findings += found
    _require_something_checked(checked, findings, streams=streams, context=context)
    order = list(CHECKS)
    findings.sort(key=lambda found: (_SEVERITIES.index(found.severity), order.index(found.check)))
    return QualityReport(catalog=str(catalog), streams=tuple(checked), findings=tuple(findings))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Context:
    """What all streams of one run share."""

    instruments: dict[str, StoredInstrument]
    halts: list[Halt]
    exchange: ExchangeDays
    thresholds: QualityThresholds
    from_ns: int | None
    to_ns: int | None
    progress: Progress

    @property
    def has_dates(self) -> bool:
        """Whether only some dates are to be checked."""
        return self.from_ns is not None or self.to_ns is not None


def _chosen(streams: Sequence[StoredStream], symbols: Sequence[str] | None) -> list[StoredStream]:
    if not symbols:
        return list(streams)
    wanted = {symbol.strip().upper() for symbol in symbols}
    names = {name for stream in streams for name in _names(stream)}
    if unknown := sorted(wanted - names):
        known = ", ".join(sorted({symbol_of(stream.instrument_id) for stream in streams})) or "nothing"
        raise NotFoundError(f"The catalog has no data of {', '.join(unknown)}. It has {known}.")
    return [stream for stream in streams if wanted & _names(stream)]


def _require_something_checked(
    checked: Sequence[CheckedStream],
    findings: Sequence[Finding],
    *,
    streams: Sequence[StoredStream],
    context: _Context,
) -> None:
    """Refuse to call a catalog sound of which nothing was looked at."""
    if any(stream.records for stream in checked):
        return
    told = {"unreadable_file"} if context.has_dates else {"unreadable_file", "unchecked_type"}
    if any(finding.check in told for finding in findings):
        return
    files = [file for stream in streams for file in stream.files]
    dates = [new_york_date(ns) for file in files for ns in (file.first_ns, file.last_ns) if ns is not None]
    held = f"has {min(dates)} to {max(dates)}" if dates else "has none at all"
    where = "in these dates" if context.has_dates else "to check"
    raise NotFoundError(
        f"No records {where}; the catalog {held}. Choose other dates, or see `harvester catalog show`."
    )


def _names(stream: StoredStream) -> set[str]:
    return {stream.instrument_id.upper(), symbol_of(stream.instrument_id).upper()}


def _check_stream(stream: StoredStream, context: _Context) -> tuple[CheckedStream, list[Finding]]:
    log = FindingLog(instrument_id=stream.instrument_id, data_type=stream.label)
    instrument = context.instruments.get(stream.instrument_id)
    _check_files(stream, log, instrument=instrument)
    has_sessions = not stream.is_series and (instrument is None or instrument.kind in _EXCHANGE_KINDS)
    span = _Span()
    if stream.data_type in READABLE_TYPES:
        _check_blocks(stream, log, context=context, has_sessions=has_sessions, span=span)
    elif stream.data_type in TABLE_TYPES:
        _check_batches(stream, log, context=context, span=span)
    else:
        for file in stream.files:
            if file.problem is not None:
                log.add("unreadable_file", f"{file.path.name}: {' '.join(file.problem.split())}")
        if stream.rows:
            log.add("unchecked_type", f"{stream.data_type}, {stream.rows} records", count=stream.rows)
    done = CheckedStream(
        instrument_id=stream.instrument_id, data_type=stream.label, records=span.records,
        first_ns=span.first_ns, last_ns=span.last_ns, has_sessions=has_sessions,
    )  # fmt: skip
    return done, log.findings()


@dataclass(slots=True)
class _Span:
    """What was read of a stream so far: how many records, first and last event (ns UTC)."""

    records: int = 0
    first_ns: int | None = None
    last_ns: int | None = None

    def extend(self, records: int, first_ns: int, last_ns: int) -> None:
        """Add the next records."""
        self.records += records
        self.first_ns = first_ns if self.first_ns is None else self.first_ns
        self.last_ns = last_ns


def _check_blocks(
    stream: StoredStream, log: FindingLog, *, context: _Context, has_sessions: bool, span: _Span
) -> None:
    check = _StreamCheck(stream, log, context=context, has_sessions=has_sessions)
    _begin(stream, context)
    for block in read_blocks(
        stream, from_ns=context.from_ns, to_ns=context.to_ns, on_problem=_tell_of_problems(log)
    ):
        check.add(block)
        fresh = len(block) - block.context
        span.extend(fresh, int(block.ts_event[0]), int(block.ts_event[-1]))
        context.progress.advance(_share_of_bytes(stream, fresh))
    check.finish()


def _check_batches(stream: StoredStream, log: FindingLog, *, context: _Context, span: _Span) -> None:
    shared = TableContext(thresholds=context.thresholds, exchange=context.exchange, halts=context.halts)
    check = TableCheck(stream, log, shared)
    _begin(stream, context)
    for batch in read_batches(
        stream,
        rows=check.batch_rows,
        from_ns=context.from_ns,
        to_ns=context.to_ns,
        on_problem=_tell_of_problems(log),
    ):
        span.extend(batch.num_rows, *check.add(batch))
        context.progress.advance(_share_of_bytes(stream, batch.num_rows))
    check.finish()


def _begin(stream: StoredStream, context: _Context) -> None:
    total = sum(file.size_bytes for file in stream.files)
    context.progress.begin(f"{stream.instrument_id} {stream.label}", total)


def _tell_of_problems(log: FindingLog) -> Callable[[StoredFile, str], None]:
    return lambda file, why: log.add("unreadable_file", f"{file.path.name}: {why}")


def _check_files(stream: StoredStream, log: FindingLog, *, instrument: StoredInstrument | None) -> None:
    if instrument is None and not stream.is_series:
        log.add("missing_instrument", f"{stream.instrument_id} is not defined in data/<instrument type>/")
    latest: StoredFile | None = None
    for file in stream.files:
        expected = instrument.price_precision if instrument is not None else None
        if None not in (expected, file.price_precision) and expected != file.price_precision:
            log.add(
                "precision_mismatch",
                f"{file.path.name} has {file.price_precision} decimals, the instrument {expected}",
            )
        if file.first_ns is None or file.last_ns is None:
            continue
        if latest is not None and file.first_ns <= (latest.last_ns or 0):
            log.add("overlapping_files", f"{latest.path.name} and {file.path.name}", at_ns=file.first_ns)
        latest = file


def _share_of_bytes(stream: StoredStream, rows: int) -> int:
    return sum(file.size_bytes for file in stream.files) * rows // max(stream.rows, 1)


class _StreamCheck:
    """All checks of one stream; state is kept where a check looks beyond a block."""

    def __init__(
        self, stream: StoredStream, log: FindingLog, *, context: _Context, has_sessions: bool
    ) -> None:
        self._type = stream.data_type
        self._log = log
        self._thresholds = context.thresholds
        self._exchange = context.exchange
        self._is_intraday = stream.bar_ns is None or stream.bar_ns < _DAY_NS
        instrument = context.instruments.get(stream.instrument_id)
        self._increment = (
            float(instrument.price_increment)
            if instrument is not None and instrument.kind == "equity" and instrument.price_increment
            else None
        )
        self._coverage = None
        if has_sessions:
            self._coverage = SessionCoverage(
                log,
                exchange=context.exchange,
                halts=[halt for halt in context.halts if halt.instrument_id == stream.instrument_id],
                thresholds=context.thresholds,
                bar_ns=stream.bar_ns,
            )
        self._stale = StaleStretches(
            records_min=context.thresholds.stale_records,
            longer_than_ns=round(context.thresholds.stale_seconds * NS_PER_SECOND),
            broken_by_ns=_NIGHT_NS if self._is_intraday else 10 * _DAY_NS,
        )
        self._book = BookCheck(log, thresholds=context.thresholds) if self._type == DELTAS else None

    def add(self, block: Block) -> None:
        """Check the next block."""
        check_order(block, self._log)
        if self._type == QUOTES:
            check_quotes(block, self._log, thresholds=self._thresholds, increment=self._increment)
        elif self._type == TRADES:
            check_trades(block, self._log, thresholds=self._thresholds)
        elif self._type == BARS:
            check_bars(block, self._log, thresholds=self._thresholds, is_intraday=self._is_intraday)
        elif self._book is not None:
            self._book.add(block)
        if self._type in (QUOTES, BARS):
            repeats = repeats_previous(list(block.columns.values()))[block.context :]
            self._log_stale(self._stale.add(block.ts_event[block.context :], repeats))
        if self._coverage is not None:
            self._coverage.add(block)

    def finish(self) -> None:
        """Log what needed the whole stream."""
        self._log_stale(self._stale.finish())
        if self._coverage is not None:
            self._coverage.finish()

    def _log_stale(self, stretches: Sequence[Stretch]) -> None:
        for stretch in stretches:
            start, end = stretch.start_ns, stretch.end_ns
            if self._coverage is not None and self._is_intraday:
                session = self._exchange.session_on(new_york_date(start))
                if session is None:
                    continue
                start, end = max(start, session.open_ns), min(end, session.close_ns)
            if end - start > self._thresholds.stale_seconds * NS_PER_SECOND:
                seconds = (end - start) // NS_PER_SECOND
                example = f"{stretch.records} equal records over {seconds} s from here"
                self._log.add("stale", example, at_ns=start)
