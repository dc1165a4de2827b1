"""A day's key figures follow from the journal alone, and each is counted once and on its day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import replace

from audit.day_report import DayReport, JournalReport, journal_report
from audit.day_series import series, totals
from audit.events import DataQualityRecord
from market.calendar import Session, TradingCalendar
from market.time import NS_PER_SECOND
from tests.audit.script import OPEN_NS, Script

DAY_SECONDS = 24 * 3_600


def session_on(day: date) -> Session | None:
    return TradingCalendar(day, day).session_on(day)


def report_of(script: Script) -> JournalReport:
    return journal_report(script.entries, session_on=session_on)


def only(script: Script) -> DayReport:
    (day,) = report_of(script).days
    return day


def two_days() -> Script:
    """A winner on Monday, its like and a loss on Tuesday."""
    script = Script()
    script.opened()
    script.node("started")
    for number in (1, 2):
        script.filled_order(f"O-{number}1", f"c-{number}1")
        script.checkpoint("-0.35", "-0.15", "0.35")
        script.wait(60).filled_order(f"O-{number}2", f"c-{number}2", side="SELL", price=Decimal("14.0500"))
        script.checkpoint("0.30", fees="0.70")
        script.wait(DAY_SECONDS - 60)
    script.wait(-DAY_SECONDS + 120)
    script.filled_order("O-3", "c-3")
    script.wait(60).filled_order("O-4", "c-4", side="SELL", price=Decimal("13.85"))
    script.node("stopped")
    script.closed()
    return script


def test_a_journal_says_what_wrote_it_and_that_it_was_closed() -> None:
    report = report_of(two_days())
    assert (report.run, report.profile_name, report.environment) == ("monday", "demo", "backtest")
    assert (report.is_closed, report.records) == (True, len(two_days().entries))
    assert [day.date for day in report.days] == ["2013-10-07", "2013-10-08"]


def test_a_journal_that_was_cut_off_says_so_and_an_empty_one_has_no_day() -> None:
    script = two_days()
    script.entries.pop()
    assert not report_of(script).is_closed
    empty = report_of(Script())
    assert (empty.run, empty.profile_hash, empty.days) == ("", "", ())
    opened = Script()
    opened.opened()
    assert report_of(opened).days == ()


def test_a_missing_record_is_refused() -> None:
    script = two_days()
    del script.entries[5]
    with pytest.raises(ValueError, match="cannot follow"):
        report_of(script)


def test_profit_is_of_the_day_on_which_it_was_realized() -> None:
    monday, tuesday = report_of(two_days()).days
    assert (monday.profit.gross_usd, monday.profit.fees_usd, monday.profit.net_usd) == (
        Decimal(1),
        Decimal("0.70"),
        Decimal("0.30"),
    )
    assert tuesday.profit.gross_usd == Decimal("1.00") - Decimal("1.00")
    assert tuesday.profit.net_usd == Decimal("-1.40")
    assert (monday.activity.trades_closed, monday.activity.win_fraction) == (1, 1.0)
    assert (tuesday.activity.trades_closed, tuesday.activity.win_fraction) == (2, 0.5)
    assert (monday.activity.fills, monday.activity.shares, monday.activity.turnover_usd) == (
        2,
        20,
        Decimal(280),
    )


def test_drawdown_begins_at_the_profit_of_the_day_before() -> None:
    script = Script()
    script.opened()
    script.checkpoint("5")
    script.wait(60).checkpoint("3")
    script.wait(60).checkpoint("4", "-1.5")
    script.wait(DAY_SECONDS).checkpoint("1")
    script.wait(60).checkpoint("6")
    monday, tuesday = report_of(script).days
    assert monday.profit.max_drawdown_usd == Decimal("2.5")
    assert tuesday.profit.max_drawdown_usd == Decimal("1.5")
    assert (monday.profit.change_usd, tuesday.profit.change_usd) == (Decimal("2.5"), Decimal("3.5"))
    assert monday.profit.unrealized_usd == Decimal("-1.5")
    assert [point.profit_usd for point in monday.curve] == [5, 3, Decimal("2.5")]


def test_a_first_loss_is_a_drawdown_from_zero_and_without_a_valuation_it_is_unknown() -> None:
    script = Script()
    script.opened()
    script.checkpoint("-2")
    assert only(script).profit.max_drawdown_usd == 2
    unvalued = only(Script().filled_order("O-1", "c-1"))
    assert (unvalued.profit.max_drawdown_usd, unvalued.profit.change_usd) == (None, None)


def test_orders_are_counted_by_what_became_of_them() -> None:
    script = Script().filled_order("O-1", "c-1")
    for name, events in {
        "O-2": ["denied"],
        "O-3": ["submitted", "rejected"],
        "O-4": ["submitted", "accepted", "canceled"],
        "O-5": ["submitted", "accepted", "expired"],
        "O-6": ["submitted", "accepted"],
    }.items():
        script.order(name)
        for event in events:
            script.event(name, event)
    script.fill("O-6", "T-6", quantity=3)
    script.order("O-7", found_status="ACCEPTED")
    script.fill("O-8-LEG-A", "T-8")
    orders = only(script).orders
    assert (orders.made, orders.sent, orders.denied, orders.rejected) == (6, 4, 1, 1)
    assert (orders.canceled, orders.expired, orders.working) == (1, 1, 1)
    assert (orders.filled, orders.partly_filled) == (1, 1)
    assert (orders.shares_sent, orders.shares_filled, orders.fill_fraction) == (40, 13, 13 / 40)


def test_without_orders_there_is_no_ratio() -> None:
    script = Script()
    script.checkpoint("0")
    day = only(script)
    assert (day.orders.fill_fraction, day.activity.win_fraction, day.slippage_bps) == (None, None, None)
    assert day.latency.sent_to_accepted.median_ms is None


def test_an_order_whose_terms_are_unknown_adds_no_shares() -> None:
    script = Script()
    script.event("O-1", "submitted")
    assert (only(script).orders.made, only(script).orders.shares_sent) == (1, 0)


def test_breaches_are_counted_by_rule_ours_and_those_of_nobody_else() -> None:
    script = Script()
    for name in ("O-1", "O-2"):
        script.order(name)
        script.refusal(name)
        script.event(name, "denied")
    script.refusal("O-1", rule="replace_rate", command="modify")
    script.order("O-3")
    script.event("O-3", "denied")
    script.order("O-4")
    script.event("O-4", "submitted")
    script.event("O-4", "rejected")
    breaches = only(script).breaches_by_rule
    assert breaches == {"quote_age": 2, "engine_denied": 1, "replace_rate": 1, "venue_rejected": 1}
    assert next(iter(breaches)) == "quote_age"


def test_breaker_commands_readings_and_data_are_told() -> None:
    script = Script()
    script.opened()
    script.breaker("RUNNING", "HALT")
    script.command("halt")
    script.reading("daily_loss")
    script.reading("daily_loss", "suspect")
    for check in ("gap", "gap", "crossed"):
        script.add(DataQualityRecord(check=check, instrument_id="BAC.SMART", value="", limit="", why=""))
    day = only(script)
    assert [change.after for change in day.breaker_changes] == ["HALT"]
    assert [command.by for command in day.commands] == ["Ann"]
    assert day.confirmed_readings == {"daily_loss": 1}
    assert (day.data_quality, day.data_gaps) == ({"gap": 2, "crossed": 1}, 2)


def test_latency_is_of_the_days_orders() -> None:
    latency = report_of(two_days()).days[0].latency
    assert (latency.sent_to_accepted.orders, latency.sent_to_accepted.median_ms) == (2, 20.0)
    assert latency.decision_to_first_fill.max_ms == 20.0


def test_the_node_is_up_from_its_start_to_its_end() -> None:
    script = Script()
    script.opened()
    script.breaker("SAFE_MODE", "RUNNING")
    script.wait(3_900).breaker("RUNNING", "SAFE_MODE")
    script.wait(1_950).node("disconnected")
    script.wait(1_950).node("connected")
    script.node("reconciled")
    script.breaker("SAFE_MODE", "RUNNING")
    script.wait(3_900).node("stopped")
    script.node("stopped")
    script.closed()
    uptime = only(script).uptime
    assert uptime.session_seconds == 23_400
    assert (uptime.up_seconds, uptime.up_fraction) == (9_750, 9_750 / 23_400)
    assert (uptime.running_seconds, uptime.running_fraction) == (7_800, 7_800 / 23_400)


def test_a_node_that_died_was_up_to_its_last_record() -> None:
    script = Script()
    script.opened()
    script.wait(600).checkpoint("0")
    script.wait(600).opened()
    script.breaker("SAFE_MODE", "RUNNING")
    script.wait(600).checkpoint("0")
    uptime = only(script).uptime
    assert (uptime.up_seconds, uptime.running_seconds) == (1_200, 600)


def test_a_session_without_a_record_is_a_day_while_the_node_is_up() -> None:
    script = Script()
    script.opened()
    script.checkpoint("0")
    script.wait(2 * DAY_SECONDS).checkpoint("0")  # Wednesday
    script.wait(5 * DAY_SECONDS).node("stopped")  # the Monday after
    script.wait(2 * DAY_SECONDS).opened()
    script.checkpoint("0")
    days = report_of(script).days
    assert [day.date[-2:] for day in days] == ["07", "08", "09", "10", "11", "14", "16"]
    assert (days[1].records, days[1].uptime.up_fraction) == (0, 1.0)
    assert days[1].profit.net_usd == 0


def test_only_the_session_counts_and_a_holiday_has_none() -> None:
    before = Script(OPEN_NS - 3_600 * NS_PER_SECOND)
    before.opened()
    before.wait(1_800).checkpoint("0")
    assert only(before).uptime.up_fraction == 0.0
    saturday = Script(OPEN_NS - 2 * DAY_SECONDS * NS_PER_SECOND)
    saturday.opened()
    saturday.wait(60).checkpoint("0")
    uptime = only(saturday).uptime
    assert (uptime.session_seconds, uptime.up_fraction, uptime.running_fraction) == (0.0, None, None)


def test_days_of_several_runs_stand_in_order_and_add_up() -> None:
    report = report_of(two_days())
    lines = series([("a", report), ("b", report)])
    assert [(line.date, line.run) for line in lines] == [
        ("2013-10-07", "a"),
        ("2013-10-07", "b"),
        ("2013-10-08", "a"),
        ("2013-10-08", "b"),
    ]
    assert [line.cumulative_net_usd for line in lines] == [
        Decimal(t) for t in ("0.30", "0.60", "-0.80", "-2.20")
    ]
    assert lines[0].latency_median_ms == 20.0
    together = totals([report, report])
    assert (together.days, together.orders_sent, together.trades_closed) == (4, 12, 6)
    assert together.net_usd == Decimal("-2.20")
    assert together.win_fraction == 4 / 6
    assert (together.fill_fraction, together.max_day_drawdown_usd) == (1.0, Decimal("0.80"))
    assert together.max_drawdown_usd == Decimal("1.60")  # both fall at the same moment
    cost = sum(float(day.slippage.mid_usd or 0) for day in report.days)
    value = sum(float(day.slippage.mid_value_usd) for day in report.days)
    assert together.slippage_bps == pytest.approx(cost / value * 1e4)
    assert together.up_fraction == pytest.approx(sum(day.uptime.up_seconds for day in report.days) / 46_800)


def test_breaches_of_all_days_add_up_and_no_day_is_no_ratio() -> None:
    script = Script()
    script.refusal("O-1")
    script.refusal("O-1", rule="spread")
    script.wait(DAY_SECONDS).refusal("O-2", rule="spread")
    together = totals([report_of(script)])
    assert (together.breaches_by_rule, together.breaches) == ({"spread": 2, "quote_age": 1}, 3)
    nothing = totals([])
    assert (nothing.fill_fraction, nothing.win_fraction, nothing.up_fraction) == (None, None, None)
    assert (nothing.max_drawdown_usd, nothing.days) == (None, 0)


def test_the_drawdown_of_all_days_goes_on_over_night() -> None:
    script = Script()
    script.opened()
    script.checkpoint("10.00")
    script.wait(60).checkpoint("6.00")
    script.wait(DAY_SECONDS).checkpoint("1.00")
    script.wait(60).checkpoint("3.00")
    report = report_of(script)
    assert [day.profit.max_drawdown_usd for day in report.days] == [Decimal("4.00"), Decimal("5.00")]
    together = totals([report])
    assert (together.max_drawdown_usd, together.max_day_drawdown_usd) == (Decimal("9.00"), Decimal("5.00"))


def test_the_records_of_the_days_are_those_of_the_journal() -> None:
    script = two_days()
    report = report_of(script)
    assert sum(day.records for day in report.days) == report.records == len(script.entries)


def test_gaps_are_counted_where_they_were_looked_for() -> None:
    unchecked, checked = Script(), Script()
    unchecked.opened()
    opened = checked.opened()
    checked.entries[0] = replace(opened, body=replace(opened.body, data_checks=("crossed", "gap")))
    for script in (unchecked, checked):
        script.checkpoint("0")
    assert (only(unchecked).data_gaps, only(checked).data_gaps) == (None, 0)
    assert report_of(checked).data_checks == ("crossed", "gap")
    lines = series([("a", report_of(unchecked)), ("b", report_of(checked))])
    assert [line.data_gaps for line in lines] == [None, 0]
    assert totals([report_of(unchecked)]).data_gaps is None
    assert totals([report_of(unchecked), report_of(checked)]).data_gaps == 0
