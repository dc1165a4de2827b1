"""Profit, fees, drawdown and losses in a row against hand ledgers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from market.time import NS_PER_MINUTE
from risk.intent import InstrumentTerms
from risk.performance import Fill, Lot, Performance, TouchSource
from risk.snapshot import DayResult
from tests.risk.table_market import NOW_NS, option, quote, stock

D = Decimal
F, GE = stock("F"), stock("GE")


def closing_at(price: str | None) -> TouchSource:
    return lambda _terms: None if price is None else quote(price, price)


def performance() -> Performance:
    return Performance(max_losses=2, pause_minutes=10)


def fill(signed: int, price: str, *, terms: InstrumentTerms = F, fee: str = "0", strategy: str = "S") -> Fill:
    return Fill(strategy_id=strategy, terms=terms, signed_quantity=signed, price=D(price), fee_usd=D(fee))


def play(*fills: Fill) -> Performance:
    book = performance()
    for each in fills:
        book.apply(each, NOW_NS)
    return book


@pytest.mark.parametrize(
    ("fills", "realized", "quantity", "average"),
    [
        ([(10, "5.00")], "0", 10, "5.00"),
        ([(10, "5.00"), (10, "6.00")], "0", 20, "5.50"),
        ([(10, "5.00"), (-4, "5.50")], "2.00", 6, "5.00"),
        ([(10, "5.00"), (-10, "5.50")], "5.00", 0, "0"),
        ([(10, "5.00"), (-15, "5.50")], "5.00", -5, "5.50"),
        ([(-10, "5.00"), (4, "5.50")], "-2.00", -6, "5.00"),
        ([(-10, "5.00"), (-10, "6.00")], "0", -20, "5.50"),
        ([(-10, "5.00"), (25, "4.00")], "10.00", 15, "4.00"),
    ],
)
def test_a_lot_keeps_its_average_price_and_realizes_what_closes(
    fills: list[tuple[int, str]], realized: str, quantity: int, average: str
) -> None:
    lot = Lot(F)
    total = sum((lot.apply(signed, D(price)) for signed, price in fills), D(0))
    assert (total, lot.quantity, lot.average_price) == (D(realized), quantity, D(average))
    assert lot.cost_usd == quantity * D(average)


def test_an_option_counts_its_multiplier() -> None:
    lot = Lot(option(100))
    lot.apply(-2, D("1.20"))
    assert lot.cost_usd == -240
    assert lot.apply(2, D("0.50")) == 140


def test_fees_lower_the_realized_profit() -> None:
    assert play(fill(10, "5.00", fee="1.00"), fill(-10, "5.50", fee="1.00")).realized_usd == D("3.00")


def test_the_day_is_realized_plus_open_profit() -> None:
    book = play(fill(10, "5.00"), fill(-5, "5.10"))
    day = book.day(closing_at("4.90"))
    assert day is not None
    assert day.profit_usd == D("0.50") - D("0.50")
    assert day.loss_usd == day.drawdown_usd == 0


def test_the_drawdown_counts_from_the_days_high() -> None:
    book = play(fill(10, "5.00"))
    book.day(closing_at("6.00"))
    day = book.day(closing_at("4.00"))
    assert day is not None
    assert (day.profit_usd, day.high_usd, day.loss_usd, day.drawdown_usd) == (D(-10), D(10), D(10), D(20))
    assert book.high_usd == 10


def test_a_missing_price_makes_the_day_unknown() -> None:
    book = play(fill(10, "5.00"))
    assert book.day(closing_at(None)) is None
    assert book.open_profit(closing_at(None), "F") is None


def test_without_positions_no_price_is_needed() -> None:
    day = play(fill(10, "5.00"), fill(-10, "4.00")).day(closing_at(None))
    assert day is not None
    assert day.profit_usd == -10


def test_the_open_profit_of_a_symbol_leaves_the_others_out() -> None:
    book = play(fill(10, "5.00"), fill(-10, "5.00", terms=GE))
    assert book.open_profit(closing_at("6.00"), "F") == 10
    assert book.open_profit(closing_at("6.00"), "GE") == -10
    assert book.open_profit(closing_at("6.00")) == 0


def test_a_symbol_is_known_though_another_has_no_price() -> None:
    book = play(fill(10, "5.00"), fill(10, "5.00", terms=GE))
    day, of_symbol = book.day_and_symbol({GE.instrument_id: quote("6.00", "6.10")}, "GE")
    assert day is None
    assert of_symbol == 10


@pytest.mark.parametrize(("held", "profit"), [(1, "-0.10"), (-1, "-0.20")])
def test_a_long_closes_at_the_bid_and_a_short_at_the_ask(held: int, profit: str) -> None:
    assert play(fill(held, "5.00")).open_profit(lambda _: quote("4.90", "5.20")) == D(profit)


def test_a_new_day_starts_from_the_value_it_finds() -> None:
    book = play(fill(10, "5.00", fee="1"), fill(-5, "4.00"))
    book.day(closing_at("9.00"))
    book.start_day(closing_at("6.00"))
    assert (book.realized_usd, book.high_usd, book.consecutive_losses) == (D(0), D(0), 0)
    day = book.day(closing_at("5.00"))
    assert day is not None
    assert day.profit_usd == -5
    book.start_day(closing_at(None))
    day = book.day(closing_at("5.50"))
    assert day is not None
    assert day.profit_usd == D("2.50")


def test_a_restored_day_goes_on() -> None:
    book = performance()
    book.restore(realized_usd=D(-40), high_usd=D(5), consecutive_losses=1)
    day = book.day(closing_at(None))
    assert day is not None
    assert (day.loss_usd, day.drawdown_usd, day.consecutive_losses) == (D(40), D(45), 1)


@pytest.mark.parametrize(
    ("profit", "high", "loss", "drawdown"),
    [("0.50", "0.50", "0", "0"), ("0", "0.50", "0", "0.50"), ("-0.50", "0", "0.50", "0.50")],
)
def test_loss_counts_from_the_days_start_and_drawdown_from_its_high(
    profit: str, high: str, loss: str, drawdown: str
) -> None:
    day = DayResult(D(profit), D(high), consecutive_losses=0, paused_until_ns=None)
    assert (day.loss_usd, day.drawdown_usd) == (D(loss), D(drawdown))


def test_losses_in_a_row_pause_and_a_winner_ends_the_row() -> None:
    lose = (fill(10, "5.00"), fill(-10, "4.00"))
    win = (fill(10, "5.00"), fill(-10, "5.00"))
    assert play(*lose).consecutive_losses == 1
    book = play(*lose, *win, *lose)
    assert book.consecutive_losses == 1
    day = play(*lose, *lose).day(closing_at(None))
    assert day is not None
    assert (day.consecutive_losses, day.paused_until_ns) == (2, NOW_NS + 10 * NS_PER_MINUTE)
    quiet = book.day(closing_at(None))
    assert quiet is not None
    assert quiet.paused_until_ns is None
    book.apply(fill(10, "5.00"), NOW_NS)
    book.apply(fill(-10, "4.00"), NOW_NS)
    book.start_day(closing_at(None))
    fresh = book.day(closing_at(None))
    assert fresh is not None
    assert fresh.paused_until_ns is None


def test_a_condor_with_one_losing_leg_is_one_trade() -> None:
    legs = [(option(100), -1, "2.00", "0.50"), (option(95), 1, "1.00", "0.20")]
    book = performance()
    for terms, count, price, _ in legs:
        book.apply(fill(count, price, terms=terms), NOW_NS)
    for terms, count, _, price in legs:
        assert book.consecutive_losses == 0
        book.apply(fill(-count, price, terms=terms), NOW_NS)
    assert book.realized_usd == 150 - 80
    assert book.consecutive_losses == 0


def test_strategies_and_stock_and_options_are_trades_of_their_own() -> None:
    spy = stock("SPY")
    book = play(
        fill(1, "5.00", terms=spy),
        fill(1, "1.00", terms=option(100)),
        fill(1, "1.00", terms=option(100), strategy="OTHER"),
        fill(-1, "0.50", terms=option(100)),
    )
    assert book.consecutive_losses == 1
    assert set(book.lots) == {("S", "SPY.SMART"), ("OTHER", option(100).instrument_id)}


def test_the_cost_of_an_option_trade_counts_what_it_realized_so_far() -> None:
    book = play(
        fill(-2, "3.00", terms=option(100), fee="2"),
        fill(2, "1.00", terms=option(95)),
        fill(1, "2.00", terms=option(100)),
        fill(5, "9.00", terms=stock("SPY")),
    )
    assert book.option_cost_usd("S", "SPY") == -600 + 200 + 200 + 2
    assert book.option_cost_usd("OTHER", "SPY") == 0
    book.apply(fill(1, "2.00", terms=option(100)), NOW_NS)
    book.apply(fill(-2, "1.00", terms=option(95)), NOW_NS)
    assert book.option_cost_usd("S", "SPY") == 0


def test_an_adopted_position_has_its_average_price() -> None:
    book = performance()
    book.adopt("S", F, 10, D("4.00"))
    assert book.open_profit(closing_at("5.00")) == 10
