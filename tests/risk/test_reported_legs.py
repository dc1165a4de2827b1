"""Legs of which nothing is left to fill: they are neither sold nor bought any more."""

from __future__ import annotations

from decimal import Decimal

import pytest

from risk.decision import Approved, Decision, Refused
from risk.gatekeeper import Gatekeeper
from risk.intent import InstrumentTerms, OrderIntent
from risk.option_loss import MAX_ORDERS_COMBINED, Holding, OptionOrder, uncovers, worst_floor_usd
from risk.performance import Fill
from tests.risk.limit_cases import limits
from tests.risk.table_market import (
    NOW_NS,
    TableMarket,
    changed,
    gatekeeper,
    option,
    order,
    quote,
    spread,
    verdict,
)

D = Decimal
P80, P90, P95 = option(80), option(90), option(95)
C110, C120 = option(110, "call"), option(120, "call")
STRANGLE = spread((C110, 1), (P90, 1))


def hold(keeper: Gatekeeper, owner: str, terms: InstrumentTerms, count: int, order_id: str = "") -> None:
    fill = Fill(strategy_id=owner, terms=terms, signed_quantity=count, price=D("1.00"))
    keeper.filled(order_id, f"T-{owner}-{terms.instrument_id}-{count}", fill, NOW_NS)


@pytest.fixture
def keeper(market: TableMarket) -> Gatekeeper:
    """A halted gate: only what closes passes."""
    market.default_quote = quote("1.00", "1.10")
    keeper = gatekeeper(limits(), market)
    keeper.account.breaker = keeper.account.breaker.halted(NOW_NS, by="Ann", reason="news")
    return keeper


@pytest.fixture
def sale(keeper: Gatekeeper) -> OrderIntent:
    """The sale of two strangles, whose puts have reported their fills, and whose calls have not."""
    hold(keeper, "S-ONE", C110, 2)
    hold(keeper, "S-ONE", P90, 2)
    intent = order(STRANGLE, 2, side="sell", limit_price=D("2.10"))
    assert verdict(keeper, intent) == "reducing"
    hold(keeper, "S-ONE", P90, -2, intent.order_id)
    return intent


def move(keeper: Gatekeeper, sale: OrderIntent) -> Decision[OrderIntent]:
    return keeper.change(changed(sale, 2, limit_price=D("2.00")), 2, NOW_NS)


def test_the_calls_of_a_strangle_are_offered_lower_beside_a_put_that_is_naked(
    keeper: Gatekeeper, sale: OrderIntent
) -> None:
    """Its puts are sold already: the change uncovers none."""
    hold(keeper, "S-ONE", P80, -1)
    assert isinstance(move(keeper, sale), Approved)


def test_a_strategy_that_has_sold_one_leg_still_keeps_the_cover_in_the_other(
    keeper: Gatekeeper, sale: OrderIntent
) -> None:
    """It owns all that the change still sells, so its own short calls count, whatever others hold."""
    hold(keeper, "OTHER", C110, 2)
    hold(keeper, "S-ONE", C120, -2)
    decision = move(keeper, sale)
    assert isinstance(decision, Refused)
    assert decision.rule == "breaker_state"


def test_a_sale_beside_a_leg_that_is_done_counts_once() -> None:
    done = OptionOrder((Holding(P95, -1), Holding(C110, 0)), None)
    assert worst_floor_usd([Holding(P95, 1)], [done]) == 0
    assert not uncovers(OptionOrder((Holding(P80, -1),), None), [Holding(P95, 1), Holding(P80, 1)], [done])


def test_a_purchase_beside_a_leg_that_is_done_is_not_combined_with_others() -> None:
    """Six orders that buy and sell are, and both sides of a strangle together lose on one of them."""
    puts = OptionOrder((Holding(P95, -1), Holding(P90, 1)), None)
    calls = OptionOrder((Holding(C110, -1), Holding(C120, 1)), None)
    orders = [puts, calls] * (MAX_ORDERS_COMBINED // 2)
    done = OptionOrder((Holding(P95, 0), Holding(P80, 1)), None)
    assert worst_floor_usd((), orders) == -3 * 1_000
    assert worst_floor_usd((), [*orders, done]) == -3 * 1_000
