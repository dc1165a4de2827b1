"""How positions are closed: spreads as spreads, no short left naked, bounded rounds, an honest report."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.flatten import (
    MAX_ROUNDS,
    Closing,
    Flattening,
    FlattenReport,
    Held,
    Leftover,
    Marketplace,
    Round,
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


def held(*positions: tuple[InstrumentTerms, int], strategy: str = "S") -> list[Held]:
    return [Held(strategy, terms, count) for terms, count in positions]


def sent(step: Round) -> list[tuple[str, str, int]]:
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


def test_nothing_is_sent_while_the_session_is_closed() -> None:
    step = plan_closings(held((stock("F"), 10), (P100, 1)), market(is_open=False), tries=0)
    assert step.closings == ()
    assert step.waiting == (
        Leftover("S", "F.SMART", 10, "the session is closed"),
        Leftover("S", P100.instrument_id, 1, "the session is closed"),
    )


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
    assert step.waiting == (
        Leftover("S", C115.instrument_id, 1, "it covers a short option that is closed first"),
    )


def test_a_ratio_spread_is_closed_in_whole_multiples() -> None:
    ratio = spread((P100, 1), (P95, -2))
    step = plan_closings(held((P100, 3), (P95, -4)), market(ratio), tries=0)
    assert sent(step) == [("sell", ratio.instrument_id, 2), ("sell", P100.instrument_id, 1)]


def test_a_spread_held_in_part_or_the_other_way_is_no_spread() -> None:
    step = plan_closings(held((P100, -1)), market(BULL_PUT), tries=0)
    assert sent(step) == [("buy", P100.instrument_id, 1)]
    step = plan_closings(held((P100, 1), (P95, 1)), market(BULL_PUT), tries=0)
    assert sent(step) == [("sell", P100.instrument_id, 1), ("sell", P95.instrument_id, 1)]


def test_strategies_close_what_they_own() -> None:
    positions = held((P100, -1)) + held((P95, 1), strategy="T")
    step = plan_closings(positions, market(BULL_PUT), tries=0)
    assert [(each.strategy_id, each.side) for each in step.closings] == [("S", "buy"), ("T", "sell")]


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


# -- Rounds ---------------------------------------------------------------------------------------


def flattening(symbols: Sequence[str] | None = None) -> Flattening:
    return Flattening(symbols, by="Ann", reason="news", started_ns=1)


def test_a_flattening_covers_its_symbols() -> None:
    assert flattening().covers("F")
    assert flattening(["F"]).covers("F")
    assert not flattening(["F"]).covers("GE")


def test_what_works_is_canceled_before_anything_is_closed() -> None:
    run = flattening()
    assert run.next_round(held((stock(), 10)), ["O-1"], market(), 2) == Round(cancels=("O-1",))
    step = run.next_round(held((stock(), 10)), [], market(), 3)
    assert isinstance(step, Round)
    assert sent(step) == [("sell", "F.SMART", 10)]


def test_it_ends_flat_when_nothing_is_held_and_nothing_works() -> None:
    run = flattening()
    run.next_round(held((stock(), 10)), [], market(), 2)
    assert run.next_round([], [], market(), 3) == FlattenReport(
        by="Ann", reason="news", started_ns=1, ended_ns=3, rounds=1, is_flat=True, left=()
    )


def test_prices_give_way_only_by_tries_not_by_cancels() -> None:
    run = flattening()
    prices = []
    for working in ([], ["K-1"], [], ["K-2"], []):
        step = run.next_round(held((P100, -1)), working, market(), 2)
        assert isinstance(step, Round)
        prices += [each.limit_price for each in step.closings]
    assert prices == [D("1.10"), D("1.11"), D("1.12")]


def test_it_gives_up_after_its_rounds_and_says_what_is_left_and_why() -> None:
    run = flattening()
    positions = held((P100, -1), (C115, 1), (stock(), 10))
    for _ in range(MAX_ROUNDS):
        assert isinstance(run.next_round(positions, [], market(), 2), Round)
    report = run.next_round(positions, [], market(), 9)
    assert isinstance(report, FlattenReport)
    assert (report.is_flat, report.rounds, report.ended_ns) == (False, MAX_ROUNDS, 9)
    assert report.left == (
        Leftover("S", P100.instrument_id, -1, f"not filled in {MAX_ROUNDS} rounds"),
        Leftover("S", C115.instrument_id, 1, "it covers a short option that is closed first"),
        Leftover("S", "F.SMART", 10, f"not filled in {MAX_ROUNDS} rounds"),
    )


def test_it_gives_up_after_twenty_rounds() -> None:
    run = flattening()
    rounds = [run.next_round(held((stock(), 10)), [], market(), 2) for _ in range(21)]
    assert [isinstance(each, FlattenReport) for each in rounds] == [False] * 20 + [True]


def test_orders_that_cannot_be_canceled_are_reported_too() -> None:
    run = flattening()
    for _ in range(MAX_ROUNDS):
        run.next_round([], ["O-1"], market(), 2)
    report = run.next_round([], ["O-1"], market(), 9)
    assert isinstance(report, FlattenReport)
    assert not report.is_flat
    assert report.left == (Leftover("", "order O-1", 0, f"not canceled in {MAX_ROUNDS} rounds"),)


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
