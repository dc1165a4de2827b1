from __future__ import annotations

from typing import Any

import pytest

from audit.journal import Problem
from backtests.replay.causes import Evidence, verdict
from backtests.replay.decision_stream import Parting, first_parting
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

INFERRED = [
    (_parting(thresholds={"imbalance": 0.5}), "parameter", "thresholds.imbalance 0.6, replayed 0.5"),
    (_parting(features={"imbalance": 0.5}), "data", "features.imbalance 0.7, replayed 0.5"),
    (_parting(fill(10, "13.90"), fill(10, "13.95"), reason="stop"), "event", "a fill was another"),
    (_parting(refusal("a"), refusal("b"), reason="stop"), "limit", "refused on one side only"),
    (_parting(refused_by="venue"), "event", "refused in other words"),
    (_parting(reason="stop"), "unknown", "the same inputs led to another decision"),
    (_parting(ts_ns=5), "unknown", "decided at different times"),
]


@pytest.mark.parametrize(("parting", "cause", "why"), INFERRED)
def test_without_evidence_the_first_record_that_differs_tells(parting: Parting, cause: str, why: str) -> None:
    found = verdict(parting, Evidence())
    assert found.cause == cause
    assert why in found.why[0]


def test_a_position_that_differs_alone_comes_from_an_event() -> None:
    ours, theirs = numbered(fill(10, "13.90"), decision(2)), numbered(decision(2, reason="other"))
    parting = first_parting(ours, theirs)
    assert parting is not None
    assert verdict(parting, Evidence()).cause == "event"


def test_a_decision_of_one_side_alone_is_said_to_be_one() -> None:
    parting = first_parting(numbered(decision(1)), ())
    assert parting is not None
    assert "only the recorded run took this decision" in verdict(parting, Evidence()).why


@pytest.mark.parametrize(
    ("evidence", "cause"),
    [
        (Evidence(files=(DATA,)), "data"),
        (Evidence(problems=(EDITED,)), "event"),
        (Evidence(is_profile_sound=False, problems=(EDITED,), files=(DATA,)), "parameter"),
        (Evidence(limits=("risk.max_positions",)), "limit"),
        (Evidence(parameters=("strategies.harvester.parameters.imbalance_min",)), "parameter"),
        (Evidence(versions=("numpy: 1, now 2",), files=(LATER,), problems=(AFTERWARDS,)), "unknown"),
    ],
)
def test_evidence_comes_before_inference_and_only_where_it_could_matter(
    evidence: Evidence, cause: str
) -> None:
    assert verdict(_parting(reason="stop"), evidence).cause == cause


def test_of_two_changes_the_one_that_shows_is_named_first() -> None:
    both = Evidence(limits=("risk.max_positions",), parameters=("strategies.harvester.parameters.x",))
    assert verdict(_parting(refusal("a"), refusal("b"), reason="stop"), both).cause == "limit"
    assert verdict(_parting(refused_by="gate"), both).cause == "limit"
    assert verdict(_parting(thresholds={}), both).cause == "parameter"


def test_another_version_is_mentioned_last() -> None:
    found = verdict(_parting(reason="stop"), Evidence(versions=("numpy: 1, now 2",)))
    assert "numpy: 1, now 2" in found.why[-1]
