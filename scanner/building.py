"""Builds the positions of one structure from leg tables, filters them, and offers the rest to the ranking.

Pairs are taken by their distance in the table: first neighbours, then the next but one, and so on while any
is narrow enough. Both legs of such a batch are views of the table: nothing is gathered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from market.errors import ConfigError
from scanner.compiled import compiled_pairs
from scanner.contracts import PRICE_TOLERANCE, Mask
from scanner.criteria import VERTICALS, Criteria, LegFilter, Range, Structure
from scanner.legs import WINDOW_MAX, LegTable
from scanner.position_filters import PositionChecks
from scanner.positions import Condors, Verticals, Window, at
from scanner.ranking import Ranking
from scanner.singles import Singles
from scanner.tally import Tally

COMBINATIONS_MAX = 20_000_000
"""Condors or butterflies of one underlying that a scan is willing to look at."""

CHUNK = 1 << 16
_ELEMENTS = 1 << 15  # pairs of a batch: its arrays stay in the processor's second cache
WIDTH = "position.width_usd"
_CALLS = (
    Structure.SHORT_CALL,
    Structure.COVERED_CALL,
    Structure.LONG_CALL,
    Structure.BEAR_CALL,
    Structure.BULL_CALL,
)
_ANY_WIDTH = Range(min=0.0)

Tables = Mapping[bool, LegTable]
"""The puts under False, the calls under True."""


def build(structure: Structure, tables: Tables, criteria: Criteria, ranking: Ranking, tally: Tally) -> None:
    """Offer every position of `structure` that passes the filters; count the rest. Raises `ConfigError`."""
    if structure in VERTICALS:
        _build_verticals(structure, tables[structure in _CALLS], criteria, ranking, tally)
    elif structure.legs == 1:
        _build_singles(structure, tables[structure in _CALLS], criteria, ranking, tally)
    else:
        _build_condors(structure, tables, criteria, ranking, tally)


def _build_singles(
    structure: Structure, table: LegTable, criteria: Criteria, ranking: Ranking, tally: Tally
) -> None:
    key = "short_leg" if structure.is_credit else "long_leg"
    legs = np.flatnonzero(_role(table, criteria, key, structure, tally))
    tally.positions += legs.size
    checks = PositionChecks.of(structure, criteria.position)
    block = Singles(structure, table, legs)
    alive = np.ones(legs.size, dtype=np.bool_)
    tally.passed += checks.apply(block, alive, legs.size)
    _report(checks, tally)
    ranking.offer(block, alive)


def _build_verticals(
    structure: Structure, table: LegTable, criteria: Criteria, ranking: Ranking, tally: Tally
) -> None:
    roles = _roles(table, criteria, structure, tally)
    total = _pairs(table, roles)
    checks = PositionChecks.of(structure, criteria.position, without=("width_usd",))
    narrow = 0
    if table.engine == "numba" and ranking.lazy and total:
        narrow = _compiled_verticals(structure, table, criteria, ranking, tally, roles=roles, checks=checks)
        tally.positions += total
        tally.count(structure, WIDTH, before=total, left=narrow)
        _report(checks, tally)
        return
    for batch in _batches(structure, table, roles, criteria.position.width_usd or _ANY_WIDTH):
        narrow += batch.size
        left = checks.apply(batch.block, batch.alive, batch.size)
        if left:
            tally.passed += left
            ranking.offer(batch.block, batch.alive)
    tally.positions += total
    tally.count(structure, WIDTH, before=total, left=narrow)
    _report(checks, tally)


def _compiled_verticals(
    structure: Structure,
    table: LegTable,
    criteria: Criteria,
    ranking: Ranking,
    tally: Tally,
    *,
    roles: _Roles,
    checks: PositionChecks,
) -> int:
    """Do the same in compiled loops, and return how many pairs were narrow."""
    widths = criteria.position.width_usd or _ANY_WIDTH
    scores = (ranking.terms, ranking.best_scores())
    found = compiled_pairs(structure, table, roles, checks.ranges, widths, scores)
    reached = found.narrow
    for name, left in zip(checks.names(), found.left, strict=True):
        checks.reached[name], checks.passed[name] = reached, left
        reached = left
    tally.passed += reached
    ranking.offer_all(found.block)
    return found.narrow


class _Roles(NamedTuple):
    """Which legs of a table may be the first, and which the second, of a pair."""

    first: Mask
    second: Mask


def _roles(table: LegTable, criteria: Criteria, structure: Structure, tally: Tally) -> _Roles:
    short = _role(table, criteria, "short_leg", structure, tally)
    long = _role(table, criteria, "long_leg", structure, tally)
    return _Roles(short, long) if structure.is_credit else _Roles(long, short)


def _role(table: LegTable, criteria: Criteria, key: str, structure: Structure, tally: Tally) -> Mask:
    section: LegFilter = getattr(criteria, key)
    stage = f"{structure} {'calls' if table.is_call else 'puts'}"

    def record(name: str, before: int, left: int) -> None:
        tally.count(stage, name, before=before, left=left)

    return table.passing(section, key, record)


def _pairs(table: LegTable, roles: _Roles) -> int:
    """Count the pairs within a group that the roles allow."""
    size = len(table)
    if not size:
        return 0
    is_first, is_second, group = roles.first[:size], roles.second[:size], table.group[:size]
    before = np.cumsum(is_first) - is_first
    starts = np.flatnonzero(np.diff(group, prepend=group[0] - 1))
    in_group = before - np.repeat(before[starts], np.diff(np.append(starts, size)))
    return int(in_group[is_second].sum())


class _Batch(NamedTuple):
    """Pairs at one distance in the table, those alive that are of one group, in their roles and narrow."""

    block: Verticals
    alive: Mask
    size: int


def _batches(structure: Structure, table: LegTable, roles: _Roles, widths: Range) -> Iterator[_Batch]:
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


def _dense(block: Verticals, alive: Mask) -> Iterator[_Batch]:
    """Yield the pairs that are alive: as they stand, or gathered where they are few."""
    size = int(np.count_nonzero(alive))
    if not size:
        return
    if 4 * size < alive.size:
        block, alive = block.take(np.flatnonzero(alive)), np.ones(size, dtype=np.bool_)
    yield _Batch(block, alive, size)


def _report(checks: PositionChecks, tally: Tally) -> None:
    for name in checks.names():
        reached = checks.reached.get(name, 0)
        tally.count(checks.structure, name, before=reached, left=checks.passed.get(name, 0))


def _build_condors(
    structure: Structure, tables: Tables, criteria: Criteria, ranking: Ranking, tally: Tally
) -> None:
    puts = _wings(structure, tables[False], criteria, tally)
    calls = _wings(structure, tables[True], criteria, tally)
    checks = PositionChecks.of(structure, criteria.position, without=("width_usd",))
    built = 0
    for puts_at, calls_at in _combinations(structure, puts, calls, equal_widths=criteria.equal_widths):
        block = Condors(structure, puts.take(puts_at), calls.take(calls_at))
        built += puts_at.size
        alive = np.ones(puts_at.size, dtype=np.bool_)
        left = checks.apply(block, alive, puts_at.size)
        if left:
            tally.passed += left
            ranking.offer(block, alive)
    tally.positions += built
    _report(checks, tally)


def _wings(structure: Structure, table: LegTable, criteria: Criteria, tally: Tally) -> Verticals:
    """Return the credit verticals of one right that may be a wing: in their roles, narrow, and sound."""
    kind = Structure.BEAR_CALL if table.is_call else Structure.BULL_PUT
    roles = _Roles(
        _role(table, criteria, "short_leg", structure, tally),
        _role(table, criteria, "long_leg", structure, tally),
    )
    checks = PositionChecks(kind, {})
    total, narrow = _pairs(table, roles), 0
    firsts: list[NDArray[np.intp]] = [np.empty(0, dtype=np.intp)]
    seconds: list[NDArray[np.intp]] = [np.empty(0, dtype=np.intp)]
    for batch in _batches(kind, table, roles, criteria.position.width_usd or _ANY_WIDTH):
        narrow += batch.size
        if checks.apply(batch.block, batch.alive, batch.size):
            kept = batch.block.take(np.flatnonzero(batch.alive))
            firsts.append(np.asarray(kept.first))
            seconds.append(np.asarray(kept.second))
    wings = Verticals(kind, table, np.concatenate(firsts), np.concatenate(seconds))
    stage = f"{structure} {'calls' if table.is_call else 'puts'}"
    tally.count(stage, WIDTH, before=total, left=narrow)
    tally.count(stage, checks.names()[0], before=narrow, left=len(wings.net))
    return wings


def _combinations(
    structure: Structure, puts: Verticals, calls: Verticals, *, equal_widths: bool
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield wings that make a position, in chunks: one expiry, short strikes in order, widths equal if asked.

    Wings are sorted by what must be equal, then by short strike, so that the calls that fit a put wing are
    one run of them.
    """
    is_condor = structure is Structure.IRON_CONDOR
    put_keys, call_keys = _keys(puts, equal_widths), _keys(calls, equal_widths)
    order = np.lexsort((at(calls.table.strike, calls.first), *call_keys[::-1]))
    put_at, call_at = _ranks(put_keys, call_keys)
    strikes = np.unique(
        np.concatenate((at(puts.table.strike, puts.first), at(calls.table.strike, calls.first)))
    )
    place = len(strikes) + 1
    of_calls = call_at[order] * place + np.searchsorted(strikes, at(calls.table.strike, calls.first))[order]
    of_puts = put_at * place + np.searchsorted(strikes, at(puts.table.strike, puts.first))
    start = np.searchsorted(of_calls, of_puts, side="right" if is_condor else "left")
    stop = np.searchsorted(of_calls, (put_at + 1) * place if is_condor else of_puts + 1, side="left")
    counts = stop - start
    if int(counts.sum()) > COMBINATIONS_MAX:
        raise ConfigError(
            f"The criteria make {int(counts.sum()):,} times {structure} of {puts.table.chain.underlying}, "
            f"allowed: {COMBINATIONS_MAX:,}. Narrow short_leg.delta, legs.dte or position.width_usd."
        )
    for wings in _chunks(counts):
        repeated = np.repeat(wings, counts[wings])
        within_run = np.arange(repeated.size) - np.repeat(
            np.cumsum(counts[wings]) - counts[wings], counts[wings]
        )
        if repeated.size:
            yield repeated, order[start[repeated] + within_run]


def _keys(wings: Verticals, equal_widths: bool) -> tuple[NDArray[np.int64], ...]:
    group = at(wings.table.group, wings.first)
    if not equal_widths:
        return (group,)
    return group, np.rint(wings.width * 10_000).astype(np.int64)


def _ranks(
    puts: tuple[NDArray[np.int64], ...], calls: tuple[NDArray[np.int64], ...]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Number the keys of both sides alike, in their order."""
    rows = np.concatenate((np.stack(puts, axis=1), np.stack(calls, axis=1)))
    _, ranks = np.unique(rows, axis=0, return_inverse=True)
    ranks = ranks.reshape(-1)
    return ranks[: len(puts[0])], ranks[len(puts[0]) :]


def _chunks(counts: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """Yield runs of wings that make about `CHUNK` positions together."""
    ends = np.cumsum(counts)
    start = 0
    while start < counts.size:
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + CHUNK, side="right")))
        yield np.arange(start, stop)
        start = stop
