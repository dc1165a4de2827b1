"""The mid price on a fixed grid of time, from which momentum and volatility are read."""

from __future__ import annotations

from math import log, sqrt

from market.features.rolling import RollingSum
from market.features.settings import FeatureSettings
from market.time import NS_PER_MS

BPS = 1e4


class MidGrid:
    """Samples of the mid at every multiple of the grid since the epoch.

    The sample at instant g is the mid of the last quote stamped before g (previous-tick sampling, Dacorogna
    et al. 2001). Each elapsed cell is written once, so a tick costs O(1) amortised; after a silence of any
    length at most as many cells are written as are remembered.
    """

    __slots__ = (
        "_cells_max",
        "_grid_ns",
        "_last_sample",
        "_position",
        "_samples",
        "_squares",
        "next_ns",
        "reference_mid",
        "volatility_bps",
    )

    def __init__(self, settings: FeatureSettings) -> None:
        self._grid_ns = settings.grid_ms * NS_PER_MS
        self._samples = [0.0] * (settings.momentum_cells + 1)  # a ring; 0.0 is "not sampled yet"
        self._squares = RollingSum(settings.volatility_cells)
        self._cells_max = max(settings.momentum_cells + 1, 2 * settings.volatility_cells)
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._samples = [0.0] * len(self._samples)
        self._squares.clear()
        self._position = 0
        self._last_sample = 0.0
        self.next_ns = 0
        """The next instant of the grid, in ns UTC; nothing changes before it. 0 until `start`."""
        self.reference_mid = 0.0
        """The sample one momentum horizon before the last one, in USD; 0.0 until the horizon is covered."""
        self.volatility_bps: float | None = None
        """Realised volatility over the window, in bps per window; None until the window is covered."""

    def start(self, ts_ns: int) -> None:
        """Take the first sample at the first instant of the grid after `ts_ns`."""
        self.next_ns = (ts_ns // self._grid_ns + 1) * self._grid_ns

    def advance(self, now_ns: int, mid: float) -> None:
        """Take the samples due up to and including `now_ns`; `mid` is what was in force until then."""
        due = (now_ns - self.next_ns) // self._grid_ns + 1
        if due < 1:
            return
        self.next_ns += due * self._grid_ns
        last = self._last_sample
        if last:
            self._squares.push(0.0 if mid == last else log(mid / last) ** 2)
        self._remember(mid)
        self._last_sample = mid
        for _ in range(min(due - 1, self._cells_max)):  # the mid stood still in the other cells
            self._squares.push(0.0)
            self._remember(mid)
        self.reference_mid = self._samples[self._position]
        if self._squares.is_full:
            self.volatility_bps = sqrt(self._squares.total) * BPS

    def _remember(self, mid: float) -> None:
        position = self._position
        self._samples[position] = mid
        position += 1
        self._position = position if position < len(self._samples) else 0
