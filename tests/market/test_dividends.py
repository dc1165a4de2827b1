from __future__ import annotations

import math

import pytest

from market.dividends import DividendSchedule
from market.errors import DataError

DAY = 86_400 * 10**9


def test_sorts_its_rows_and_selects_by_instant() -> None:
    schedule = DividendSchedule.of([(200 * DAY, 0.3), (100 * DAY, 0.2)])
    assert schedule.amounts == (0.2, 0.3)
    assert schedule.between(100 * DAY, 200 * DAY) == DividendSchedule((200 * DAY,), (0.3,))
    assert schedule.between(99 * DAY, 100 * DAY).amounts == (0.2,)


def test_present_value_discounts_what_is_still_to_come() -> None:
    schedule = DividendSchedule.of([(365 * DAY, 1.0), (730 * DAY, 1.0)])
    assert schedule.present_value(0, 365 * DAY, rate=0.1) == pytest.approx(math.exp(-0.1))
    assert schedule.present_value(365 * DAY, 730 * DAY, rate=0.1) == pytest.approx(math.exp(-0.1))
    assert schedule.present_value(730 * DAY, 900 * DAY, rate=0.1) == 0.0


@pytest.mark.parametrize(
    ("instants", "amounts"), [((1, 1), (1.0, 1.0)), ((1,), (0.0,)), ((1,), (math.nan,)), ((1, 2), (1.0,))]
)
def test_refuses_disorder(instants: tuple[int, ...], amounts: tuple[float, ...]) -> None:
    with pytest.raises(DataError, match="Dividends must"):
        DividendSchedule(instants, amounts)
