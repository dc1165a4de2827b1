"""The order book below the touch: level-2 deltas that agree with the quotes at every event.

The book holds `levels` price levels a side, one cent apart. It is cleared and sent whole at the open and
after each halt; in between come deltas. Within one event deletions come first, so that the book is not
crossed after any single delta, and the last delta carries the flag that the book is whole again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalog.columns import DeltaAction, DeltaFlag, DeltaSide, UInt8Array
from catalog.synthetic.chance import BoolArray, Int64Array
from catalog.synthetic.quotes import EVENT_STEP_NS, ROUND_LOT, QuoteTicks

_DEEP_GROWTH = 0.2  # each level below the touch displays this much more, relative to the touch
_DEEP_DEVIATION = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthTicks:
    """Deltas in order of time, `(k,)` each: ns UTC, cents, shares; deltas of one event share a time."""

    ts_event: Int64Array
    action: UInt8Array
    side: UInt8Array
    price: Int64Array
    size: Int64Array
    flags: UInt8Array
    sequence: Int64Array
    """Number of the event, from 1."""

    def __len__(self) -> int:
        return len(self.ts_event)


@dataclass(frozen=True, slots=True)
class _Deltas:
    """Deltas of one action and side, not yet ordered in time."""

    action: DeltaAction
    side: DeltaSide
    ts_event: Int64Array
    price: Int64Array
    distance: Int64Array
    """Levels below the touch."""
    touch_size: Int64Array
    """The size of a delta at distance 0."""


def draw_depth(
    rng: np.random.Generator, quotes: QuoteTicks, *, levels: int, updates_per_quote: float, displayed: int
) -> DepthTicks:
    """Draw the deltas of a book of `levels` levels a side whose touch is `quotes` at every event.

    `updates_per_quote` is the number of further changes below the touch for each quote, `displayed`
    the median of both sizes at the touch together.
    """
    openings = quotes.ts_event[quotes.is_opening]
    nothing = np.zeros_like(openings)
    parts = [_Deltas(DeltaAction.CLEAR, DeltaSide.NONE, openings, nothing, nothing, nothing)]
    for side in (DeltaSide.BUY, DeltaSide.SELL):
        parts += _touch_deltas(quotes, side, levels=levels)
    if levels > 1:
        parts += _deep_updates(rng, quotes, levels=levels, expected=updates_per_quote * len(quotes))
    distance = np.concatenate([part.distance for part in parts])
    deep = _deep_sizes(rng, distance, touch=displayed / 2)
    size = np.where(distance == 0, np.concatenate([part.touch_size for part in parts]), deep)
    return _in_order(parts, size=size, openings=openings)


def _touch_deltas(quotes: QuoteTicks, side: DeltaSide, *, levels: int) -> list[_Deltas]:
    """Return the deltas that changes of one side's best price and size cause, and the snapshots."""
    is_bid = side is DeltaSide.BUY
    sign = 1 if is_bid else -1
    best = sign * (quotes.bid if is_bid else quotes.ask)  # negated offers improve upwards, as bids do
    size = quotes.bid_size if is_bid else quotes.ask_size
    moved = (np.diff(best, prepend=best[:1]) != 0) & ~quotes.is_opening
    resized = (np.diff(size, prepend=size[:1]) != 0) & ~moved & ~quotes.is_opening

    def deltas(action: DeltaAction, events: Int64Array, distance: Int64Array, touch: Int64Array) -> _Deltas:
        price = sign * (touch[events] - distance)
        return _Deltas(action, side, quotes.ts_event[events], price, distance, size[events])

    before = np.concatenate([best[:1], best[:-1]])
    moves = np.flatnonzero(moved)
    after_shift, gone_shift = best[moves] - before[moves], before[moves] - best[moves]
    fresh, fresh_at = _outside(after_shift, levels=levels)
    gone, gone_at = _outside(gone_shift, levels=levels)
    receded = moves[(after_shift < 0) & (after_shift > -levels)]
    opening, opening_at = np.nonzero(np.ones((int(quotes.is_opening.sum()), levels), dtype=np.bool_))
    touched = np.concatenate([receded, np.flatnonzero(resized)])
    return [
        deltas(DeltaAction.DELETE, moves[gone], gone_at, before),
        deltas(DeltaAction.ADD, np.flatnonzero(quotes.is_opening)[opening], opening_at, best),
        deltas(DeltaAction.ADD, moves[fresh], fresh_at, best),
        deltas(DeltaAction.UPDATE, touched, np.zeros_like(touched), best),
    ]


def _outside(shift: Int64Array, *, levels: int) -> tuple[Int64Array, Int64Array]:
    """Return which moves, and at which distance from the touch, hold a price that the other range lacks.

    A range is the `levels` prices from a touch downwards; `shift` is how far this touch lies above the
    other. Distances at or beyond it are shared, except those that reach below the other range.
    """
    below_other = np.arange(levels)[None, :] - shift[:, None]
    moves, distances = np.nonzero((below_other < 0) | (below_other >= levels))
    return moves.astype(np.int64), distances.astype(np.int64)


def _deep_updates(
    rng: np.random.Generator, quotes: QuoteTicks, *, levels: int, expected: float
) -> list[_Deltas]:
    """Return new sizes below the touch, at times of their own between quotes, never across a halt."""
    room = np.diff(quotes.ts_event) // EVENT_STEP_NS - 1
    room[quotes.is_opening[1:]] = 0
    chosen = np.sort(rng.integers(0, max(len(room), 1), rng.poisson(expected)))
    chosen = chosen[room[chosen] > 0] if len(room) else chosen[:0]
    steps = 1 + (rng.random(len(chosen)) * room[chosen]).astype(np.int64)
    times, first = np.unique(quotes.ts_event[chosen] + steps * EVENT_STEP_NS, return_index=True)
    prevailing = chosen[first]
    distance = rng.integers(1, levels, len(times))
    is_bid: BoolArray = rng.random(len(times)) < 0.5
    unused = np.zeros_like(times)
    return [
        _Deltas(DeltaAction.UPDATE, side, times[mask], price[mask], distance[mask], unused[mask])
        for side, mask, price in (
            (DeltaSide.BUY, is_bid, quotes.bid[prevailing] - distance),
            (DeltaSide.SELL, ~is_bid, quotes.ask[prevailing] + distance),
        )
    ]


def _deep_sizes(rng: np.random.Generator, distance: Int64Array, *, touch: float) -> Int64Array:
    median = touch * (1.0 + _DEEP_GROWTH * distance)
    shares = median * np.exp(_DEEP_DEVIATION * rng.standard_normal(len(distance)))
    return np.maximum(np.rint(shares / ROUND_LOT).astype(np.int64), 1) * ROUND_LOT


def _in_order(parts: list[_Deltas], *, size: Int64Array, openings: Int64Array) -> DepthTicks:
    """Return all deltas by time, and within an event clear, delete, then the rest."""

    def column(values: list[int]) -> UInt8Array:
        return np.repeat(np.array(values, dtype=np.uint8), [len(part.ts_event) for part in parts])

    ts_event = np.concatenate([part.ts_event for part in parts])
    action = column([part.action for part in parts])
    rank = np.select([action == DeltaAction.CLEAR, action == DeltaAction.DELETE], [0, 1], 2)
    order = np.argsort((ts_event - ts_event.min()) * 4 + rank, kind="stable")
    ts_event, action = ts_event[order], action[order]
    is_last = np.diff(ts_event, append=ts_event[-1:] + 1) != 0
    flags = np.where(is_last, DeltaFlag.LAST, 0) | np.where(
        np.isin(ts_event, openings), DeltaFlag.SNAPSHOT, 0
    )
    removes = (action == DeltaAction.CLEAR) | (action == DeltaAction.DELETE)
    return DepthTicks(
        ts_event=ts_event,
        action=action,
        side=column([part.side for part in parts])[order],
        price=np.concatenate([part.price for part in parts])[order],
        size=np.where(removes, 0, size[order]),
        flags=flags.astype(np.uint8),
        sequence=np.cumsum(np.concatenate([[1], is_last[:-1]])),
    )
