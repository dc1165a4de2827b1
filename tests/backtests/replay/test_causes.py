from __future__ import annotations

from typing import Any

import pytest

from audit.journal import Problem
from backtests.replay.causes import Evidence, verdict
from backtests.replay.decision_stream import FieldDifference, Parting, first_parting
from backtests.replay.recorded_run import ChangedFile
from tests.backtests.replay.entries import decision, fill, numbered, refusal


def _parting(before: Any = None, after: Any = None, **changes: Any) -> Parting:
    ours = [*([before] if before else []), decision(2)]
    theirs = [*([after] if after else []), decision(2, **changes)]
    parting = first_parting(numbered(*ours), numbered(*theirs))
    assert parting is not None
    return parting


DATA = ChangedFile("data/quote_tick/BAC.SMART/a.parquet", "has other content", 1, 2)
LATER = ChangedFile("data/quote_tick/BAC.SMART/b.parquet", "has other content", 10**12, 10**13)
EDITED = Problem(file="2013-10-07.jsonl", line=1, seq=1, what="edited", why="its hash is another")
AFTERWARDS = Problem(file="2013-10-07.jsonl", line=9, seq=9, what="edited", why="its hash is another")

IMBALANCE_MIN = FieldDifference(
    field="strategies.harvester.parameters.imbalance_min", recorded=0.6, replayed=0.8
)
POSITIONS_MAX = FieldDifference(field="risk.max_positions", recorded=3, replayed=1)

INFERRED = [
    (
        _parting(thresholds={"imbalance": 0.8}),
        "parameter",
        "imbalance 0.7 reaches 0.6 recorded and is below 0.8 replayed",
    ),
    (
        _parting(thresholds={"imbalance": 0.5}),
        "parameter",
        "imbalance 0.7 reaches 0.6 recorded and reaches 0.5 replayed",
    ),
    (_parting(thresholds={}), "parameter", "other thresholds: imbalance 0.6 recorded, none replayed"),
    (
        _parting(features={"imbalance": 1 / 3}),
        "data",
        "another market: imbalance 0.7 recorded, 0.33333333 replayed",
    ),
    (
        _parting(fill(10, "13.90"), fill(10, "13.95"), reason="stop"),
        "event",
        "recorded, venue filled O-1: BUY 10 BAC.SMART at 13.90, fee 0.35 USD, TAKER, trade",
    ),
    (
        _parting(refusal("a"), refusal("b"), reason="stop"),
        "limit",
        "replayed, risk gate refused submit of O-1 by b, breaker RUNNING: 6, limit 5",
    ),
    (_parting(refused_by="venue"), "event", "refused in other words: refused_by none recorded, venue"),
    (_parting(reason="stop"), "unknown", "the same inputs led to another decision: reason pressure"),
    (
        _parting(ts_ns=5),
        "unknown",
        "only replayed this decision was taken; recorded, the next on BAC.SMART came at 1969-12-31 19:00:02",
    ),
]


@pytest.mark.parametrize(("parting", "cause", "why"), INFERRED)
def test_without_evidence_the_first_record_that_differs_tells(parting: Parting, cause: str, why: str) -> None:
    found = verdict(parting, Evidence())
    assert found.cause == cause
    assert why in found.why[0]


def test_a_position_that_differs_alone_comes_from_an_event() -> None:
    ours, theirs = numbered(fill(1, "13.90"), decision(2)), numbered(decision(2, reason="other"))
    parting = first_parting(ours, theirs)
    assert parting is not None
    found = verdict(parting, Evidence())
    assert (found.cause, found.why[0]) == (
        "event",
        "recorded it held 1 share, 0 working orders, replayed 0 shares, 0 working orders",
    )


def _alone(*more: Any, **changes: Any) -> Parting:
    """Only the recorded side takes a decision; `more` are what the replay decides afterwards."""
    parting = first_parting(numbered(decision(1, **changes)), numbered(*more))
    assert parting is not None
    return parting


def test_a_decision_of_one_side_alone_is_said_to_be_one() -> None:
    (why,) = verdict(_alone(), Evidence()).why
    assert why == "only recorded this decision was taken; replayed, none was taken on BAC.SMART from here on"


@pytest.mark.parametrize(
    ("value", "side", "words"),
    [
        (0.7, "buy", "imbalance 0.7 passes 0.6 as recorded and fails 0.8 as changed"),
        (-0.7, "sell", "imbalance -0.7 passes 0.6 as recorded and fails 0.8 as changed"),
    ],
)
def test_the_feature_that_a_changed_threshold_stopped_is_named(value: float, side: str, words: str) -> None:
    parting = _alone(side=side, features={"imbalance": value, "spread_bps": 3.0},
                     thresholds={"imbalance": 0.6, "spread_bps": 12.0})  # fmt: skip
    found = verdict(parting, Evidence(parameters=(IMBALANCE_MIN,)))
    assert found.cause == "parameter"
    assert found.why[0] == (
        "the replay changed strategies.harvester.parameters.imbalance_min from 0.6 to 0.8"
    )
    assert found.why[1] == words


def test_a_filter_passes_up_to_its_maximum() -> None:
    widened = FieldDifference(field="strategies.s.parameters.spread_bps_max", recorded=12.0, replayed=4.0)
    parting = _alone(features={"spread_bps": 5.0}, thresholds={"spread_bps": 12.0})
    found = verdict(parting, Evidence(parameters=(widened,)))
    assert found.why[1] == "spread_bps 5 passes 12 as recorded and fails 4 as changed"


def test_the_other_sides_threshold_is_that_of_its_next_decision_for_the_same_reason() -> None:
    later = decision(9, thresholds={"imbalance": 0.75})
    other = decision(8, reason="stop_loss", thresholds={"imbalance": 0.1})
    found = verdict(_alone(other, later), Evidence())
    assert found.why[0] == "imbalance 0.7 reaches 0.6 recorded and is below 0.75 replayed"
    assert found.cause == "parameter"


def test_a_refusal_of_one_side_alone_names_the_limit() -> None:
    found = verdict(_alone(refused_by="daily_loss: 12 USD, limit 10 USD"), Evidence())
    assert (found.cause, found.why[0]) == (
        "limit",
        "only recorded it was refused: daily_loss: 12 USD, limit 10 USD",
    )


def test_decisions_in_another_order_are_said_to_be() -> None:
    ours = [decision(1), decision(1, instrument_id="F.SMART", correlation_id="c-2")]
    parting = first_parting(numbered(*ours), numbered(*ours[::-1]))
    assert parting is not None
    assert (parting.is_order, parting.fields) == (True, ())
    assert "in another order" in verdict(parting, Evidence()).why[0]


@pytest.mark.parametrize(
    ("evidence", "cause"),
    [
        (Evidence(files=(DATA,)), "data"),
        (Evidence(problems=(EDITED,)), "event"),
        (Evidence(is_profile_sound=False, problems=(EDITED,), files=(DATA,)), "parameter"),
        (Evidence(limits=(POSITIONS_MAX,)), "limit"),
        (Evidence(parameters=(IMBALANCE_MIN,)), "parameter"),
        (Evidence(versions=("numpy: 1, now 2",), files=(LATER,), problems=(AFTERWARDS,)), "unknown"),
    ],
)
def test_evidence_comes_before_inference_and_only_where_it_could_matter(
    evidence: Evidence, cause: str
) -> None:
    assert verdict(_parting(reason="stop"), evidence).cause == cause


def test_of_two_changes_the_one_that_shows_is_named_first() -> None:
    both = Evidence(limits=(POSITIONS_MAX,), parameters=(IMBALANCE_MIN,))
    assert verdict(_parting(refusal("a"), refusal("b"), reason="stop"), both).cause == "limit"
    assert verdict(_parting(refused_by="gate"), both).cause == "limit"
    assert verdict(_parting(thresholds={}), both).cause == "parameter"


def test_another_version_is_mentioned_last() -> None:
    found = verdict(_parting(reason="stop"), Evidence(versions=("numpy: 1, now 2",)))
    assert "numpy: 1, now 2" in found.why[-1]
