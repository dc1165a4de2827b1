"""What is reserved and held counts at its worst: bursts, modifications, partial and late fills."""

from __future__ import annotations

from decimal import Decimal

from risk.ledger import Ledger
from risk.reservation import reserve
from risk.snapshot import Exposure
from tests.risk.table_ledger import GRACE_NS, P100, VERTICAL, F, fill, holding, ledger, worst
from tests.risk.table_market import NOW_NS, option, order

D = Decimal


def test_a_reserved_order_counts_in_its_direction() -> None:
    book = ledger(order(quantity=10), order(quantity=4, side="sell"))
    assert worst(book) == (10, 4)
    assert book.open_orders == 2
    assert book.exposure("GE.SMART") == Exposure(0, 0)


def test_a_fill_moves_a_reservation_into_the_position() -> None:
    buy = order(quantity=10)
    book = ledger(buy)
    fill(book, buy, 4)
    assert (book.position("S-ONE", "F.SMART"), worst(book)) == (4, (10, 0))
    fill(book, buy, 6)
    assert (book.net("F.SMART"), worst(book), book.open_orders) == (10, (10, 0), 0)
    assert book.reservations == {}


def test_a_new_order_has_filled_nothing() -> None:
    reservation = reserve(order(quantity=10))
    assert (reservation.committed, reservation.filled, reservation.leg_filled) == (10, 0, {})


def test_an_unknown_position_is_zero() -> None:
    book = ledger(order())
    assert (
        book.position("OTHER", "F.SMART") == book.position("S-ONE", "GE.SMART") == book.net("GE.SMART") == 0
    )


def test_closing_a_position_tidies_its_book() -> None:
    buy, sell = order(quantity=10), order(quantity=10, side="sell")
    book = ledger(buy, sell)
    fill(book, buy, 10)
    fill(book, sell, -10)
    assert book.books == {}


def test_books_of_options_are_counted_until_they_are_closed() -> None:
    put, share = order(option(100)), order(quantity=10)
    book = ledger(put, share)
    assert book.option_books == 1
    book.closed(share.order_id, NOW_NS, may_fill_late=False)
    assert book.option_books == 1
    book.closed(put.order_id, NOW_NS, may_fill_late=False)
    assert book.option_books == 0


def test_symbols_count_their_instruments_until_the_last_is_closed() -> None:
    put, call, share = order(option(100)), order(option(110, "call")), order(quantity=10)
    book = ledger(put, call, share)
    assert book.symbols == {"SPY": 2, "F": 1}
    for each in (put, share):
        book.closed(each.order_id, NOW_NS, may_fill_late=False)
    assert book.symbols == {"SPY": 1}
    book.closed(call.order_id, NOW_NS, may_fill_late=False)
    assert book.symbols == {}


def test_a_fill_of_an_unknown_order_is_a_position() -> None:
    book = ledger()
    book.filled("by hand", "EXTERNAL", F, -7)
    assert worst(book) == (0, 7)


def test_strategies_do_not_net_in_the_worst_case() -> None:
    book = ledger()
    book.filled("", "A", F, 10)
    book.filled("", "B", F, -4)
    assert (worst(book), book.net("F.SMART")) == ((10, 4), 6)


def test_the_first_share_of_an_instrument_counts_on_its_side() -> None:
    assert ledger().exposure_after(order(quantity=1), "F.SMART", 1) == Exposure(1, 0)
    assert ledger().exposure_after(order(quantity=1, side="sell"), "F.SMART", 1) == Exposure(0, 1)


def test_an_order_against_a_position_counts_only_beyond_flat() -> None:
    short = holding(-5)
    assert short.exposure_after(order(quantity=3), "F.SMART", 1) == Exposure(0, 5)
    assert short.exposure_after(order(quantity=6), "F.SMART", 1) == Exposure(1, 5)
    assert short.exposure_after(order(quantity=8), "F.SMART", 1) == Exposure(3, 5)
    long = holding(5)
    assert long.exposure_after(order(quantity=8, side="sell"), "F.SMART", 1) == Exposure(5, 3)


def test_an_execution_is_new_once() -> None:
    book = ledger()
    assert book.is_new_fill("O", "F", "T")
    assert not book.is_new_fill("O", "F", "T")
    assert book.is_new_fill("O", "GE", "T")
    assert book.is_new_fill("P", "F", "T")


def test_the_last_100_000_executions_are_remembered_and_no_more() -> None:
    book = ledger()
    for number in range(100_001):
        book.is_new_fill("O", "F", str(number))
    assert not book.is_new_fill("O", "F", "1")
    assert book.is_new_fill("O", "F", "0")


# -- Modifications --------------------------------------------------------------------------------


def test_a_modification_counts_at_the_larger_until_it_is_answered() -> None:
    buy = order(quantity=10)
    book = ledger(buy)
    book.reserve_change(buy.order_id, 30, D(6))
    book.reserve_change(buy.order_id, 5, D(4))
    assert (worst(book), book.pending_changes(buy.order_id)) == ((30, 0), 2)
    assert sorted(book.reservations[buy.order_id].prices()) == [D(4), D(5), D(6)]
    book.changed(buy.order_id, 30, D(6), 1)
    assert (worst(book), book.pending_changes(buy.order_id)) == ((30, 0), 1)
    book.changed(buy.order_id, 5, D(4), 2)
    assert (worst(book), book.reservations[buy.order_id].prices()) == ((5, 0), [D(4)])


def test_an_answer_settles_the_requests_before_it() -> None:
    buy = order(quantity=10)
    book = ledger(buy)
    book.reserve_change(buy.order_id, 30, D(5))
    book.reserve_change(buy.order_id, 20, D(5))
    book.changed(buy.order_id, 20, D(5), 1)
    assert (worst(book), book.pending_changes(buy.order_id)) == ((20, 0), 0)


def test_an_answer_out_of_order_is_dropped() -> None:
    buy = order(quantity=10)
    book = ledger(buy)
    book.changed(buy.order_id, 30, D(5), 2)
    book.changed(buy.order_id, 20, D(5), 1)
    assert worst(book) == (30, 0)
    book.changed(buy.order_id, 20, D(5), 2)
    assert worst(book) == (30, 0)
    book.changed(buy.order_id, 40, D(5), 2)
    assert worst(book) == (40, 0)
    book.changed(buy.order_id, 20, D(5), 3)
    assert worst(book) == (20, 0)


def test_of_equally_late_answers_with_one_quantity_the_last_sets_the_price() -> None:
    buy = order(quantity=10)
    book = ledger(buy)
    book.changed(buy.order_id, 10, D(6), 1)
    book.changed(buy.order_id, 10, D(7), 1)
    assert book.highest_price("F.SMART") == 7


def test_a_refused_modification_counts_until_every_request_has_its_answer() -> None:
    buy = order(quantity=10)
    book = ledger(buy)
    book.reserve_change(buy.order_id, 30, D(5))
    book.change_rejected(buy.order_id, 1)
    assert worst(book) == (10, 0)
    book.reserve_change(buy.order_id, 30, D(5))
    book.reserve_change(buy.order_id, 12, D(5))
    book.change_rejected(buy.order_id, 2)
    assert worst(book) == (30, 0)
    book.change_rejected(buy.order_id, 2)
    assert worst(book) == (30, 0)
    book.change_rejected(buy.order_id, 3)
    assert worst(book) == (10, 0)


def test_answers_about_unknown_orders_are_ignored() -> None:
    book = ledger()
    book.changed("X", 10, None, 1)
    book.change_rejected("X", 1)
    book.withdraw_change("X")
    book.cancel_requested("X")
    book.cancel_rejected("X")
    book.closed("X", 1, may_fill_late=True)
    assert (book.reservations, book.pending_changes("X")) == ({}, 0)


def test_a_market_order_has_no_price() -> None:
    buy = order(order_type="market")
    book = ledger(buy)
    book.reserve_change(buy.order_id, 20, None)
    assert book.reservations[buy.order_id].prices() == []


# -- The end of an order --------------------------------------------------------------------------


def test_without_grace_a_canceled_order_counts_no_more() -> None:
    buy = order(quantity=10)
    book = ledger(buy)
    fill(book, buy, 3)
    book.closed(buy.order_id, NOW_NS, may_fill_late=True)
    assert (worst(book), book.reservations) == ((3, 0), {})


def test_a_canceled_order_counts_for_the_grace_period_and_takes_a_late_fill() -> None:
    buy = order(quantity=10)
    book = ledger(buy, grace_ns=GRACE_NS)
    book.closed(buy.order_id, NOW_NS, may_fill_late=True)
    assert (worst(book), book.open_orders) == ((10, 0), 0)
    fill(book, buy, 4)
    book.release_expired(NOW_NS + GRACE_NS - 1)
    assert worst(book) == (10, 0)
    book.release_expired(NOW_NS + GRACE_NS)
    assert (worst(book), book.reservations, book.open_orders) == ((4, 0), {}, 0)


def test_a_late_fill_of_everything_ends_the_grace_period() -> None:
    buy = order(quantity=10)
    book = ledger(buy, grace_ns=GRACE_NS)
    book.closed(buy.order_id, NOW_NS, may_fill_late=True)
    fill(book, buy, 10)
    assert (worst(book), book.reservations) == ((10, 0), {})
    book.release_expired(NOW_NS + GRACE_NS)
    assert worst(book) == (10, 0)


def test_a_rejected_order_counts_no_more_at_once() -> None:
    buy = order(quantity=10)
    book = ledger(buy, grace_ns=GRACE_NS)
    book.closed(buy.order_id, NOW_NS, may_fill_late=False)
    assert (worst(book), book.reservations) == ((0, 0), {})


def test_a_canceled_order_counts_at_its_largest_modification() -> None:
    buy = order(quantity=10)
    book = ledger(buy, grace_ns=GRACE_NS)
    book.reserve_change(buy.order_id, 25, D(5))
    book.closed(buy.order_id, NOW_NS, may_fill_late=True)
    assert worst(book) == (25, 0)
    book.closed(buy.order_id, NOW_NS, may_fill_late=False)
    assert worst(book) == (25, 0)


def test_an_order_that_may_work_on_counts_as_open_for_the_grace_period() -> None:
    buy = order(quantity=25)
    book = ledger(buy, grace_ns=GRACE_NS)
    book.closed(buy.order_id, NOW_NS, may_fill_late=True, may_work_on=True)
    assert (book.open_orders, worst(book)) == (1, (25, 0))
    book.release_expired(NOW_NS + GRACE_NS)
    assert (book.open_orders, worst(book), book.reservations) == (0, (0, 0), {})


def test_a_spread_that_may_work_on_waits_for_its_legs_without_being_open() -> None:
    buy = order(VERTICAL, 3)
    book = ledger(buy, grace_ns=GRACE_NS)
    fill(book, buy, 1)
    book.closed(buy.order_id, NOW_NS, may_fill_late=True, may_work_on=True)
    assert book.open_orders == 1
    book.release_expired(NOW_NS + GRACE_NS)
    assert (book.open_orders, worst(book, P100)) == (0, (0, 1))


def test_a_filled_order_waits_for_no_grace() -> None:
    buy = order(quantity=25)
    book = ledger(buy, grace_ns=GRACE_NS)
    fill(book, buy, 10)
    assert worst(book) == (25, 0)
    book.closed(buy.order_id, NOW_NS, may_fill_late=False)
    assert (worst(book), book.reservations) == ((10, 0), {})


def test_an_overfill_is_counted() -> None:
    buy = order(quantity=10)
    book = ledger(buy)
    fill(book, buy, 12)
    assert (worst(book), book.reservations) == ((12, 0), {})


def test_an_order_found_at_start_is_reserved_for_its_rest() -> None:
    buy = order(quantity=6)
    book = Ledger(grace_ns=0)
    book.filled("", "S-ONE", F, 4)
    book.reserve(buy, filled=4)
    assert worst(book) == (10, 0)
    fill(book, buy, 6)
    assert (worst(book), book.reservations) == ((10, 0), {})
