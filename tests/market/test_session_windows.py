"""The phase of a session changes at its named instants and nowhere else."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.calendar import Session
from market.session_windows import SessionPhase, SessionRules, SessionWindow
from market.time import NS_PER_MINUTE, to_ns

RULES = SessionRules(
    open_ramp_minutes=5,
    entry_cutoff_minutes_before_close=20,
    flat_minutes_before_close=5,
    no_trade_windows=("14:00-14:05", "12:00-13:00"),
)
REGULAR = Session(
    date(2013, 10, 7), to_ns("2013-10-07T09:30:00-04:00"), to_ns("2013-10-07T16:00:00-04:00"), False
)
EARLY = Session(
    date(2015, 12, 24), to_ns("2015-12-24T09:30:00-05:00"), to_ns("2015-12-24T13:00:00-05:00"), True
)


def _new_york(day: date, clock: str) -> int:
    return to_ns(f"{day}T{clock}{'-04:00' if day.month == 10 else '-05:00'}")


@pytest.mark.parametrize(
    ("clock", "phase"),
    [
        ("09:29:59.999999999", SessionPhase.CLOSED),
        ("09:30:00", SessionPhase.OPEN_RAMP),
        ("09:34:59.999999999", SessionPhase.OPEN_RAMP),
        ("09:35:00", SessionPhase.TRADING),
        ("11:59:59.999999999", SessionPhase.TRADING),
        ("12:00:00", SessionPhase.NO_TRADE),
        ("12:59:59.999999999", SessionPhase.NO_TRADE),
        ("13:00:00", SessionPhase.TRADING),
        ("14:02:00", SessionPhase.NO_TRADE),
        ("15:39:59.999999999", SessionPhase.TRADING),
        ("15:40:00", SessionPhase.CLOSE_CUTOFF),
        ("15:55:00", SessionPhase.FLATTEN),
        ("15:59:59.999999999", SessionPhase.FLATTEN),
        ("16:00:00", SessionPhase.CLOSED),
    ],
)
def test_each_phase_begins_at_its_instant(clock: str, phase: SessionPhase) -> None:
    assert SessionWindow.of(REGULAR, RULES).phase(_new_york(REGULAR.date, clock)) is phase


@pytest.mark.parametrize(
    ("clock", "phase"),
    [
        ("11:59:59", SessionPhase.TRADING),
        ("12:30:00", SessionPhase.NO_TRADE),
        ("12:40:00", SessionPhase.CLOSE_CUTOFF),  # the cut-off wins over the lunch window
        ("12:55:00", SessionPhase.FLATTEN),
        ("13:00:00", SessionPhase.CLOSED),
    ],
)
def test_an_early_close_moves_the_end_of_the_day(clock: str, phase: SessionPhase) -> None:
    assert SessionWindow.of(EARLY, RULES).phase(_new_york(EARLY.date, clock)) is phase


def test_a_session_shorter_than_its_rules_never_trades() -> None:
    rules = SessionRules(
        open_ramp_minutes=60, entry_cutoff_minutes_before_close=300, flat_minutes_before_close=1
    )
    window = SessionWindow.of(EARLY, rules)
    phases = {window.phase(EARLY.open_ns + minute * NS_PER_MINUTE) for minute in range(-400, 600)}
    assert phases == {SessionPhase.CLOSED, SessionPhase.CLOSE_CUTOFF, SessionPhase.FLATTEN}


@given(
    ramp=st.integers(0, 120),
    flat=st.integers(1, 60),
    extra=st.integers(0, 120),
    minute=st.integers(-600, 900),
    session=st.sampled_from([REGULAR, EARLY]),
)
def test_entries_are_allowed_in_trading_alone(
    ramp: int, flat: int, extra: int, minute: int, session: Session
) -> None:
    rules = SessionRules(
        open_ramp_minutes=ramp,
        entry_cutoff_minutes_before_close=flat + extra,
        flat_minutes_before_close=flat,
        no_trade_windows=("12:00-13:00",),
    )
    now_ns = session.open_ns + minute * NS_PER_MINUTE
    length = (session.close_ns - session.open_ns) // NS_PER_MINUTE
    lunch = 150 <= minute < 210
    expected = ramp <= minute < length - flat - extra and not lunch
    assert SessionWindow.of(session, rules).entries_allowed(now_ns) is expected


@given(minute=st.integers(-600, 900), session=st.sampled_from([REGULAR, EARLY]))
def test_a_phase_lasts_until_the_instant_that_it_names(minute: int, session: Session) -> None:
    window, now_ns = SessionWindow.of(session, RULES), session.open_ns + minute * NS_PER_MINUTE
    changes_ns = window.changes_ns(now_ns)
    if changes_ns is None:
        assert now_ns >= session.close_ns
        return
    assert changes_ns > now_ns
    between = {window.phase(moment) for moment in (*range(now_ns, changes_ns, NS_PER_MINUTE), changes_ns - 1)}
    assert between == {window.phase(now_ns)}


def test_every_change_of_phase_is_named() -> None:
    window, now_ns = SessionWindow.of(REGULAR, RULES), REGULAR.open_ns - 1
    named = []
    while (changes_ns := window.changes_ns(now_ns)) is not None:
        named.append(changes_ns)
        now_ns = changes_ns
    clocks = ("09:30", "09:35", "12:00", "13:00", "14:00", "14:05", "15:40", "15:55", "16:00")
    assert named == [_new_york(REGULAR.date, f"{clock}:00") for clock in clocks]


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("open_ramp_minutes", -1, "0 to 389"),
        ("open_ramp_minutes", 390, "0 to 389"),
        ("flat_minutes_before_close", 0, "1 to 389"),
        ("entry_cutoff_minutes_before_close", 4, "5 to 389"),
        ("no_trade_windows", ["12:00"], "HH:MM-HH:MM"),
        ("no_trade_windows", ["24:00-24:30"], "HH:MM-HH:MM"),
        ("no_trade_windows", ["13:00-12:00"], "ends before it begins"),
        ("no_trade_windows", ["12:00-13:00", "12:30-14:00"], "overlap"),
        ("time_zone", "America/Chicago", "America/New_York"),
    ],
)
def test_a_rule_out_of_bounds_names_itself_and_what_is_allowed(
    field: str, value: object, allowed: str
) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert({**msgspec.to_builtins(RULES), field: value}, SessionRules)
    assert allowed in str(refused.value)
    assert field in str(refused.value)


def test_bounds_hold_on_construction_too() -> None:
    with pytest.raises(ValueError, match="open_ramp_minutes is -1"):
        SessionRules(open_ramp_minutes=-1, entry_cutoff_minutes_before_close=5, flat_minutes_before_close=5)


def test_rules_that_leave_no_time_to_trade_are_refused() -> None:
    with pytest.raises(ValueError, match="leave nothing"):
        SessionRules(open_ramp_minutes=300, entry_cutoff_minutes_before_close=90, flat_minutes_before_close=5)


def test_windows_that_touch_are_fine() -> None:
    rules = msgspec.structs.replace(RULES, no_trade_windows=("12:00-12:30", "12:30-13:00"))
    window = SessionWindow.of(REGULAR, rules)
    assert window.phase(_new_york(REGULAR.date, "12:30:00")) is SessionPhase.NO_TRADE
