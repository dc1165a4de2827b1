from __future__ import annotations

from datetime import date

import pytest

from market.session_windows import SessionPhase
from strategies.intraday.session_clock import SessionClock
from tests.strategies.builders import RULES, at_new_york


def test_during_a_session_it_is_that_session() -> None:
    window = SessionClock(RULES).window_at(at_new_york(10))
    assert (window.open_ns, window.close_ns) == (at_new_york(9, 30), at_new_york(16))


def test_from_the_close_on_it_is_the_next_session() -> None:
    window = SessionClock(RULES).window_at(at_new_york(16))
    assert window.open_ns == at_new_york(9, 30, day=date(2013, 10, 8))


def test_over_a_holiday_weekend_and_the_turn_of_the_year() -> None:
    friday_evening = at_new_york(18, day=date(2013, 11, 27))  # Thanksgiving follows
    assert SessionClock(RULES).window_at(friday_evening).open_ns == at_new_york(9, 30, day=date(2013, 11, 29))
    new_year = at_new_york(18, day=date(2013, 12, 31))
    assert SessionClock(RULES).window_at(new_year).open_ns == at_new_york(9, 30, day=date(2014, 1, 2))


@pytest.mark.parametrize(("hour", "minute", "phase"), [(12, 54, "close_cutoff"), (12, 55, "flatten")])
def test_an_early_close_moves_the_flat_time(hour: int, minute: int, phase: str) -> None:
    day_after_thanksgiving = date(2013, 11, 29)  # closes at 13:00
    now = at_new_york(hour, minute, day=day_after_thanksgiving)
    assert SessionClock(RULES).window_at(now).phase(now) is SessionPhase(phase)
