"""What a HALT cancels, and what it leaves working because it protects."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.gatekeeper import Gatekeeper
from risk.intent import InstrumentTerms, OrderIntent
from risk.openings import closes_alone, openings
from risk.performance import Fill
from tests.risk.limit_cases import LIMITS
from tests.risk.table_market import NOW_NS, TableMarket, bought, gatekeeper, option, order, spread, stock

D = Decimal
F = stock()
P100, P95 = option(100), option(95)
ROOMY = msgspec.structs.replace(LIMITS, max_open_orders=50)


def sale(count: int, order_id: str, **fields: Any) -> OrderIntent:
    return order(None, count, side="sell", order_id=order_id, limit_price=D("5.50"), **fields)


def stop(count: int, order_id: str, terms: InstrumentTerms | None = None, **fields: Any) -> OrderIntent:
    values = {"order_type": "stop", "limit_price": None, "trigger_price": D("4.50")}
    return order(terms, count, side="sell", order_id=order_id, **(values | fields))


def adopt(keeper: Gatekeeper, *orders: OrderIntent) -> None:
    """Let orders work, however they came there."""
    for each in orders:
        keeper.adopt_order(each, filled=0)


def found(keeper: Gatekeeper) -> list[str]:
    """Return the orders to cancel; one to lower with what it keeps."""
    surplus = openings(keeper.account, keeper.account.ledger.reservations)
    return [f"{each.order_id} keeps {each.keeps}" if each.keeps else each.order_id for each in surplus]


def test_an_order_that_opens_is_one_and_an_order_that_closes_is_none(keeper: Gatekeeper) -> None:
    bought(keeper, 100)
    adopt(keeper, order(None, 10, order_id="ENTRY"), sale(60, "EXIT"))
    assert found(keeper) == ["ENTRY"]


def test_of_a_stop_and_a_target_sent_apart_the_stop_stays(keeper: Gatekeeper) -> None:
    bought(keeper, 100)
    adopt(keeper, stop(100, "STOP"), sale(100, "TARGET"))
    assert found(keeper) == ["TARGET"]


@pytest.mark.parametrize("order_type", ["stop", "stop_limit", "trailing"])
def test_every_kind_of_stop_protects(keeper: Gatekeeper, order_type: str) -> None:
    bought(keeper, 100)
    adopt(keeper, stop(100, "STOP", order_type=order_type), sale(100, "TARGET"))
    assert found(keeper) == ["TARGET"]


def test_of_two_stops_one_stays(keeper: Gatekeeper) -> None:
    bought(keeper, 100)
    adopt(keeper, stop(100, "ONE"), stop(100, "TWO"))
    assert found(keeper) == ["TWO"]


def test_of_an_options_stop_and_target_the_stop_stays() -> None:
    keeper = gatekeeper(ROOMY, TableMarket())
    bought(keeper, 5, terms=P100, price="1.00")
    adopt(keeper, stop(5, "STOP", terms=P100), order(P100, 5, side="sell", order_id="TARGET"))
    assert found(keeper) == ["TARGET"]


def test_the_cover_of_a_short_option_is_not_offered_on(keeper: Gatekeeper) -> None:
    bought(keeper, -5, terms=P100, price="1.00")
    bought(keeper, 5, terms=P95, price="0.50")
    adopt(keeper, stop(5, "COVER", terms=P95), order(P100, 5, order_id="BUY BACK"))
    assert found(keeper) == ["COVER"]


def test_of_two_sales_that_together_uncover_a_short_option_one_stays(keeper: Gatekeeper) -> None:
    bought(keeper, -1, terms=P100, price="1.00")
    bought(keeper, 2, terms=P95, price="0.50")
    adopt(keeper, stop(1, "ONE", terms=P95), stop(1, "TWO", terms=P95))
    assert found(keeper) == ["TWO"]


def test_beside_a_stop_lowered_to_the_last_share_nothing_else_sells(keeper: Gatekeeper) -> None:
    bought(keeper, 1)
    adopt(keeper, stop(2, "STOP"), sale(1, "TARGET"))
    assert found(keeper) == ["STOP keeps 1", "TARGET"]


def test_an_opening_whose_cancel_is_on_its_way_is_canceled_again_and_a_closing_one_is_not(
    keeper: Gatekeeper,
) -> None:
    bought(keeper, 100)
    adopt(keeper, stop(100, "STOP"), order(None, 10, order_id="ENTRY"))
    for order_id in ("STOP", "ENTRY"):
        keeper.cancel(order_id, NOW_NS)
    assert found(keeper) == ["ENTRY"]


def test_looking_changes_nothing(keeper: Gatekeeper) -> None:
    bought(keeper, 100)
    adopt(keeper, stop(100, "STOP"), sale(100, "TARGET"))
    keeper.cancel("STOP", NOW_NS)
    found(keeper)
    pending = {name: each.is_cancel_pending for name, each in keeper.account.ledger.reservations.items()}
    assert pending == {"STOP": True, "TARGET": False}


def test_an_order_that_has_ended_is_not_canceled() -> None:
    limits = msgspec.structs.replace(LIMITS, canceled_order_grace_ms=1_000)
    keeper = gatekeeper(limits, TableMarket())
    adopt(keeper, order(None, 10, order_id="GONE"))
    keeper.ended("GONE", NOW_NS)
    assert found(keeper) == []


def test_an_order_that_cannot_be_judged_could_open_and_hides_no_other(keeper: Gatekeeper) -> None:
    bought(keeper, 100)
    judge = keeper.account.is_reducing

    def fail(intent: OrderIntent) -> bool:
        if intent.terms.symbol == "GE":
            raise ValueError("no terms")
        return judge(intent)

    keeper.account.is_reducing = fail  # type: ignore[method-assign]
    odd, entry = order(stock("GE"), 5, order_id="ODD"), order(None, 5, order_id="ENTRY")
    adopt(keeper, odd, entry, stop(100, "STOP"))
    assert found(keeper) == ["ODD", "ENTRY"]


def test_a_stop_larger_than_the_position_is_lowered_to_it(keeper: Gatekeeper) -> None:
    bought(keeper, 60)
    adopt(keeper, sale(100, "TARGET"), stop(100, "STOP"))
    assert found(keeper) == ["STOP keeps 60", "TARGET"]


def test_what_it_keeps_counts_what_it_has_filled(keeper: Gatekeeper) -> None:
    bought(keeper, 60)
    keeper.adopt_order(stop(70, "STOP"), filled=30)
    assert found(keeper) == ["STOP keeps 90"]


def test_a_stop_whose_rest_closes_what_is_left_stays_as_it_is(keeper: Gatekeeper) -> None:
    bought(keeper, 60)
    keeper.adopt_order(stop(60, "STOP"), filled=40)
    assert found(keeper) == []


def test_an_option_order_larger_than_the_position_is_canceled(keeper: Gatekeeper) -> None:
    bought(keeper, 3, terms=P100, price="1.00")
    adopt(keeper, stop(5, "STOP", terms=P100))
    assert found(keeper) == ["STOP"]


def test_a_brackets_stop_is_lowered_once_the_rest_of_its_entry_is_gone(keeper: Gatekeeper) -> None:
    adopt(keeper, order(None, 100, order_id="E"), stop(100, "STOP", protects_id="E"))
    fill = Fill(strategy_id="S-ONE", terms=F, signed_quantity=60, price=D(5))
    keeper.filled("E", "T", fill, NOW_NS)
    assert found(keeper) == ["E"]
    keeper.ended("E", NOW_NS)
    assert found(keeper) == ["STOP keeps 60"]


@given(held=st.integers(0, 100), counts=st.lists(st.integers(1, 100), max_size=5), stops=st.integers(0, 5))
def test_what_stays_sells_no_more_than_is_held_and_as_much_as_before(
    held: int, counts: list[int], stops: int
) -> None:
    keeper = gatekeeper(ROOMY, TableMarket())
    if held:
        bought(keeper, held)
    orders = [stop(count, f"O-{n}") if n < stops else sale(count, f"O-{n}") for n, count in enumerate(counts)]
    adopt(keeper, *orders)
    stays = {each.order_id: each.quantity for each in orders}
    stays |= {each.order_id: each.keeps for each in openings(keeper.account, list(stays))}
    assert sum(stays.values()) == min(held, sum(counts))


# -- Orders that wait in the node -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "side", "count", "closes"),
    [
        (100, "sell", 100, True),
        (100, "sell", 40, True),
        (100, "sell", 101, False),
        (100, "buy", 10, False),
        (-100, "buy", 100, True),
        (0, "sell", 1, False),
    ],
)
def test_an_order_in_the_node_closes_when_it_lies_against_the_position(
    keeper: Gatekeeper, held: int, side: str, count: int, closes: bool
) -> None:
    if held:
        bought(keeper, held)
    adopt(keeper, sale(100, "TARGET"))  # what works beside it is judged when it is released
    assert closes_alone(keeper.account, order(None, count, side=side)) is closes


@pytest.mark.parametrize(("strategy_id", "closes"), [("S-ONE", True), ("S-TWO", True)])
def test_it_may_close_what_the_account_holds(keeper: Gatekeeper, strategy_id: str, closes: bool) -> None:
    bought(keeper, 100)
    intent = order(None, 100, side="sell", strategy_id=strategy_id)
    assert closes_alone(keeper.account, intent) is closes


def test_of_a_spread_every_leg_must_close(keeper: Gatekeeper) -> None:
    bull: InstrumentTerms = spread((P100, -1), (P95, 1))
    bought(keeper, -2, terms=P100, price="1.00")
    assert not closes_alone(keeper.account, order(bull, 2, side="sell"))
    bought(keeper, 2, terms=P95, price="0.50")
    assert closes_alone(keeper.account, order(bull, 2, side="sell"))
    assert not closes_alone(keeper.account, order(bull, 3, side="sell"))
