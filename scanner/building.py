"""Builds the positions of one structure from leg tables, filters them, and offers the rest to the ranking.

Plain NumPy, or compiled loops where the engine is numba: the candidates and the counts are the same.
"""

from __future__ import annotations

import numpy as np

from scanner.compiled import compiled_pairs
from scanner.condors import Tables, build_condors
from scanner.criteria import VERTICALS, Criteria, Structure
from scanner.legs import LegTable
from scanner.pairs import ANY_WIDTH, WIDTH, batches, count_pairs, role_of, roles_of
from scanner.position_filters import PositionChecks
from scanner.ranking import Ranking
from scanner.singles import Singles
from scanner.tally import Tally

_CALLS = (
    Structure.SHORT_CALL,
    Structure.COVERED_CALL,
    Structure.LONG_CALL,
    Structure.BEAR_CALL,
    Structure.BULL_CALL,
)


def build(structure: Structure, tables: Tables, criteria: Criteria, ranking: Ranking, tally: Tally) -> None:
    """Offer every position of `structure` that passes the filters; count the rest. Raises `ConfigError`."""
    if structure in VERTICALS:
        _build_verticals(structure, tables[structure in _CALLS], criteria, ranking, tally)
    elif structure.legs == 1:
        _build_singles(structure, tables[structure in _CALLS], criteria, ranking, tally)
    else:
        build_condors(structure, tables, criteria, ranking, tally)


def _build_singles(
    structure: Structure, table: LegTable, criteria: Criteria, ranking: Ranking, tally: Tally
) -> None:
    key = "short_leg" if structure.is_credit else "long_leg"
    legs = np.flatnonzero(role_of(table, criteria, key, structure, tally))
    tally.positions += legs.size
    checks = PositionChecks.of(structure, criteria.position)
    block = Singles(structure, table, legs)
    alive = np.ones(legs.size, dtype=np.bool_)
    tally.passed += checks.apply(block, alive, legs.size)
    checks.report(tally)
    ranking.offer(block, alive)


def _build_verticals(
    structure: Structure, table: LegTable, criteria: Criteria, ranking: Ranking, tally: Tally
) -> None:
    roles = roles_of(table, criteria, structure, tally)
    total = count_pairs(table, roles)
    checks = PositionChecks.of(structure, criteria.position, without=("width_usd",))
    widths = criteria.position.width_usd or ANY_WIDTH
    if table.engine == "numba" and ranking.lazy and total:
        found = compiled_pairs(
            structure, table, roles, checks.ranges, widths, (ranking.terms, ranking.best_scores())
        )
        narrow = found.narrow
        tally.passed += checks.adopt(narrow, found.left)
        ranking.offer_all(found.block)
    else:
        narrow = 0
        for batch in batches(structure, table, roles, widths):
            narrow += batch.size
            left = checks.apply(batch.block, batch.alive, batch.size)
            if left:
                tally.passed += left
                ranking.offer(batch.block, batch.alive)
    tally.positions += total
    tally.count(structure, WIDTH, before=total, left=narrow)
    checks.report(tally)
