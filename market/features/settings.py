"""How far back the time-based features look."""

from __future__ import annotations

import msgspec

GRID_MS_MAX = 60_000
CELLS_MAX = 100_000
"""Bound of a horizon or window in grid cells: it is memory per instrument."""
GRIDS_PER_HALF_LIFE_MAX = 100
"""Half-lives that fit into a grid cell at most: weights grow by 2 per half-life and must not overflow."""


class FeatureSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Time scales in milliseconds; horizon and window are whole multiples of the grid.

    The mid is sampled at every multiple of `grid_ms` since the epoch, so the samples do not depend on
    when a recording starts. Raises `ValueError` for values out of bounds.
    """

    grid_ms: int = 500
    momentum_horizon_ms: int = 5_000
    volatility_window_ms: int = 60_000
    order_flow_half_life_ms: int = 2_000

    def __post_init__(self) -> None:
        if not 1 <= self.grid_ms <= GRID_MS_MAX:
            raise ValueError(f"grid_ms is {self.grid_ms}, allowed: 1 to {GRID_MS_MAX}")
        _require_cells("momentum_horizon_ms", self.momentum_horizon_ms, self.grid_ms)
        _require_cells("volatility_window_ms", self.volatility_window_ms, self.grid_ms)
        if self.order_flow_half_life_ms * GRIDS_PER_HALF_LIFE_MAX < self.grid_ms:
            raise ValueError(
                f"order_flow_half_life_ms is {self.order_flow_half_life_ms}, allowed: "
                f"at least {-(-self.grid_ms // GRIDS_PER_HALF_LIFE_MAX)} with grid_ms {self.grid_ms}"
            )

    @property
    def momentum_cells(self) -> int:
        """The momentum horizon in grid cells."""
        return self.momentum_horizon_ms // self.grid_ms

    @property
    def volatility_cells(self) -> int:
        """The volatility window in grid cells."""
        return self.volatility_window_ms // self.grid_ms


def _require_cells(name: str, value_ms: int, grid_ms: int) -> None:
    if value_ms < grid_ms or value_ms % grid_ms or value_ms // grid_ms > CELLS_MAX:
        raise ValueError(
            f"{name} is {value_ms}, allowed: multiples of grid_ms ({grid_ms}) "
            f"from {grid_ms} to {grid_ms * CELLS_MAX}"
        )
