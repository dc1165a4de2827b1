"""Bursts of a flattening, its end and its reports."""

from __future__ import annotations

from risk.closings import COVERS_SHORT, Held, Leftover, Marketplace
from risk.flatten import (
    CLOSED,
    MAX_ROUNDS,
    NEVER_SENT,
    FlattenReport,
    Rest,
    Round,
    Scene,
)
from tests.risk.flatten_scenes import (
    BULL_PUT,
    C115,
    GE,
    HALTED,
    P95,
    P100,
    TEN,
    D,
    F,
    flattening,
    held,
    last,
    resting,
    scene,
    sent,
)
from tests.risk.table_market import quote


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


def test_what_the_gate_and_the_cache_count_differently_is_told() -> None:
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


def test_one_that_has_not_begun_is_not_ended_before_it_has_looked() -> None:
    run = flattening()
    assert run.stand_down(2) is None
    assert sent(run.next_round(HALTED, 3)) == [("sell", "F.SMART", 10)]


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
    assert report.rounds == MAX_ROUNDS + 1
    assert run.is_resting
    assert run.failed("ValueError: y", 4) == Round()
    assert not run.is_resting
