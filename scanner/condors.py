"""Iron condors and butterflies: wings of both rights, and all ways to join them into positions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from market.errors import ConfigError
from market.pricing.scaled_erfc import Array
from scanner.compiled import compiled_wings
from scanner.compiled_condors import Wings, compiled_condors
from scanner.criteria import Criteria, Structure
from scanner.legs import LegTable
from scanner.pairs import ANY_WIDTH, WIDTH, Roles, batches, count_pairs, role_of
from scanner.position_filters import PositionChecks
from scanner.positions import Condors, Verticals, at
from scanner.ranking import Ranking
from scanner.tally import Tally

COMBINATIONS_MAX = 20_000_000
"""Condors or butterflies of one underlying that a scan is willing to look at."""

CHUNK = 1 << 16
EQUAL_WIDTHS = "equal_widths"
"""Filter on two wings that fit otherwise."""
_WIDTHS = 1 << 34  # widths there may be: up to 1.7 million USD, in 1/100 of a cent

Tables = Mapping[bool, LegTable]
"""The puts under False, the calls under True."""


def build_condors(
    structure: Structure, tables: Tables, criteria: Criteria, ranking: Ranking, tally: Tally
) -> None:
    """Offer every condor or butterfly that passes the filters; count the rest. Raises `ConfigError`."""
    is_compiled = tables[False].engine == "numba" and ranking.lazy
    puts, put_columns = _wings(structure, tables[False], criteria, tally, is_compiled=is_compiled)
    calls, call_columns = _wings(structure, tables[True], criteria, tally, is_compiled=is_compiled)
    places = _Places.of(puts, calls)
    matches = _matches(structure, puts, calls, places, equal_widths=criteria.equal_widths)
    if criteria.equal_widths:
        either = _runs(structure, _groups(puts), _groups(calls), places).pairs
        tally.count(f"{structure} wings", EQUAL_WIDTHS, before=either, left=matches.total)
    checks = PositionChecks.of(structure, criteria.position, without=("width_usd",))
    tally.positions += matches.total
    if is_compiled and matches.total:
        scores = (ranking.terms, ranking.best_scores())
        wings = Wings(puts, put_columns), Wings(matches.calls, call_columns)
        block, left = compiled_condors(structure, *wings, matches.runs, checks.ranges, scores)
        tally.passed += checks.adopt(matches.total, left)
        ranking.offer_all(block)
    else:
        for puts_at, calls_at in _combinations(matches):
            block = Condors(structure, puts.take(puts_at), matches.calls.take(calls_at))
            alive = np.ones(puts_at.size, dtype=np.bool_)
            passed = checks.apply(block, alive, puts_at.size)
            if passed:
                tally.passed += passed
                ranking.offer(block, alive)
    checks.report(tally)


def _wings(
    structure: Structure, table: LegTable, criteria: Criteria, tally: Tally, *, is_compiled: bool
) -> Wings:
    """Return the credit verticals of one right that may be a wing: in their roles, narrow, and sound."""
    columns: Array = np.empty((0, 0))  # what NumPy has no use for
    kind = Structure.BEAR_CALL if table.is_call else Structure.BULL_PUT
    stage = f"{structure} {'calls' if table.is_call else 'puts'}"
    roles = Roles(
        role_of(table, criteria, "short_leg", structure, tally),
        role_of(table, criteria, "long_leg", structure, tally),
    )
    checks = PositionChecks(kind, {})
    total, narrow = count_pairs(table, roles), 0
    widths = criteria.position.width_usd or ANY_WIDTH
    if is_compiled and total:
        found = compiled_wings(kind, table, roles, widths)
        wings, narrow, columns = found.block, found.narrow, found.columns
    else:
        firsts: list[NDArray[np.intp]] = [np.empty(0, dtype=np.intp)]
        seconds: list[NDArray[np.intp]] = [np.empty(0, dtype=np.intp)]
        for batch in batches(kind, table, roles, widths):
            narrow += batch.size
            if checks.apply(batch.block, batch.alive, batch.size):
                kept = batch.block.take(np.flatnonzero(batch.alive))
                firsts.append(np.asarray(kept.first))
                seconds.append(np.asarray(kept.second))
        wings = Verticals(kind, table, np.concatenate(firsts), np.concatenate(seconds))
    tally.count(stage, WIDTH, before=total, left=narrow)
    tally.count(stage, checks.names()[0], before=narrow, left=len(wings.net))
    return Wings(wings, columns)


class _Matches(NamedTuple):
    """The call wings in an order in which those that fit a put wing are one run of them."""

    calls: Verticals
    runs: NDArray[np.int64]
    """First and end of the run of each put wing, shape `(n, 2)`."""
    total: int


class _Places(NamedTuple):
    """Where the strikes that wings sell stand among all of them."""

    of_puts: NDArray[np.intp]
    of_calls: NDArray[np.intp]
    end: int
    """Beyond every place."""

    @classmethod
    def of(cls, puts: Verticals, calls: Verticals) -> _Places:
        of_puts, of_calls = at(puts.table.strike, puts.first), at(calls.table.strike, calls.first)
        strikes = np.unique(np.concatenate((of_puts, of_calls)))
        return cls(np.searchsorted(strikes, of_puts), np.searchsorted(strikes, of_calls), len(strikes) + 1)


def _matches(
    structure: Structure, puts: Verticals, calls: Verticals, places: _Places, *, equal_widths: bool
) -> _Matches:
    """Return which call wings make a position with each put wing. Raises `ConfigError` for too many."""
    keys = _group_and_width if equal_widths else _groups
    order, runs, total = _runs(structure, keys(puts), keys(calls), places)
    if total > COMBINATIONS_MAX:
        raise ConfigError(
            f"The criteria make {total:,} times {structure} of {puts.table.chain.underlying}, "
            f"allowed: {COMBINATIONS_MAX:,}. Narrow short_leg.delta, legs.dte or position.width_usd."
        )
    return _Matches(calls.take(order), runs, total)


class _Runs(NamedTuple):
    """An order of the call wings, and the run of each put wing in it."""

    order: NDArray[np.intp]
    runs: NDArray[np.int64]
    """First and end, shape `(n, 2)`."""
    pairs: int


def _runs(
    structure: Structure, put_keys: NDArray[np.int64], call_keys: NDArray[np.int64], places: _Places
) -> _Runs:
    """Return which call wings fit each put wing: keys equal, strikes sold in order (equal in a butterfly)."""
    is_condor = structure is Structure.IRON_CONDOR
    of_calls = call_keys * places.end + places.of_calls
    of_puts = put_keys * places.end + places.of_puts
    order = np.argsort(of_calls, kind="stable")
    of_calls = of_calls[order]
    start = np.searchsorted(of_calls, of_puts, side="right" if is_condor else "left")
    stop = np.searchsorted(of_calls, (put_keys + 1) * places.end if is_condor else of_puts + 1, side="left")
    return _Runs(order, np.stack((start, stop), axis=1).astype(np.int64), int((stop - start).sum()))


def _combinations(matches: _Matches) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield put and call wings of positions, in chunks."""
    start, stop = matches.runs.T
    counts = stop - start
    for wings in _chunks(counts):
        repeated = np.repeat(wings, counts[wings])
        within_run = np.arange(repeated.size) - np.repeat(
            np.cumsum(counts[wings]) - counts[wings], counts[wings]
        )
        if repeated.size:
            yield repeated, start[repeated] + within_run


def _groups(wings: Verticals) -> NDArray[np.int64]:
    """Return the number of each wing's expiry, which two wings must have in common."""
    return at(wings.table.group, wings.first)


def _group_and_width(wings: Verticals) -> NDArray[np.int64]:
    """Return group and width, in 1/100 of a cent, as one number."""
    group = _groups(wings)
    return group * _WIDTHS + np.rint(wings.width * 10_000).astype(np.int64)


def _chunks(counts: NDArray[np.int64]) -> Iterator[NDArray[np.intp]]:
    """Yield runs of wings that make about `CHUNK` positions together."""
    ends = np.cumsum(counts)
    start = 0
    while start < counts.size:
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + CHUNK, side="right")))
        yield np.arange(start, stop)
        start = stop
