"""The plots of the day page begin with the session and cut off no word."""

from __future__ import annotations

import re
from datetime import date

import pytest

from audit.blotter import blotter
from audit.day_report import journal_report
from audit.notes import NotesBySubject
from cli.day_page import RunReview, no_session, render
from cli.day_plots import WIDTH, daily_bars, profit_curve
from market.calendar import Session, TradingCalendar
from market.time import NS_PER_SECOND
from tests.audit.script import OPEN_NS, Script

HOUR_NS = 3_600 * NS_PER_SECOND


def session_on(day: date) -> Session | None:
    return TradingCalendar(day, day).session_on(day)


def opened_early() -> Script:
    """A node that came up at 04:00 and traded from 09:30 on."""
    script = Script(OPEN_NS - 5 * HOUR_NS - HOUR_NS // 2)
    script.opened()
    script.breaker("SAFE_MODE", "RUNNING", by="unreconciled", reason="starts flat")
    script.wait(5.5 * 3_600).filled_order("O-1", "c-1")
    script.checkpoint("-0.35")
    script.wait(3_600).checkpoint("4.00")
    script.command("halt")
    script.breaker("RUNNING", "HALT", by="Ann")
    return script


def page(script: Script, *, has_calendar: bool = True) -> str:
    report = journal_report(script.entries, session_on=session_on)
    chosen = session_on if has_calendar else no_session
    return render({"early": RunReview(report, blotter(script.entries), NotesBySubject([]), (), chosen)})


def times_below(text: str) -> list[str]:
    return re.findall(r'<text class="time"[^>]*>([^<]*)</text>', text)


def test_a_days_plot_begins_with_the_session() -> None:
    assert times_below(page(opened_early()))[0] == "09:30"
    assert times_below(page(opened_early(), has_calendar=False))[0] == "04:00"


def test_a_days_plot_begins_with_a_valuation_before_the_session() -> None:
    script = Script(OPEN_NS - HOUR_NS)
    script.opened()
    script.checkpoint("1.00")
    script.wait(3_600).checkpoint("2.00")
    assert times_below(page(script))[0] == "08:30"


def test_a_breaker_change_names_the_gate_or_the_person() -> None:
    text = page(opened_early())
    assert '<td class="text">risk gate (unreconciled)</td>' in text
    assert text.count('<td class="text">Ann</td>') == 2


def test_what_was_not_checked_is_not_called_free_of_defects() -> None:
    script = opened_early()
    text = page(script)
    assert "The market data was not checked." in text
    assert "not looked for" in text
    opened = script.entries[0]
    checked = type(opened.body)(**{**_fields(opened.body), "data_checks": ("crossed", "gap")})
    script.entries[0] = type(opened)(seq=1, ts_ns=opened.ts_ns, kind="opened", body=checked)
    assert "None found of: crossed, gap." in page(script)


def _fields(body: object) -> dict[str, object]:
    return {name: getattr(body, name) for name in body.__struct_fields__}  # type: ignore[attr-defined]


@pytest.mark.parametrize("minutes", [1, 7, 60, 389, 390])
def test_no_word_below_a_plot_is_cut_off(minutes: int) -> None:
    points = [(OPEN_NS + minute * 60 * NS_PER_SECOND, float(minute)) for minute in range(minutes + 1)]
    days = [(f"2013-10-{number:02}", 1.0) for number in range(1, 2 + minutes % 30)]
    for text in (str(profit_curve(points)), str(daily_bars(days))):
        for x, words in re.findall(r'<text class="time" x="([0-9.]+)"[^>]*>([^<]*)</text>', text):
            assert float(x) + len(words) * 6.5 / 2 <= WIDTH
