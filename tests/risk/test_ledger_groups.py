"""Orders that fill together or instead of each other: brackets, OCA groups, spreads whose legs fill apart."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from risk.intent import OrderIntent
from risk.ledger import Ledger
from risk.snapshot import Exposure
from tests.risk.table_ledger import P95, P100, VERTICAL, F, fill, ledger, worst
from tests.risk.table_market import NOW_NS, option, order

D = Decimal


def bracket(quantity: int = 10) -> tuple[OrderIntent, OrderIntent, OrderIntent]:
    entry = order(quantity=quantity)
    child: dict[str, Any] = {
        "side": "sell", "protects_id": entry.order_id, "group_id": f"G-{entry.order_id}",
    }  # fmt: skip
    return entry, order(quantity=quantity, **child), order(quantity=quantity, **child)


def test_a_brackets_children_count_once_and_whole_from_the_start() -> None:
    """A simulated venue lets a child work whole on the first share of its entry."""
    entry, stop, target = bracket()
    book = ledger(entry, stop, target)
    assert worst(book) == (10, 10)
    fill(book, entry, 1)
    assert worst(book) == (10, 9)
    fill(book, entry, 9)
    assert worst(book) == (10, 0)
    book.filled("", "S-ONE", F, -10)  # closed by hand: the children could now sell short
    assert worst(book) == (0, 10)


@pytest.mark.parametrize("filled", [0, 4])
def test_a_new_child_adds_all_that_it_could_sell(filled: int) -> None:
    entry = order(quantity=10)
    book = ledger(entry)
    if filled:
        fill(book, entry, filled)
    child = order(quantity=30, side="sell", protects_id=entry.order_id)
    assert book.exposure_after(child, "F.SMART", 1) == Exposure(10, 30 - filled)


def test_what_children_may_trade_is_counted_by_group() -> None:
    entry, stop, target = bracket(10)
    alone = order(quantity=3, side="sell", protects_id=entry.order_id)
    book = ledger(entry, stop, target, alone, order(quantity=50, side="sell"))
    book.reserve_change(stop.order_id, 12, D(5))
    assert book.closed_by_children(entry.order_id) == 15
    assert book.closed_by_children("gone") == 0


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
    stranger = order(quantity=3, side="sell", group_id="G", strategy_id="T")
    assert book.exposure_after(stranger, "F.SMART", 1).worst_short == 13
    buy = order(quantity=8, group_id="G")
    assert book.exposure_after(buy, "F.SMART", 1) == Exposure(8, 10)


def test_an_order_of_a_group_hides_no_leg_on_the_other_side() -> None:
    book = ledger(order(VERTICAL, 3, group_id="G"))
    assert book.exposure_after(order(option(100), 2, group_id="G"), P100, 1) == Exposure(2, 3)


def test_a_child_of_a_larger_group_hides_nothing() -> None:
    entry = order(quantity=10)
    book = ledger(entry, order(quantity=7, side="sell", group_id="G"))
    child = order(quantity=5, side="sell", group_id="G", protects_id=entry.order_id)
    assert book.exposure_after(child, "F.SMART", 1) == Exposure(10, 7)


@pytest.mark.parametrize(
    ("change", "is_closing"), [({}, True), ({"strategy_id": "T"}, False), ({"protects_id": "gone"}, False)]
)
def test_a_child_that_sleeps_stands_in_no_closing_orders_way(
    change: dict[str, Any], is_closing: bool
) -> None:
    """One of another strategy does, and one without its parent."""
    entry = order(quantity=10)
    fields: dict[str, Any] = {"side": "sell", "protects_id": entry.order_id} | change
    book = ledger(entry, order(quantity=10, **fields))
    book.filled("", "S-ONE", F, 10)
    close = order(quantity=10, side="sell", strategy_id=fields.get("strategy_id", "S-ONE"))
    assert not book.closes(close)
    assert book.closes(close, live_only=True) == is_closing


def test_a_child_wakes_as_far_as_its_parent_has_filled() -> None:
    entry = order(quantity=10)
    book = ledger(entry, order(quantity=10, side="sell", protects_id=entry.order_id))
    fill(book, entry, 4)
    book.filled("", "S-ONE", F, 10)
    assert book.closes(order(quantity=10, side="sell"), live_only=True)
    assert not book.closes(order(quantity=11, side="sell"), live_only=True)


# -- Spreads --------------------------------------------------------------------------------------


def test_a_spread_counts_through_its_legs() -> None:
    book = ledger(order(VERTICAL, 3))
    assert worst(book, P100) == (0, 3)
    assert worst(book, P95) == (6, 0)
    assert book.exposure_after(order(VERTICAL, 2, side="sell"), P95, 2) == Exposure(6, 4)


def test_a_new_spread_sells_one_leg_and_buys_the_other() -> None:
    buy, sale = order(VERTICAL, 2), order(VERTICAL, 2, side="sell")
    for book in (ledger(), ledger(order(option(100), 1), order(option(95), 1))):
        longs = [book.exposure(name).worst_long for name in (P100, P95)]
        assert book.exposure_after(buy, P100, -1) == Exposure(longs[0], 2)
        assert book.exposure_after(buy, P95, 2) == Exposure(longs[1] + 4, 0)
        assert book.exposure_after(sale, P100, -1) == Exposure(longs[0] + 2, 0)
        assert book.exposure_after(sale, P95, 2) == Exposure(longs[1], 4)


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
    assert book.exposure_after(grown, P100, -1) == Exposure(0, 4)
    assert book.exposure_after(grown, P95, 2) == Exposure(8, 0)


def test_a_leg_that_has_reported_all_adds_nothing_and_hides_nothing() -> None:
    """Before the spread itself has: the larger order of its group counts on."""
    buy = order(VERTICAL, 2, group_id="G")
    book = ledger(buy, order(VERTICAL, 1, group_id="G"))
    fill(book, buy, -2, terms=option(100))
    again = order(VERTICAL, 2, order_id=buy.order_id, group_id="G", replaces=True)
    assert book.adds(again, P100, -1) == 0
    assert book.exposure_after(again, P100, -1) == book.exposure(P100) == Exposure(0, 3)


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
