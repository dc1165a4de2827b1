"""The day's result over nights and of found positions, against hand ledgers."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from market.time import to_ns
from tests.risk.day_run import CLOSED, GE, TOMORROW_NS, D, F, Run
from tests.risk.table_market import NOW_NS, OPEN_NS, TableMarket, option, quote

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


def test_an_adjustment_of_one_option_leaves_the_other_as_it_is() -> None:
    run = Run()
    run.fill(2, "3.00", terms=option(100))
    run.fill(1, "3.00", terms=option(95))
    run.look("2.00")
    run.performance.renew(msgspec.structs.replace(option(100), multiplier=150))
    assert run.performance.open_profit("SPY") == -300 - 100
