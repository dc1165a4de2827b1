"""Profit, fees, drawdown and losses in a row against hand ledgers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from market.time import NS_PER_MINUTE
from risk.intent import InstrumentTerms
from risk.lot import Lot
from risk.performance import Fill, Performance
from risk.snapshot import DayResult, Touch
from tests.risk.table_market import NOW_NS, option, quote, stock

D = Decimal
F, GE = stock("F"), stock("GE")


class ClosingAt(dict[str, Touch | None]):
    """The same price of everything."""

    def __init__(self, price: str | None) -> None:
        super().__init__()
        self.touch = None if price is None else quote(price, price)

    def get(self, _name: str, _default: object = None) -> Touch | None:
        return self.touch


def closing_at(book: Performance, price: str | None) -> DayResult:
    """Return the day's result if everything were closed at a price."""
    day, _ = book.day_and_symbol(ClosingAt(price), "")
    assert day is not None
    return day


def see(book: Performance, price: str, times: int = 1) -> None:
    """Look at a quote of one price so often."""
    for _ in range(times):
        book.look(lambda _terms: quote(price, price), 0, NOW_NS)
        book.today.note_high(is_sure=False)


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
    day = closing_at(book, "4.90")
    assert day.profit_usd == D("0.50") - D("0.50")
    assert day.loss_usd == day.drawdown_usd == 0


def test_a_missing_price_makes_the_day_unknown() -> None:
    book = play(fill(10, "5.00"))
    assert book.day_and_symbol(ClosingAt(None), "F") == (None, None)


def test_without_positions_no_price_is_needed() -> None:
    assert closing_at(play(fill(10, "5.00"), fill(-10, "4.00")), None).profit_usd == -10


def test_the_open_profit_of_a_symbol_leaves_the_others_out() -> None:
    book = play(fill(10, "5.00"), fill(-10, "5.00", terms=GE))
    assert book.day_and_symbol(ClosingAt("6.00"), "F")[1] == 10
    assert book.day_and_symbol(ClosingAt("6.00"), "GE")[1] == -10
    see(book, "7.00")
    assert [book.open_profit(symbol) for symbol in ("F", "GE", "BAC")] == [D(20), D(-20), D(0)]


def test_a_symbol_is_known_though_another_has_no_price() -> None:
    book = play(fill(10, "5.00"), fill(10, "5.00", terms=GE))
    day, of_symbol = book.day_and_symbol({GE.instrument_id: quote("6.00", "6.10")}, "GE")
    assert day is None
    assert of_symbol == 10


@pytest.mark.parametrize(("held", "profit"), [(1, "-0.10"), (-1, "-0.20")])
def test_a_long_closes_at_the_bid_and_a_short_at_the_ask(held: int, profit: str) -> None:
    day, of_symbol = play(fill(held, "5.00")).day_and_symbol({F.instrument_id: quote("4.90", "5.20")}, "F")
    assert day is not None
    assert day.profit_usd == of_symbol == D(profit)


def test_fees_lower_the_day_too() -> None:
    book = play(fill(10, "5.00", fee="1.00"), fill(-4, "5.00", fee="0.50"))
    assert closing_at(book, "5.00").profit_usd == book.realized_usd == D("-1.50")


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
    day = play(*lose, *lose).result()
    assert (day.consecutive_losses, day.paused_until_ns) == (2, NOW_NS + 10 * NS_PER_MINUTE)
    assert book.result().paused_until_ns is None
    book.apply(fill(10, "5.00"), NOW_NS)
    book.apply(fill(-10, "4.00"), NOW_NS)
    book.start_day(date(2024, 3, 5), NOW_NS)
    assert book.result().paused_until_ns is None
    assert book.consecutive_losses == 0


def test_a_trade_ends_where_its_position_turns() -> None:
    book = play(fill(10, "5.00"), fill(-20, "4.90"), fill(20, "5.00"))
    assert book.consecutive_losses == 2
    assert play(fill(10, "5.00"), fill(-20, "5.10"), fill(20, "5.20")).consecutive_losses == 1


def test_the_fee_of_a_turn_is_shared_by_the_trade_that_ends_and_the_one_that_begins() -> None:
    even = play(fill(10, "5.00"), fill(-40, "5.10", fee="4.00"))
    assert even.consecutive_losses == 0  # 1.00 won, a quarter of the fee paid
    even.apply(fill(30, "5.00"), NOW_NS)
    assert even.consecutive_losses == 0  # 3.00 won, three quarters paid
    assert even.realized_usd == 0
    less = play(fill(10, "5.00"), fill(-40, "5.10", fee="4.04"))
    assert less.consecutive_losses == 1
    less.apply(fill(30, "5.00"), NOW_NS)
    assert less.consecutive_losses == 2


def test_a_leg_that_turns_ends_no_trade_while_another_is_held() -> None:
    book = play(fill(1, "1.00", terms=option(100)), fill(1, "1.00", terms=option(95)))
    book.apply(fill(-2, "0.50", terms=option(100), fee="2"), NOW_NS)
    assert book.consecutive_losses == 0
    assert book.option_cost_usd("S", "SPY") == 100 - 50 + 50 + 2
    book.apply(fill(-1, "1.00", terms=option(95)), NOW_NS)
    book.apply(fill(1, "0.50", terms=option(100)), NOW_NS)
    assert book.consecutive_losses == 1


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
    see(book, "5.00")
    assert book.open_profit("F") == 10


@pytest.mark.parametrize(("difference", "held"), [(-4, 6), (5, 15), (-25, -15)])
def test_an_adopted_difference_moves_the_lot_to_the_total(difference: int, held: int) -> None:
    book = play(fill(10, "5.00"))
    book.adopt("S", F, difference, D("4.50"))
    (lot,) = book.lots.values()
    assert (lot.quantity, lot.average_price) == (held, D("4.50"))


def test_an_adopted_difference_may_leave_nothing() -> None:
    book = play(fill(10, "5.00"))
    book.adopt("S", F, -10, D(0))
    assert book.lots == {}
