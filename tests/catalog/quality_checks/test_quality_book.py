from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.columns import DeltaAction, DeltaFlag, DeltaSide
from catalog.quality_checks.book import SideHistory, event_ends, side_history

deltas = st.lists(
    st.tuples(
        st.sampled_from(
            [DeltaAction.ADD, DeltaAction.ADD, DeltaAction.UPDATE, DeltaAction.DELETE, DeltaAction.CLEAR]
        ),
        st.sampled_from([DeltaSide.BUY, DeltaSide.SELL]),
        st.integers(1, 6),
        st.sampled_from([0, 1, 5]),
    ),
    min_size=1,
    max_size=60,
)


@given(
    deltas, st.sampled_from([DeltaSide.BUY, DeltaSide.SELL]), st.sets(st.integers(1, 6)), st.integers(0, 60)
)
def test_painting_lifetimes_agrees_with_applying_delta_by_delta(
    rows: list[tuple[DeltaAction, DeltaSide, int, int]], side: DeltaSide, initial: set[int], cut: int
) -> None:
    best, levels, unknown = [], [], []
    book = set(initial)
    for action, delta_side, price, size in rows:
        is_unknown = False
        if action is DeltaAction.CLEAR:
            book.clear()
        elif delta_side is side:
            is_unknown = action in (DeltaAction.UPDATE, DeltaAction.DELETE) and price not in book
            book.discard(price)
            if action is not DeltaAction.DELETE and size > 0:
                book.add(price)
        unknown.append(is_unknown)
        levels.append(len(book))
        best.append((max(book) if side is DeltaSide.BUY else min(book)) if book else np.nan)

    cut = min(cut, len(rows))
    first = _history(rows[:cut], side, np.array(sorted(initial), dtype=np.float64))
    second = _history(rows[cut:], side, first.final_prices)
    assert np.concatenate([first.levels, second.levels]).tolist() == levels
    assert np.concatenate([first.is_unknown, second.is_unknown]).tolist() == unknown
    assert np.array_equal(np.concatenate([first.best, second.best]), best, equal_nan=True)
    assert set(second.final_prices.tolist()) == book


def _history(
    rows: list[tuple[DeltaAction, DeltaSide, int, int]], side: DeltaSide, initial: np.ndarray
) -> SideHistory:
    if not rows:
        nothing = np.empty(0)
        return SideHistory(
            best=nothing,
            levels=nothing.astype(np.int64),
            is_unknown=nothing.astype(np.bool_),
            final_prices=initial,
        )
    action, delta_side, price, size = (np.array(column) for column in zip(*rows, strict=True))
    return side_history(
        side=side,
        action=action,
        delta_side=delta_side,
        price=price.astype(np.float64),
        size=size.astype(np.float64),
        initial_prices=initial,
    )


@pytest.mark.parametrize(
    ("flags", "is_last", "expected"),
    [
        ([0, DeltaFlag.LAST, 0], True, [False, True, False]),
        ([0, 0, 0], True, [False, True, True]),
        ([0, 0, 0], False, [False, True, False]),
    ],
    ids=["flagged", "by time", "by time, more to come"],
)
def test_an_event_ends_at_its_flag_or_with_its_time(
    flags: list[int], is_last: bool, expected: list[bool]
) -> None:
    times = np.array([1, 1, 2])
    assert event_ends(np.array(flags), times, is_last=is_last).tolist() == expected
