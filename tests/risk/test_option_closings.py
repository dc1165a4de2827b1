"""Closing options: sales of what is held pass, by whoever, and none makes the account naked."""

from __future__ import annotations

from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.decision import Approved
from risk.gatekeeper import Gatekeeper
from risk.intent import OrderIntent
from risk.option_loss import Holding, floor_usd
from risk.performance import Fill
from tests.risk.limit_cases import limits
from tests.risk.table_market import (
    EXPIRY_NS,
    LATER_NS,
    NOW_NS,
    TableMarket,
    bought,
    gatekeeper,
    option,
    order,
    quote,
    spread,
    verdict,
)

D = Decimal
CALL = option(400, "call")
OWNERS = ("A", "B", "C")


@pytest.fixture
def halted(market: TableMarket) -> Gatekeeper:
    """A keeper in HALT: only what closes passes."""
    market.default_quote = quote("1.00", "1.10")
    keeper = gatekeeper(limits(canceled_order_grace_ms=2_000, max_orders_per_second=45), market)
    keeper.account.breaker = keeper.account.breaker.halted(NOW_NS, by="Ann", reason="news")
    return keeper


def hold(keeper: Gatekeeper, owner: str, count: int, terms: object = CALL) -> None:
    fill = Fill(strategy_id=owner, terms=terms, signed_quantity=count, price=D(1))  # type: ignore[arg-type]
    keeper.filled("", f"T-{owner}-{count}-{id(terms)}", fill, NOW_NS)


def sale(count: int, **fields: object) -> OrderIntent:
    values = {"terms": CALL, "side": "sell", "limit_price": D("1.00")} | fields
    return order(quantity=count, **values)  # type: ignore[arg-type]


def test_a_ladder_of_many_sales_of_what_is_held_passes(halted: Gatekeeper) -> None:
    bought(halted, 10, terms=CALL, price="1.00")
    prices = [D("1.00") + D(step) / 10 for step in range(10)]
    seen = [verdict(halted, order(CALL, 1, side="sell", limit_price=price)) for price in prices]
    assert seen == ["reducing"] * 10
    assert verdict(halted, sale(1)) == "breaker_state"


def test_a_ladder_above_a_short_option_keeps_its_cover(halted: Gatekeeper) -> None:
    bought(halted, 10, terms=CALL, price="1.00")
    bought(halted, -2, terms=option(410, "call"), price="1.00")
    prices = [D("1.00") + D(step) / 10 for step in range(9)]
    seen = [verdict(halted, order(CALL, 1, side="sell", limit_price=price)) for price in prices]
    assert seen == ["reducing"] * 8 + ["breaker_state"]


def test_an_option_worth_something_for_sure_may_be_sold(halted: Gatekeeper) -> None:
    """A long call below a long put is worth their distance at least; to sell one is no less a closing."""
    bought(halted, 1, terms=option(90, "call"), price="12.00")
    bought(halted, 1, terms=option(110), price="12.00")
    assert verdict(halted, sale(1, terms=option(110))) == "reducing"


def test_a_sale_that_covers_nothing_passes_beside_a_naked_option_of_the_other_right(
    halted: Gatekeeper,
) -> None:
    bought(halted, -1, terms=CALL, price="1.00")
    bought(halted, 1, terms=option(390), price="1.00")
    assert verdict(halted, sale(1, terms=option(390))) == "reducing"


def test_a_strategy_may_close_what_the_account_holds_through_another_owner(halted: Gatekeeper) -> None:
    """The usual case after a restart."""
    hold(halted, "EXTERNAL", 5)
    assert verdict(halted, sale(6)) == "breaker_state"
    assert verdict(halted, sale(5)) == "reducing"
    assert verdict(halted, sale(1)) == "breaker_state"


def test_what_another_has_closed_already_cannot_be_sold_once_more(halted: Gatekeeper) -> None:
    """Its owner would leave the account naked: nothing is held any more."""
    hold(halted, "EXTERNAL", 5)
    assert verdict(halted, sale(5)) == "reducing"
    assert verdict(halted, sale(5, strategy_id="EXTERNAL")) == "breaker_state"


@pytest.mark.parametrize(("is_canceled", "seen"), [(True, "reducing"), (False, "breaker_state")])
def test_a_sale_whose_rejection_is_only_supposed_is_not_repeated(
    halted: Gatekeeper, is_canceled: bool, seen: str
) -> None:
    """It may be alive, unlike one that the broker has canceled."""
    bought(halted, 5, terms=CALL, price="1.00")
    first = sale(5)
    assert verdict(halted, first) == "reducing"
    if is_canceled:
        halted.ended(first.order_id, NOW_NS)
    else:
        halted.rejected(first.order_id, NOW_NS)
    assert verdict(halted, sale(5, order_type="market", limit_price=None)) == seen


def test_a_late_cancel_hides_no_sale_by_another(halted: Gatekeeper) -> None:
    """With the canceled order the account may be naked already: without it, it must not become so."""
    hold(halted, "A", 3)
    first = sale(1, strategy_id="B")
    assert verdict(halted, first) == "reducing"
    halted.ended(first.order_id, NOW_NS)
    assert verdict(halted, sale(3, strategy_id="B")) == "reducing"
    assert verdict(halted, sale(2, strategy_id="A")) == "breaker_state"


def test_an_owner_keeps_what_alone_covers_the_accounts_short_option(halted: Gatekeeper) -> None:
    hold(halted, "EXTERNAL", -1, option(410, "call"))
    hold(halted, "A", 1)
    assert verdict(halted, sale(1, strategy_id="A")) == "breaker_state"
    hold(halted, "EXTERNAL", 1, option(410, "call"))
    assert verdict(halted, sale(1, strategy_id="A", order_type="market", limit_price=None)) == "reducing"


def test_the_cover_of_another_owners_short_is_no_ones_to_sell(halted: Gatekeeper) -> None:
    hold(halted, "EXTERNAL", 5)
    hold(halted, "EXTERNAL", -5, option(410, "call"))
    assert verdict(halted, sale(1)) == "breaker_state"
    hold(halted, "EXTERNAL", 1, option(420, "call"))
    assert verdict(halted, sale(1)) == "reducing"


def test_an_account_that_is_naked_already_becomes_no_more_so(halted: Gatekeeper) -> None:
    hold(halted, "B", -1, option(390, "call"))
    hold(halted, "A", 1, option(380, "call"))
    hold(halted, "B", -1, option(395, "call"))
    assert verdict(halted, sale(1, terms=option(380, "call"), strategy_id="A")) == "breaker_state"


STRIKES = (90, 100, 110, 120)
CALLS = [
    option(strike, "call", expiration_ns=expiry) for strike in STRIKES for expiry in (EXPIRY_NS, LATER_NS)
]
SPREADS = [spread((CALLS[0], 1), (CALLS[2], -1)), spread((CALLS[2], -1), (CALLS[4], 1))]
SENT = st.tuples(
    st.sampled_from([*CALLS, *SPREADS]),
    st.integers(1, 3),
    st.sampled_from(("buy", "sell")),
    st.sampled_from(OWNERS),
)


@given(
    held=st.lists(st.tuples(st.sampled_from(OWNERS), st.sampled_from(CALLS), st.integers(-2, 3)), max_size=6),
    sent=st.lists(SENT, max_size=9),
)
def test_no_closing_orders_whichever_fill_leave_a_covered_account_naked(
    held: list[tuple[str, object, int]], sent: list[tuple[object, int, str, str]]
) -> None:
    market = TableMarket()
    market.default_quote = quote("1.00", "1.10")
    keeper = gatekeeper(limits(max_orders_per_second=45, max_open_orders=50), market)
    for number, (owner, terms, count) in enumerate(held):
        if count:
            fill = Fill(strategy_id=owner, terms=terms, signed_quantity=count, price=D(1))  # type: ignore[arg-type]
            keeper.filled("", f"T-{number}", fill, NOW_NS)
    keeper.account.breaker = keeper.account.breaker.halted(NOW_NS, by="Ann", reason="news")
    holdings = [Holding(lot.terms, lot.quantity) for lot in keeper.account.performance.lots.values()]
    is_covered = floor_usd(holdings) is not None
    orders = [
        intent
        for number, (terms, count, side, owner) in enumerate(sent)
        if isinstance(
            keeper.submit_one(
                intent := order(terms, count, side=side, strategy_id=owner, limit_price=D("1.00")),  # type: ignore[arg-type]
                NOW_NS + number,
            ),
            Approved,
        )
    ]
    for count in range(len(orders) + 1):
        for filled in combinations(orders, count):
            legs = [
                Holding(leg.terms, each.sign * leg.ratio * each.quantity)
                for each in filled
                for leg in each.terms.components
            ]
            assert not is_covered or floor_usd([*holdings, *legs]) is not None


def test_calls_are_not_sold_by_two_owners_beside_a_put_that_is_naked(halted: Gatekeeper) -> None:
    """A naked put, as while its cover's fill is not reported yet, hides no call that becomes naked."""
    hold(halted, "A", 3)
    hold(halted, "C", -3, option(390))
    assert verdict(halted, sale(1, strategy_id="B")) == "reducing"
    assert verdict(halted, sale(3, strategy_id="A")) == "breaker_state"
    assert verdict(halted, sale(2, strategy_id="A")) == "reducing"


def test_no_cover_is_sold_while_more_is_short_than_covered(halted: Gatekeeper) -> None:
    """The fill of a covering leg may be on its way: what is naked until then must not become more so."""
    hold(halted, "A", 3, option(100, expiration_ns=LATER_NS))
    hold(halted, "B", -6, option(100))
    late = {"terms": option(100, expiration_ns=LATER_NS)}
    assert verdict(halted, sale(3, strategy_id="A", **late)) == "breaker_state"
    hold(halted, "B", 3, option(95))
    assert verdict(halted, sale(1, strategy_id="A", **late)) == "breaker_state"
    hold(halted, "B", 1, option(90))
    assert verdict(halted, sale(1, strategy_id="A", **late)) == "reducing"


def test_what_ends_before_the_short_option_covers_nothing_and_may_be_sold(halted: Gatekeeper) -> None:
    hold(halted, "A", 3, option(100))
    hold(halted, "B", -1, option(100, expiration_ns=LATER_NS))
    assert verdict(halted, sale(3, strategy_id="A", terms=option(100))) == "reducing"


def test_the_one_option_that_covers_its_owners_short_is_kept_whatever_others_hold(halted: Gatekeeper) -> None:
    hold(halted, "A", 1)
    hold(halted, "A", -1, option(410, "call"))
    hold(halted, "B", 1)
    assert verdict(halted, sale(1, strategy_id="A")) == "breaker_state"
    hold(halted, "A", 1, option(410, "call"))
    assert verdict(halted, sale(1, strategy_id="A")) == "reducing"
