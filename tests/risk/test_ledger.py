"""Reservations: bursts, modifications, partial fills, late fills, brackets, spreads whose legs fill apart."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from market.time import NS_PER_MS
from risk.intent import OrderIntent
from risk.ledger import MAX_REMEMBERED_FILLS, Ledger
from risk.snapshot import Exposure
from tests.risk.table_market import NOW_NS, option, order, spread, stock

D = Decimal
F = stock()
VERTICAL = spread((option(100), -1), (option(95), 2))
P100, P95 = option(100).instrument_id, option(95).instrument_id
GRACE_NS = 100 * NS_PER_MS


def ledger(*intents: OrderIntent, grace_ns: int = 0) -> Ledger:
    book = Ledger(grace_ns=grace_ns)
    for intent in intents:
        book.reserve(intent)
    return book


def fill(book: Ledger, intent: OrderIntent, count: int, **fields: Any) -> None:
    terms = fields.pop("terms", intent.terms)
    book.filled(intent.order_id, intent.strategy_id, terms, count, **fields)


def worst(book: Ledger, name: str = "F.SMART") -> tuple[int, int]:
    exposure = book.exposure(name)
    return exposure.worst_long, exposure.worst_short


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


def test_remembered_executions_are_bounded() -> None:
    book = ledger()
    for number in range(MAX_REMEMBERED_FILLS + 1):
        book.is_new_fill("O", "F", str(number))
    assert book.is_new_fill("O", "F", "0")
    assert not book.is_new_fill("O", "F", "2")


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


def test_a_rejected_modification_is_dropped_and_of_several_the_smallest() -> None:
    buy = order(quantity=10)
    book = ledger(buy)
    book.reserve_change(buy.order_id, 30, D(5))
    book.change_rejected(buy.order_id)
    assert worst(book) == (10, 0)
    book.reserve_change(buy.order_id, 30, D(5))
    book.reserve_change(buy.order_id, 12, D(5))
    book.change_rejected(buy.order_id)
    assert worst(book) == (30, 0)
    book.change_rejected(buy.order_id)
    book.change_rejected(buy.order_id)
    assert worst(book) == (10, 0)


def test_answers_about_unknown_orders_are_ignored() -> None:
    book = ledger()
    book.changed("X", 10, None, 1)
    book.change_rejected("X")
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


def test_a_filled_order_waits_for_no_grace() -> None:
    buy = order(quantity=10)
    book = ledger(buy, grace_ns=GRACE_NS)
    book.reserve_change(buy.order_id, 25, D(5))
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


# -- What only closes -----------------------------------------------------------------------------


def holding(count: int, *, strategy: str = "S-ONE", grace_ns: int = 0) -> Ledger:
    book = Ledger(grace_ns=grace_ns)
    book.filled("", strategy, F, count)
    return book


def test_what_closes_the_strategys_position_closes() -> None:
    assert holding(10).closes(order(quantity=10, side="sell"))
    assert not holding(10).closes(order(quantity=11, side="sell"))
    assert not holding(10).closes(order(quantity=1))
    assert holding(-10).closes(order(quantity=10))
    assert not ledger().closes(order(quantity=1, side="sell"))


def test_what_closes_the_accounts_position_closes() -> None:
    assert holding(10, strategy="OTHER").closes(order(quantity=10, side="sell"))
    assert not holding(10, strategy="OTHER").closes(order(quantity=11, side="sell"))


def test_a_strategy_may_close_its_own_side_of_a_flat_account() -> None:
    book = holding(10)
    book.filled("", "OTHER", F, -10)
    assert book.closes(order(quantity=10, side="sell"))
    assert book.closes(order(quantity=10, strategy_id="OTHER"))
    assert not book.closes(order(quantity=1, strategy_id="THIRD"))


def test_working_closing_orders_use_up_the_position() -> None:
    book = holding(10)
    book.reserve(order(quantity=7, side="sell"))
    assert book.closes(order(quantity=3, side="sell"))
    assert not book.closes(order(quantity=4, side="sell"))
    book.reserve(order(quantity=5))
    assert book.closes(order(quantity=3, side="sell"))


def test_a_position_that_working_orders_use_up_has_nothing_left_to_close() -> None:
    book = holding(10)
    book.reserve(order(quantity=10, side="sell"))
    assert not book.closes(order(quantity=1, side="sell"))


def test_the_last_share_of_a_strategy_or_of_the_account_can_be_closed() -> None:
    book = holding(1)
    book.filled("", "OTHER", F, -1)
    assert book.closes(order(quantity=1, side="sell"))
    assert holding(1, strategy="OTHER").closes(order(quantity=1, side="sell"))


def test_a_strategy_that_holds_nothing_closes_nothing_that_another_is_closing() -> None:
    book = holding(10, strategy="OTHER")
    book.reserve(order(quantity=10, side="sell", strategy_id="OTHER"))
    assert not book.closes(order(quantity=1, side="sell"))


def test_an_order_whose_cancel_is_under_way_need_not_stand_in_the_way() -> None:
    stop, close = order(quantity=10, side="sell"), order(quantity=10, side="sell")
    book = holding(10, grace_ns=GRACE_NS)
    book.reserve(stop)
    assert not book.closes(close, ignores_canceling=True)
    book.cancel_requested(stop.order_id)
    assert book.closes(close, ignores_canceling=True)
    assert not book.closes(close)
    book.cancel_rejected(stop.order_id)
    assert not book.closes(close, ignores_canceling=True)
    book.closed(stop.order_id, NOW_NS, may_fill_late=True)
    assert book.closes(close, ignores_canceling=True)
    assert not book.closes(close)


def test_a_modification_does_not_stand_in_its_own_way() -> None:
    stop = order(quantity=10, side="sell")
    book = holding(10)
    book.reserve(stop)
    change = order(quantity=10, side="sell", order_id=stop.order_id, replaces=True)
    assert book.closes(change)
    assert book.exposure_after(change, "F.SMART", 1) == Exposure(10, 0)


def test_a_modification_downwards_still_counts_at_the_larger() -> None:
    buy = order(quantity=10)
    book = ledger(buy)
    fill(book, buy, 4)
    change = order(quantity=2, order_id=buy.order_id, replaces=True)
    assert book.adds(change, "F.SMART", 1) == 6
    assert book.exposure_after(change, "F.SMART", 1).worst_long == 10


# -- Brackets -------------------------------------------------------------------------------------


def bracket(quantity: int = 10) -> tuple[OrderIntent, OrderIntent, OrderIntent]:
    entry = order(quantity=quantity)
    child: dict[str, Any] = {
        "side": "sell", "protects_id": entry.order_id, "group_id": f"G-{entry.order_id}",
    }  # fmt: skip
    return entry, order(quantity=quantity, **child), order(quantity=quantity, **child)


def test_a_brackets_children_count_once_and_only_as_far_as_the_entry_filled() -> None:
    entry, stop, target = bracket()
    book = ledger(entry, stop, target)
    assert worst(book) == (10, 0)
    fill(book, entry, 4)
    assert worst(book) == (10, 0)
    book.filled("", "S-ONE", F, -4)  # closed by hand: the children could now sell short
    assert worst(book) == (6, 4)
    fill(book, entry, 6)
    assert worst(book) == (6, 4)


def test_a_new_child_adds_as_much_as_its_parent_has_filled() -> None:
    entry = order(quantity=10)
    book = ledger(entry)
    child = order(quantity=10, side="sell", protects_id=entry.order_id)
    assert book.exposure_after(child, "F.SMART", 1) == Exposure(10, 0)
    fill(book, entry, 4)
    book.filled("", "S-ONE", F, -4)  # closed by hand: the child could now sell short
    assert book.exposure_after(child, "F.SMART", 1) == Exposure(6, 4)
    orphan = order(quantity=10, side="sell", protects_id="gone")
    assert book.exposure_after(orphan, "F.SMART", 1) == Exposure(6, 10)


def test_the_larger_order_of_a_group_counts() -> None:
    one = order(quantity=10, side="sell", group_id="G")
    two = order(quantity=14, side="sell", group_id="G")
    other = order(quantity=5, side="sell", group_id="H")
    assert worst(ledger(one, two, other)) == (0, 19)
    assert worst(ledger(two, one, other)) == (0, 19)
    stranger = order(quantity=3, side="sell", group_id="G", strategy_id="T")
    assert worst(ledger(one, stranger)) == (0, 13)


def test_an_order_of_a_group_adds_only_what_exceeds_its_siblings() -> None:
    one = order(quantity=10, side="sell", group_id="G")
    book = ledger(one)
    assert book.exposure_after(order(quantity=8, side="sell", group_id="G"), "F.SMART", 1).worst_short == 10
    assert book.exposure_after(order(quantity=12, side="sell", group_id="G"), "F.SMART", 1).worst_short == 12
    assert book.exposure_after(order(quantity=1, side="sell", group_id="G"), "F.SMART", 1).worst_short == 10
    buys = ledger(order(quantity=10, group_id="G"))
    assert buys.exposure_after(order(quantity=1, group_id="G"), "F.SMART", 1).worst_long == 10
    alone = order(quantity=8, side="sell")
    assert book.exposure_after(alone, "F.SMART", 1).worst_short == 18
    buy = order(quantity=8, group_id="G")
    assert book.exposure_after(buy, "F.SMART", 1) == Exposure(8, 10)


def test_an_order_of_a_group_hides_no_leg_on_the_other_side() -> None:
    book = ledger(order(VERTICAL, 3, group_id="G"))
    assert book.exposure_after(order(option(100), 2, group_id="G"), P100, 1) == Exposure(2, 3)


def test_a_child_that_waits_for_its_parent_adds_nothing_and_hides_nothing() -> None:
    entry = order(quantity=10)
    book = ledger(entry, order(quantity=7, side="sell", group_id="G"))
    child = order(quantity=5, side="sell", group_id="G", protects_id=entry.order_id)
    assert book.exposure_after(child, "F.SMART", 1) == Exposure(10, 7)


@pytest.mark.parametrize("change", [{"strategy_id": "T"}, {"terms": stock("GE")}, {"side": "buy"}])
def test_only_a_child_of_the_same_kind_waits_for_its_parent(change: dict[str, Any]) -> None:
    entry = order(quantity=10)
    fields: dict[str, Any] = {"side": "sell", "protects_id": entry.order_id} | change
    book = ledger(entry, order(quantity=10, **fields))
    name = fields.get("terms", F).instrument_id
    exposure = book.exposure(name)
    assert exposure.worst_long + exposure.worst_short == (10 if name == "GE.SMART" else 20)


# -- Spreads --------------------------------------------------------------------------------------


def test_a_spread_counts_through_its_legs() -> None:
    book = ledger(order(VERTICAL, 3))
    assert worst(book, P100) == (0, 3)
    assert worst(book, P95) == (6, 0)
    assert book.exposure_after(order(VERTICAL, 2, side="sell"), P95, 2) == Exposure(6, 4)


def test_a_leg_that_has_not_reported_its_fill_stays_reserved() -> None:
    buy = order(VERTICAL, 3)
    book = ledger(buy)
    fill(book, buy, 3)
    assert (book.open_orders, worst(book, P100), worst(book, P95)) == (0, (0, 3), (6, 0))
    fill(book, buy, -3, terms=option(100))
    assert (book.position("S-ONE", P100), worst(book, P95)) == (-3, (6, 0))
    fill(book, buy, 6, terms=option(95), paid_usd=D(120))
    assert book.reservations == {}
    assert worst(book, P95) == (6, 0)


def test_a_leg_may_report_before_the_spread() -> None:
    buy = order(VERTICAL, 3)
    book = ledger(buy)
    fill(book, buy, -1, terms=option(100), paid_usd=D(-50))
    assert (worst(book, P100), book.reservations[buy.order_id].paid_usd) == ((0, 3), D(-50))
    assert book.open_orders == 1


def test_a_canceled_spread_waits_for_the_legs_of_what_filled() -> None:
    buy = order(VERTICAL, 3)
    book = ledger(buy)
    fill(book, buy, 1)
    book.closed(buy.order_id, NOW_NS, may_fill_late=True)
    assert (worst(book, P100), worst(book, P95), book.open_orders) == ((0, 1), (2, 0), 0)
    fill(book, buy, -1, terms=option(100))
    fill(book, buy, 2, terms=option(95))
    assert book.reservations == {}


def test_a_growing_spread_counts_the_legs_that_have_not_reported() -> None:
    buy = order(VERTICAL, 2)
    book = ledger(buy)
    fill(book, buy, 2)
    fill(book, buy, 4, terms=option(95))
    grown = order(VERTICAL, 2, order_id=buy.order_id, replaces=True)
    assert book.adds(grown, P100, -1) == 4
    assert book.adds(grown, P95, 2) == 4


def test_a_spread_closes_only_what_every_leg_holds() -> None:
    book = Ledger(grace_ns=0)
    book.filled("", "S-ONE", option(100), -2)
    book.filled("", "S-ONE", option(95), 4)
    assert book.closes(order(VERTICAL, 2, side="sell"))
    assert not book.closes(order(VERTICAL, 3, side="sell"))
    book.filled("", "S-ONE", option(95), -1)
    assert not book.closes(order(VERTICAL, 2, side="sell"))
    assert book.closes(order(VERTICAL, 1, side="sell"))


def test_a_spread_found_at_start_has_its_filled_legs() -> None:
    book = Ledger(grace_ns=0)
    book.reserve(order(VERTICAL, 2), filled=1)
    assert (worst(book, P100), worst(book, P95)) == ((0, 2), (4, 0))
