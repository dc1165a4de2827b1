"""The key figures of each day of a journal, from its records alone. Pure.

A day is a New York date. An order belongs to the day on which it was made, with what became of it by the
end of the journal; fills, refusals and profit belong to the day of their record. docs/how-to/review-a-day.md
explains every figure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import pairwise

import msgspec

from audit.amounts import rounded
from audit.day_figures import (
    Activity,
    DayLatency,
    OrderCounts,
    activity,
    breaches_by_rule,
    count_orders,
    day_latency,
)
from audit.day_profit import DayProfit, ProfitPoint, max_drawdown, profit_at
from audit.day_uptime import Uptime, UptimeWatch, uptime
from audit.events import (
    CheckpointRecord,
    ClosedRecord,
    DataQualityRecord,
    Entry,
    NoteRecord,
    OpenedRecord,
)
from audit.order_history import OrderHistories, OrderHistory
from audit.projection.projection import Projection
from audit.round_trips import ZERO, RoundTrip, RoundTrips
from audit.slippage import Slippage, history_slippage, total
from market.calendar import Session
from market.time import new_york_date
from risk.records import BreakerChangeRecord, CommandRecord, ReadingRecord, RefusalRecord

SessionOn = Callable[[date], Session | None]
"""The exchange's session of a New York date, None where it is closed."""

GAP = "gap"
"""The data quality check whose findings are data gaps."""

_BOOKKEEPING = (OpenedRecord, ClosedRecord, NoteRecord)


class DayReport(msgspec.Struct, frozen=True, kw_only=True):
    """One day's key figures. Money is USD; `records` are all of that day in the journal.

    Slippage is that of the day's orders, positive where a cost. `data_gaps` is None where nothing looked.
    """

    date: str
    first_ns: int
    last_ns: int
    records: int
    orders: OrderCounts
    activity: Activity
    slippage: Slippage
    slippage_bps: float | None
    profit: DayProfit
    breaches_by_rule: dict[str, int]
    confirmed_readings: dict[str, int]
    breaker_changes: tuple[BreakerChangeRecord, ...]
    commands: tuple[CommandRecord, ...]
    data_quality: dict[str, int]
    data_gaps: int | None
    latency: DayLatency
    uptime: Uptime
    curve: tuple[ProfitPoint, ...]


class JournalReport(msgspec.Struct, frozen=True, kw_only=True):
    """The days of one journal, and what wrote it. `is_closed` is False when it was cut off, or still runs.

    `records` are all of the journal: also those of a day on which it was only opened or closed.
    `data_checks` are the checks of the market data that were made.
    """

    run: str
    environment: str
    profile_name: str
    profile_hash: str
    records: int
    is_closed: bool
    data_checks: tuple[str, ...]
    days: tuple[DayReport, ...]


def journal_report(entries: Iterable[Entry], *, session_on: SessionOn) -> JournalReport:
    """Return the key figures of every day of a journal.

    `entries` begin with its first record and leave none out; raises `ValueError` where one is missing.
    """
    gathering = _Gathering()
    for entry in entries:
        gathering.add(entry)
    opened = gathering.projection.opened
    return JournalReport(
        run="" if opened is None else opened.run,
        environment="" if opened is None else opened.environment,
        profile_name="" if opened is None else opened.profile_name,
        profile_hash="" if opened is None else opened.profile_hash,
        records=gathering.projection.last_seq,
        is_closed=gathering.projection.is_closed,
        data_checks=() if opened is None else opened.data_checks,
        days=tuple(gathering.reports(session_on)),
    )


@dataclass(slots=True)
class _Day:
    """What the records of one day say, before it is counted."""

    first_ns: int
    last_ns: int = 0
    records: int = 0
    gross_usd: Decimal = ZERO
    fees_usd: Decimal = ZERO
    start_usd: Decimal = ZERO
    points: list[ProfitPoint] = field(default_factory=list)
    last_checkpoint: CheckpointRecord | None = None
    refusals: list[Entry] = field(default_factory=list)
    readings: Counter[str] = field(default_factory=Counter)
    quality: Counter[str] = field(default_factory=Counter)
    breaker: list[BreakerChangeRecord] = field(default_factory=list)
    commands: list[CommandRecord] = field(default_factory=list)


@dataclass(slots=True, frozen=True)
class _Done:
    """Orders made, executions and trades closed, by day."""

    orders: dict[date, list[OrderHistory]]
    fills: dict[date, list[Entry]]
    closed: dict[date, list[RoundTrip]]


class _Gathering:
    """Takes in a journal once, and sorts what it says by day."""

    def __init__(self) -> None:
        self.projection = Projection()
        self._histories = OrderHistories()
        self._trips = RoundTrips()
        self._watch = UptimeWatch()
        self._days: dict[date, _Day] = {}
        self._bookkeeping: Counter[date] = Counter()
        self._profit_usd = ZERO

    def add(self, entry: Entry) -> None:
        book = self.projection.book
        earned, paid = book.realized_usd, book.fees_usd
        self.projection.apply(entry)
        self._histories.add(entry)
        self._trips.add(entry)
        self._watch.add(entry)
        if isinstance(entry.body, _BOOKKEEPING):
            self._bookkeeping[new_york_date(entry.ts_ns)] += 1
            return
        day = self._day(entry)
        day.fees_usd += book.fees_usd - paid
        day.gross_usd += book.realized_usd + book.fees_usd - earned - paid
        self._note(day, entry)

    def _day(self, entry: Entry) -> _Day:
        key = new_york_date(entry.ts_ns)
        day = self._days.get(key)
        if day is None:
            day = self._days[key] = _Day(entry.ts_ns, start_usd=self._profit_usd)
        day.last_ns = entry.ts_ns
        day.records += 1
        return day

    def _note(self, day: _Day, entry: Entry) -> None:
        match entry.body:
            case RefusalRecord():
                day.refusals.append(entry)
            case CheckpointRecord():
                self._profit_usd = rounded(profit_at(entry.body))
                day.points.append(ProfitPoint(ts_ns=entry.ts_ns, profit_usd=self._profit_usd))
                day.last_checkpoint = entry.body
            case BreakerChangeRecord():
                day.breaker.append(entry.body)
            case CommandRecord():
                day.commands.append(entry.body)
            case ReadingRecord(verdict="confirmed"):
                day.readings[entry.body.trigger] += 1
            case DataQualityRecord():
                day.quality[entry.body.check] += 1

    def reports(self, session_on: SessionOn) -> list[DayReport]:
        self._watch.finish()
        own = [history for history in self._histories if history.is_order and not history.is_found]
        done = _Done(
            orders=_by_day(own, lambda history: history.first.ts_ns),
            fills=_by_day(self._histories.executions(), lambda entry: entry.ts_ns),
            closed=_by_day(
                [trip for trip in self._trips.all() if trip.is_closed], lambda trip: trip.exits[-1].ts_ns
            ),
        )
        self._add_silent_days(session_on)
        return [self._report(key, done, session=session_on(key)) for key in sorted(self._days)]

    def _add_silent_days(self, session_on: SessionOn) -> None:
        """Add the sessions in which the node was up and recorded nothing: known days of zeros."""
        for first, last in pairwise(sorted(self._days)):
            for number in range(first.toordinal() + 1, last.toordinal()):
                day = date.fromordinal(number)
                session = session_on(day)
                if session is not None and uptime(session, up=self._watch.up, running=()).up_seconds:
                    self._days[day] = _Day(session.open_ns, session.close_ns)

    def _report(self, key: date, done: _Done, *, session: Session | None) -> DayReport:
        day, orders = self._days[key], done.orders.get(key, [])
        slippage = total(history_slippage(history) for history in orders)
        return DayReport(
            date=key.isoformat(),
            first_ns=day.first_ns,
            last_ns=day.last_ns,
            records=day.records + self._bookkeeping[key],
            orders=count_orders(orders),
            activity=activity(done.fills.get(key, []), done.closed.get(key, [])),
            slippage=slippage,
            slippage_bps=slippage.mid_bps,
            profit=_profit(day),
            breaches_by_rule=breaches_by_rule(day.refusals, orders),
            confirmed_readings=dict(day.readings.most_common()),
            breaker_changes=tuple(day.breaker),
            commands=tuple(day.commands),
            data_quality=dict(day.quality.most_common()),
            data_gaps=self._gaps(day),
            latency=day_latency(orders),
            uptime=uptime(session, up=self._watch.up, running=self._watch.running),
            curve=tuple(day.points),
        )

    def _gaps(self, day: _Day) -> int | None:
        """Return the gaps of a day; None where nothing looked for them."""
        opened, found = self.projection.opened, day.quality[GAP]
        return found if found or (opened is not None and GAP in opened.data_checks) else None


def _by_day[T](things: Iterable[T], ts_ns: Callable[[T], int]) -> dict[date, list[T]]:
    days: dict[date, list[T]] = {}
    for thing in things:
        days.setdefault(new_york_date(ts_ns(thing)), []).append(thing)
    return days


def _profit(day: _Day) -> DayProfit:
    last = day.last_checkpoint
    return DayProfit(
        gross_usd=rounded(day.gross_usd),
        fees_usd=rounded(day.fees_usd),
        net_usd=rounded(day.gross_usd - day.fees_usd),
        unrealized_usd=None if last is None else rounded(last.unrealized_usd),
        change_usd=None if last is None else rounded(profit_at(last) - day.start_usd),
        max_drawdown_usd=max_drawdown(day.points, start_usd=day.start_usd),
    )
