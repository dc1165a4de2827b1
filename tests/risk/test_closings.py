"""How one strategy's holdings are closed: spreads as spreads, no short left naked, nothing sold twice."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.closings import (
    COVERS_ORDER,
    COVERS_SHORT,
    NEEDS_ORDER,
    Closing,
    Held,
    Leftover,
    Marketplace,
    Outstanding,
    Plan,
    plan_closings,
)
from risk.intent import InstrumentTerms
from risk.snapshot import Quote
from tests.risk.table_market import option, quote, spread, stock

D = Decimal
P100, P95, C110, C115 = option(100), option(95), option(110, "call"), option(115, "call")
BULL_PUT = spread((P100, -1), (P95, 1))
BEAR_CALL = spread((C110, -1), (C115, 1))
CONDOR = spread((P100, -1), (P95, 1), (C110, -1), (C115, 1))


def market(
    *spreads: InstrumentTerms, is_open: bool = True, quotes: dict[str, Quote | None] | None = None
) -> Marketplace:
    known = quotes or {}
    return Marketplace(
        quote=lambda terms: known.get(terms.instrument_id, quote("1.00", "1.10")),
        spreads=spreads,
        is_open=is_open,
    )


def held(*positions: tuple[InstrumentTerms, int]) -> list[Held]:
    return [Held("S", terms, count) for terms, count in positions]


def sent(step: Plan) -> list[tuple[str, str, int]]:
    return [(each.side, each.terms.instrument_id, each.quantity) for each in step.closings]


def test_a_stock_is_closed_at_the_market() -> None:
    step = plan_closings(held((stock("F"), 10), (stock("GE"), -3)), market(), tries=0)
    assert step.closings == (
        Closing(strategy_id="S", terms=stock("F"), side="sell", quantity=10),
        Closing(strategy_id="S", terms=stock("GE"), side="buy", quantity=3),
    )


def test_the_smallest_position_is_closed_on_its_own_side() -> None:
    step = plan_closings(held((stock("F"), 1), (stock("GE"), -1)), market(), tries=0)
    assert sent(step) == [("sell", "F.SMART", 1), ("buy", "GE.SMART", 1)]


def test_a_spread_that_is_not_held_hides_no_other() -> None:
    step = plan_closings(held((C110, -1), (C115, 1)), market(BULL_PUT, BEAR_CALL), tries=0)
    assert sent(step) == [("sell", BEAR_CALL.instrument_id, 1)]


def test_a_spread_is_closed_as_a_spread() -> None:
    step = plan_closings(held((P100, -3), (P95, 3)), market(BULL_PUT), tries=0)
    assert sent(step) == [("sell", BULL_PUT.instrument_id, 3)]


def test_a_sold_spread_is_bought_back() -> None:
    step = plan_closings(held((P100, 2), (P95, -2)), market(BULL_PUT), tries=0)
    assert sent(step) == [("buy", BULL_PUT.instrument_id, 2)]


def test_the_spread_with_most_legs_is_taken_first() -> None:
    positions = held((P100, -1), (P95, 1), (C110, -1), (C115, 1))
    step = plan_closings(positions, market(BULL_PUT, CONDOR, BEAR_CALL), tries=0)
    assert sent(step) == [("sell", CONDOR.instrument_id, 1)]


def test_what_no_spread_covers_is_closed_by_legs_shorts_first() -> None:
    step = plan_closings(held((P100, -3), (P95, 4)), market(BULL_PUT), tries=0)
    assert sent(step) == [("sell", BULL_PUT.instrument_id, 3), ("sell", P95.instrument_id, 1)]
    step = plan_closings(held((P100, -2), (P95, 2), (C110, -1), (C115, 1)), market(BULL_PUT), tries=0)
    assert sent(step) == [("sell", BULL_PUT.instrument_id, 2), ("buy", C110.instrument_id, 1)]
    assert step.waiting == (Leftover("S", C115.instrument_id, 1, COVERS_SHORT),)


def test_a_ratio_spread_is_closed_in_whole_multiples() -> None:
    ratio = spread((P100, 1), (P95, -2))
    step = plan_closings(held((P100, 3), (P95, -4)), market(ratio), tries=0)
    assert sent(step) == [("sell", ratio.instrument_id, 2), ("sell", P100.instrument_id, 1)]


def test_a_spread_held_in_part_or_the_other_way_is_no_spread() -> None:
    step = plan_closings(held((P100, -1)), market(BULL_PUT), tries=0)
    assert sent(step) == [("buy", P100.instrument_id, 1)]
    step = plan_closings(held((P100, 1), (P95, 1)), market(BULL_PUT), tries=0)
    assert sent(step) == [("sell", P100.instrument_id, 1), ("sell", P95.instrument_id, 1)]


@pytest.mark.parametrize(
    ("tries", "price"), [(0, "1.10"), (1, "1.11"), (2, "1.12"), (3, "1.14"), (7, "1.74"), (30, "1.74")]
)
def test_a_price_gives_way_try_by_try_and_stops(tries: int, price: str) -> None:
    (closing,) = plan_closings(held((P100, -1)), market(), tries=tries).closings
    assert closing.limit_price == D(price)


def test_a_long_option_is_offered_at_one_tick_at_least() -> None:
    cheap = {P100.instrument_id: quote("0.02", "0.10")}
    (closing,) = plan_closings(held((P100, 1)), market(quotes=dict(cheap)), tries=5).closings
    assert closing.limit_price == D("0.01")


def test_a_spread_without_a_quote_is_priced_from_its_legs() -> None:
    quotes: dict[str, Quote | None] = {
        BULL_PUT.instrument_id: None,
        P100.instrument_id: quote("2.00", "2.10"),
        P95.instrument_id: quote("0.90", "1.00"),
    }
    (sale,) = plan_closings(held((P100, -1), (P95, 1)), market(BULL_PUT, quotes=quotes), tries=0).closings
    assert sale.limit_price == D("0.90") - D("2.10")
    (buy,) = plan_closings(held((P100, 1), (P95, -1)), market(BULL_PUT, quotes=quotes), tries=0).closings
    assert buy.limit_price == D("1.00") - D("2.00")


def test_a_price_made_of_legs_lies_on_the_spreads_tick() -> None:
    nickel = msgspec.structs.replace(BULL_PUT, price_increment=D("0.05"))
    quotes: dict[str, Quote | None] = {
        nickel.instrument_id: None,
        P100.instrument_id: quote("2.00", "2.11"),
        P95.instrument_id: quote("0.90", "1.01"),
    }
    (sale,) = plan_closings(held((P100, -1), (P95, 1)), market(nickel, quotes=quotes), tries=0).closings
    assert sale.limit_price == D("-1.25")
    (buy,) = plan_closings(held((P100, 1), (P95, -1)), market(nickel, quotes=quotes), tries=0).closings
    assert buy.limit_price == D("-0.95")


def test_without_any_price_the_order_goes_at_the_market() -> None:
    quotes: dict[str, Quote | None] = {BULL_PUT.instrument_id: None, P100.instrument_id: None}
    (closing,) = plan_closings(held((P100, -1), (P95, 1)), market(BULL_PUT, quotes=quotes), tries=0).closings
    assert closing.limit_price is None
    (single,) = plan_closings(held((P100, 1)), market(quotes=quotes), tries=0).closings
    assert single.limit_price is None


# -- On the tick ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "tries", "price"),
    [(1, 0, "3.00"), (1, 1, "2.95"), (1, 3, "2.80"), (-1, 0, "3.15"), (-1, 1, "3.20")],
)
def test_a_price_lies_on_the_tick_however_the_quote_does(count: int, tries: int, price: str) -> None:
    nickel = msgspec.structs.replace(P100, price_increment=D("0.05"))
    quotes: dict[str, Quote | None] = {nickel.instrument_id: quote("3.02", "3.11")}
    (closing,) = plan_closings(held((nickel, count)), market(quotes=quotes), tries=tries).closings
    assert closing.limit_price == D(price)


def test_the_quote_of_a_spread_is_put_on_its_tick_too() -> None:
    nickel = msgspec.structs.replace(BULL_PUT, price_increment=D("0.05"))
    quotes: dict[str, Quote | None] = {nickel.instrument_id: quote("-1.57", "-1.43")}
    (sale,) = plan_closings(held((P100, -1), (P95, 1)), market(nickel, quotes=quotes), tries=0).closings
    assert sale.limit_price == D("-1.60")


# -- Beside what works ----------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "left"), [(10, 7), (3, 0), (-10, -8), (-2, 0)])
def test_what_an_order_may_still_close_is_not_closed_a_second_time(count: int, left: int) -> None:
    outstanding = Outstanding(buys={"F.SMART": 2}, sells={"F.SMART": 3})
    step = plan_closings(held((stock(), count)), market(), tries=0, outstanding=outstanding)
    assert [(1 if each.side == "sell" else -1) * each.quantity for each in step.closings] == (
        [left] if left else []
    )
    assert step.waiting == (() if left else (Leftover("S", "F.SMART", count, NEEDS_ORDER),))


@pytest.mark.parametrize("count", [4, -4])
def test_beside_an_order_larger_than_the_position_nothing_is_sent(count: int) -> None:
    outstanding = Outstanding(buys={"F.SMART": 10}, sells={"F.SMART": 10})
    step = plan_closings(held((stock("F"), count)), market(), tries=0, outstanding=outstanding)
    assert step == Plan(waiting=(Leftover("S", "F.SMART", count, NEEDS_ORDER),))


def test_a_long_waits_while_a_short_is_bought_back_by_an_order_that_works() -> None:
    outstanding = Outstanding(buys={P100.instrument_id: 1})
    step = plan_closings(held((P100, -1), (P95, 1)), market(), tries=0, outstanding=outstanding)
    assert step.closings == ()
    assert step.waiting == (
        Leftover("S", P100.instrument_id, -1, NEEDS_ORDER),
        Leftover("S", P95.instrument_id, 1, COVERS_SHORT),
    )


def test_a_long_waits_while_an_order_that_works_may_sell_an_option() -> None:
    outstanding = Outstanding(sells={C110.instrument_id: 1})
    step = plan_closings(held((P95, 1)), market(), tries=0, outstanding=outstanding)
    assert step == Plan((), (Leftover("S", P95.instrument_id, 1, COVERS_ORDER),))


def test_a_spread_is_closed_only_as_often_as_no_order_closes_its_legs() -> None:
    outstanding = Outstanding(buys={P100.instrument_id: 1}, sells={P95.instrument_id: 1})
    step = plan_closings(held((P100, -3), (P95, 3)), market(BULL_PUT), tries=0, outstanding=outstanding)
    assert sent(step) == [("sell", BULL_PUT.instrument_id, 2)]


def test_the_part_of_a_long_that_no_spread_takes_waits_with_its_own_count() -> None:
    step = plan_closings(held((P100, -2), (P95, 2), (C115, 3)), market(BULL_PUT), tries=0)
    assert sent(step) == [("sell", BULL_PUT.instrument_id, 2), ("sell", C115.instrument_id, 3)]
    step = plan_closings(held((P100, -3), (P95, 2), (C110, 1)), market(BULL_PUT), tries=0)
    assert sent(step) == [("sell", BULL_PUT.instrument_id, 2), ("buy", P100.instrument_id, 1)]
    assert step.waiting == (Leftover("S", C110.instrument_id, 1, COVERS_SHORT),)


def test_what_nobody_is_sure_of_is_not_closed() -> None:
    assert plan_closings([Held("S", stock(), 0, 100, 0)], market(), tries=0) == Plan()


@given(
    counts=st.tuples(*(st.integers(-5, 5) for _ in range(4))),
    known=st.sets(st.sampled_from([BULL_PUT, BEAR_CALL, CONDOR])),
    fills=st.lists(st.booleans(), max_size=20),
)
def test_closing_ends_flat_and_never_sells_the_cover_of_a_short(
    counts: tuple[int, int, int, int], known: set[InstrumentTerms], fills: list[bool]
) -> None:
    terms = (P100, P95, C110, C115)
    left = {each.instrument_id: count for each, count in zip(terms, counts, strict=True)}
    by_id = {each.instrument_id: each for each in terms}
    chances = iter(fills)
    for _ in range(30):
        positions = held(*((by_id[name], count) for name, count in left.items() if count))
        step = plan_closings(positions, market(*known), tries=0)
        for closing in step.closings:
            sign = 1 if closing.side == "buy" else -1
            if closing.terms.kind == "option" and sign < 0:
                after_spreads = dict(left)
                for other in step.closings:
                    if other.terms.kind == "spread":
                        for leg in other.terms.legs:
                            step_sign = 1 if other.side == "buy" else -1
                            after_spreads[leg.terms.instrument_id] += step_sign * leg.ratio * other.quantity
                assert min(after_spreads.values()) >= 0
            assert closing.quantity > 0
        for closing in step.closings:
            if next(chances, True):
                sign = 1 if closing.side == "buy" else -1
                for leg in closing.terms.components:
                    left[leg.terms.instrument_id] += sign * leg.ratio * closing.quantity
        if not any(left.values()):
            return
    assert not any(left.values())
