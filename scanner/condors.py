"""Iron condors and butterflies: wings of both rights, and all ways to join them into positions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from market.errors import ConfigError
from scanner.compiled import compiled_wings
from scanner.compiled_condors import compiled_condors
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
    puts = _wings(structure, tables[False], criteria, tally, is_compiled=is_compiled)
    calls = _wings(structure, tables[True], criteria, tally, is_compiled=is_compiled)
    matches = _matches(structure, puts, calls, equal_widths=criteria.equal_widths)
    if criteria.equal_widths:
        either = _runs(structure, puts, calls, equal_widths=False).pairs
        tally.count(f"{structure} wings", EQUAL_WIDTHS, before=either, left=matches.total)
    checks = PositionChecks.of(structure, criteria.position, without=("width_usd",))
    tally.positions += matches.total
    if is_compiled and matches.total:
        scores = (ranking.terms, ranking.best_scores())
        block, left = compiled_condors(structure, puts, matches.calls, matches.runs, checks.ranges, scores)
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
) -> Verticals:
    """Return the credit verticals of one right that may be a wing: in their roles, narrow, and sound."""
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
        wings, narrow = found.block, found.narrow
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
    return wings


class _Matches(NamedTuple):
    """The call wings in an order in which those that fit a put wing are one run of them."""

    calls: Verticals
    runs: NDArray[np.int64]
    """First and end of the run of each put wing, shape `(n, 2)`."""
    total: int


def _matches(structure: Structure, puts: Verticals, calls: Verticals, *, equal_widths: bool) -> _Matches:
    """Return which call wings make a position with each put wing. Raises `ConfigError` for too many."""
    order, runs, total = _runs(structure, puts, calls, equal_widths=equal_widths)
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


def _runs(structure: Structure, puts: Verticals, calls: Verticals, *, equal_widths: bool) -> _Runs:
    """Return which call wings fit each put wing.

    They have one expiry, short strikes in order (equal ones for a butterfly), and widths equal if asked.
    """
    is_condor = structure is Structure.IRON_CONDOR
    put_keys, call_keys = _keys(puts, equal_widths), _keys(calls, equal_widths)
    put_strikes, call_strikes = at(puts.table.strike, puts.first), at(calls.table.strike, calls.first)
    strikes = np.unique(np.concatenate((put_strikes, call_strikes)))
    place = len(strikes) + 1
    of_calls = call_keys * place + np.searchsorted(strikes, call_strikes)
    of_puts = put_keys * place + np.searchsorted(strikes, put_strikes)
    order = np.argsort(of_calls, kind="stable")
    of_calls = of_calls[order]
    start = np.searchsorted(of_calls, of_puts, side="right" if is_condor else "left")
    stop = np.searchsorted(of_calls, (put_keys + 1) * place if is_condor else of_puts + 1, side="left")
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


def _keys(wings: Verticals, equal_widths: bool) -> NDArray[np.int64]:
    """Return what must be equal of two wings as one number: group, and width if asked, in 1/100 of a cent."""
    group = at(wings.table.group, wings.first)
    if not equal_widths or not len(group):
        return group
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
