"""Rounds of a flattening: what it cancels, closes and leaves."""

from __future__ import annotations

import pytest

from risk.closings import NEEDS_ORDER, Leftover
from risk.flatten import (
    CANCELS_FIRST,
    CLOSED,
    LEGS_DUE,
    OTHERS_TURN,
    PATIENCE_ROUNDS,
    FlattenReport,
    Round,
    Working,
)
from tests.risk.flatten_scenes import (
    BULL_PUT,
    GE,
    HALTED,
    P95,
    P100,
    TEN,
    D,
    flattening,
    held,
    last,
    resting,
    scene,
    sent,
)


def test_a_flattening_covers_its_symbols() -> None:
    assert flattening().covers("F")
    assert flattening(["F"]).covers("F")
    assert not flattening(["F"]).covers("GE")


@pytest.mark.parametrize(
    ("mine", "other", "includes"),
    [
        (None, None, True),
        (None, ["F"], True),
        (["F"], ["F"], True),
        (["F", "GE"], ["F"], True),
        (["F"], ["F", "GE"], False),
        (["F"], None, False),
    ],
)
def test_a_flattening_includes_another_when_it_closes_all_of_it(
    mine: list[str] | None, other: list[str] | None, includes: bool
) -> None:
    assert flattening(mine).includes(flattening(other)) is includes


# -- Rounds ---------------------------------------------------------------------------------------


def test_what_works_is_canceled_before_its_position_is_closed() -> None:
    run = flattening()
    step = run.next_round(scene(TEN, resting()), 2)
    assert step == Round(cancels=("O-1",), waiting=(Leftover("S", "F.SMART", 10, CANCELS_FIRST),))
    assert sent(run.next_round(scene(TEN), 3)) == [("sell", "F.SMART", 10)]


def test_an_order_of_another_symbol_keeps_nothing_waiting() -> None:
    step = flattening().next_round(scene(TEN, resting(terms=GE)), 2)
    assert isinstance(step, Round)
    assert (step.cancels, sent(step)) == (("O-1",), [("sell", "F.SMART", 10)])


def test_an_order_of_another_strategy_keeps_nothing_waiting() -> None:
    step = flattening().next_round(scene(TEN, resting(strategy_id="T")), 2)
    assert sent(step) == [("sell", "F.SMART", 10)]


def test_strategies_close_what_they_own() -> None:
    positions = held((P100, -1)) + held((P95, 1), strategy="T")
    step = flattening().next_round(scene(positions), 2)
    assert isinstance(step, Round)
    assert [(each.strategy_id, each.side) for each in step.closings] == [("S", "buy"), ("T", "sell")]


def test_after_a_while_it_closes_beside_an_order_that_does_not_cancel() -> None:
    run, view = flattening(), scene(TEN, resting())
    rounds = [run.next_round(view, 2) for _ in range(PATIENCE_ROUNDS + 1)]
    assert [sent(each) for each in rounds] == [[], [], [], [("sell", "F.SMART", 10)]]
    assert [each.cancels for each in rounds if isinstance(each, Round)] == [("O-1",)] * 4


def test_beside_a_stop_that_does_not_cancel_it_sells_only_what_the_stop_cannot() -> None:
    run, view = flattening(), scene(TEN, resting(quantity=-4))
    rounds = [run.next_round(view, 2) for _ in range(PATIENCE_ROUNDS + 1)]
    assert sent(rounds[-1]) == [("sell", "F.SMART", 6)]


def test_patience_begins_anew_once_the_orders_are_gone() -> None:
    run, busy = flattening(), scene(TEN, resting())
    for _ in range(PATIENCE_ROUNDS):
        run.next_round(busy, 2)
    assert sent(run.next_round(scene(TEN), 2)) != []
    assert sent(run.next_round(busy, 2)) == []


def test_its_own_market_order_is_left_to_fill() -> None:
    own = resting("K-1", -10, is_ours=True, is_market=True)
    step = flattening().next_round(scene(TEN, own), 2)
    assert step == Round(waiting=(Leftover("S", "F.SMART", 10, NEEDS_ORDER),))


def test_beside_its_own_market_order_it_closes_what_has_come_since() -> None:
    own = resting("K-1", -4, is_ours=True, is_market=True)
    step = flattening().next_round(scene(TEN, own), 2)
    assert isinstance(step, Round)
    assert (step.cancels, sent(step)) == ((), [("sell", "F.SMART", 6)])


@pytest.mark.parametrize(
    "order",
    [
        resting("K-1", -11, is_ours=True, is_market=True),
        resting("K-1", 10, is_ours=True, is_market=True),
        resting("K-1", -10, is_ours=True),
        resting("K-1", -10, is_market=True),
    ],
)
def test_any_other_order_is_canceled(order: Working) -> None:
    step = flattening().next_round(scene(TEN, order), 2)
    assert isinstance(step, Round)
    assert (step.cancels, sent(step)) == (("K-1",), [])


def test_two_own_market_orders_are_kept_as_far_as_the_position_goes() -> None:
    orders = [resting(f"K-{n}", -6, is_ours=True, is_market=True) for n in range(2)]
    step = flattening().next_round(scene(TEN, *orders), 2)
    assert isinstance(step, Round)
    assert step.cancels == ("K-1",)


def test_prices_give_way_only_by_tries_not_by_cancels() -> None:
    run = flattening()
    prices = []
    for orders in ([], ["K-1"], [], ["K-2"], []):
        view = scene(held((P100, -1)), *[resting(name, 1, terms=P100, is_ours=True) for name in orders])
        step = run.next_round(view, 2)
        assert isinstance(step, Round)
        prices += [each.limit_price for each in step.closings]
    assert prices == [D("1.10"), D("1.11"), D("1.12")]


def test_nothing_is_closed_while_fills_of_legs_are_still_to_come() -> None:
    due = resting("X", 0, terms=BULL_PUT, is_open=False, is_due=True)
    step = flattening().next_round(scene(held((P95, 2)), due), 2)
    assert step == Round(waiting=(Leftover("S", P95.instrument_id, 2, LEGS_DUE),))


def test_what_another_flattening_closes_is_left_to_it() -> None:
    step = flattening().next_round(scene(TEN, resting(), elsewhere={"F"}), 2)
    assert step == Round(waiting=(Leftover("S", "F.SMART", 10, OTHERS_TURN),))


# -- While the session is closed ------------------------------------------------------------------


def test_while_the_session_is_closed_it_cancels_only_what_could_open() -> None:
    run = flattening()
    view = scene(TEN, resting("STOP", -10, only_closes=True), resting("ENTRY"), is_open=False)
    step = run.next_round(view, 2)
    assert step == Round(cancels=("ENTRY",), waiting=(Leftover("S", "F.SMART", 10, CLOSED),))
    assert not run.is_closing


def test_what_it_keeps_while_the_session_is_closed_is_no_order_that_does_not_cancel() -> None:
    night = scene(TEN, resting("STOP", -10, only_closes=True), resting("ENTRY"), is_open=False)
    report = last(flattening(), night)
    assert isinstance(report, FlattenReport)
    assert [each.instrument_id for each in report.left] == ["order ENTRY", "F.SMART"]
    day = scene(TEN, resting("STOP", -10, only_closes=True))
    report = last(flattening(), day)
    assert isinstance(report, FlattenReport)
    assert [each.instrument_id for each in report.left] == ["order STOP", "F.SMART"]


def test_it_takes_over_only_where_it_can_close() -> None:
    run = flattening()
    assert not run.is_closing
    run.next_round(HALTED, 2)
    assert run.is_closing


# -- The end --------------------------------------------------------------------------------------
