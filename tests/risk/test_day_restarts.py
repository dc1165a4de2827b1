"""The day's result over restarts and a clock that jumps, against hand ledgers."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.time import NS_PER_SECOND, to_ns
from risk.account import Account
from risk.breaker_file import DayRecord
from risk.session_view import SessionView
from tests.risk.day_run import CLOSED, DAY, GE, TOMORROW_NS, D, Run
from tests.risk.limit_cases import LIMITS
from tests.risk.table_market import NOW_NS, TableMarket, running

# -- Restarts -------------------------------------------------------------------------------------


def test_an_open_loss_survives_a_restart_before_and_after_its_position_is_found() -> None:
    first = Run()
    first.fill(100, "5.40", fee="1")
    assert first.look("5.00") == -41
    again = Run(first, confirmed=False)
    assert again.result == -41
    again.find(60)
    assert again.look("4.90") == -51  # of the rest it knows the last price
    again.find(40, owner="S-TWO")
    again.performance.confirm()
    assert again.look("4.90") == -51
    again.fill(-100, "4.90")
    assert again.result == -51


def test_the_high_survives_a_restart_and_one_look_alone_makes_none() -> None:
    run = Run()
    run.fill(10, "5.00")
    run.look("9.00")
    run.look("6.00", times=2)
    assert run.performance.result().high_usd == 10  # the least of three looks in a row
    run.look("5.00", times=3)
    assert run.performance.result().drawdown_usd == 10
    assert Run(run).performance.result().high_usd == 10
    run.performance.today.note_high(is_sure=True)
    assert run.performance.result().high_usd == 10


def test_what_is_sure_makes_a_high_at_once() -> None:
    run = Run()
    run.fill(10, "5.00")
    run.fill(-10, "6.00")
    run.performance.today.note_high(is_sure=True)
    assert run.performance.result().high_usd == 10


def test_a_position_that_was_gone_counts_at_its_last_price() -> None:
    first = Run()
    first.fill(100, "5.40")
    first.look("5.00")
    again = Run(first)
    assert again.result == -40
    assert again.performance.is_flat
    assert again.look("9.00") == -40


def test_a_part_that_was_gone_counts_at_the_first_price_seen() -> None:
    first = Run()
    first.fill(100, "5.40")
    first.look("5.00")
    again = Run(first, confirmed=False)
    again.find(60)
    again.performance.confirm()
    assert again.look("4.50") == -40 - 30


def test_what_happened_while_nobody_watched_counts_and_what_was_counted_does_not() -> None:
    first = Run()
    first.fill(100, "5.40")
    again = Run(first, now_ns=NOW_NS + 600 * NS_PER_SECOND, confirmed=False)
    again.fill(100, "5.40", at_ns=NOW_NS)  # told again
    again.fill(-100, "4.90", at_ns=NOW_NS + 5 * NS_PER_SECOND)
    again.performance.confirm()
    assert (again.result, again.performance.is_flat) == (D(-50), True)
    assert again.performance.realized_usd == -50
    assert Run(again, now_ns=again.now_ns).result == -50


def test_todays_executions_told_again_count_once() -> None:
    first = Run()
    first.fill(100, "5.30")
    first.fill(-100, "5.00")
    again = Run(first, confirmed=False)
    again.fill(100, "5.30", at_ns=NOW_NS - 2)
    again.fill(-100, "5.00", at_ns=NOW_NS)
    day = again.performance.result()
    assert (day.profit_usd, day.consecutive_losses, again.performance.realized_usd) == (D(-30), 1, D(-30))


def test_a_fill_that_is_made_up_to_match_a_position_is_no_loss() -> None:
    """It is stamped with the time of the reconciliation, after the start."""
    again = Run(Run(), confirmed=False)
    again.fill(100, "8.00", at_ns=again.now_ns + 1)
    assert again.look("5.00") == 0
    again.performance.confirm()
    assert again.look("4.00") == -100
    again.fill(-100, "4.00", at_ns=again.now_ns + 1)  # from now on what is found has happened
    assert again.result == -100


def test_without_a_file_no_execution_of_before_counts() -> None:
    run = Run(confirmed=False)
    run.fill(100, "8.00", at_ns=NOW_NS - 1)
    run.fill(-100, "5.00", at_ns=NOW_NS)
    assert (run.result, run.performance.consecutive_losses) == (D(0), 0)


def test_a_file_of_before_still_loads_and_keeps_its_loss() -> None:
    text = b'{"day":"2024-03-05","realized_usd":"-45","high_usd":"2","consecutive_losses":2}'
    record = msgspec.structs.replace(running(), day=msgspec.json.decode(text, type=DayRecord))
    account = Account(LIMITS, TableMarket(), allowed_symbols=frozenset({"F"}), record=record)
    account.roll_day(NOW_NS)
    day = account.performance.result()
    assert (day.loss_usd, day.drawdown_usd, day.consecutive_losses) == (D(45), D(47), 2)


def test_a_run_that_is_confirmed_before_its_first_day_holds_only_what_it_has() -> None:
    first = Run()
    first.fill(100, "5.40")
    first.look("5.00")
    record = msgspec.structs.replace(running(), day=first.performance.record())
    account = Account(LIMITS, TableMarket(), allowed_symbols=frozenset({"F"}), record=record)
    account.performance.confirm()
    account.roll_day(NOW_NS)
    assert (account.performance.is_flat, account.performance.result().profit_usd) == (True, D(-40))


# -- The file of the session before ---------------------------------------------------------------


def carried(now: str, *, confirmed: bool = False) -> Run:
    """Hold 100 F bought at 5.40, worth 5.00 on Tuesday, and start anew at a time."""
    first = Run()
    first.fill(100, "5.40")
    first.look("5.00")
    return Run(first, now_ns=to_ns(now), confirmed=confirmed)


def test_the_value_that_the_file_knows_is_the_days_start() -> None:
    run = carried("2024-03-06T09:00:00-05:00")
    assert (run.result, run.performance.realized_usd, run.performance.consecutive_losses) == (D(0), D(0), 0)
    run.find(100, "5.40")
    run.performance.confirm()
    assert run.look("4.70") == -30


def test_a_stop_that_filled_before_the_start_counts_from_the_value_of_the_day_before() -> None:
    run = carried("2024-03-06T10:00:00-05:00")
    run.fill(-100, "4.60", at_ns=to_ns("2024-03-06T09:31:00-05:00"))
    run.fill(100, "5.40", at_ns=run.now_ns + 1)  # made up: the broker holds none
    run.performance.confirm()
    assert run.look("9.00") == -40


@pytest.mark.parametrize("found", [200, 50])
def test_a_position_that_changed_overnight_without_executions_counts_anew(found: int) -> None:
    """A split: 200 shares at half the price are no loss."""
    run = carried("2024-03-06T10:00:00-05:00")
    run.find(found, "2.70")
    run.performance.confirm()
    assert run.look("2.50") == 0
    assert run.look("2.40") == -found * D("0.10")


def test_of_two_positions_of_the_day_before_one_may_have_changed() -> None:
    first = Run()
    first.fill(100, "5.00")
    first.fill(10, "5.00", terms=GE)
    first.look("5.00")
    run = Run(first, now_ns=TOMORROW_NS, confirmed=False)
    run.find(200)
    run.keeper.adopt_position("S-ONE", GE, 10, D("5.00"))
    run.performance.confirm()
    assert run.look("4.00") == -10
    run.keeper.adopt_position("S-ONE", GE, 10, D("5.00"))
    run.look("4.00")
    assert run.look("3.00") == -10 - 200 - 20


def test_an_older_file_does_not_know_the_days_start() -> None:
    run = carried("2024-03-07T10:00:00-05:00")
    run.find(100, "5.40")
    run.performance.confirm()
    assert run.look("4.00") == 0


def weekday(now_ns: int) -> SessionView:
    """Return the session of TableMarket from Monday to Friday; 5 March 2024 is a Tuesday."""
    days = (now_ns - to_ns("2024-03-05T00:00:00-05:00")) // (86_400 * NS_PER_SECOND)
    return TableMarket().view if (days + 1) % 7 < 5 else CLOSED


@pytest.mark.parametrize(
    ("friday", "monday", "result"),
    [(8, 11, -30), (7, 11, 0), (8, 9, -30), (8, 15, 0), (8, 8, -70), (8, 7, 0)],
)
def test_a_weekend_lies_between_two_sessions(
    monkeypatch: pytest.MonkeyPatch, friday: int, monday: int, result: int
) -> None:
    monkeypatch.setattr(TableMarket, "session", lambda _self, now_ns: weekday(now_ns))
    first = Run(now_ns=to_ns(f"2024-03-{friday:02}T10:00:00-05:00"))
    first.fill(100, "5.40")
    first.look("5.00")
    run = Run(first, now_ns=to_ns(f"2024-03-{monday:02}T12:00:00-04:00"), confirmed=False)
    run.find(100)
    run.performance.confirm()
    monkeypatch.undo()
    assert run.look("4.70") == result


@pytest.mark.parametrize(("day", "result"), [(16, -30), (17, 0)])
def test_prices_from_before_ten_closed_days_count_and_older_ones_do_not(
    monkeypatch: pytest.MonkeyPatch, day: int, result: int
) -> None:
    """From Tuesday 5 March on the exchange stays closed."""
    first = Run()
    first.fill(100, "5.40")
    first.look("5.00")
    monkeypatch.setattr(TableMarket, "session", lambda _self, _now_ns: CLOSED)
    run = Run(first, now_ns=to_ns(f"2024-03-{day}T12:00:00-04:00"), confirmed=False)
    run.find(100)
    run.performance.confirm()
    monkeypatch.undo()
    assert run.look("4.70") == result


# -- A clock that jumps ---------------------------------------------------------------------------


def test_a_clock_that_runs_ahead_and_goes_back_loses_nothing() -> None:
    run = Run()
    run.fill(100, "5.00")
    run.fill(-60, "4.50", fee="1")
    run.look("5.00", times=3)
    run.now_ns = TOMORROW_NS
    run.account.roll_day(TOMORROW_NS)
    assert run.result == 0
    run.fill(-40, "4.90")
    assert (run.result, run.account.day) == (D(-4), date(2024, 3, 6))
    run.account.roll_day(NOW_NS)
    day = run.performance.result()
    assert (day.profit_usd, day.high_usd, day.consecutive_losses) == (D(-35), D(0), 1)
    assert (run.performance.realized_usd, run.account.day) == (D(-35), DAY)
    run.account.roll_day(TOMORROW_NS)
    assert run.result == 0


def test_a_high_of_the_day_ahead_and_a_pause_are_kept() -> None:
    run = Run()
    for _ in range(LIMITS.max_consecutive_losses):
        run.fill(1, "5.00")
        run.fill(-1, "4.00")
    pause, run.now_ns = run.performance.paused_until_ns, TOMORROW_NS
    run.fill(10, "5.00")
    run.look("7.00", times=3)
    assert run.performance.result().high_usd == 20
    run.account.roll_day(NOW_NS)
    assert run.performance.result().high_usd == 20 - LIMITS.max_consecutive_losses
    assert run.performance.paused_until_ns == pause is not None


def test_a_clock_that_goes_back_further_clears_nothing_either() -> None:
    run = Run()
    run.fill(10, "5.00")
    run.fill(-10, "4.00")
    run.account.roll_day(to_ns("2024-03-01T10:00:00-05:00"))
    assert run.result == -10


# -- Everything together --------------------------------------------------------------------------

CENTS = st.integers(100, 900).map(lambda cents: str(D(cents) / 100))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("fill"), st.integers(-50, 50).filter(bool), CENTS),
        st.tuples(st.just("look"), st.just(0), CENTS),
        st.tuples(st.just("restart"), st.integers(0, 3), CENTS),
        st.tuples(st.just("midnight"), st.just(0), CENTS),
    ),
    max_size=20,
)


@given(STEPS)
def test_the_result_is_what_is_held_less_what_was_paid_over_any_restarts(
    steps: list[tuple[str, int, str]],
) -> None:
    """Whatever share of the position comes back under another strategy's name."""
    run = Run()
    held, cash, bid = 0, D(0), D("4.99")
    for what, number, price in steps:
        if what == "fill":
            run.fill(number, price)
            cash -= number * D(price)
            held += number
        elif what == "look":
            bid = D(price)
        elif what == "restart":
            run = Run(run, now_ns=run.now_ns, confirmed=False)
            part = held * number // 3
            for owner, quantity in (("S-ONE", part), ("EXTERNAL", held - part)):
                if quantity:
                    run.find(quantity, price, owner=owner)
            run.performance.confirm()
        else:
            run.now_ns = to_ns(f"{run.account.day}T23:59:59.9-05:00")
            run.look(str(bid))
            cash = -held * (bid if held > 0 else bid + D("0.01"))
        value = held * (bid if held > 0 else bid + D("0.01"))
        assert run.look(str(bid)) == cash + value
