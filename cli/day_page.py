"""The page of `harvester day --html`: one file that opens without a network."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib.resources import files
from operator import itemgetter
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from audit.amounts import amount, rounded
from audit.blotter import Blotter, Trade
from audit.day_report import DayReport, JournalReport, SessionOn
from audit.day_series import series, totals
from audit.notes import NotesBySubject
from audit.sentences import breaker_actor
from audit.timeline import PERSONS_COMMANDS
from backtests.report.page_parts import asset
from cli.day_plots import daily_bars, profit_curve
from market.calendar import Session
from market.time import format_new_york, new_york_date

_FOLDER = "day_page_parts"
DAYS_IN_FULL_MAX = 20
"""Days that get a section of their own; of more the latest do, and the table above has all."""

TRADES_SHOWN_MAX = 200


def no_session(_: date) -> Session | None:
    """Return None: where no calendar is at hand, a day's plot begins with its first record."""
    return None


@dataclass(frozen=True, slots=True)
class RunReview:
    """What the page shows of one run. `unverified` says what its journal fails of its verification."""

    report: JournalReport
    blotter: Blotter
    notes: NotesBySubject
    unverified: tuple[str, ...] = ()
    session_on: SessionOn = no_session


def render(reviews: Mapping[str, RunReview]) -> str:
    """Return the page of several runs by name."""
    reports = {name: review.report for name, review in reviews.items()}
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(
        usd=_usd, share=_share, number=_number, words=_words, time=format_new_york, basename=_name
    )
    lines = series(reports.items())
    days = [(name, day) for name, report in reports.items() for day in report.days]
    days.sort(key=lambda named: named[1].date)
    traded = {name: _by_day(review.blotter.trades) for name, review in reviews.items()}
    in_full = days[-DAYS_IN_FULL_MAX:]
    return environment.from_string(_part("day.html.j2")).render(
        title=_title(reports),
        reports=reports,
        lines=lines,
        total=totals(reports.values()),
        has_runs=len(reports) > 1,
        unverified=[(name, what) for name, review in reviews.items() for what in review.unverified],
        bars=daily_bars([(line.date, float(line.net_usd)) for line in lines]),
        sections=[
            _section(name, reviews[name], day, trades=traded[name].get(day.date, [])) for name, day in in_full
        ],
        sections_hidden=len(days) - len(in_full),
        page_css=asset("report.css"),
        day_css=Markup(_part("day.css")),  # noqa: S704 - ours, not input
        day_js=Markup(_part("day.js")),  # noqa: S704 - ours, not input
    )


def _title(reports: Mapping[str, JournalReport]) -> str:
    dates = sorted({day.date for report in reports.values() for day in report.days})
    names = sorted({report.profile_name or report.run for report in reports.values()})
    period = f"{dates[0]} to {dates[-1]}" if len(dates) > 1 else (dates or ["no day"])[0]
    return f"{', '.join(names)}: {period}"


def _section(name: str, review: RunReview, day: DayReport, *, trades: list[Trade]) -> dict[str, Any]:
    marks = [(change.ts_ns, f"{change.after}: {_words(change.by)}") for change in day.breaker_changes]
    return {
        "anchor": f"{name}-{day.date}",
        "run": name,
        "day": day,
        "data_checks": review.report.data_checks,
        "about": review.notes.about((day.date,)),
        "curve": profit_curve(_points(day, review.session_on(date.fromisoformat(day.date))), marks),
        "happened": _happened(day, persons=_persons(review.report)),
        "latency": [
            ("decision to sent", day.latency.decision_to_sent),
            ("sent to accepted", day.latency.sent_to_accepted),
            ("accepted to first fill", day.latency.accepted_to_first_fill),
            ("decision to first fill", day.latency.decision_to_first_fill),
        ],
        "trades": trades[:TRADES_SHOWN_MAX],
        "trades_hidden": max(0, len(trades) - TRADES_SHOWN_MAX),
        "breaches": sum(day.breaches_by_rule.values()),
    }


def _points(day: DayReport, session: Session | None) -> list[tuple[int, float]]:
    """Return the day's profit over its session, and before and after it where it was valued there.

    Nothing without a valuation; without a session, from the day's first record to its last.
    """
    change = day.profit.change_usd
    if not day.curve or change is None:
        return []
    first, last = day.curve[0], day.curve[-1]
    begin, end = (day.first_ns, day.last_ns) if session is None else (session.open_ns, session.close_ns)
    begin = min(max(day.first_ns, begin), first.ts_ns)
    end = max(min(day.last_ns, end), last.ts_ns)
    between = [(point.ts_ns, float(point.profit_usd)) for point in day.curve]
    return [(begin, float(last.profit_usd - change)), *between, (end, float(last.profit_usd))]


def _persons(report: JournalReport) -> frozenset[str]:
    """Return who gave commands in a run."""
    given = (command for day in report.days for command in day.commands)
    return frozenset(command.by for command in given if command.command in PERSONS_COMMANDS)


def _happened(day: DayReport, *, persons: Collection[str]) -> list[dict[str, Any]]:
    """Return the breaker's changes and the commands, in order of time."""
    changes = [
        {
            "ts_ns": each.ts_ns,
            "by": breaker_actor(each.by, persons),
            "what": f"{each.before} to {each.after}",
            "why": each.reason,
        }
        for each in day.breaker_changes
    ]
    commands = [
        {
            "ts_ns": each.ts_ns,
            "by": each.by,
            "what": f"{_words(each.command)}: {each.outcome}",
            "why": each.reason,
        }
        for each in day.commands
    ]
    return sorted((*changes, *commands), key=itemgetter("ts_ns"))


def _by_day(trades: Iterable[Trade]) -> dict[str, list[Trade]]:
    """Return the trades of each day, those that began on one and ended on another in both."""
    days: dict[str, list[Trade]] = {}
    for trade in trades:
        for day in _days_of(trade):
            days.setdefault(day, []).append(trade)
    return days


def _days_of(trade: Trade) -> set[str]:
    """Return the days on which a trade began or ended."""
    moments = [trade.entry_ts_ns, *([] if trade.exit_ts_ns is None else [trade.exit_ts_ns])]
    return {new_york_date(moment).isoformat() for moment in moments}


def _usd(value: Decimal | None, decimals: int = 2) -> str:
    if value is None:
        return "-"
    text = f"{abs(value):,.{decimals}f}" if decimals else amount(rounded(abs(value)))
    return f"{'-' if value < 0 else ''}${text}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _number(value: float | None, decimals: int = 2) -> str:
    return "-" if value is None else f"{value:,.{decimals}f}"


def _words(name: object) -> str:
    return str(name).replace("_", " ")


def _name(run: str) -> str:
    """Return the folder that tells a run from others: above `run`, where a demo puts its own."""
    path = Path(run)
    return path.parent.name if path.name == "run" and path.parent.name else path.name or run


def _part(name: str) -> str:
    return files("cli").joinpath(_FOLDER, name).read_text(encoding="utf-8")
