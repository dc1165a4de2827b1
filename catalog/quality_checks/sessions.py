"""Records against the exchange calendar: days, opening hours, gaps and halts of one stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from functools import lru_cache

import numpy as np

from catalog.manifest import Halt
from catalog.quality_checks.findings import FindingLog
from catalog.quality_checks.registry import QualityThresholds
from catalog.reading.blocks import Block, Int64Array
from market.calendar import Session, TradingCalendar
from market.time import (
    NS_PER_MINUTE,
    NS_PER_SECOND,
    format_new_york,
    new_york_date,
    new_york_midnight_ns,
    new_york_ns,
)

_USUAL_CLOSE = time(16)
_CALENDAR_START, _CALENDAR_END = date(1990, 1, 1), date(2099, 12, 31)
_DAY_NS = 24 * 60 * NS_PER_MINUTE
_USUAL_RANK, _USUAL_MULTIPLE = 10, 6
"""A silence must be longer than this many times the day's tenth longest: a quiet stock is quiet all day."""


class ExchangeDays:
    """The calendar, loaded once for the years of the data; records outside them extend it."""

    def __init__(self, *, first_ns: int | None = None, last_ns: int | None = None) -> None:
        self._calendar: TradingCalendar | None = None
        if first_ns is not None and last_ns is not None:
            self.sessions(new_york_date(first_ns), new_york_date(last_ns))

    def session_on(self, day: date) -> Session | None:
        """Return the session of `day`, or None on a day without one or beyond any calendar."""
        if not _CALENDAR_START <= day <= _CALENDAR_END:
            return None
        return self._covering(day, day).session_on(day)

    def sessions(self, start: date, end: date) -> tuple[Session, ...]:
        """Return the sessions from `start` to `end`, both inclusive."""
        start, end = max(start, _CALENDAR_START), min(end, _CALENDAR_END)
        return self._covering(start, end).sessions(start, end) if start <= end else ()

    def _covering(self, start: date, end: date) -> TradingCalendar:
        known = self._calendar
        if known is None or start < known.start or end > known.end:
            first = min(start, known.start) if known else start
            last = max(end, known.end) if known else end
            known = _calendar_of_years(first.year, last.year)
            self._calendar = known
        return known


@lru_cache(maxsize=4)
def _calendar_of_years(first: int, last: int) -> TradingCalendar:
    return TradingCalendar(date(first, 1, 1), date(last, 12, 31))


@dataclass(slots=True)
class _Day:
    """What a stream has on one day; gaps wait until the day's usual silences are known."""

    session: Session | None
    in_session: int = 0
    first_ns: int = 0
    last_ns: int = 0
    gaps: list[tuple[int, int]] = field(default_factory=list)
    longest_ns: Int64Array = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """The longest silences of the session so far, at most `_USUAL_RANK`."""


class SessionCoverage:
    """Follows one stream through its days, and says where it does not fit the exchange's."""

    def __init__(
        self,
        log: FindingLog,
        *,
        exchange: ExchangeDays,
        halts: Sequence[Halt],
        thresholds: QualityThresholds,
        bar_ns: int | None,
    ) -> None:
        self._log = log
        self._exchange = exchange
        self._halts = halts
        self._is_intraday = bar_ns is None or bar_ns < _DAY_NS
        self._is_daily_or_shorter = bar_ns is None or bar_ns <= _DAY_NS
        self._bar_ns = bar_ns or 0
        self._before_close_ns = 1 if self._bar_ns else 0
        """Off the time of a bar: one that ends at the close belongs to the session."""
        self._silence_ns = round(
            max(thresholds.gap_seconds * NS_PER_SECOND, thresholds.gap_bars * self._bar_ns)
        )
        self._days: dict[date, _Day] = {}

    def add(self, block: Block) -> None:
        """Take the next records; findings that concern single records are logged at once."""
        if not self._is_daily_or_shorter:
            return
        times = block.ts_event - self._before_close_ns
        first, last = new_york_date(int(times.min())), new_york_date(int(times.max()))
        dates = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        midnights = np.array([new_york_midnight_ns(day) for day in dates], dtype=np.int64)
        day_of = np.searchsorted(midnights, times, side="right") - 1
        fresh = np.arange(len(times)) >= block.context
        for position in np.unique(day_of[fresh]).tolist():
            rows = np.flatnonzero(fresh & (day_of == position))
            self._add_day(dates[position], rows=rows, times=times, block=block)
        if self._is_intraday:
            self._find_gaps(times, day_of=day_of, dates=dates, first_fresh=block.context)
            self._find_records_in_halts(block)

    def finish(self) -> None:
        """Log what can be said once all records have been seen."""
        for day, seen in sorted(self._days.items()):
            if seen.session is not None and seen.session.is_early_close:
                closing = f"{day} closes at {_clock(seen.session.close_ns, day)} New York"
                self._log.add("early_close", closing, at_ns=seen.session.close_ns)
            if seen.in_session and seen.session is not None and self._is_intraday:
                self._log_gaps(seen)
                self._log_partial(seen, seen.session)
        if self._days:
            for session in self._exchange.sessions(min(self._days), max(self._days)):
                if session.date not in self._days:
                    self._log.add("missing_session", f"{session.date}", at_ns=session.open_ns)

    def _add_day(self, day: date, *, rows: Int64Array, times: Int64Array, block: Block) -> None:
        seen = self._days.get(day)
        if seen is None:
            seen = self._days[day] = _Day(self._exchange.session_on(day))
        session = seen.session
        if session is None:
            self._mark("closed_day", rows, block, f"no session on {day:%A} {day}")
            return
        if not self._is_intraday:
            return
        moments = times[rows]
        inside = (moments >= session.open_ns) & (moments < session.close_ns)
        late = (moments >= session.close_ns) & (moments < new_york_ns(day, _USUAL_CLOSE))
        closing = _clock(session.close_ns, day)
        self._mark("after_early_close", rows[late], block, f"{day} closed at {closing} New York")
        self._mark("outside_session", rows[~inside & ~late], block, "outside regular hours")
        if inside.any():
            within = moments[inside]
            seen.first_ns = (
                int(within.min()) if not seen.in_session else min(seen.first_ns, int(within.min()))
            )
            seen.last_ns = max(seen.last_ns, int(within.max()))
            seen.in_session += len(within)

    def _find_gaps(
        self, times: Int64Array, *, day_of: Int64Array, dates: Sequence[date], first_fresh: int
    ) -> None:
        """Note silences between two records of one session that are longer than the fixed limit."""
        ends = np.arange(max(first_fresh, 1), len(times))
        ends = ends[day_of[ends] == day_of[ends - 1]]
        for position in np.unique(day_of[ends]).tolist():
            seen = self._days[dates[position]]
            if seen.session is None:
                continue
            rows = ends[day_of[ends] == position]
            rows = rows[(times[rows - 1] >= seen.session.open_ns) & (times[rows] < seen.session.close_ns)]
            silence = times[rows] - times[rows - 1] - self._bar_ns
            seen.longest_ns = np.sort(np.concatenate([seen.longest_ns, _largest(silence)]))[-_USUAL_RANK:]
            long = silence > self._silence_ns
            starts = times[rows - 1][long].tolist()
            seen.gaps += zip(starts, (times[rows][long] - self._bar_ns).tolist(), strict=True)

    def _find_records_in_halts(self, block: Block) -> None:
        for halt in self._halts:
            inside = (block.ts_event >= halt.from_ns) & (block.ts_event < halt.to_ns)
            rows = np.flatnonzero(inside[block.context :]) + block.context
            text = f"in the halt of {format_new_york(halt.from_ns)} ({halt.reason})"
            self._mark("records_in_halt", rows, block, text)

    def _mark(self, check: str, rows: Int64Array, block: Block, text: str) -> None:
        self._log.add_rows(check, rows, block.ts_event, describe=lambda _: text)

    def _log_gaps(self, seen: _Day) -> None:
        if len(seen.longest_ns) < _USUAL_RANK:
            return  # too few records to say what is usual
        for start, end in seen.gaps:
            silent = self._unexplained_ns(start, end)
            if silent > self._allowed_ns(seen):
                example = f"{_duration(silent)} without a record from here"
                self._log.add("gap", example, at_ns=start + self._before_close_ns)

    def _log_partial(self, seen: _Day, session: Session) -> None:
        first_ns, last_ns = (ns + self._before_close_ns for ns in (seen.first_ns, seen.last_ns))
        late = self._unexplained_ns(session.open_ns, first_ns - self._bar_ns)
        early = self._unexplained_ns(last_ns, session.close_ns)
        if late > self._allowed_ns(seen):
            example = f"first record {_duration(late)} after the open"
            self._log.add("partial_session", example, at_ns=first_ns)
        if early > self._allowed_ns(seen):
            example = f"last record {_duration(early)} before the close"
            self._log.add("partial_session", example, at_ns=last_ns)

    def _allowed_ns(self, seen: _Day) -> int:
        """Return the longest silence that is no finding: fixed, or more where the day is quiet anyway."""
        if len(seen.longest_ns) < _USUAL_RANK:
            return self._silence_ns
        return max(self._silence_ns, _USUAL_MULTIPLE * int(seen.longest_ns[0]))

    def _unexplained_ns(self, start: int, end: int) -> int:
        halted = sum(max(0, min(end, halt.to_ns) - max(start, halt.from_ns)) for halt in self._halts)
        return end - start - halted


def _largest(values: Int64Array) -> Int64Array:
    if len(values) <= _USUAL_RANK:
        return values
    return np.partition(values, len(values) - _USUAL_RANK)[-_USUAL_RANK:]


def _clock(ts_ns: int, day: date) -> str:
    minutes = (ts_ns - new_york_midnight_ns(day)) // NS_PER_MINUTE
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _duration(ns: int) -> str:
    seconds = ns // NS_PER_SECOND
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7_200:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3_600} h {seconds % 3_600 // 60} min"
