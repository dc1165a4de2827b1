from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.events import Entry
from backtests.replay.decision_stream import PositionState, decision_hash, first_parting
from tests.backtests.replay.entries import decision, event, fill, numbered, order, refusal


def _day(*more: Any) -> tuple[Entry, ...]:
    return numbered(decision(1), order(), event("accepted"), fill(10, "13.90"), decision(2), *more)


def test_equal_streams_do_not_part_whatever_ids_their_fills_have() -> None:
    other = numbered(decision(1), order(), event("accepted"), fill(10, "13.91"), decision(2))
    assert first_parting(_day(), _day()) is None
    assert first_parting(_day(), other) is None  # decisions are what is compared


@given(st.integers(0, 7), st.sampled_from(["reason", "quantity", "features", "ts_ns"]))
def test_the_first_decision_that_differs_is_found(index: int, field: str) -> None:
    values: dict[str, Any] = {"reason": "other", "quantity": 3, "features": {"imbalance": 0.1}, "ts_ns": 5}
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
    assert parting.before.field == kind


def test_records_that_one_side_never_has_are_not_held_against_it() -> None:
    """A replayed live day has decisions alone."""
    parting = first_parting(
        _day(decision(3)), numbered(decision(1), decision(2), decision(3, reason="other"))
    )
    assert parting is not None
    assert parting.before is None
