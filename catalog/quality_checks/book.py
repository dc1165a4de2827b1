"""The order book behind level-2 deltas, rebuilt for whole blocks at once instead of delta by delta.

A level (side, price) exists from the delta that adds it to the one that deletes it or clears the book.
Those lifetimes are painted onto the block, lowest bids first, so that each delta ends up with the best
price and the number of levels after it. Deltas are taken as keyed by price, as Nautilus' `L2_MBP` book
does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catalog.columns import DeltaAction, DeltaFlag, DeltaSide
from catalog.quality_checks.records import BoolArray
from catalog.reading.blocks import FloatArray, Int64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class SideHistory:
    """One side of the book after each delta of a block, `(n,)`."""

    best: FloatArray
    """Best price; NaN while the side is empty."""
    levels: Int64Array
    is_unknown: BoolArray
    """Where a delta updates or deletes a level that is not there."""
    final_prices: FloatArray
    """The levels that are left after the block."""


def side_history(
    *,
    side: DeltaSide,
    action: npt.NDArray[np.integer],
    delta_side: npt.NDArray[np.integer],
    price: FloatArray,
    size: FloatArray,
    initial_prices: FloatArray,
) -> SideHistory:
    """Rebuild one side over a block of deltas, `(n,)` each, from the levels before it.

    An update of an unknown level makes it known; an add or update with size 0 deletes.
    """
    count = len(action)
    sign = 1.0 if side is DeltaSide.BUY else -1.0
    is_clear = action == DeltaAction.CLEAR
    mine = np.flatnonzero((delta_side == side) & ~is_clear)
    clears = np.flatnonzero(is_clear)
    # Levels from before the block are added at -1; a clear starts a new epoch in which no level is known.
    at = np.concatenate([np.full(len(initial_prices), -1, dtype=np.int64), mine])
    rank = sign * np.concatenate([initial_prices, price[mine]])
    exists = np.concatenate(
        [
            np.ones(len(initial_prices), dtype=np.bool_),
            (action[mine] != DeltaAction.DELETE) & (size[mine] > 0),
        ]
    )
    epoch = np.searchsorted(clears, at)
    order = np.lexsort((at, rank, epoch))
    at, rank, exists, epoch = at[order], rank[order], exists[order], epoch[order]
    opens = np.ones(len(at), dtype=np.bool_)  # the first row of each level in each epoch
    opens[1:] = (epoch[1:] != epoch[:-1]) | (rank[1:] != rank[:-1])
    existed = np.concatenate([[False], exists[:-1]]) & ~opens
    is_unknown = np.zeros(count, dtype=np.bool_)
    expects = np.isin(action[at], (DeltaAction.UPDATE, DeltaAction.DELETE)) & (at >= 0)
    is_unknown[at[expects & ~existed]] = True
    epoch_ends = np.append(clears, count)
    births = np.flatnonzero(exists & ~existed)
    deaths = _deaths(opens, exists, births=births, at=at, epoch_end=epoch_ends[epoch])
    best, levels = _paint(np.maximum(at[births], 0), deaths, rank[births], count=count)
    closes = np.append(opens[1:], True)[: len(opens)]
    remains = closes & exists & (epoch == len(clears))
    return SideHistory(
        best=sign * best, levels=levels, is_unknown=is_unknown, final_prices=sign * rank[remains]
    )


def event_ends(flags: npt.NDArray[np.integer], ts_event: Int64Array, *, is_last: bool) -> BoolArray:
    """Return the deltas after which the book is whole: those flagged last, or else the last of each time."""
    flagged = (flags & DeltaFlag.LAST) != 0
    if flagged.any():
        return np.asarray(flagged, dtype=np.bool_)
    ends = np.ones(len(ts_event), dtype=np.bool_)
    ends[:-1] = ts_event[1:] != ts_event[:-1]
    ends[-1:] = is_last  # more of the same time may come with the next block
    return ends


def _deaths(
    opens: BoolArray, exists: BoolArray, *, births: Int64Array, at: Int64Array, epoch_end: Int64Array
) -> Int64Array:
    """Return for each birth the position of the delta that ends the level, or the end of its epoch."""
    ends = np.flatnonzero(~exists | opens)
    following = np.searchsorted(ends, births, side="right")
    is_deleted = following < len(ends)
    row = ends[np.minimum(following, len(ends) - 1)] if len(ends) else np.zeros(0, dtype=np.int64)
    is_deleted &= ~opens[row] & ~exists[row]
    return np.where(is_deleted, at[row], epoch_end[births])


def _paint(
    births: Int64Array, deaths: Int64Array, rank: FloatArray, *, count: int
) -> tuple[FloatArray, Int64Array]:
    best = np.full(count, np.nan)
    order = np.argsort(rank, kind="stable")
    for birth, death, value in zip(
        births[order].tolist(), deaths[order].tolist(), rank[order].tolist(), strict=True
    ):
        best[birth:death] = value
    steps = np.bincount(births, minlength=count + 1) - np.bincount(deaths, minlength=count + 1)
    return best, np.cumsum(steps[:-1])
