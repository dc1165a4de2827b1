"""Defects of the data that a run replays, for its journal: what the checks of a stored catalog find in it.

A live node's recording looks at each batch as it comes (`catalog.recording.defects`); here the files are
there before the run, so silences are held against the exchange's sessions and halts, as
`harvester catalog check` does. `DataQualityRecord.check` is one of `CHECKS`:

    crossed, locked, one_sided   quotes: one record a stream and New York day, with their number
    out_of_order                 an event time before that of the record before it: one a stream and day
    gap                          each long silence within a session
    partial_session              a session whose records begin late or end early
    missing_session              a session without any record between days that have some

Memory is bounded by one block of one stream, and the findings: a few for each stream and day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter

from audit.events import DataQualityRecord
from backtests.defect_watches import QUOTE_COLUMNS, DataDefect, OrderWatch, QuoteWatch, stream_label
from backtests.period import Period, Selection
from catalog.columns import DataKind
from catalog.manifest import Halt, read_halts
from catalog.quality_checks.findings import FindingLog
from catalog.quality_checks.registry import CHECKS as CATALOG_CHECKS
from catalog.quality_checks.registry import QualityThresholds
from catalog.quality_checks.sessions import ExchangeDays, SessionCoverage
from catalog.reading.blocks import Block, Int64Array, read_blocks
from catalog.reading.streams import DELTAS, QUOTES, TRADES, StoredFile, StoredStream
from market.errors import DataError
from market.time import format_new_york

SESSION_CHECKS = ("gap", "partial_session", "missing_session")
CHECKS = ("crossed", "locked", "one_sided", "out_of_order", *SESSION_CHECKS)
"""What is looked for, by the names in `DataQualityRecord.check`."""

_TYPES = {DataKind.DELTA: DELTAS, DataKind.TRADE: TRADES, DataKind.QUOTE: QUOTES}
_TIMES = ("ts_event", "ts_init")

Watch = Callable[[Block], None]
"""Looks at the next block of a stream."""


def data_checks(selection: Selection) -> tuple[str, ...]:
    """Return what is looked for in the data of `selection`: nothing in bars."""
    return () if selection.book == "bars" else CHECKS


def data_defects(selection: Selection) -> list[DataDefect]:
    """Return what is wrong with the records that `selection` replays, in order of time.

    Raises `DataError` naming a file that cannot be read to its end.
    """
    if not data_checks(selection):
        return []
    exchange = ExchangeDays(first_ns=selection.first_ns, last_ns=selection.last_ns)
    halts = read_halts(selection.catalog)
    found = [
        defect
        for stream in _streams(selection)
        for defect in _of_stream(stream, selection.period, exchange=exchange, halts=halts)
    ]
    return sorted(found, key=attrgetter("ts_ns"))


def _streams(selection: Selection) -> Iterator[StoredStream]:
    """Yield the streams by kind and instrument, each with its files in order of time."""
    files: dict[tuple[str, str], list[StoredFile]] = {}
    for file in sorted(selection.files, key=attrgetter("start_ns")):
        stored = StoredFile(path=selection.catalog / file.path, first_ns=file.start_ns, last_ns=file.end_ns)
        files.setdefault((_TYPES[file.kind], file.instrument_id), []).append(stored)
    for (data_type, name), own in sorted(files.items()):
        yield StoredStream(data_type=data_type, identifier=name, instrument_id=name, files=tuple(own))


def _of_stream(
    stream: StoredStream, period: Period, *, exchange: ExchangeDays, halts: Sequence[Halt]
) -> Iterator[DataDefect]:
    thresholds = QualityThresholds()
    silences = _Silences(stream, thresholds)
    coverage = SessionCoverage(
        silences,
        exchange=exchange,
        halts=[halt for halt in halts if halt.instrument_id == stream.instrument_id],
        thresholds=thresholds,
        bar_ns=None,
    )
    order = OrderWatch(stream)
    quotes = QuoteWatch(stream)
    has_quotes = stream.data_type == QUOTES
    blocks = read_blocks(
        stream,
        from_ns=period.start_ns,
        to_ns=period.end_ns,
        on_problem=_refuse,
        columns=(*_TIMES, *QUOTE_COLUMNS) if has_quotes else _TIMES,
    )
    watches: list[Watch] = [coverage.add, order.add, *([quotes.add] if has_quotes else [])]
    for block in blocks:
        for watch in watches:
            watch(block)
    coverage.finish()
    yield from silences.found
    yield from order.defects()
    yield from quotes.defects()


def _refuse(file: StoredFile, why: str) -> None:
    raise DataError(f"{file.path} cannot be read: {why} Remove it and ingest its source again.")


class _Silences(FindingLog):
    """Takes from `SessionCoverage` what is missing, each with its time; the rest is no defect here."""

    def __init__(self, stream: StoredStream, thresholds: QualityThresholds) -> None:
        super().__init__(instrument_id=stream.instrument_id, data_type=stream.label)
        self.found: list[DataDefect] = []
        self._stream = stream
        self._limit = f"{thresholds.gap_seconds:g} s, more in a quiet stream"

    def add(
        self,
        check: str,
        example: str,
        *,
        at_ns: int | None = None,
        count: int = 1,  # noqa: ARG002 - as in FindingLog
    ) -> None:
        """Keep what is of one of `SESSION_CHECKS`."""
        if check in SESSION_CHECKS and at_ns is not None:
            where = f"{stream_label(self._stream)} at {format_new_york(at_ns)}"
            record = DataQualityRecord(
                check=check,
                instrument_id=self._stream.instrument_id,
                value=example.removesuffix(" from here"),
                limit="a record" if check == "missing_session" else self._limit,
                why=f"{where}: {CATALOG_CHECKS[check].meaning}",
            )
            self.found.append(DataDefect(at_ns, record))

    def add_rows(
        self, check: str, rows: Int64Array, ts_event: Int64Array, *, describe: Callable[[int], str]
    ) -> None:
        """Pass over records outside sessions."""
