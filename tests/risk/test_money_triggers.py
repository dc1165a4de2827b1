"""What the day's result and a trade's open loss trigger: three looks, then the breaker, a pause, closing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from market.time import NS_PER_MINUTE
from risk.records import ReadingRecord
from risk.triggers import is_pausing, trade_reading
from tests.risk.desk import STEP_NS, WIDE_TRADE, Desk, losing
from tests.risk.limit_cases import LIMITS, limits
from tests.risk.table_market import NOW_NS, quote, stock

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
