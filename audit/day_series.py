"""Days beside each other: one line of figures a day, over the days of a run or of many runs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from operator import itemgetter

import msgspec

from audit.day_profit import ProfitPoint, max_drawdown
from audit.day_report import DayReport, JournalReport
from audit.round_trips import ZERO
from audit.slippage import total


class DayLine(msgspec.Struct, frozen=True, kw_only=True):
    """One day of one run in a row. Money in USD; `cumulative_net_usd` is of all lines up to this one.

    `latency_median_ms` is from sending an order to the venue's acceptance; `data_gaps` is None where nothing
    looked for them.
    """

    date: str
    run: str
    orders_made: int
    orders_sent: int
    orders_denied: int
    orders_rejected: int
    orders_canceled: int
    orders_filled: int
    fill_fraction: float | None
    trades_closed: int
    win_fraction: float | None
    slippage_usd: Decimal | None
    slippage_bps: float | None
    gross_usd: Decimal
    fees_usd: Decimal
    net_usd: Decimal
    cumulative_net_usd: Decimal
    max_drawdown_usd: Decimal | None
    breaches: int
    data_gaps: int | None
    latency_median_ms: float | None
    up_fraction: float | None


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """All days together; `up_fraction` is of all sessions.

    `max_drawdown_usd` is the deepest fall of all runs' profit together below its high since the first day,
    `max_day_drawdown_usd` the deepest within one day of one run; None without a valuation.
    """

    days: int
    orders_made: int
    orders_sent: int
    orders_denied: int
    orders_rejected: int
    orders_canceled: int
    orders_filled: int
    fill_fraction: float | None
    trades_closed: int
    win_fraction: float | None
    slippage_usd: Decimal | None
    slippage_bps: float | None
    gross_usd: Decimal
    fees_usd: Decimal
    net_usd: Decimal
    max_drawdown_usd: Decimal | None
    max_day_drawdown_usd: Decimal | None
    breaches_by_rule: dict[str, int]
    breaches: int
    data_gaps: int | None
    up_fraction: float | None


def series(reports: Iterable[tuple[str, JournalReport]]) -> list[DayLine]:
    """Return a line a day of every named report, by date, and by the order given within a date."""
    days = [(name, day) for name, report in reports for day in report.days]
    days.sort(key=lambda named: named[1].date)
    lines: list[DayLine] = []
    net = ZERO
    for name, day in days:
        net += day.profit.net_usd
        lines.append(_line(name, day, cumulative=net))
    return lines


def totals(reports: Iterable[JournalReport]) -> Totals:
    """Return the figures of all days together."""
    given = list(reports)
    days = [day for report in given for day in report.days]
    cost = total(day.slippage for day in days)
    sent, filled = (
        sum(getattr(day.orders, name) for day in days) for name in ("shares_sent", "shares_filled")
    )
    closed, won = (
        sum(getattr(day.activity, name) for day in days) for name in ("trades_closed", "winning_trades")
    )
    session = sum(day.uptime.session_seconds for day in days)
    breaches = _breaches(days)
    gaps = [day.data_gaps for day in days if day.data_gaps is not None]
    return Totals(
        days=len(days),
        orders_made=sum(day.orders.made for day in days),
        orders_sent=sum(day.orders.sent for day in days),
        orders_denied=sum(day.orders.denied for day in days),
        orders_rejected=sum(day.orders.rejected for day in days),
        orders_canceled=sum(day.orders.canceled for day in days),
        orders_filled=sum(day.orders.filled for day in days),
        fill_fraction=filled / sent if sent else None,
        trades_closed=closed,
        win_fraction=won / closed if closed else None,
        slippage_usd=cost.mid_usd,
        slippage_bps=cost.mid_bps,
        gross_usd=sum((day.profit.gross_usd for day in days), ZERO),
        fees_usd=sum((day.profit.fees_usd for day in days), ZERO),
        net_usd=sum((day.profit.net_usd for day in days), ZERO),
        max_drawdown_usd=max_drawdown(_together(given), start_usd=ZERO),
        max_day_drawdown_usd=max(
            (day.profit.max_drawdown_usd for day in days if day.profit.max_drawdown_usd is not None),
            default=None,
        ),
        breaches_by_rule=breaches,
        breaches=sum(breaches.values()),
        data_gaps=sum(gaps) if gaps else None,
        up_fraction=sum(day.uptime.up_seconds for day in days) / session if session else None,
    )


def _together(reports: Sequence[JournalReport]) -> list[ProfitPoint]:
    """Return the profit of all runs together, at each valuation of one of them."""
    valued = [
        (point.ts_ns, number, point.profit_usd)
        for number, report in enumerate(reports)
        for day in report.days
        for point in day.curve
    ]
    profits, profit, points = [ZERO] * len(reports), ZERO, []
    for ts_ns, number, value in sorted(valued, key=itemgetter(0)):
        profit += value - profits[number]
        profits[number] = value
        points.append(ProfitPoint(ts_ns=ts_ns, profit_usd=profit))
    return points


def _line(name: str, day: DayReport, *, cumulative: Decimal) -> DayLine:
    return DayLine(
        date=day.date,
        run=name,
        orders_made=day.orders.made,
        orders_sent=day.orders.sent,
        orders_denied=day.orders.denied,
        orders_rejected=day.orders.rejected,
        orders_canceled=day.orders.canceled,
        orders_filled=day.orders.filled,
        fill_fraction=day.orders.fill_fraction,
        trades_closed=day.activity.trades_closed,
        win_fraction=day.activity.win_fraction,
        slippage_usd=day.slippage.mid_usd,
        slippage_bps=day.slippage_bps,
        gross_usd=day.profit.gross_usd,
        fees_usd=day.profit.fees_usd,
        net_usd=day.profit.net_usd,
        cumulative_net_usd=cumulative,
        max_drawdown_usd=day.profit.max_drawdown_usd,
        breaches=sum(day.breaches_by_rule.values()),
        data_gaps=day.data_gaps,
        latency_median_ms=day.latency.sent_to_accepted.median_ms,
        up_fraction=day.uptime.up_fraction,
    )


def _breaches(days: Sequence[DayReport]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for day in days:
        for rule, count in day.breaches_by_rule.items():
            counts[rule] = counts.get(rule, 0) + count
    return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))
