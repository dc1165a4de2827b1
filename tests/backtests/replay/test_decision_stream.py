from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.events import DecisionRecord, Entry, PositionRecord
from backtests.replay.decision_stream import PositionState, decision_hash, first_parting
from tests.backtests.replay.entries import BAC, STRATEGY, decision, event, fill, numbered, order, refusal


def _day(*more: Any) -> tuple[Entry, ...]:
    return numbered(decision(1), order(), event("accepted"), fill(10, "13.90"), decision(2), *more)


def test_equal_streams_do_not_part_whatever_ids_their_fills_have() -> None:
    other = numbered(decision(1), order(), event("accepted"), fill(10, "13.91"), decision(2))
    assert first_parting(_day(), _day()) is None
    assert first_parting(_day(), other) is None  # decisions are what is compared


@given(st.integers(0, 7), st.sampled_from(["reason", "quantity", "features"]))
def test_the_first_decision_that_differs_is_found(index: int, field: str) -> None:
    values: dict[str, Any] = {"reason": "other", "quantity": 3, "features": {"imbalance": 0.1}}
    ours = [decision(number) for number in range(8)]
    theirs = [decision(number, **({field: values[field]} if number >= index else {})) for number in range(8)]
    parting = first_parting(numbered(*ours), numbered(*theirs))
    assert parting is not None
    assert parting.index == index
    assert {each.field.partition(".")[0] for each in parting.fields} == {field}
    assert decision_hash(ours) != decision_hash(theirs)


def test_a_decision_that_only_one_side_took_is_a_parting() -> None:
    parting = first_parting(_day(decision(3)), _day())
    assert parting is not None
    assert (parting.index, parting.replayed.decision, parting.replayed.seq) == (2, None, None)
    assert parting.recorded.decision == decision(3)
    assert parting.ts_ns == decision(3).ts_ns


def test_each_side_tells_what_it_held_and_what_worked() -> None:
    ours = _day(order("O-2"), order("O-3"), event("canceled", "O-3"), decision(3))
    theirs = numbered(
        decision(1),
        order(),
        event("accepted"),
        fill(4, "13.90"),
        decision(2),
        order("O-2"),
        decision(3, quantity=6),
    )
    parting = first_parting(ours, theirs)
    assert parting is not None
    assert parting.recorded.position == PositionState(shares=10, working_orders=1)
    assert parting.replayed.position == PositionState(shares=4, working_orders=2)


def test_what_a_node_found_when_it_began_is_held() -> None:
    found = PositionRecord(
        event="found",
        position_id="P-1",
        strategy_id=STRATEGY,
        instrument_id=BAC,
        quantity=-7,
        average_open=Decimal("13.90"),
        realized_usd=Decimal(0),
    )
    half = msgspec.structs.replace(order(), found_status="ACCEPTED", found_filled_quantity=10)
    parting = first_parting(numbered(found, half, decision(3)), ())
    assert parting is not None
    assert parting.recorded.position == PositionState(shares=-7, working_orders=0)


def test_other_strategies_and_instruments_do_not_count_as_held() -> None:
    ours = _day(fill(50, "7.00", symbol="F.SMART"), fill(3, "13.95", side="SELL"), decision(3))
    parting = first_parting(ours, _day(decision(3, reason="x")))
    assert parting is not None
    assert parting.recorded.position == PositionState(shares=7, working_orders=0)


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        (fill(10, "13.90"), fill(10, "13.95"), "fill"),
        (event("accepted"), event("rejected"), "order_event"),
        (refusal("order_rate"), refusal("daily_loss"), "refusal"),
    ],
)
def test_an_earlier_record_that_differs_is_told(one: Any, other: Any, kind: str) -> None:
    parting = first_parting(numbered(one, decision(2)), numbered(other, decision(2, reason="other")))
    assert parting is not None
    assert parting.before is not None
    assert parting.before.kinds == (kind, kind)
    assert (parting.before.recorded, parting.before.replayed) == (one, other)


def _ford(number: int, **changes: Any) -> DecisionRecord:
    return decision(number, instrument_id="F.SMART", **changes)


def test_a_decision_is_never_paired_with_one_of_another_moment_or_instrument() -> None:
    ours = numbered(decision(1), decision(2), _ford(3), decision(4))
    theirs = numbered(decision(1), _ford(3), decision(4, reason="other"))
    parting = first_parting(ours, theirs)
    assert parting is not None
    assert (parting.index, parting.recorded.decision, parting.replayed.decision) == (1, decision(2), None)
    assert parting.replayed.following == decision(4, reason="other")
    back = first_parting(theirs, ours)
    assert back is not None
    assert (back.index, back.recorded.decision, back.replayed.decision) == (1, None, decision(2))


def test_at_one_moment_the_instrument_that_only_one_side_decided_on_is_found() -> None:
    ours, theirs = numbered(decision(1), _ford(1)), numbered(_ford(1))
    for one, other in ((ours, theirs), (theirs, ours)):
        parting = first_parting(one, other)
        assert parting is not None
        assert parting.subject == decision(1)
        assert None in (parting.recorded.decision, parting.replayed.decision)


def test_of_two_decisions_at_one_moment_the_one_that_the_other_side_lacks_is_found() -> None:
    both = numbered(decision(1, reason="withdraw"), decision(1, reason="leave"))
    parting = first_parting(both, numbered(decision(1, reason="leave")))
    assert parting is not None
    assert (parting.subject.reason, parting.replayed.decision) == ("withdraw", None)


@given(st.sets(st.integers(0, 11)), st.sets(st.integers(0, 11)))
def test_the_parting_is_the_earliest_moment_at_which_one_side_alone_decided(
    ours: set[int], theirs: set[int]
) -> None:
    """Decisions of three instruments, four of them a second; each side leaves out some."""
    names = ["F.SMART", "BAC.SMART", "GE.SMART"]
    day = [decision(number, ts_ns=number // 4, instrument_id=names[number % 3]) for number in range(12)]
    recorded, replayed = ([day[index] for index in sorted(kept)] for kept in (ours, theirs))
    parting = first_parting(numbered(*recorded), numbered(*replayed))
    if ours == theirs:
        assert parting is None
        return
    assert parting is not None
    assert parting.ts_ns == min(day[index].ts_ns for index in ours ^ theirs)
    assert day.index(parting.subject) in ours ^ theirs


def test_under_another_profile_a_decision_may_have_other_thresholds() -> None:
    other = {"thresholds": {"imbalance": 0.5}}
    ours, theirs = [decision(1), decision(2)], [decision(1, **other), decision(2, reason="stop", **other)]
    assert first_parting(numbered(ours[0]), numbered(theirs[0]), with_thresholds=False) is None
    strict = first_parting(numbered(*ours), numbered(*theirs))
    parting = first_parting(numbered(*ours), numbered(*theirs), with_thresholds=False)
    assert strict is not None
    assert parting is not None
    assert (strict.index, parting.index) == (0, 1)
    assert parting.replayed.decision == theirs[1]
    assert [each.field for each in parting.fields] == ["reason", "thresholds.imbalance"]


def test_the_side_without_a_decision_tells_what_it_held_at_that_moment() -> None:
    ours = numbered(order(), fill(10, "13.90"), decision(3))
    theirs = numbered(order(), fill(4, "13.90"), _ford(3, ts_ns=4 * 10**9), fill(6, "13.91"))
    parting = first_parting(ours, theirs)
    assert parting is not None
    assert parting.recorded.position == PositionState(shares=10, working_orders=0)
    assert parting.replayed.position == PositionState(shares=4, working_orders=1)


def test_records_that_one_side_never_has_are_not_held_against_it() -> None:
    """A replayed live day has decisions alone."""
    parting = first_parting(
        _day(decision(3)), numbered(decision(1), decision(2), decision(3, reason="other"))
    )
    assert parting is not None
    assert parting.before is None
