"""Worst losses of option positions against hand ledgers and against brute force."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.option_loss import (
    MAX_ORDERS_COMBINED,
    Holding,
    OptionOrder,
    add_known,
    can_be_short,
    floor_usd,
    uncovered_short,
    uncovers,
    worst_floor_usd,
    worst_loss_usd,
)
from tests.risk.table_market import EXPIRY_NS, LATER_NS, option, stock

ZERO = Decimal(0)


def put(strike: int, count: int, *, late: bool = False) -> Holding:
    terms = option(strike, expiration_ns=LATER_NS) if late else option(strike)
    return Holding(terms, count)


def call(strike: int, count: int) -> Holding:
    return Holding(option(strike, "call"), count)


def loss(*holdings: Holding, cost: int = 0) -> Decimal | None:
    return worst_loss_usd(holdings, Decimal(cost), ())


def test_a_bull_put_spread_loses_its_width_less_the_credit() -> None:
    assert loss(put(100, -1), put(95, 1), cost=-120) == 380


def test_a_bear_call_spread_loses_its_width_less_the_credit() -> None:
    assert loss(call(110, -2), call(115, 2), cost=-300) == 700


def test_an_iron_condor_loses_on_one_side_only() -> None:
    assert loss(put(100, -1), put(95, 1), call(110, -1), call(115, 1), cost=-200) == 300


def test_a_debit_spread_loses_what_it_cost() -> None:
    assert loss(put(105, 1), put(100, -1), cost=210) == 210


def test_a_later_expiry_lends_long_options_and_never_its_short_ones() -> None:
    held = (put(90, -1), put(100, -1, late=True), put(95, 2, late=True))
    assert floor_usd(held) == -500


@pytest.mark.parametrize("known", [{}, {"right": "put"}, {"right": "put", "strike": Decimal(100)}])
def test_what_is_no_option_has_no_value_at_expiry(known: dict[str, Any]) -> None:
    terms = msgspec.structs.replace(stock(), **known)
    with pytest.raises(ValueError, match=r"F.SMART is no option"):
        floor_usd([Holding(terms, 1)])


def test_a_long_option_loses_its_premium_and_never_less_than_nothing() -> None:
    assert loss(call(100, 1), cost=330) == 330
    assert loss(call(100, 1), cost=-10) == 0


@pytest.mark.parametrize(
    "holdings",
    [
        (put(100, -1),),
        (call(100, -1),),
        (put(100, -2), put(95, 1)),
        (call(100, -1), put(95, 1)),
        (put(100, -1, late=True), put(95, 1)),
    ],
)
def test_a_short_option_without_cover_is_undefined_risk(holdings: tuple[Holding, ...]) -> None:
    assert floor_usd(holdings) is None
    assert loss(*holdings) is None
    assert worst_floor_usd(holdings, ()) is None


def test_a_later_long_option_covers_an_earlier_short_one() -> None:
    assert loss(put(100, -1), put(100, 1, late=True), cost=150) == 150
    assert loss(put(100, -1), put(90, 1, late=True)) == 1_000


def test_only_what_is_lent_protects_the_earlier_expiry() -> None:
    assert floor_usd([put(100, -1), put(120, -1, late=True), put(90, 2, late=True)]) == -1_000 - 3_000


def test_an_expiry_without_spare_options_lends_none() -> None:
    latest = Holding(option(100, expiration_ns=LATER_NS + 1), 1)
    assert floor_usd([put(100, -1), put(95, -1, late=True), put(90, 1, late=True), latest]) == -500


def test_a_width_below_a_dollar_counts() -> None:
    sold, bought = option(100, "call"), msgspec.structs.replace(option(101, "call"), strike=Decimal("100.5"))
    assert loss(Holding(sold, -1), Holding(bought, 1)) == 50


def test_a_later_long_option_covers_only_once() -> None:
    assert floor_usd([put(100, -1), put(100, -1, late=True), put(95, 1, late=True)]) is None


def test_what_the_later_expiry_needs_itself_is_not_lent() -> None:
    holdings = [put(100, -1), put(95, 1, late=True), put(105, -1, late=True), put(100, 1, late=True)]
    assert floor_usd(holdings) == -500 - 500


def test_the_most_valuable_spare_option_is_lent_first() -> None:
    assert floor_usd([put(100, -1), put(80, 1, late=True), put(100, 1, late=True)]) == 0
    calls = [
        call(100, -1),
        Holding(option(120, "call", expiration_ns=LATER_NS), 1),
        Holding(option(100, "call", expiration_ns=LATER_NS), 1),
    ]
    assert floor_usd(calls) == 0


def test_an_adjusted_option_of_another_size_covers_nothing() -> None:
    adjusted = msgspec.structs.replace(option(95), multiplier=150, instrument_id="ADJUSTED")
    assert floor_usd([put(100, -1), Holding(adjusted, 1)]) is None


def test_a_stock_is_no_option() -> None:
    with pytest.raises(ValueError, match="is no option"):
        floor_usd([Holding(stock(), 1)])


def test_the_worst_subset_of_working_orders_counts() -> None:
    held = [put(95, 1)]
    sell_short = OptionOrder((put(100, -1),), Decimal(-300))
    sell_long = OptionOrder((put(95, -1),), Decimal(-100))
    assert worst_loss_usd(held, Decimal(100), [sell_short]) == 300
    assert worst_loss_usd(held, Decimal(100), [sell_short, sell_long]) is None
    assert worst_floor_usd(held, [sell_short]) == -500
    assert worst_floor_usd(held, [sell_short, sell_long]) is None


def test_an_order_without_a_price_has_an_unknown_loss_but_a_known_floor() -> None:
    order = OptionOrder((put(95, 1),), None)
    assert worst_loss_usd((), ZERO, [order]) is None
    assert worst_floor_usd((), [order]) == 0


def test_many_orders_are_added_up_and_never_below_the_exact_loss() -> None:
    orders = [OptionOrder((put(100, -1), put(95, 1)), Decimal(-100))] * (MAX_ORDERS_COMBINED + 1)
    assert worst_loss_usd((), ZERO, orders[:-1]) == 400 * MAX_ORDERS_COMBINED
    assert worst_loss_usd((), ZERO, orders) == 400 * (MAX_ORDERS_COMBINED + 1)
    assert worst_loss_usd([put(90, -1)], ZERO, orders) is None
    assert worst_floor_usd([put(90, 1)], orders) == -500 * (MAX_ORDERS_COMBINED + 1)


def test_up_to_six_orders_are_combined_exactly() -> None:
    puts = OptionOrder((put(100, -1), put(95, 1)), Decimal(-100))
    calls = OptionOrder((call(110, -1), call(115, 1)), Decimal(-100))
    orders = [puts, calls] * (MAX_ORDERS_COMBINED // 2)
    assert worst_loss_usd((), ZERO, orders) == 400 * MAX_ORDERS_COMBINED // 2
    assert worst_floor_usd((), orders) == -500 * MAX_ORDERS_COMBINED // 2


def test_a_sum_with_an_unknown_part_is_unknown() -> None:
    assert add_known([Decimal(1), Decimal(2)]) == 3
    assert add_known([Decimal(1), None]) is None


@given(
    counts=st.lists(
        st.tuples(st.sampled_from(["call", "put"]), st.sampled_from([90, 95, 100, 105]), st.integers(-3, 3)),
        min_size=1,
        max_size=6,
    )
)
def test_within_one_expiry_the_floor_is_the_minimum_over_all_prices(
    counts: list[tuple[str, int, int]],
) -> None:
    holdings = [
        call(strike, count) if right == "call" else put(strike, count) for right, strike, count in counts
    ]
    floor = floor_usd(holdings)
    if any(sum(count for right, _, count in counts if right == kind) < 0 for kind in ("call", "put")):
        assert floor is None
        return
    values = [
        sum(
            count * max(price - strike if right == "call" else strike - price, 0) * 100
            for right, strike, count in counts
        )
        for price in range(400)
    ]
    assert floor == min(values)


# -- The short option that nothing covers ---------------------------------------------------------

LEGS = st.builds(
    lambda strike, right, size, expiry, count: Holding(
        msgspec.structs.replace(option(strike, right, expiration_ns=expiry), multiplier=size), count
    ),
    st.sampled_from((95, 100)),
    st.sampled_from(("put", "call")),
    st.sampled_from((100, 150)),
    st.sampled_from((EXPIRY_NS, LATER_NS)),
    st.integers(-2, 2),
)
WORKING = st.lists(LEGS, min_size=1, max_size=2).map(lambda legs: OptionOrder(tuple(legs), ZERO))


@given(st.lists(LEGS, max_size=5), st.lists(WORKING, max_size=MAX_ORDERS_COMBINED + 2))
def test_a_short_without_its_cover_is_named_exactly_where_risk_is_undefined(
    held: list[Holding], orders: list[OptionOrder]
) -> None:
    short = uncovered_short(held, orders)
    assert (short is not None) == (worst_floor_usd(held, orders) is None)
    legs = [*held, *(leg for each in orders for leg in each.holdings)]
    assert short is None or any(leg.terms == short and leg.quantity < 0 for leg in legs)


def test_of_many_orders_each_must_cover_itself_and_the_one_that_does_not_is_named() -> None:
    spreads = [OptionOrder((put(90, 1), put(95, -1)), ZERO)] * 6
    strange = OptionOrder((call(110, 1), put(95, -1)), ZERO)
    assert worst_floor_usd([put(95, 1)], [*spreads, strange]) is None
    assert uncovered_short([put(95, 1)], [*spreads, strange]) == put(95, -1).terms
    assert uncovered_short([put(95, 1)], [*spreads, spreads[0]]) is None


def test_the_leg_that_was_sold_last_is_named() -> None:
    held = [put(100, -1), put(95, 2)]
    sold = OptionOrder((put(90, -1), call(110, -1)), ZERO)
    short = uncovered_short(held, [sold])
    assert short is not None
    assert short.instrument_id == option(110, "call").instrument_id
    assert uncovered_short(held, []) is None


@given(st.lists(LEGS, max_size=5), st.lists(WORKING, max_size=MAX_ORDERS_COMBINED - 1), WORKING)
def test_what_makes_risk_undefined_uncovers_and_what_leaves_it_defined_does_not(
    held: list[Holding], orders: list[OptionOrder], sold: OptionOrder
) -> None:
    was_defined = worst_floor_usd(held, orders) is not None
    is_defined = worst_floor_usd(held, [*orders, sold]) is not None
    if was_defined or is_defined:
        assert uncovers(sold, held, orders) == (was_defined and not is_defined)


@pytest.mark.parametrize(("count", "answer"), [(1, False), (2, True)])
def test_an_order_that_adds_to_what_is_naked_uncovers(count: int, answer: bool) -> None:
    held = [put(100, -3), put(95, 2), put(90, 1, late=True), put(85, 1)]
    assert uncovers(OptionOrder((put(85, -count),), ZERO), held, ()) == answer
    assert uncovers(OptionOrder((call(110, -1),), ZERO), held, ()) is True
    assert uncovers(OptionOrder((put(85, 1),), ZERO), held, ()) is False


def test_beside_many_orders_each_is_covered_by_itself() -> None:
    spreads = [OptionOrder((put(90, 1), put(95, -1)), ZERO)] * (MAX_ORDERS_COMBINED + 1)
    assert uncovers(OptionOrder((put(95, -1),), ZERO), [put(100, 1)], spreads) is False
    assert uncovers(OptionOrder((put(95, -2),), ZERO), [put(100, 1)], spreads) is True


def test_what_is_held_covers_up_to_six_orders_that_do_not_cover_themselves() -> None:
    strange = [OptionOrder((call(110, 1), put(95, -1)), ZERO)] * MAX_ORDERS_COMBINED
    assert uncovered_short([put(95, MAX_ORDERS_COMBINED)], strange) is None
    assert uncovered_short([put(95, MAX_ORDERS_COMBINED - 1)], strange) == put(95, -1).terms


def test_beside_six_orders_that_need_the_cover_it_is_not_sold() -> None:
    ratios = [OptionOrder((put(90, 1), put(95, -2)), ZERO)] * MAX_ORDERS_COMBINED
    sold = OptionOrder((put(95, -1),), ZERO)
    assert uncovers(sold, [put(95, MAX_ORDERS_COMBINED)], ratios) is True
    assert uncovers(sold, [put(95, MAX_ORDERS_COMBINED + 1)], ratios) is False


def test_what_ends_earlier_does_not_take_the_place_of_the_cover() -> None:
    held = [put(100, -1, late=True), put(95, 1, late=True), put(95, 1)]
    assert uncovers(OptionOrder((put(95, -1, late=True),), ZERO), held, ()) is True
    assert uncovers(OptionOrder((put(95, -1),), ZERO), held, ()) is False


def test_one_short_option_can_be_short_whoever_covers_it() -> None:
    held = [call(100, 1), call(105, -1), call(110, 1)]
    assert can_be_short(OptionOrder((call(100, -1),), ZERO), held, ())
    assert can_be_short(OptionOrder((call(110, -1),), ZERO), held[2:], [OptionOrder((call(110, -1),), ZERO)])
    assert not can_be_short(OptionOrder((call(110, -1),), ZERO), held[2:], ())


def test_a_naked_option_covers_nothing_that_ends_earlier() -> None:
    assert uncovers(OptionOrder((put(95, -1),), ZERO), [put(100, -1, late=True)], ()) is True
    assert uncovers(OptionOrder((put(95, -1),), ZERO), [put(100, -1, late=True), put(95, 1)], ()) is False
