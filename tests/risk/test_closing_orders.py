"""Orders that only lower risk pass, whatever else is wrong; those that do more are judged as openings."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from risk.decision import Approved
from risk.gatekeeper import Gatekeeper
from tests.risk.limit_cases import LIMITS, limits
from tests.risk.table_market import NOW_NS, TableMarket, bought, gatekeeper, order, stock, verdict

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


def test_closing_again_passes_up_to_the_position_limit_and_not_beyond(market: TableMarket) -> None:
    for limit, expected in ((10, "reducing"), (9, "breaker_state")):
        tight = limits(max_position_shares_per_symbol=limit, max_shares_per_order=limit)
        keeper = gatekeeper(tight, market)
        bought(keeper, 10)
        stop = order(quantity=10, side="sell")
        assert verdict(keeper, stop) == "reducing"
        keeper.cancel(stop.order_id, NOW_NS)
        keeper.account.breaker = keeper.account.breaker.with_cause("drill", NOW_NS, reason="test")
        assert verdict(keeper, order(quantity=10, side="sell")) == expected


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


def test_what_a_childs_sibling_has_filled_protects_no_more(keeper: Gatekeeper) -> None:
    entry = order(quantity=10)
    keeper.adopt_order(entry, filled=0)
    keeper.adopt_order(order(quantity=4, side="sell", protects_id=entry.order_id), filled=2)
    keeper.account.all_paused_by = "Ann"
    for quantity, seen in ((7, "trading_paused"), (6, "reducing")):
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
