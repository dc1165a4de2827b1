"""What the day's result and a trade's open loss trigger: three looks, then the breaker, a pause, closing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from market.time import NS_PER_MINUTE, NS_PER_SECOND
from risk.flatten import Flattening
from risk.records import BreakerChangeRecord, ReadingRecord
from risk.session_view import SessionView, TradingDay
from risk.snapshot import Quote
from risk.supervisor import SAVE_INTERVAL_NS
from risk.triggers import is_pausing, trade_reading
from tests.risk.desk import STEP_NS, WIDE_TRADE, Desk, losing
from tests.risk.limit_cases import LIMITS, limits
from tests.risk.table_market import CLOSE_NS, NOW_NS, OPEN_NS, quote, stock

D = Decimal
F = stock()


def test_the_daily_loss_halts_after_three_looks_cancels_and_flattens() -> None:
    desk = Desk(risk_limits=WIDE_TRADE)
    losing(desk)
    desk.look(2)
    assert (desk.state, desk.executor.calls) == ("RUNNING", [])
    desk.look()
    assert desk.state == "HALT"
    assert desk.account.breaker.changed_by == "daily_loss"
    assert desk.account.breaker.reason == "60.00 USD, limit 50 USD"
    assert desk.executor.calls[:2] == [
        ("cancel_openings",), ("flatten", None, "daily_loss", "60.00 USD, limit 50 USD"),
    ]  # fmt: skip


def test_a_loss_at_the_limit_counts_and_one_cent_less_does_not() -> None:
    at_limit, below = Desk(risk_limits=WIDE_TRADE), Desk(risk_limits=WIDE_TRADE)
    losing(at_limit, "4.50")
    losing(below, "4.51")
    at_limit.look(3)
    below.look(5)
    assert (at_limit.state, below.state) == ("HALT", "RUNNING")


def test_the_drawdown_from_the_high_halts_too() -> None:
    desk = Desk(risk_limits=limits(max_daily_drawdown_usd=D(30)))
    desk.buy(100)
    desk.bid("5.20")
    desk.look(3)
    desk.bid("4.90")
    desk.look(3)
    assert (desk.state, desk.account.breaker.changed_by) == ("HALT", "daily_drawdown")
    assert ("flatten", None, "daily_drawdown", "30.00 USD, limit 30 USD") in desk.executor.calls


def test_one_outlier_is_recorded_with_its_inputs_and_does_not_halt(desk: Desk) -> None:
    losing(desk, "1.00")
    desk.look()
    desk.bid("4.99")
    desk.look(5)
    assert (desk.state, desk.executor.calls) == ("RUNNING", [])
    suspect = desk.of(ReadingRecord)[0]
    assert (suspect.trigger, suspect.verdict, suspect.value) == ("daily_loss", "suspect", "400.00 USD")
    assert suspect.inputs == {
        "realized_usd": "0.00", "profit_usd": "-400.00", "high_usd": "0.00", "F.SMART": "1.00/1.01",
    }  # fmt: skip


def test_a_realized_loss_is_confirmed_and_halts_at_once(desk: Desk) -> None:
    desk.buy(100)
    desk.now_ns += STEP_NS
    desk.buy(-100, "4.50")
    assert desk.state == "HALT"
    confirmed = [each for each in desk.of(ReadingRecord) if each.verdict == "confirmed"]
    assert confirmed[0].readings_ns == (desk.now_ns,)


def test_a_realized_loss_with_a_position_open_takes_three_looks(desk: Desk) -> None:
    desk.buy(100)
    desk.now_ns += STEP_NS
    desk.buy(-99, "4.40")
    assert desk.state == "RUNNING"
    desk.look(2)
    assert desk.state == "HALT"


def test_looks_closer_than_the_interval_do_nothing(desk: Desk) -> None:
    losing(desk, "1.00")
    desk.supervisor.watch(desk.now_ns + STEP_NS - 1)
    assert desk.of(ReadingRecord) == []


def test_a_missing_price_is_no_loss(desk: Desk) -> None:
    desk.buy(100)
    desk.market.default_quote = None
    desk.look(5)
    assert (desk.state, desk.of(ReadingRecord)) == ("RUNNING", [])


def test_a_trade_that_loses_too_much_is_paused_and_closed(desk: Desk, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    losing(desk, "4.80")
    desk.look(3)
    assert (desk.state, desk.account.paused_symbols) == ("RUNNING", {"F": "loss_per_trade"})
    reason = "20.00 USD open in F, limit 20 USD"
    assert desk.executor.calls == [("flatten", frozenset({"F"}), "loss_per_trade", reason)]
    assert desk.file is not None
    assert desk.file.load(1).paused_symbols == {"F": "loss_per_trade"}
    desk.look(5)
    assert len(desk.executor.calls) == 1


def test_losses_in_a_row_are_recorded_once(desk: Desk) -> None:
    for _ in range(LIMITS.max_consecutive_losses):
        desk.now_ns += STEP_NS
        desk.buy(1)
        desk.buy(-1, "4.90")
    desk.look(3)
    (record,) = [each for each in desk.of(ReadingRecord) if each.trigger == "consecutive_losses"]
    assert (record.value, record.limit, record.verdict) == ("3 losses in a row", "3 in a row", "confirmed")
    until_ns = LIMITS.consecutive_loss_pause_minutes * NS_PER_MINUTE
    assert int(record.inputs["paused_until_ns"]) > NOW_NS + until_ns
    assert desk.state == "RUNNING"


def test_a_pause_that_has_ended_is_not_recorded() -> None:
    desk = Desk()
    for _ in range(LIMITS.max_consecutive_losses):
        desk.buy(1)
        desk.buy(-1, "4.90")
    until_ns = NOW_NS + LIMITS.consecutive_loss_pause_minutes * NS_PER_MINUTE
    assert is_pausing(desk.account, until_ns - 1) == until_ns
    assert is_pausing(desk.account, until_ns) is None


def test_fills_in_quick_succession_are_one_look(desk: Desk) -> None:
    """Three readings that confirm each other must be an interval apart, whoever asked for them."""
    desk = Desk(risk_limits=WIDE_TRADE)
    losing(desk)
    for _ in range(5):
        desk.now_ns += STEP_NS // 20
        desk.buy(1, "4.40")
    assert desk.state == "RUNNING"


def test_a_trade_in_profit_or_without_a_price_reads_as_no_loss(desk: Desk) -> None:
    desk.supervisor.keeper.adopt_position("S-ONE", F, 100, D("5.00"))
    for bid in (None, "5.20"):
        desk.market.default_quote = None if bid is None else quote(bid, "5.30")
        desk.look()
        reading = trade_reading(desk.account, LIMITS, "F", NOW_NS)
        assert (reading.value, reading.is_beyond) == ("0.00 USD open in F", False)


# -- When it matters, and never on nonsense -------------------------------------------------------

UNSOUND = [
    pytest.param(quote("0", "5.01"), id="no bid"),
    pytest.param(quote("4.00", "4.10", size=0), id="nothing shown"),
    pytest.param(quote("5.00", "4.00"), id="crossed"),
    pytest.param(quote("0.01", "199999"), id="stub"),
    pytest.param(quote("3.00", "3.01", ts_ns=OPEN_NS - 1), id="of before the session"),
]


@pytest.mark.parametrize("unsound", UNSOUND)
def test_no_reading_is_made_of_a_quote_that_is_not_sound(desk: Desk, unsound: Quote) -> None:
    desk.buy(100)
    desk.market.default_quote = unsound
    for _ in range(20):
        desk.now_ns += NS_PER_SECOND
        desk.supervisor.watch(desk.now_ns)
    assert (desk.state, desk.executor.calls, desk.of(ReadingRecord)) == ("RUNNING", [], [])


def test_a_quote_after_the_close_is_not_read(desk: Desk) -> None:
    desk.buy(100)
    desk.market.view = SessionView("closed", False, TradingDay(OPEN_NS, CLOSE_NS))
    desk.bid("3.00")
    desk.look(10)
    assert (desk.state, desk.of(ReadingRecord)) == ("RUNNING", [])


def test_what_is_offered_below_the_limit_is_a_loss_though_nobody_bids(desk: Desk) -> None:
    desk = Desk(risk_limits=WIDE_TRADE)
    desk.buy(100)
    desk.market.default_quote = quote("0", "4.50")
    desk.look(3)
    assert (desk.state, desk.account.breaker.changed_by) == ("HALT", "daily_loss")


def test_one_quote_is_one_reading_a_second(desk: Desk) -> None:
    desk = Desk(risk_limits=WIDE_TRADE)
    losing(desk)
    start_ns = desk.now_ns
    _watch_until_it_acts(desk, STEP_NS)
    assert desk.now_ns - start_ns == 2 * NS_PER_SECOND + STEP_NS


def test_one_quote_that_is_too_good_is_no_high(desk: Desk) -> None:
    desk.buy(100)
    for bid, times in (("9.00", 1), ("4.99", 2), ("9.00", 2), ("4.99", 10)):
        desk.bid(bid)
        desk.look(times)
    assert (desk.state, desk.account.performance.result().high_usd) == ("RUNNING", D(0))


def test_fills_that_crowd_around_one_quote_make_no_high_of_it(desk: Desk) -> None:
    desk.buy(10)
    desk.bid("9.00")
    for _ in range(10):
        desk.buy(1)
    assert desk.account.performance.result().high_usd == 0


@pytest.mark.parametrize("who", ["Ann", "loss_per_trade"])
def test_a_paused_symbol_is_closed_at_its_loss_limit(desk: Desk, who: str) -> None:
    """A person paused it, or an earlier run that ended before it had closed it."""
    desk.account.paused_symbols["F"] = who
    losing(desk, "4.80")
    desk.look(5)
    assert [call[:2] for call in desk.executor.calls] == [("flatten", frozenset({"F"}))]
    assert desk.account.paused_symbols == {"F": who}


def test_a_trade_is_closed_again_when_its_flattening_ended_before_it_was_flat(desk: Desk) -> None:
    losing(desk, "4.80")
    desk.look(3)
    desk.executor.flattenings.clear()
    desk.look(3)
    assert len(desk.executor.calls) == 2


def test_the_daily_loss_flattens_though_something_else_has_halted() -> None:
    desk = Desk(risk_limits=WIDE_TRADE)
    desk.supervisor.halt(desk.now_ns, by="reject_rate", reason="6 rejects")
    losing(desk)
    desk.look(5)
    assert [call[0] for call in desk.executor.calls] == ["cancel_openings", "flatten"]
    assert desk.executor.calls[1][1:3] == (None, "daily_loss")
    assert desk.account.breaker.changed_by == "reject_rate"


def test_the_daily_loss_joins_a_flattening_of_everything_and_not_one_of_a_symbol() -> None:
    for symbols, flattened in ((None, 0), (frozenset({"GE"}), 1)):
        desk = Desk(risk_limits=WIDE_TRADE)
        desk.executor.flattenings.append(Flattening(symbols, by="Ann", reason="news", started_ns=1))
        losing(desk)
        desk.look(3)
        assert desk.state == "HALT"
        assert sum(call[0] == "flatten" for call in desk.executor.calls) == flattened


def test_a_loss_of_an_account_that_is_flat_and_halted_is_not_told_again(desk: Desk) -> None:
    desk.buy(100)
    desk.buy(-100, "4.50")
    told = len(desk.of(ReadingRecord))
    desk.look(5)
    assert desk.state == "HALT"
    assert len(desk.of(ReadingRecord)) == told
    assert ("flatten", None) not in [call[:2] for call in desk.executor.calls]


def test_a_position_without_a_price_keeps_no_other_loss_from_being_seen() -> None:
    desk = Desk(risk_limits=WIDE_TRADE)
    desk.supervisor.keeper.adopt_position("EXTERNAL", stock("GE"), 1, D("5"))
    desk.market.quotes["GE.SMART"] = None
    losing(desk)
    desk.look(3)
    assert (desk.state, desk.account.breaker.changed_by) == ("HALT", "daily_loss")
    assert desk.of(ReadingRecord)[-1].inputs["GE.SMART"] == "none"


def test_a_position_without_a_price_is_a_cause_that_clears_itself(desk: Desk) -> None:
    silence = LIMITS.max_data_silence_seconds
    desk.buy(10)
    desk.look()
    sound, desk.market.default_quote = desk.market.default_quote, None
    start_ns = desk.now_ns
    _watch_until_it_acts(desk, NS_PER_SECOND)
    assert desk.now_ns - start_ns == (silence + 1) * NS_PER_SECOND
    assert desk.account.breaker.causes == ("unpriced_position",)
    assert desk.account.breaker.reason == f"F.SMART held, without a sound quote for {silence} s"
    desk.market.default_quote = sound
    desk.look()
    assert (desk.state, len(desk.of(BreakerChangeRecord))) == ("RUNNING", 2)


@pytest.mark.parametrize("how", ["sold", "session over"])
def test_the_cause_ends_with_the_position_and_with_the_session(desk: Desk, how: str) -> None:
    desk.buy(10)
    desk.market.default_quote = None
    desk.now_ns += 2 * LIMITS.max_data_silence_seconds * NS_PER_SECOND
    desk.look()
    assert desk.state == "SAFE_MODE"
    if how == "sold":
        desk.buy(-10)
    else:
        desk.market.view = SessionView("closed", False, None)
    desk.look()
    assert desk.state == "RUNNING"


def test_a_day_begins_with_time_for_the_first_quotes(desk: Desk) -> None:
    desk.buy(10)
    desk.market.default_quote = None
    silence_ns = LIMITS.max_data_silence_seconds * NS_PER_SECOND
    desk.now_ns += 10 * silence_ns
    desk.market.view = SessionView("trading", True, TradingDay(desk.now_ns, CLOSE_NS))
    desk.supervisor.watch(desk.now_ns + silence_ns - 1)
    assert desk.state == "RUNNING"
    desk.supervisor.watch(desk.now_ns + 2 * silence_ns)
    assert desk.state == "SAFE_MODE"


# -- Clocks ---------------------------------------------------------------------------------------


def test_a_clock_that_ran_ahead_and_went_back_blinds_nothing() -> None:
    desk = Desk(risk_limits=WIDE_TRADE)
    desk.buy(100)
    desk.supervisor.watch(desk.now_ns + 86_400 * NS_PER_SECOND)
    desk.bid("3.00")
    desk.look(3)
    assert desk.state == "HALT"


def test_readings_of_a_clock_that_ran_ahead_block_none_of_its_own_time() -> None:
    desk = Desk(risk_limits=WIDE_TRADE)
    losing(desk)
    desk.supervisor.watch(desk.now_ns + 3_600 * NS_PER_SECOND)
    desk.look(2)
    assert desk.state == "HALT"


def test_the_last_prices_are_saved_once_a_minute(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.file is not None
    desk.buy(10)
    bought_ns = desk.now_ns
    desk.bid("4.95")
    desk.supervisor.watch(bought_ns + SAVE_INTERVAL_NS - 1)
    assert _saved_price(desk) == "4.99"
    desk.supervisor.watch(bought_ns + SAVE_INTERVAL_NS + STEP_NS)
    assert _saved_price(desk) == "4.95"


def _saved_price(desk: Desk) -> str:
    assert desk.file is not None
    day = desk.file.load(1).day
    assert day is not None
    return str(day.holdings[0].price_usd)


def _watch_until_it_acts(desk: Desk, step_ns: int) -> None:
    """Look at the same quotes until the breaker moves, two hundred times at most."""
    for _ in range(200):
        if desk.state != "RUNNING":
            return
        desk.now_ns += step_ns
        desk.supervisor.watch(desk.now_ns)
