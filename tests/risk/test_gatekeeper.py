"""Decisions of the pure gate: what is reserved, lists, duplicates, faults, how orders end."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from market.time import NS_PER_MS
from risk.decision import Approved, Refused
from risk.gatekeeper import Gatekeeper
from risk.intent import OrderIntent
from risk.performance import Fill
from risk.policy import Policy
from tests.risk.limit_cases import OPTION_LIMITS, limits
from tests.risk.table_market import NOW_NS, TableMarket, bought, gatekeeper, order, stock, verdict

D = Decimal
F = stock()


def test_an_approved_order_is_reserved_and_counted(keeper: Gatekeeper) -> None:
    intent = order()
    assert keeper.submit([intent], NOW_NS) == [Approved(intent)]
    assert keeper.account.ledger.open_orders == 1
    assert keeper.account.orders.count(NOW_NS) == 1


def test_a_refused_order_reserves_and_counts_nothing(keeper: Gatekeeper) -> None:
    assert verdict(keeper, order(quantity=101)) == "shares_per_order"
    assert (keeper.account.ledger.reservations, keeper.account.orders.count(NOW_NS)) == ({}, 0)
    assert keeper.account.attempts.count(NOW_NS) == 1


def test_an_order_id_goes_out_once(keeper: Gatekeeper) -> None:
    intent = order()
    assert verdict(keeper, intent) == "approved"
    (again,) = keeper.submit([intent], NOW_NS)
    assert isinstance(again, Refused)
    assert (again.rule, again.ib_code) == ("ib_duplicate_id", 103)


def test_a_list_with_a_bad_order_is_taken_back_whole(keeper: Gatekeeper) -> None:
    good, bad, later = order(), order(quantity=101), order(quantity=11)
    decisions = keeper.submit([good, bad, later], NOW_NS)
    assert [each.rule for each in decisions if isinstance(each, Refused)] == [
        "order_list", "shares_per_order", "order_list",
    ]  # fmt: skip
    first = decisions[0]
    assert isinstance(first, Refused)
    assert (first.value, first.ib_code) == (f"order {bad.order_id} of the list broke shares_per_order", None)
    assert (keeper.account.ledger.reservations, keeper.account.orders.count(NOW_NS)) == ({}, 0)
    assert verdict(keeper, msgspec.structs.replace(good, order_id="new")) == "approved"


def test_what_a_refused_list_takes_back_does_not_wait_for_a_late_fill(market: TableMarket) -> None:
    keeper = gatekeeper(limits(canceled_order_grace_ms=1_000), market)
    keeper.submit([order(quantity=100), order(quantity=101)], NOW_NS)
    assert keeper.account.ledger.reservations == {}
    assert keeper.account.ledger.exposure("F.SMART").worst_long == 0


def test_orders_of_a_list_count_together(keeper: Gatekeeper) -> None:
    decisions = keeper.submit([order(quantity=100), order(quantity=99), order(quantity=2)], NOW_NS)
    assert isinstance(decisions[2], Refused)
    assert decisions[2].rule == "position_per_symbol"


def test_ibs_rules_come_first_also_for_closing_orders(keeper: Gatekeeper) -> None:
    bought(keeper, 10)
    assert verdict(keeper, order(quantity=10, side="sell", limit_price=D("5.005"))) == "ib_tick"


def test_a_fault_of_the_rule_book_does_not_trap_a_position(
    keeper: Gatekeeper, market: TableMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bought(keeper, 10)

    def fault(_now_ns: int) -> None:
        raise RuntimeError("no calendar")

    monkeypatch.setattr(market, "session", fault)
    assert verdict(keeper, order(quantity=10, side="sell")) == "reducing"
    (opening,) = keeper.submit([order()], NOW_NS)
    assert isinstance(opening, Refused)
    assert (opening.rule, opening.value) == ("judgement", "RuntimeError: no calendar")


def test_an_order_whose_effect_cannot_be_told_is_refused(
    keeper: Gatekeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    bought(keeper, 10)

    def fault(_intent: OrderIntent) -> bool:
        raise RuntimeError("ledger fault")

    monkeypatch.setattr(keeper.account, "is_reducing", fault)
    assert verdict(keeper, order(quantity=10, side="sell")) == "judgement"


# -- Events ---------------------------------------------------------------------------------------


def test_a_canceled_order_may_still_fill_within_the_grace_period() -> None:
    keeper = gatekeeper(limits(canceled_order_grace_ms=100), TableMarket())
    intent = order(quantity=100)
    verdict(keeper, intent)
    keeper.ended(intent.order_id, NOW_NS)
    assert keeper.account.ledger.exposure("F.SMART").worst_long == 100
    keeper.finished(intent.order_id, NOW_NS)
    assert verdict(keeper, order(quantity=99), NOW_NS + 100 * NS_PER_MS) == "approved"
    assert keeper.account.ledger.exposure("F.SMART").worst_long == 99


def test_a_filled_order_leaves_nothing_behind() -> None:
    keeper = gatekeeper(limits(canceled_order_grace_ms=100), TableMarket())
    intent = order(quantity=100)
    verdict(keeper, intent)
    keeper.finished(intent.order_id, NOW_NS)
    assert keeper.account.ledger.exposure("F.SMART").worst_long == 0


def test_a_canceled_order_counts_for_the_grace_period_of_the_limits(market: TableMarket) -> None:
    keeper = gatekeeper(limits(canceled_order_grace_ms=500), market)
    canceled = order(quantity=100)
    assert verdict(keeper, canceled) == "approved"
    keeper.ended(canceled.order_id, NOW_NS)
    ends_ns = NOW_NS + 500 * NS_PER_MS
    keeper.account.ledger.release_expired(ends_ns - 1)
    assert keeper.account.ledger.exposure("F.SMART").worst_long == 100
    keeper.account.ledger.release_expired(ends_ns)
    assert keeper.account.ledger.exposure("F.SMART").worst_long == 0


def test_a_repeated_execution_is_booked_once(keeper: Gatekeeper) -> None:
    fill = Fill(strategy_id="S-ONE", terms=F, signed_quantity=10, price=D(5))
    keeper.filled("O", "T", fill, NOW_NS)
    keeper.filled("O", "T", fill, NOW_NS)
    assert keeper.account.ledger.net("F.SMART") == 10


def test_an_adopted_position_and_order_count(keeper: Gatekeeper) -> None:
    keeper.adopt_position("EXTERNAL", F, 30, D("4.00"))
    intent = order(quantity=20)
    keeper.adopt_order(intent, filled=5)
    assert keeper.account.ledger.exposure("F.SMART").worst_long == 50
    assert keeper.account.sent.has_order(intent.order_id)
    keeper.account.look(NOW_NS)
    assert keeper.account.performance.open_profit("F") == D("29.70")


def test_the_policy_sees_the_limits_it_was_given() -> None:
    tight = limits(max_shares_per_order=1, options=OPTION_LIMITS)
    keeper = gatekeeper(tight, TableMarket())
    assert keeper.policy.limits is tight
    assert verdict(keeper, order(quantity=2)) == "shares_per_order"
    assert isinstance(Policy(tight).rules, tuple)
