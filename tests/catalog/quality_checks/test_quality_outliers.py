from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.quality_checks.outliers import (
    NEIGHBOURS,
    can_hold_outliers,
    is_outlier,
    local_moves,
    local_prices,
    overnight_jumps,
)
from catalog.quality_checks.records import BoolArray
from catalog.reading.blocks import FloatArray


def _outliers(prices: FloatArray, day: np.ndarray | None = None) -> list[int]:
    days = np.zeros(len(prices), dtype=np.int64) if day is None else day
    found: BoolArray = is_outlier(
        prices, local_prices(prices, days), fraction=0.10, usual_move=10 * local_moves(prices)
    )
    return np.flatnonzero(found).tolist()


@pytest.mark.parametrize("row", [0, 1, 5, 30, 58, 59])
@pytest.mark.parametrize("factor", [0.5, 1.11, 7.0])
def test_a_lone_print_is_found_anywhere_in_a_day(row: int, factor: float) -> None:
    prices = np.full(60, 20.0)
    prices[row] *= factor
    assert _outliers(prices) == [row]


@pytest.mark.parametrize("run", range(1, NEIGHBOURS // 2 + 1))
def test_a_short_run_of_bad_prints_is_found_whole(run: int) -> None:
    prices = np.full(60, 20.0)
    prices[30 : 30 + run] = 40.0
    assert _outliers(prices) == list(range(30, 30 + run))


@given(st.integers(1, 59), st.floats(0.2, 5.0))
def test_a_lasting_move_is_no_outlier(row: int, factor: float) -> None:
    prices = np.full(60, 20.0)
    prices[row:] *= factor
    # At the very ends a move cannot be told from an outlier: the last price stands alone.
    if NEIGHBOURS // 2 < row < 60 - NEIGHBOURS // 2:
        assert _outliers(prices) == []


def test_an_old_price_after_a_split_is_an_outlier_of_its_day() -> None:
    prices = np.concatenate([np.full(30, 645.0), [645.57], np.full(29, 92.0)])
    assert _outliers(prices, np.repeat([0, 1], 30)) == [30]


@pytest.mark.parametrize(
    ("level", "factor", "is_found"),
    [
        (3.0, 1.09, False),
        (3.0, 1.11, True),
        (2.99, 1.11, False),
        (2.99, 1.21, True),
        (0.5, 1.7, False),
        (0.5, 1.8, True),
    ],
)
def test_the_band_widens_for_low_prices(level: float, factor: float, is_found: bool) -> None:
    prices = np.full(60, level)
    prices[30] *= factor
    assert bool(_outliers(prices)) is is_found


def test_a_volatile_series_has_a_wider_band() -> None:
    swings = np.where(np.arange(60) % 2, 20.0, 23.0)  # 15 % to and fro
    assert _outliers(swings) == []


def test_a_move_shared_by_a_neighbour_is_no_outlier_where_bars_must_stand_alone() -> None:
    prices = np.full(60, 20.0)
    prices[[10, 30, 31]] = 40.0
    around = local_prices(prices, np.zeros(60, dtype=np.int64))
    found = is_outlier(prices, around, fraction=0.10, usual_move=np.zeros(60), stands_alone=True)
    assert np.flatnonzero(found).tolist() == [10]


def test_a_price_alone_on_its_day_is_not_judged() -> None:
    assert _outliers(np.array([5.0, 50.0, 5.0]), np.array([0, 1, 2])) == []


@pytest.mark.parametrize("count", range(4))
def test_so_few_prices_are_no_error(count: int) -> None:
    prices = np.full(count, 5.0)
    assert _outliers(prices) == []
    assert local_moves(prices).tolist() == [0.0] * count
    assert overnight_jumps(prices, np.zeros(count, dtype=np.int64), fraction=0.25)[0].tolist() == []


def test_a_night_jump_is_found_with_its_ratio_and_one_bad_print_does_not_hide_it() -> None:
    prices = np.concatenate([np.full(30, 644.0), np.full(30, 92.0)])
    prices[30] = 645.57
    rows, ratios = overnight_jumps(prices, np.repeat([0, 1], 30), fraction=0.25)
    assert rows.tolist() == [30]
    assert ratios[0] == pytest.approx(92 / 644)


@pytest.mark.parametrize(("ratio", "is_found"), [(1.24, False), (1.26, True), (0.81, False), (0.79, True)])
def test_a_night_jump_begins_beyond_its_threshold(ratio: float, is_found: bool) -> None:
    prices = np.concatenate([np.full(20, 10.0), np.full(20, 10.0 * ratio)])
    assert bool(len(overnight_jumps(prices, np.repeat([0, 1], 20), fraction=0.25)[0])) is is_found


@given(st.lists(st.floats(1.0, 50.0), min_size=1, max_size=80))
def test_the_cheap_test_never_hides_an_outlier(values: list[float]) -> None:
    prices = np.array(values)
    if not can_hold_outliers(prices, fraction=0.10):
        assert _outliers(prices) == []
