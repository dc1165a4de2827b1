"""Orders that only lower risk pass, whatever else is wrong; those that do more are judged as openings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from risk.decision import Approved, Refused
from risk.gatekeeper import Gatekeeper
from risk.performance import Fill
from tests.risk.limit_cases import LIMITS, limits
from tests.risk.table_market import NOW_NS, TableMarket, bought, changed, gatekeeper, order, stock, verdict

F = stock()


@pytest.mark.parametrize("state", ["SAFE_MODE", "HALT"])
def test_only_closing_orders_pass_outside_running(keeper: Gatekeeper, state: str) -> None:
    bought(keeper, 10)
    breaker = msgspec.structs.replace(keeper.account.breaker, state=state)
    keeper.account.breaker = breaker
    assert verdict(keeper, order(quantity=1)) == "breaker_state"
    assert verdict(keeper, order(quantity=11, side="sell")) == "breaker_state"
    assert verdict(keeper, order(quantity=10, side="sell")) == "reducing"


@pytest.mark.parametrize(("held", "side"), [(1, "sell"), (-1, "buy")])
@pytest.mark.parametrize("strategy", ["S-ONE", "S-TWO"])
def test_the_last_share_is_never_trapped(keeper: Gatekeeper, held: int, side: str, strategy: str) -> None:
    """By whichever strategy: the account's position is closed, and a halt does not stand in the way."""
    bought(keeper, held)
    halted = keeper.account.breaker.halted(NOW_NS, by="test", reason="test")
    keeper.account.breaker = halted
    assert verdict(keeper, order(quantity=1, side=side, strategy_id=strategy)) == "reducing"


@pytest.mark.parametrize(("held", "side"), [(1, "buy"), (-1, "sell")])
def test_adding_to_the_last_share_is_an_opening(keeper: Gatekeeper, held: int, side: str) -> None:
    bought(keeper, held)
    assert verdict(keeper, order(quantity=1, side=side)) == "approved"


def test_closing_passes_whatever_else_is_wrong(keeper: Gatekeeper, market: TableMarket) -> None:
    bought(keeper, 500)
    market.default_quote = None
    market.funds = None
    keeper.account.all_paused_by = "Ann"
    assert verdict(keeper, order(quantity=500, side="sell", order_type="market")) == "reducing"


def test_closing_again_passes_once_the_first_order_is_being_canceled(keeper: Gatekeeper) -> None:
    bought(keeper, 10)
    stop = order(quantity=10, side="sell")
    verdict(keeper, stop)
    keeper.account.breaker = msgspec.structs.replace(keeper.account.breaker, state="SAFE_MODE")
    assert verdict(keeper, order(quantity=10, side="sell")) == "breaker_state"
    keeper.cancel(stop.order_id, NOW_NS)
    assert verdict(keeper, order(quantity=10, side="sell")) == "reducing"
    assert keeper.account.replaces.count(NOW_NS) == 1


@pytest.mark.parametrize(("limit", "again"), [(10, "breaker_state"), (19, "breaker_state"), (20, "reducing")])
def test_closing_again_passes_up_to_the_position_limit_and_not_beyond(
    market: TableMarket, limit: int, again: str
) -> None:
    keeper = gatekeeper(limits(max_position_shares_per_symbol=limit, max_shares_per_order=limit), market)
    bought(keeper, 10)
    keeper.account.breaker = keeper.account.breaker.with_cause("drill", NOW_NS, reason="test")
    for expected in ("reducing", "reducing", again):
        close = order(quantity=10, side="sell")
        assert verdict(keeper, close) == expected
        keeper.cancel(close.order_id, NOW_NS)


def test_a_position_beyond_the_limit_can_be_closed_again_and_not_turned_further(market: TableMarket) -> None:
    keeper = gatekeeper(limits(canceled_order_grace_ms=2_000), market)
    keeper.adopt_position("EXTERNAL", F, 500, Decimal(5))
    keeper.account.breaker = keeper.account.breaker.halted(NOW_NS, by="Ann", reason="news")
    for expected in ("reducing", "reducing", "breaker_state"):
        close = order(quantity=500, side="sell", order_type="market", strategy_id="EXTERNAL")
        assert verdict(keeper, close) == expected
        keeper.cancel(close.order_id, NOW_NS)
        keeper.ended(close.order_id, NOW_NS)


def test_a_position_can_be_closed_while_a_bracket_waits(keeper: Gatekeeper) -> None:
    bought(keeper, 100)
    entry = order(quantity=100)
    keeper.submit([entry, order(quantity=100, side="sell", protects_id=entry.order_id)], NOW_NS)
    keeper.account.breaker = keeper.account.breaker.halted(NOW_NS, by="Ann", reason="news")
    assert verdict(keeper, order(quantity=100, side="sell", order_type="market")) == "reducing"


# -- Brackets -------------------------------------------------------------------------------------


def test_closing_again_and_again_cannot_flip_beyond_the_position_limit(keeper: Gatekeeper) -> None:
    bought(keeper, 100)
    for _ in range(10):
        close = order(quantity=100, side="sell")
        if verdict(keeper, close) == "reducing":
            keeper.cancel(close.order_id, NOW_NS)
    assert keeper.account.ledger.exposure("F.SMART").worst <= LIMITS.max_position_shares_per_symbol


def test_a_brackets_children_pass_with_their_entry(keeper: Gatekeeper) -> None:
    entry = order(quantity=100)
    child: dict[str, Any] = {"side": "sell", "protects_id": entry.order_id, "group_id": "G"}
    children = [order(quantity=100, **child) for _ in range(2)]
    decisions = keeper.submit([entry, *children], NOW_NS)
    assert [isinstance(each, Approved) and each.is_reducing for each in decisions] == [False, True, True]


def test_children_that_close_more_than_their_entry_are_judged_as_openings(keeper: Gatekeeper) -> None:
    entry = order(quantity=50)
    child: dict[str, Any] = {"side": "sell", "protects_id": entry.order_id}
    keeper.submit([entry], NOW_NS)
    assert verdict(keeper, order(quantity=30, **child)) == "reducing"
    assert verdict(keeper, order(quantity=21, **child)) == "approved"
    assert verdict(keeper, order(quantity=101, **child)) == "shares_per_order"


def test_children_larger_than_their_entries_add_up() -> None:
    keeper, decisions = gatekeeper(limits(max_open_orders=20), TableMarket()), []
    for number in range(3):
        entry = order(quantity=1 + number)
        price = Decimal("5.02") + Decimal(number) / 100
        child = order(quantity=100, side="sell", protects_id=entry.order_id, limit_price=price)
        decisions.append(keeper.submit([entry, child], NOW_NS + number))
    rules = [[each.rule for each in pair if isinstance(each, Refused)] for pair in decisions]
    assert rules == [[], [], ["order_list", "position_per_symbol"]]


def test_a_bracket_waits_beside_a_short_position_only_within_the_limit(keeper: Gatekeeper) -> None:
    """The first share of the entry would let the child sell all its 100: 299 short of 200."""
    keeper.adopt_position("S-TWO", F, -200, Decimal(5))
    entry = order(quantity=100)
    decisions = keeper.submit([entry, order(quantity=100, side="sell", protects_id=entry.order_id)], NOW_NS)
    assert [each.rule for each in decisions if isinstance(each, Refused)] == [
        "order_list", "position_per_symbol",
    ]  # fmt: skip


def test_a_child_may_grow_up_to_its_entry_and_to_the_position_limit() -> None:
    wide = limits(max_shares_per_order=200, max_notional_usd_per_order=Decimal(2_000))
    keeper = gatekeeper(wide, TableMarket())
    keeper.adopt_position("S-TWO", F, -150, Decimal(5))
    entry = order(quantity=50)
    child = order(quantity=1, side="sell", protects_id=entry.order_id)
    keeper.submit([entry, child], NOW_NS)
    for quantity, passes in ((51, False), (50, True)):
        decision = keeper.change(changed(child, quantity), quantity, NOW_NS)
        assert isinstance(decision, Approved) == passes


def test_an_entry_that_shrinks_below_its_children_is_judged_as_an_opening(keeper: Gatekeeper) -> None:
    entry = order(quantity=100)
    keeper.submit([entry, order(quantity=60, side="sell", protects_id=entry.order_id)], NOW_NS)
    keeper.account.breaker = keeper.account.breaker.halted(NOW_NS, by="Ann", reason="news")
    refused = keeper.change(changed(entry, 59), 59, NOW_NS)
    assert isinstance(refused, Refused)
    assert refused.rule == "breaker_state"
    assert isinstance(keeper.change(changed(entry, 60), 60, NOW_NS), Approved)


def test_an_entry_that_is_to_shrink_protects_no_more_than_it_will_be(keeper: Gatekeeper) -> None:
    entry = order(quantity=100)
    keeper.submit([entry], NOW_NS)
    assert isinstance(keeper.change(changed(entry, 10), 10, NOW_NS), Approved)
    keeper.account.all_paused_by = "Ann"
    for quantity, seen in ((11, "trading_paused"), (10, "reducing")):
        child = order(quantity=quantity, side="sell", protects_id=entry.order_id)
        assert verdict(keeper, child) == seen


def test_what_a_childs_sibling_has_filled_is_closed_already(keeper: Gatekeeper) -> None:
    entry = order(quantity=10)
    keeper.adopt_order(entry, filled=0)
    keeper.adopt_order(order(quantity=4, side="sell", protects_id=entry.order_id), filled=2)
    keeper.account.all_paused_by = "Ann"
    for quantity, seen in ((5, "trading_paused"), (4, "reducing")):
        child = order(quantity=quantity, side="sell", protects_id=entry.order_id)
        assert verdict(keeper, child) == seen


@pytest.mark.parametrize("parent", ["unknown", "canceled", "another strategy's"])
def test_a_child_without_an_entry_of_its_own_is_judged_as_an_opening(keeper: Gatekeeper, parent: str) -> None:
    entry = order(quantity=10)
    keeper.submit([entry], NOW_NS)
    if parent == "canceled":
        keeper.ended(entry.order_id, NOW_NS)
    keeper.account.breaker = keeper.account.breaker.halted(NOW_NS, by="Ann", reason="news")
    child = order(
        quantity=10,
        side="sell",
        protects_id="gone" if parent == "unknown" else entry.order_id,
        strategy_id="OTHER" if parent == "another strategy's" else entry.strategy_id,
    )
    assert verdict(keeper, child) == "breaker_state"


@pytest.mark.parametrize("is_own", [True, False])
def test_what_a_bracket_has_closed_makes_no_room_for_a_larger_child(keeper: Gatekeeper, is_own: bool) -> None:
    entry = order(quantity=60)
    group: dict[str, Any] = {"side": "sell", "protects_id": entry.order_id, "group_id": "G"}
    stop, target = order(quantity=60, **group), order(quantity=60, limit_price=Decimal("5.02"), **group)
    keeper.submit([entry, stop, target], NOW_NS)
    for intent, count in ((entry, 30), (stop, 25)):
        fill = Fill(strategy_id="S-ONE", terms=F, signed_quantity=count * intent.sign, price=Decimal("5.00"))
        keeper.filled(intent.order_id, f"T-{count}", fill, NOW_NS)
    keeper.account.breaker = keeper.account.breaker.halted(NOW_NS, by="Ann", reason="news")
    child, filled = (stop, 25) if is_own else (target, 0)
    for left, passes in ((60, False), (36, False), (35, True)):
        decision = keeper.change(changed(child, left, limit_price=Decimal("5.01")), left + filled, NOW_NS)
        assert isinstance(decision, Approved) == passes
