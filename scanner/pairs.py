"""Which legs of a table may stand in a pair, how many pairs they make, and all of them in batches.

Pairs are taken by their distance in the table: first neighbours, then the next but one, and so on while any
is narrow enough. Both legs of such a batch are views of the table: nothing is gathered.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from scanner.contracts import PRICE_TOLERANCE, Mask
from scanner.criteria import Criteria, LegFilter, Range, Structure
from scanner.legs import WINDOW_MAX, LegTable
from scanner.positions import Verticals, Window, at
from scanner.tally import Tally

_ELEMENTS = 1 << 15  # pairs of a batch: its arrays stay in the processor's second cache
WIDTH = "position.width_usd"
ANY_WIDTH = Range(min=0.0)


class Roles(NamedTuple):
    """Which legs of a table may be the first, and which the second, of a pair."""

    first: Mask
    second: Mask


def roles_of(table: LegTable, criteria: Criteria, structure: Structure, tally: Tally) -> Roles:
    """Return which legs may be the first and the second; count the rest."""
    short = role_of(table, criteria, "short_leg", structure, tally)
    long = role_of(table, criteria, "long_leg", structure, tally)
    return Roles(short, long) if structure.is_credit else Roles(long, short)


def role_of(table: LegTable, criteria: Criteria, key: str, structure: Structure, tally: Tally) -> Mask:
    """Return which legs pass the filters of `short_leg` or `long_leg`; count the rest."""
    section: LegFilter = getattr(criteria, key)
    stage = f"{structure} {'calls' if table.is_call else 'puts'}"

    def record(name: str, before: int, left: int) -> None:
        tally.count(stage, name, before=before, left=left)

    return table.passing(section, key, record)


def count_pairs(table: LegTable, roles: Roles) -> int:
    """Count the pairs within a group that the roles allow."""
    size = len(table)
    if not size:
        return 0
    is_first, is_second, group = roles.first[:size], roles.second[:size], table.group[:size]
    starts = np.append(0, 1 + np.flatnonzero(group[1:] != group[:-1]))
    if is_first.all() and is_second.all():
        legs = np.diff(np.append(starts, size))
        return int((legs * (legs - 1) // 2).sum())
    before = np.cumsum(is_first) - is_first
    seconds = np.add.reduceat(is_second, starts, dtype=np.int64)
    return int(before[is_second].sum() - (before[starts] * seconds).sum())


class Batch(NamedTuple):
    """Pairs at one distance in the table, those alive that are of one group, in their roles and narrow."""

    block: Verticals
    alive: Mask
    size: int


def batches(structure: Structure, table: LegTable, roles: Roles, widths: Range) -> Iterator[Batch]:
    """Yield the pairs that are narrow and in their roles."""
    size = len(table)
    high, low = widths.high + PRICE_TOLERANCE, max(widths.low - PRICE_TOLERANCE, PRICE_TOLERANCE)
    every_role = bool(roles.first[:size].all() and roles.second[:size].all())
    distance = 1
    while distance < size:
        count = size - distance
        rows = min(WINDOW_MAX, max(1, _ELEMENTS // count))
        first, second = Window(rows, count, distance, False), Window(rows, count, distance, True)
        block = Verticals(structure, table, first, second)
        alive = at(table.group, second) == at(table.group, first)
        alive &= block.width <= high
        if not alive.any():
            return
        if not every_role:
            alive &= at(roles.first, first)
            alive &= at(roles.second, second)
        alive &= block.width >= low
        yield from _dense(block, alive)
        distance += rows


def _dense(block: Verticals, alive: Mask) -> Iterator[Batch]:
    """Yield the pairs that are alive: as they stand, or gathered where they are few."""
    size = int(np.count_nonzero(alive))
    if not size:
        return
    if 4 * size < alive.size:
        block, alive = block.take(np.flatnonzero(alive)), np.ones(size, dtype=np.bool_)
    yield Batch(block, alive, size)
