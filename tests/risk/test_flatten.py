"""Rounds, bursts and reports of a flattening."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from risk.closings import COVERS_SHORT, NEEDS_ORDER, Held, Leftover, Marketplace
from risk.flatten import (
    CANCELS_FIRST,
    CLOSED,
    LEGS_DUE,
    MAX_ROUNDS,
    NEVER_SENT,
    OTHERS_TURN,
    PATIENCE_ROUNDS,
    Flattening,
    FlattenReport,
    Rest,
    Round,
    Scene,
    Step,
    Working,
)
from risk.intent import InstrumentTerms
from tests.risk.table_market import option, quote, spread, stock

D = Decimal
F, GE = stock(), stock("GE")
P100, P95, C115 = option(100), option(95), option(115, "call")
BULL_PUT = spread((P100, -1), (P95, 1))


def flattening(symbols: Sequence[str] | None = None) -> Flattening:
    return Flattening(symbols, by="Ann", reason="news", started_ns=1)


def held(*positions: tuple[InstrumentTerms, int], strategy: str = "S") -> list[Held]:
    return [Held(strategy, terms, count) for terms, count in positions]


def resting(order_id: str = "O-1", quantity: int = 10, **fields: Any) -> Working:
    values: dict[str, Any] = {"strategy_id": "S", "terms": F}
    return Working(order_id=order_id, quantity=quantity, **(values | fields))


def scene(positions: Sequence[Held] = (), *orders: Working, is_open: bool = True, **fields: Any) -> Scene:
    market = Marketplace(quote=lambda _: quote("1.00", "1.10"), spreads=(), is_open=is_open)
    return Scene(held=positions, working=orders, market=market, **fields)


def sent(step: Step) -> list[tuple[str, str, int]]:
    assert isinstance(step, Round)
    return [(each.side, each.terms.instrument_id, each.quantity) for each in step.closings]


def last(run: Flattening, view: Scene, now_ns: int = 9) -> Step:
    """Play a burst of equal rounds and return what follows it."""
    for _ in range(MAX_ROUNDS):
        assert isinstance(run.next_round(view, now_ns), Round)
    return run.next_round(view, now_ns)


TEN = held((F, 10))
HALTED = scene(TEN)


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


def test_it_ends_flat_when_nothing_is_held_and_nothing_works() -> None:
    run = flattening()
    run.next_round(HALTED, 2)
    assert run.next_round(scene(), 3) == FlattenReport(
        by="Ann", reason="news", started_ns=1, ended_ns=3, rounds=1, is_flat=True, left=()
    )


def test_it_is_not_flat_while_a_canceled_order_may_still_fill() -> None:
    run = flattening()
    lingering = scene([], resting(is_open=False))
    assert [run.next_round(lingering, 2) for _ in range(MAX_ROUNDS + 5)] == [Round()] * (MAX_ROUNDS + 5)
    assert run.rounds == 0
    assert isinstance(run.next_round(scene(), 3), FlattenReport)


def test_it_is_not_flat_while_legs_are_not_reported_and_says_so() -> None:
    report = last(flattening(), scene([], resting("X", 0, terms=BULL_PUT, is_open=False, is_due=True)))
    assert isinstance(report, FlattenReport)
    why = f"its legs' fills were not reported in {MAX_ROUNDS} rounds"
    assert report.left == (Leftover("", "order X", 0, why),)


def test_after_a_burst_it_says_what_is_left_and_why() -> None:
    run = flattening()
    report = last(run, scene(held((P100, -1), (C115, 1), (F, 10))))
    assert isinstance(report, FlattenReport)
    assert (report.is_flat, report.rounds, report.ended_ns, report.is_over) == (False, MAX_ROUNDS, 9, False)
    assert report.left == (
        Leftover("S", P100.instrument_id, -1, f"not filled in {MAX_ROUNDS} rounds"),
        Leftover("S", C115.instrument_id, 1, COVERS_SHORT),
        Leftover("S", "F.SMART", 10, f"not filled in {MAX_ROUNDS} rounds"),
    )


def test_a_burst_has_twenty_rounds() -> None:
    run = flattening()
    rounds = [run.next_round(HALTED, 2) for _ in range(21)]
    assert [isinstance(each, FlattenReport) for each in rounds] == [False] * 20 + [True]


def test_the_legs_of_a_spread_that_was_sent_were_not_filled() -> None:
    market = Marketplace(quote=lambda _: quote(), spreads=(BULL_PUT,), is_open=True)
    report = last(flattening(), Scene(held=held((P100, -1), (P95, 1)), working=(), market=market))
    assert isinstance(report, FlattenReport)
    assert {each.why for each in report.left} == {f"not filled in {MAX_ROUNDS} rounds"}


def test_orders_that_cannot_be_canceled_or_filled_are_reported_too() -> None:
    own = resting("K-1", -10, is_ours=True, is_market=True)
    report = last(flattening(), scene(TEN, resting("O-1", terms=GE), own))
    assert isinstance(report, FlattenReport)
    assert report.left[:2] == (
        Leftover("", "order O-1", 0, f"not canceled in {MAX_ROUNDS} rounds"),
        Leftover("", "order K-1", 0, f"not filled in {MAX_ROUNDS} rounds"),
    )


def test_a_closing_that_never_left_is_told_with_its_reason() -> None:
    run, refused = flattening(), "the gate refused K-1, see its record"
    for _ in range(MAX_ROUNDS):
        step = run.next_round(HALTED, 2)
        assert isinstance(step, Round)
        run.not_sent(step.closings[0], refused)
    report = run.next_round(HALTED, 2)
    assert isinstance(report, FlattenReport)
    assert report.left == (Leftover("S", "F.SMART", 10, refused),)


def test_what_the_gate_and_nautilus_count_differently_is_told() -> None:
    report = last(flattening(), scene([Held("S", F, 0, 100, 0)]))
    assert isinstance(report, FlattenReport)
    assert report.left == (Leftover("S", "F.SMART", 0, "the gate holds 100, Nautilus 0: compare with TWS"),)


def test_of_what_they_count_differently_the_common_part_is_closed() -> None:
    run = flattening()
    view = scene([Held("S", F, 60, 100, 60)])
    assert sent(run.next_round(view, 2)) == [("sell", "F.SMART", 60)]
    report = last(flattening(), view)
    assert isinstance(report, FlattenReport)
    assert [each.quantity for each in report.left] == [60, 60]


def test_what_cannot_be_closed_here_is_told() -> None:
    future = Leftover("EXTERNAL", "ES.SMART", 1, "a future. Close it in TWS.")
    report = last(flattening(), scene(foreign=[future]))
    assert isinstance(report, FlattenReport)
    assert report.left == (future,)


def test_what_was_never_sent_is_called_so() -> None:
    report = last(flattening(), scene(held((P95, 1)), elsewhere=()))
    assert isinstance(report, FlattenReport)
    assert report.left[0].why != NEVER_SENT
    run = flattening()
    for _ in range(MAX_ROUNDS):
        run.failed("ValueError: x", 2)
    report = run.next_round(HALTED, 9)
    assert isinstance(report, FlattenReport)
    assert report.left == (Leftover("S", "F.SMART", 10, NEVER_SENT),)


# -- Bursts ---------------------------------------------------------------------------------------


def test_after_the_report_it_rests_and_tries_again_until_it_is_flat() -> None:
    run = flattening()
    assert isinstance(last(run, HALTED), FlattenReport)
    assert (run.is_resting, run.is_closing) == (True, False)
    assert sent(run.next_round(HALTED, 70)) == [("sell", "F.SMART", 10)]
    assert (run.is_resting, run.is_closing) == (False, True)
    report = run.next_round(scene(), 71)
    assert isinstance(report, FlattenReport)
    assert (report.is_flat, report.rounds, report.is_over) == (True, MAX_ROUNDS + 1, True)


def test_a_person_is_told_once_that_it_is_not_flat() -> None:
    run = flattening()
    assert isinstance(last(run, HALTED), FlattenReport)
    assert isinstance(last(run, HALTED), Rest)
    assert isinstance(last(run, HALTED), Rest)


def test_each_burst_begins_at_the_touch_and_with_patience() -> None:
    run, view = flattening(), scene(held((P100, -1)))
    last(run, view)
    step = run.next_round(view, 2)
    assert isinstance(step, Round)
    assert step.closings[0].limit_price == D("1.10")
    run, busy = flattening(), scene(TEN, resting())
    last(run, busy)
    assert sent(run.next_round(busy, 2)) == []


def test_a_market_order_of_an_earlier_burst_is_sent_anew() -> None:
    run, own = flattening(), resting("K-1", -10, is_ours=True, is_market=True)
    last(run, scene(TEN, own))
    rounds = [run.next_round(scene(TEN, own), 2) for _ in range(2)]
    assert [each.cancels for each in rounds if isinstance(each, Round)] == [("K-1",), ()]
    assert sent(run.next_round(scene(TEN), 3)) == [("sell", "F.SMART", 10)]


def test_a_burst_leaves_its_last_order_working() -> None:
    run, own = flattening(), resting("K-1", 1, terms=P100, is_ours=True)
    rounds = [run.next_round(scene(held((P100, -1)), own), 2) for _ in range(MAX_ROUNDS)]
    cancels = [each.cancels for each in rounds if isinstance(each, Round)]
    assert cancels == [("K-1",)] * (MAX_ROUNDS - 1) + [()]


def test_a_burst_cancels_others_orders_to_its_end() -> None:
    run = flattening()
    rounds = [run.next_round(scene(TEN, resting()), 2) for _ in range(MAX_ROUNDS)]
    assert [each.cancels for each in rounds if isinstance(each, Round)] == [("O-1",)] * MAX_ROUNDS


def test_told_once_it_only_looks_while_the_session_stays_closed() -> None:
    run, night = flattening(), scene(TEN, is_open=False)
    assert isinstance(last(run, night), FlattenReport)
    assert isinstance(run.next_round(night, 2), Rest)
    assert run.is_resting
    opening = scene(TEN, resting(), is_open=False)
    assert run.next_round(opening, 2) == Round(
        cancels=("O-1",), waiting=(Leftover("S", "F.SMART", 10, CLOSED),)
    )
    assert sent(run.next_round(HALTED, 2)) == [("sell", "F.SMART", 10)]


# -- Ended by a person, and by faults -------------------------------------------------------------


def test_one_that_rests_ends_at_once_with_what_is_left() -> None:
    run = flattening()
    first = last(run, HALTED)
    report = run.stand_down(12)
    assert isinstance(first, FlattenReport)
    assert report is not None
    assert (report.is_flat, report.is_over, report.ended_ns, report.left) == (False, True, 12, first.left)


def test_one_that_closes_ends_with_its_burst() -> None:
    run = flattening()
    run.next_round(HALTED, 2)
    assert run.stand_down(3) is None
    for _ in range(MAX_ROUNDS - 1):
        assert isinstance(run.next_round(HALTED, 2), Round)
    report = run.next_round(HALTED, 9)
    assert isinstance(report, FlattenReport)
    assert (report.is_flat, report.is_over) == (False, True)


def test_one_that_tries_again_tells_when_a_person_ended_it() -> None:
    run = flattening()
    last(run, HALTED)
    run.next_round(HALTED, 2)
    assert run.stand_down(3) is None
    for _ in range(MAX_ROUNDS - 1):
        run.next_round(HALTED, 2)
    report = run.next_round(HALTED, 9)
    assert isinstance(report, FlattenReport)
    assert report.is_over


def test_a_round_that_fails_is_one_of_its_burst_and_told() -> None:
    run = flattening()
    assert [run.failed("ValueError: x", 2) for _ in range(MAX_ROUNDS)] == [Round()] * MAX_ROUNDS
    report = run.failed("ValueError: y", 3)
    assert isinstance(report, FlattenReport)
    assert report.left == (Leftover("", "the account", 0, "ValueError: y"),)
    assert run.is_resting
    assert run.failed("ValueError: y", 4) == Round()
    assert not run.is_resting
