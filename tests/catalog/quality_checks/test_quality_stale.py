from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from catalog.quality_checks.records import repeats_previous
from catalog.quality_checks.stale import StaleStretches, Stretch

RECORDS_MIN, LONGER_THAN_NS, BROKEN_BY_NS = 3, 4, 20

series = st.lists(st.tuples(st.integers(1, 25), st.integers(0, 1)), min_size=1, max_size=60)


def _expected(times: list[int], values: list[int]) -> list[Stretch]:
    """Go record by record."""
    stretches: list[list[int]] = []
    for position, (at, value) in enumerate(zip(times, values, strict=True)):
        is_same = position and value == values[position - 1] and at - times[position - 1] < BROKEN_BY_NS
        if is_same:
            stretches[-1].append(at)
        else:
            stretches.append([at])
    return [
        Stretch(run[0], run[-1], len(run))
        for run in stretches
        if len(run) >= RECORDS_MIN and run[-1] - run[0] > LONGER_THAN_NS
    ]


@given(series, st.lists(st.integers(1, 59), max_size=5))
def test_stretches_are_the_same_whatever_the_blocks(rows: list[tuple[int, int]], cuts: list[int]) -> None:
    times = np.cumsum([step for step, _ in rows])
    values = np.array([value for _, value in rows])
    repeats = repeats_previous([values])
    found = StaleStretches(records_min=RECORDS_MIN, longer_than_ns=LONGER_THAN_NS, broken_by_ns=BROKEN_BY_NS)
    stretches: list[Stretch] = []
    bounds = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
    for start, end in pairwise(bounds):
        stretches += found.add(times[start:end], repeats[start:end])
    stretches += found.finish()
    assert stretches == _expected(times.tolist(), values.tolist())
