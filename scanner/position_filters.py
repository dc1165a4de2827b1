"""Filters on positions: applied block by block, in the order of the criteria, each counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np

from scanner.contracts import PRICE_TOLERANCE, Mask, within
from scanner.criteria import PositionFilter, Range, Structure, ranges_of
from scanner.metrics import POSITION_METRICS
from scanner.positions import Block, Verticals
from scanner.tally import Tally

SOUND = "position.sound"
"""Every position must be able to gain and, within its width, to lose: no arbitrage of stale quotes."""


@dataclass
class PositionChecks:
    """The filters on positions of one structure, and what they removed so far."""

    structure: Structure
    ranges: Mapping[str, Range]
    reached: dict[str, int] = field(default_factory=dict)
    passed: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls, structure: Structure, section: PositionFilter, *, without: tuple[str, ...] = ()
    ) -> PositionChecks:
        """Return the checks of `section` but for the metrics in `without`, which are applied elsewhere."""
        ranges = {name: allowed for name, allowed in ranges_of(section).items() if name not in without}
        return cls(structure, ranges)

    def apply(self, block: Block, alive: Mask, count: int) -> int:
        """Take what fails out of `alive`, of which `count` are set, and return how many are left."""
        alive &= sound(block)
        count = self._record(SOUND, count, alive)
        for name, allowed in self.ranges.items():
            if not count:
                break
            alive &= passes(block, name, allowed, alive)
            count = self._record(f"position.{name}", count, alive)
        return count

    def adopt(self, reached: int, left: Iterable[int]) -> int:
        """Record how many each filter left, as compiled loops counted; return the last."""
        for name, passed in zip(self.names(), left, strict=True):
            self.reached[name], self.passed[name] = reached, passed
            reached = passed
        return reached

    def report(self, tally: Tally) -> None:
        """Hand the counts on."""
        for name in self.names():
            before = self.reached.get(name, 0)
            tally.count(self.structure, name, before=before, left=self.passed.get(name, 0))

    def names(self) -> list[str]:
        """Return the filters in their order."""
        return [SOUND, *(f"position.{name}" for name in self.ranges)]

    def _record(self, name: str, before: int, alive: Mask) -> int:
        left = int(np.count_nonzero(alive))
        self.reached[name] = self.reached.get(name, 0) + before
        self.passed[name] = self.passed.get(name, 0) + left
        return left


def sound(block: Block) -> Mask:
    """Return which positions have something to gain and something to lose."""
    gains: Mask = block.max_profit > 0
    gains &= block.max_loss > 0
    return gains


def passes(block: Block, name: str, allowed: Range, alive: Mask | None = None) -> Mask:
    """Return which positions have the metric `name` in the range; those not `alive` may be wrong."""
    if name == "probability_of_profit" and isinstance(block, Verticals):
        return _probability_passes(block, allowed, alive)
    return within(POSITION_METRICS[name](block), allowed)


def _probability_passes(block: Verticals, allowed: Range, alive: Mask | None) -> Mask:
    """Compare normal deviates in place of probabilities, bounds of them first: most are decided by those."""
    low, high = (deviate_of(bound) for bound in (allowed.low, allowed.high))
    if not block.is_credit:
        low, high = -high, -low
    distance = np.abs(block.net)
    at_least, at_most = block.deviate_at_least(distance), block.deviate_at_most(distance)
    decided: Mask = (at_least >= low) & (at_most <= high)
    open_still = ~decided & (at_most >= low - PRICE_TOLERANCE) & (at_least <= high + PRICE_TOLERANCE)
    if alive is not None:
        open_still &= alive
    rows = np.flatnonzero(open_still)
    if rows.size:
        part = block.take(rows)
        exact = part.deviate_at(np.abs(part.net))
        decided.reshape(-1)[rows] = within(exact, Range(min=low, max=high))
    return decided


def deviate_of(probability: float) -> float:
    """Return the normal deviate of a probability, infinite at and beyond 0 and 1."""
    if probability <= 0.0:
        return float("-inf")
    return float("inf") if probability >= 1.0 else NormalDist().inv_cdf(probability)
