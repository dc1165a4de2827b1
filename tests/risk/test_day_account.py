"""The day's result over nights, restarts, found positions and a clock that jumps, against hand ledgers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import count

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.time import NS_PER_SECOND, to_ns
from risk.account import Account
from risk.breaker_file import BreakerRecord, DayRecord
from risk.gatekeeper import Gatekeeper
from risk.intent import InstrumentTerms
from risk.performance import Fill, Performance
from risk.policy import Policy
from risk.session_view import SessionView
from tests.risk.limit_cases import LIMITS
from tests.risk.table_market import NOW_NS, OPEN_NS, TableMarket, option, quote, running, stock

D = Decimal
F, GE = stock("F"), stock("GE")
DAY = date(2024, 3, 5)
TOMORROW_NS = to_ns("2024-03-06T10:00:00-05:00")
CLOSED = SessionView("closed", False, None)


class Run:
    """One run of a gate, from the file of the last one; prices are of everything held."""

    _trades = count()

    def __init__(self, last: Run | None = None, *, now_ns: int = NOW_NS, confirmed: bool = True) -> None:
        record = running()
        if last is not None:
            text = msgspec.json.encode(BreakerRecord(breaker=record.breaker, day=last.performance.record()))
            record = msgspec.json.decode(text, type=BreakerRecord)
        self.market = TableMarket()
        self.account = Account(LIMITS, self.market, allowed_symbols=frozenset(("F", "GE")), record=record)
        self.keeper = Gatekeeper(self.account, Policy(LIMITS))
        self.performance: Performance = self.account.performance
        self.now_ns = now_ns
        self.account.roll_day(now_ns)
        if confirmed:
            self.performance.confirm()

    def fill(
        self,
        quantity: int,
        price: str,
        *,
        terms: InstrumentTerms = F,
        at_ns: int | None = None,
        fee: str = "0",
    ) -> None:
        """Book an execution; with `at_ns` one that reconciliation found."""
        self.keeper.filled(
            "O",
            f"T-{next(self._trades)}",
            Fill(
                strategy_id="S-ONE", terms=terms, signed_quantity=quantity, price=D(price), fee_usd=D(fee),
                executed_ns=at_ns or self.now_ns, is_found=at_ns is not None,
            ),
            self.now_ns,
        )  # fmt: skip

    def find(self, quantity: int, price: str = "5.00", *, owner: str = "EXTERNAL") -> None:
        """Adopt a position."""
        self.keeper.adopt_position(owner, F, quantity, D(price))

    def look(self, bid: str, *, times: int = 1) -> Decimal:
        """Look at a quote and return the day's result."""
        for _ in range(times):
            self.now_ns += NS_PER_SECOND
            self.market.default_quote = quote(bid, str(D(bid) + D("0.01")), ts_ns=self.now_ns)
            self.account.roll_day(self.now_ns)
            self.account.look(self.now_ns)
            self.performance.today.note_high(is_sure=False)
        return self.result

    @property
    def result(self) -> Decimal:
        return self.performance.result().profit_usd


# -- Nights ---------------------------------------------------------------------------------------


def test_a_position_counts_overnight_from_its_last_price_of_the_session() -> None:
    run = Run()
    run.fill(100, "5.00")
    assert run.look("6.00") == 100
    run.market.view = CLOSED
    assert run.look("9.00") == 100  # after hours anybody shows anything
    run.account.roll_day(TOMORROW_NS)
    assert (run.result, run.performance.realized_usd, run.account.day) == (D(0), D(0), date(2024, 3, 6))
    run.market.view, run.now_ns = TableMarket().view, TOMORROW_NS
    assert run.look("5.50") == -50
    run.fill(-100, "5.40")
    assert run.result == -60


def test_a_quote_of_before_the_session_says_nothing() -> None:
    run = Run()
    run.fill(100, "5.00")
    run.market.default_quote = quote("2.00", "2.01", ts_ns=to_ns("2024-03-05T09:29:59-05:00"))
    run.account.look(NOW_NS)
    assert run.result == 0
    run.market.default_quote = quote("2.00", "2.01", ts_ns=OPEN_NS)
    run.account.look(NOW_NS)
    assert run.result == -300


def test_shorts_options_and_fees_count() -> None:
    run = Run()
    run.fill(-2, "1.00", terms=option(100), fee="1.30")
    run.fill(-10, "5.00", terms=GE)
    assert run.look("1.19") == -2 * 100 * D("0.20") - D("1.30") + 10 * D("3.80")


# -- Found positions ------------------------------------------------------------------------------


@pytest.mark.parametrize("price", ["8.00", "2.00"])
def test_a_position_found_at_start_counts_from_its_first_sound_quote(price: str) -> None:
    run = Run()
    run.find(100, price)
    assert run.result == 0
    run.market.default_quote = None
    run.account.look(NOW_NS)
    assert run.result == 0
    assert run.look("5.00") == 0
    assert run.look("4.00") == -100


def test_a_found_position_that_is_sold_before_any_quote_counts_from_that_price() -> None:
    run = Run()
    run.find(100, "8.00", owner="S-ONE")
    run.fill(-40, "5.00")
    assert run.look("5.00") == 0
    assert run.look("4.00") == -60


def test_the_spread_of_a_single_share_is_no_profit() -> None:
    run = Run()
    run.fill(1, "5.00")
    assert run.look("5.00") == 0
    again = Run(run)
    again.find(1)
    assert again.look("5.00") == 0
    other = Run()
    other.find(1)
    assert other.look("5.00") == 0


def test_a_position_that_is_corrected_away_was_worth_its_bid() -> None:
    run = Run()
    run.fill(100, "5.00")
    assert run.look("5.00") == 0
    run.find(-100, owner="S-ONE")
    assert run.look("5.00") == 0
    assert run.look("4.00") == 0


def test_each_instrument_that_is_found_counts() -> None:
    run = Run()
    run.fill(100, "5.00")
    run.keeper.adopt_position("S-ONE", GE, 10, D("7.00"))
    run.look("5.00")
    assert run.look("4.00") == -110


def test_a_run_is_flat_only_when_neither_it_nor_the_file_knows_a_position() -> None:
    run = Run()
    assert run.performance.is_flat
    run.find(100)
    assert not run.performance.is_flat  # though nothing of it is counted yet
    first = Run()
    first.fill(100, "5.00")
    assert not first.performance.is_flat
    assert not Run(first, confirmed=False).performance.is_flat  # it may still be found


def test_two_strategies_that_hold_against_each_other_neither_win_nor_lose() -> None:
    run = Run()
    run.fill(100, "5.00")
    run.find(-100)
    run.look("5.00")
    assert run.look("1.00") == run.look("9.00")


def test_the_price_of_what_is_gone_is_forgotten() -> None:
    run = Run()
    run.find(100, owner="S-ONE")
    run.find(-100)
    run.look("5.00")
    assert set(run.performance.today.marks) == {F.instrument_id}
    run.find(-100, owner="S-ONE")
    run.find(100)
    run.look("5.00")
    assert run.performance.today.marks == {}


def test_a_found_position_of_which_only_one_side_is_shown_waits_for_a_price() -> None:
    run = Run()
    run.find(100)
    run.market.default_quote = quote("0", "4.00", ts_ns=run.now_ns)
    run.account.look(run.now_ns)
    assert (run.performance.today.marks, run.performance.today.holdings) == ({}, {})


def test_an_adjusted_option_counts_by_its_new_multiplier() -> None:
    run, before = Run(), option(100)
    run.fill(2, "3.00", terms=before)
    run.look("3.00")
    run.performance.renew(msgspec.structs.replace(option(95), multiplier=150))
    assert run.performance.open_profit("SPY") == run.result == 0
    run.performance.renew(msgspec.structs.replace(before, multiplier=150))
    assert run.look("2.00") == 0
    assert run.performance.open_profit("SPY") == -300
    run.fill(-2, "2.10", terms=msgspec.structs.replace(before, multiplier=150))
    assert run.result == 30


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


def test_a_fill_that_nautilus_makes_up_to_match_a_position_is_no_loss() -> None:
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
