"""Counts what each filter removed, over many blocks of positions and many underlyings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from scanner.contracts import Removal


@dataclass
class Tally:
    """Removals by stage and filter, in the order in which they were first seen."""

    positions: int = 0
    """Positions built, before filters on them."""
    passed: int = 0
    """Positions that passed every filter."""
    _counts: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def count(self, stage: str, name: str, *, before: int, left: int) -> None:
        """Record that of `before` candidates a filter left `left`."""
        counts = self._counts.setdefault((stage, name), [0, 0])
        counts[0] += before - left
        counts[1] += left

    def add(self, removals: Iterable[Removal]) -> None:
        """Record removals that were counted elsewhere."""
        for removal in removals:
            self.count(
                removal.stage, removal.filter, before=removal.removed + removal.left, left=removal.left
            )

    def removals(self) -> tuple[Removal, ...]:
        """Return the counts so far."""
        return tuple(
            Removal(stage, name, removed, left) for (stage, name), (removed, left) in self._counts.items()
        )
