from __future__ import annotations

from typing import Any

import msgspec
import pytest

from strategies.harvester.config import Parameters


@pytest.mark.parametrize(
    ("field", "at_limit", "beyond"),
    [
        ("imbalance_min", 0.0, -0.01),
        ("imbalance_min", 1.0, 1.01),
        ("book_imbalance_min", 1.0, 1.01),
        ("order_flow_ratio_min", 1.0, 1.01),
        ("momentum_bps_min", 0.0, -0.01),
        ("spread_bps_max", 0.0, -0.01),
        ("profit_target_bps", 1_000.0, 1_000.01),
        ("time_stop_ms", 1, 0),
    ],
)
def test_bounds_hold(field: str, at_limit: Any, beyond: Any) -> None:
    assert getattr(Parameters(**{field: at_limit}), field) == at_limit
    with pytest.raises(ValueError, match=field):
        Parameters(**{field: beyond})


def test_whole_numbers_of_a_profile_are_fine_for_basis_points() -> None:
    assert msgspec.convert({"spread_bps_max": 5}, Parameters).spread_bps_max == 5.0


def test_the_stop_lies_beyond_the_widest_spread() -> None:
    assert Parameters(stop_loss_bps=12.1, spread_bps_max=12.0)
    with pytest.raises(ValueError, match="stop_loss_bps is 12"):
        Parameters(stop_loss_bps=12.0, spread_bps_max=12.0)


def test_volatility_bounds_are_in_order() -> None:
    assert Parameters(volatility_bps_min=5.0, volatility_bps_max=5.0)
    with pytest.raises(ValueError, match="volatility_bps_max is 4"):
        Parameters(volatility_bps_min=5.0, volatility_bps_max=4.0)


def test_the_target_is_above_zero() -> None:
    with pytest.raises(ValueError, match="profit_target_bps is 0"):
        Parameters(profit_target_bps=0.0)


def test_an_entry_style_is_one_of_two() -> None:
    with pytest.raises(ValueError, match="entry_style"):
        Parameters(entry_style="aggressive")  # type: ignore[arg-type]
