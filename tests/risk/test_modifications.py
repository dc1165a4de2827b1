"""Modifications: which are refused, which only lower risk, and how many may wait for an answer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from market.time import NS_PER_MS
from risk.decision import Approved, Refused
from risk.gatekeeper import Gatekeeper
from risk.performance import Fill
from risk.reservation import MAX_PENDING_CHANGES
from tests.risk.limit_cases import limits
from tests.risk.table_market import NOW_NS, TableMarket, bought, changed, gatekeeper, order, stock, verdict

D = Decimal
F = stock()


def test_a_modification_of_an_unknown_order_is_refused_with_ibs_code(keeper: Gatekeeper) -> None:
    refused = keeper.change(changed(order(), 5), 5, NOW_NS)
    assert isinstance(refused, Refused)
    assert (refused.rule, refused.ib_code) == ("ib_modify", 104)


def test_a_modification_of_an_ended_order_is_refused() -> None:
    keeper = gatekeeper(limits(canceled_order_grace_ms=1_000), TableMarket())
    intent = order()
    verdict(keeper, intent)
    keeper.ended(intent.order_id, NOW_NS)
    refused = keeper.change(changed(intent, 5), 5, NOW_NS)
    assert isinstance(refused, Refused)
    assert refused.rule == "ib_modify"


def test_unanswered_modifications_are_bounded(keeper: Gatekeeper) -> None:
    intent = order(quantity=50)
    verdict(keeper, intent)
    for number in range(MAX_PENDING_CHANGES):
        assert isinstance(keeper.change(changed(intent, 51 + number), 51 + number, NOW_NS), Approved)
    refused = keeper.change(changed(intent, 90), 90, NOW_NS)
    assert isinstance(refused, Refused)
    assert (refused.rule, refused.limit) == ("pending_changes", "16")
    assert keeper.account.replaces.count(NOW_NS) == MAX_PENDING_CHANGES


@pytest.mark.parametrize(
    ("side", "quantity", "price", "passes"),
    [
        ("buy", 10, "5.00", True),
        ("buy", 9, "5.00", True),
        ("buy", 10, "4.99", True),
        ("buy", 10, "5.01", False),
        ("buy", 11, "4.99", False),
        ("sell", 10, "5.00", True),
        ("sell", 9, "5.00", True),
        ("sell", 10, "5.01", False),
        ("sell", 10, "4.99", False),
    ],
)
def test_in_safe_mode_a_modification_may_only_lower_risk(
    keeper: Gatekeeper, side: str, quantity: int, price: str, passes: bool
) -> None:
    intent = order(quantity=10, side=side)
    verdict(keeper, intent)
    keeper.account.breaker = keeper.account.breaker.with_cause("drill", NOW_NS, reason="test")
    decision = keeper.change(changed(intent, quantity, limit_price=D(price)), quantity, NOW_NS)
    assert isinstance(decision, Approved) == passes


@pytest.mark.parametrize(
    ("fields", "change", "passes"),
    [
        ({"order_type": "stop", "limit_price": None}, {"trigger_price": D("4.50")}, False),
        ({"order_type": "stop", "limit_price": None}, {"quantity": 9}, True),
        ({"order_type": "market_if_touched", "limit_price": None}, {"trigger_price": D("5.03")}, False),
        ({"order_type": "stop_limit"}, {"trigger_price": D("4.50")}, False),
        ({"order_type": "stop_limit"}, {"limit_price": D("4.99")}, False),
        ({"order_type": "stop_limit"}, {"quantity": 9}, True),
    ],
)
def test_in_safe_mode_no_trigger_is_moved(
    keeper: Gatekeeper, fields: dict[str, Any], change: dict[str, Any], passes: bool
) -> None:
    """Nearer to the market it fires at once; once triggered, its limit is an order of its own."""
    intent = order(**({"trigger_price": D("5.04")} | fields))
    verdict(keeper, intent)
    keeper.account.breaker = keeper.account.breaker.with_cause("drill", NOW_NS, reason="test")
    new = changed(intent, **({"quantity": 10} | change))
    assert isinstance(keeper.change(new, new.quantity, NOW_NS), Approved) == passes


def test_a_trigger_that_was_moved_cannot_be_moved_back_in_safe_mode(keeper: Gatekeeper) -> None:
    intent = order(order_type="stop_limit", trigger_price=D("5.01"), limit_price=D("5.04"))
    assert verdict(keeper, intent) == "approved"
    moved = changed(intent, 10, trigger_price=D("5.03"))
    assert isinstance(keeper.change(moved, 10, NOW_NS), Approved)
    keeper.changed(intent.order_id, 10, D("5.04"), NOW_NS + 1)
    keeper.account.breaker = keeper.account.breaker.with_cause("drill", NOW_NS, reason="test")
    assert isinstance(keeper.change(changed(intent, 10), 10, NOW_NS), Refused)


def test_a_higher_price_of_a_short_sale_counts_in_the_value_limits(market: TableMarket) -> None:
    keeper = gatekeeper(
        limits(max_notional_usd_per_symbol=D(1_000), max_notional_usd_per_order=D(500)), market
    )
    intent = order(quantity=100, side="sell")
    assert verdict(keeper, intent) == "approved"
    refused = keeper.change(changed(intent, 100, limit_price=D("5.01")), 100, NOW_NS)
    assert isinstance(refused, Refused)
    assert refused.rule == "notional_per_order"


def test_what_is_filled_does_not_make_room_for_a_larger_order(keeper: Gatekeeper) -> None:
    intent = order(quantity=10)
    verdict(keeper, intent)
    fill = Fill(strategy_id="S-ONE", terms=F, signed_quantity=4, price=D("5.00"))
    keeper.filled(intent.order_id, "T-1", fill, NOW_NS)
    keeper.account.breaker = keeper.account.breaker.with_cause("drill", NOW_NS, reason="test")
    assert isinstance(keeper.change(changed(intent, 7), 11, NOW_NS), Refused)
    assert isinstance(keeper.change(changed(intent, 6), 10, NOW_NS), Approved)


def test_a_market_order_is_not_made_better_by_a_price(keeper: Gatekeeper) -> None:
    intent = order(order_type="market")
    verdict(keeper, intent)
    keeper.account.breaker = keeper.account.breaker.with_cause("drill", NOW_NS, reason="test")
    decision = keeper.change(changed(intent, 10, limit_price=D("5.00")), 10, NOW_NS)
    assert isinstance(decision, Refused)
    assert isinstance(keeper.change(changed(intent, 10), 10, NOW_NS), Approved)


@pytest.mark.parametrize(
    ("quantity", "price", "passes"),
    [(9, "4.98", True), (10, "4.98", True), (11, "4.98", False), (9, "4.99", False), (9, "5.00", False)],
)
def test_what_lowers_is_lower_than_all_that_may_work(
    keeper: Gatekeeper, quantity: int, price: str, passes: bool
) -> None:
    intent = order(quantity=10)
    verdict(keeper, intent)
    assert isinstance(keeper.change(changed(intent, 20, limit_price=D("4.98")), 20, NOW_NS), Approved)
    keeper.account.breaker = keeper.account.breaker.with_cause("drill", NOW_NS, reason="test")
    decision = keeper.change(changed(intent, quantity, limit_price=D(price)), quantity, NOW_NS)
    assert isinstance(decision, Approved) == passes


def test_a_stop_loss_may_be_moved_however_many_answers_are_missing(keeper: Gatekeeper) -> None:
    bought(keeper, 10)
    stop = order(quantity=10, side="sell", order_type="stop", limit_price=None, trigger_price=D("4.50"))
    verdict(keeper, stop)
    for number in range(10 * MAX_PENDING_CHANGES):
        moved = changed(stop, 10, trigger_price=D("4.50") + D(number % 2) / 100)
        assert isinstance(keeper.change(moved, 10, NOW_NS), Approved)
    assert keeper.account.ledger.exposure("F.SMART").worst == 10


@pytest.mark.parametrize(("grace_ms", "counted"), [(2_000, 100), (0, 10)])
def test_a_growing_order_whose_old_quantity_fills_counts_its_growth(
    market: TableMarket, grace_ms: int, counted: int
) -> None:
    """The broker may have grown it before: Nautilus calls it filled, and the rest works on."""
    keeper = gatekeeper(limits(canceled_order_grace_ms=grace_ms), market)
    intent = order(quantity=10)
    verdict(keeper, intent)
    assert isinstance(keeper.change(changed(intent, 100), 100, NOW_NS), Approved)
    fill = Fill(strategy_id="S-ONE", terms=F, signed_quantity=10, price=D("5.00"))
    keeper.filled(intent.order_id, "T-1", fill, NOW_NS)
    keeper.finished(intent.order_id, NOW_NS)
    assert keeper.account.ledger.exposure("F.SMART").worst_long == counted
    keeper.account.ledger.release_expired(NOW_NS + 2_000 * NS_PER_MS)
    assert keeper.account.ledger.exposure("F.SMART").worst_long == 10
    assert keeper.account.ledger.reservations == {}


def test_a_certain_rejection_frees_an_order_although_a_change_is_unanswered() -> None:
    keeper = gatekeeper(limits(canceled_order_grace_ms=2_000), TableMarket())
    intent = order(quantity=50)
    verdict(keeper, intent)
    assert isinstance(keeper.change(changed(intent, 40), 40, NOW_NS), Approved)
    keeper.rejected(intent.order_id, NOW_NS, is_certain=True)
    assert keeper.account.ledger.reservations == {}


def test_a_supposed_rejection_that_becomes_certain_frees_the_order_at_once() -> None:
    keeper = gatekeeper(limits(canceled_order_grace_ms=2_000), TableMarket())
    intent = order(quantity=50)
    verdict(keeper, intent)
    keeper.rejected(intent.order_id, NOW_NS)
    keeper.rejected(intent.order_id, NOW_NS + 1)
    ledger = keeper.account.ledger
    assert ledger.exposure("F.SMART").worst_long == 50
    keeper.rejected(intent.order_id, NOW_NS + 2, is_certain=True)
    assert (ledger.exposure("F.SMART").worst_long, ledger.reservations) == (0, {})
    ledger.release_expired(NOW_NS + 3_000 * NS_PER_MS)
    assert (ledger.reservations, ledger.open_orders) == ({}, 0)


def test_an_order_that_has_filled_counts_on_after_its_rejection(market: TableMarket) -> None:
    """It has worked, if only one share of it, so the rest may fill yet."""
    keeper = gatekeeper(limits(canceled_order_grace_ms=2_000), market)
    intent = order(quantity=50)
    verdict(keeper, intent)
    fill = Fill(strategy_id="S-ONE", terms=F, signed_quantity=1, price=D("5.00"))
    keeper.filled(intent.order_id, "T-1", fill, NOW_NS)
    keeper.rejected(intent.order_id, NOW_NS, is_certain=True)
    ledger = keeper.account.ledger
    assert ledger.exposure("F.SMART").worst_long == 50
    ledger.release_expired(NOW_NS + 2_000 * NS_PER_MS)
    assert (ledger.exposure("F.SMART").worst_long, ledger.reservations) == (1, {})
