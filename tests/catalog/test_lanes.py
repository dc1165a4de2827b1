"""The clock and the lanes: every record of a catalog has a moment of its own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.columns import DataKind
from catalog.lanes import LANES, Lanes, event_clock
from market.errors import DataError

TICKS = (DataKind.DELTA, DataKind.TRADE, DataKind.QUOTE)
times = st.lists(st.integers(0, 2**61) | st.integers(10**18, 10**18 + 20_000), max_size=60).map(sorted)


def _naive_clock(ts_event: list[int], after: int = 0) -> list[int]:
    readings = []
    for moment in ts_event:
        after = max(after + LANES, -(-moment // LANES) * LANES)
        readings.append(after)
    return readings


@given(times)
def test_the_clock_is_the_definition_in_closed_form(ts_event: list[int]) -> None:
    clock = event_clock(np.array(ts_event, np.int64))
    assert clock.tolist() == _naive_clock(ts_event)
    assert all(reading >= moment for reading, moment in zip(clock.tolist(), ts_event, strict=True))


@given(st.lists(st.integers(0, 2**61), max_size=60))
def test_the_clock_never_goes_back_even_if_times_do(ts_event: list[int]) -> None:
    clock = event_clock(np.array(ts_event, np.int64))
    assert (np.diff(clock) >= LANES).all()
    assert not (clock % LANES).any()


@given(times, st.integers(0, 60))
def test_the_clock_is_the_same_in_blocks(ts_event: list[int], cut: int) -> None:
    whole = event_clock(np.array(ts_event, np.int64)).tolist()
    first = event_clock(np.array(ts_event[:cut], np.int64)).tolist()
    second = event_clock(np.array(ts_event[cut:], np.int64), after=first[-1] if first else 0).tolist()
    assert first + second == whole


@given(st.lists(st.tuples(st.sampled_from([*TICKS, DataKind.BAR]), st.integers(0, 30)), max_size=200))
def test_no_two_streams_share_a_lane_and_ticks_come_before_bars(
    asked: list[tuple[DataKind, int]],
) -> None:
    lanes = Lanes()
    owned: dict[tuple[DataKind, str], int] = {}
    for kind, number in asked:
        name = f"S{number}.SMART"
        bars = kind is DataKind.BAR
        lane = lanes.bars_lane(f"{name}-1-MINUTE") if bars else lanes.ticks_lane(kind, name)
        assert owned.setdefault((kind, name), lane) == lane
    assert len(set(owned.values())) == len(owned)
    for name in {name for _, name in owned}:
        in_order = [owned[kind, name] for kind in (*TICKS, DataKind.BAR) if (kind, name) in owned]
        assert in_order == sorted(in_order)


def test_a_catalog_takes_as_many_streams_as_it_has_lanes_and_no_more() -> None:
    lanes = Lanes()
    last = {lanes.ticks_lane(DataKind.QUOTE, f"S{number}.SMART") for number in range(LANES // 3)}
    assert len(last) == LANES // 3
    assert lanes.bars_lane("BAC.SMART-1-MINUTE-LAST-EXTERNAL") == LANES - 1
    with pytest.raises(DataError, match=r"No room for F\.SMART: .* 4096 streams .* 0 are free"):
        lanes.ticks_lane(DataKind.TRADE, "F.SMART")
    with pytest.raises(DataError, match="another catalog"):
        lanes.bars_lane("F.SMART-1-MINUTE-LAST-EXTERNAL")
