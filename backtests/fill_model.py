"""Chance at the venue, from a generator of its own.

Nautilus' `FillModel` seeds and draws from Python's global `random`: any other draw in the process, a
strategy's or a library's, would change which orders fill.
"""

from __future__ import annotations

import random

from nautilus_trader.backtest.config import FillModelConfig
from nautilus_trader.backtest.models import FillModel


class SeededFillModelConfig(FillModelConfig, frozen=True):
    """`prob_fill_on_limit` and `prob_slippage` are between 0 and 1; see `SeededFillModel`."""

    seed: int = 1


class SeededFillModel(FillModel):
    """Whether a passive order fills at its touch, and whether an aggressive one slips by one tick."""

    def __init__(self, config: SeededFillModelConfig) -> None:
        before = random.getstate()
        super().__init__(config.prob_fill_on_limit, config.prob_slippage, random_seed=config.seed)
        random.setstate(before)  # the constructor above seeds the global generator, which is not ours
        self._generator = random.Random(config.seed)  # noqa: S311 - a simulation, not a secret

    def is_limit_filled(self) -> bool:
        """Draw with `prob_fill_on_limit`; certain outcomes draw nothing."""
        return self._happens(self.prob_fill_on_limit)

    def is_slipped(self) -> bool:
        """Draw with `prob_slippage`; certain outcomes draw nothing."""
        return self._happens(self.prob_slippage)

    def _happens(self, probability: float) -> bool:
        if probability in (0.0, 1.0):
            return probability == 1.0
        return self._generator.random() < probability
