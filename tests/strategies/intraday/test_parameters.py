from __future__ import annotations

from typing import Any

import msgspec
import pytest

from strategies.intraday.parameters import HOUR_MS, IntradayParameters

BOUNDS: list[tuple[str, Any, Any]] = [
    ("decision_interval_ms", 1, 0),
    ("decision_interval_ms", HOUR_MS, HOUR_MS + 1),
    ("shares_per_entry", 1, 0),
    ("marketable_offset_ticks", 0, -1),
    ("marketable_offset_ticks", 100, 101),
    ("replaces_per_minute_max", 0, -1),
    ("replaces_per_minute_max", 600, 601),
    ("cooldown_ms", 0, -1),
    ("exit_reprices_max", 0, -1),
    ("exit_reprices_max", 20, 21),
    ("book_levels", 1, 0),
    ("book_levels", 50, 51),
]


@pytest.mark.parametrize(("field", "at_limit", "beyond"), BOUNDS)
def test_a_bound_holds_on_construction_and_on_decode(field: str, at_limit: Any, beyond: Any) -> None:
    assert getattr(IntradayParameters(**{field: at_limit}), field) == at_limit
    with pytest.raises(ValueError, match=field):
        IntradayParameters(**{field: beyond})
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert({field: beyond}, IntradayParameters)


def test_a_wrong_type_is_refused_on_construction() -> None:
    with pytest.raises(ValueError, match="shares_per_entry"):
        IntradayParameters(shares_per_entry="10")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="allow_short"):
        IntradayParameters(allow_short=1)  # type: ignore[arg-type]


def test_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `shares`"):
        msgspec.convert({"shares": 10}, IntradayParameters)


def test_the_longest_backoff_is_at_least_the_shortest() -> None:
    assert IntradayParameters(rejection_backoff_ms=500, rejection_backoff_ms_max=500)
    with pytest.raises(ValueError, match="rejection_backoff_ms_max is 499"):
        IntradayParameters(rejection_backoff_ms=500, rejection_backoff_ms_max=499)


def test_feature_horizons_must_be_whole_multiples_of_the_grid() -> None:
    assert IntradayParameters(grid_ms=500, momentum_horizon_ms=1_000).feature_settings().momentum_cells == 2
    with pytest.raises(ValueError, match="momentum_horizon_ms"):
        IntradayParameters(grid_ms=500, momentum_horizon_ms=750)


class Thresholds(IntradayParameters, frozen=True, kw_only=True):
    ratio: float = 0.5


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_threshold_must_be_finite(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        Thresholds(ratio=value)
