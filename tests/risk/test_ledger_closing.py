"""What the ledger takes for a closing: not more than is held, after all that works already."""

from __future__ import annotations

from risk.snapshot import Exposure
from tests.risk.table_ledger import GRACE_NS, F, fill, holding, ledger
from tests.risk.table_market import NOW_NS, order


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


def test_purchases_that_work_use_up_a_short_position_and_sales_do_not() -> None:
    book = holding(-10)
    book.reserve(order(quantity=7))
    book.reserve(order(quantity=9, side="sell"))
    assert book.closes(order(quantity=3))
    assert not book.closes(order(quantity=4))


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
    assert not book.closes(close, live_only=True)
    book.cancel_requested(stop.order_id)
    assert book.closes(close, live_only=True)
    assert not book.closes(close)
    book.cancel_rejected(stop.order_id)
    assert not book.closes(close, live_only=True)
    book.closed(stop.order_id, NOW_NS, may_fill_late=True)
    assert book.closes(close, live_only=True)
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
