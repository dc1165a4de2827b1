from __future__ import annotations

from strategies.intraday.correlation import CorrelationIds, correlation_id_of, order_tag
from tests.strategies.builders import TEN_NS


def test_ids_count_up_and_repeat_in_a_replay() -> None:
    first, replay = (CorrelationIds("harvester", "BAC") for _ in range(2))
    ids = [first.next(TEN_NS) for _ in range(2)]
    assert ids == ["harvester-BAC-20131007-1", "harvester-BAC-20131007-2"]
    assert [replay.next(TEN_NS) for _ in range(2)] == ids


def test_an_order_tells_its_decision() -> None:
    assert order_tag("harvester-BAC-20131007-1") == "decision:harvester-BAC-20131007-1"
    assert correlation_id_of(["other", "decision:a-1"]) == "a-1"
    assert correlation_id_of(["MARKET_EXIT"]) is None
    assert correlation_id_of(None) is None
