"""The checks of level-2 deltas: the book that they build, after each whole event."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from itertools import pairwise

import numpy as np

from catalog.columns import DeltaAction, DeltaFlag, DeltaSide
from catalog.quality_checks.book import SideHistory, event_ends, side_history
from catalog.quality_checks.findings import FindingLog
from catalog.quality_checks.registry import QualityThresholds
from catalog.reading.blocks import Block, FloatArray, Int64Array
from market.time import new_york_date, new_york_midnight_ns

_SIDE_NAMES = {DeltaSide.BUY: "bids", DeltaSide.SELL: "offers"}


class BookCheck:
    """Rebuilds the book of one stream block by block."""

    def __init__(self, log: FindingLog, *, thresholds: QualityThresholds) -> None:
        self._log = log
        self._fraction = thresholds.depth_levels_fraction
        self._levels: dict[DeltaSide, FloatArray] = {side: np.empty(0) for side in _SIDE_NAMES}
        self._usual: dict[DeltaSide, _UsualLevels] = {side: _UsualLevels() for side in _SIDE_NAMES}
        self._is_complete: bool | None = None
        """Whether the book has been stated whole; None before the first delta."""

    def add(self, block: Block) -> None:
        """Take the next deltas and log what is wrong with the book after each event."""
        ts_event = block.ts_event[block.context :]
        columns = {name: values[block.context :] for name, values in block.columns.items()}
        ends = event_ends(columns["flags"], ts_event, is_last=block.is_last)
        stated = self._stated(columns["action"], columns["flags"], ts_event)
        sides = {
            side: side_history(
                side=side,
                action=columns["action"],
                delta_side=columns["side"],
                price=columns["price"],
                size=columns["size"],
                initial_prices=self._levels[side],
            )
            for side in _SIDE_NAMES
        }
        rows = np.flatnonzero(ends & stated)
        self._check_prices(sides, rows, ts_event)
        for side, history in sides.items():
            self._levels[side] = history.final_prices
            self._check_levels(side, history.levels[rows], ts_event[rows])
            self._log.add_rows(
                "unknown_level",
                np.flatnonzero(history.is_unknown & stated),
                ts_event,
                describe=partial(_unknown_level, _SIDE_NAMES[side], columns["price"]),
            )

    def _check_levels(self, side: DeltaSide, levels: Int64Array, ts_event: Int64Array) -> None:
        few = self._usual[side].too_few(levels, ts_event, fraction=self._fraction)
        usual = {
            position: f"{number} levels of {_SIDE_NAMES[side]} where {median} were usual"
            for position, number, median in few
        }
        rows = np.array([position for position, _, _ in few], dtype=np.int64)
        self._log.add_rows("missing_levels", rows, ts_event, describe=usual.__getitem__)

    def _stated(
        self, action: Int64Array, flags: Int64Array, ts_event: Int64Array
    ) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return where the book is known whole: from the first clear or snapshot on."""
        states = (action == DeltaAction.CLEAR) | ((flags & DeltaFlag.SNAPSHOT) != 0)
        if self._is_complete is None and not states[0]:
            self._log.add("no_snapshot", "the first delta is a change", at_ns=int(ts_event[0]))
        known = np.logical_or.accumulate(states) | bool(self._is_complete)
        self._is_complete = bool(known[-1])
        return known

    def _check_prices(
        self, sides: dict[DeltaSide, SideHistory], rows: Int64Array, ts_event: Int64Array
    ) -> None:
        bids, asks = sides[DeltaSide.BUY], sides[DeltaSide.SELL]
        bid, ask = bids.best[rows], asks.best[rows]
        self._log.add_rows(
            "crossed_book",
            rows[bid >= ask],  # NaN, an empty side, compares false
            ts_event,
            describe=lambda row: f"best bid {bids.best[row]:.10g}, best offer {asks.best[row]:.10g}",
        )
        self._log.add_rows(
            "empty_book",
            rows[np.isnan(bid) | np.isnan(ask)],
            ts_event,
            describe=lambda row: f"{bids.levels[row]} levels of bids, {asks.levels[row]} of offers",
        )


def _unknown_level(side_name: str, price: FloatArray, row: int) -> str:
    return f"{side_name}: no level at {price[row]:.10g}"


class _UsualLevels:
    """How many levels a side usually had on the day so far: a book that only grows never had too few."""

    def __init__(self) -> None:
        self._day: date | None = None
        self._seen: Int64Array = np.zeros(0, dtype=np.int64)
        """How often each number of levels was seen on that day."""

    def too_few(
        self, levels: Int64Array, ts_event: Int64Array, *, fraction: float
    ) -> list[tuple[int, int, int]]:
        """Return (position, levels, usual) where a side has less than `fraction` of the usual levels.

        Usual is the median of the day so far, the event itself included. An empty side has a check of
        its own.
        """
        found: list[tuple[int, int, int]] = []
        for day, start, end in _day_runs(ts_event):
            if day != self._day:
                self._day, self._seen = day, np.zeros(0, dtype=np.int64)
            part = levels[start:end]
            found += [
                (start + row, int(part[row]), self._median(part[: row + 1]))
                for row in self._below(part, fraction)
            ]
            self._seen = self._with(part)
        return found

    def _below(self, levels: Int64Array, fraction: float) -> list[int]:
        """Return the rows whose number is below `fraction` of the median up to and including them."""
        highest = max(len(self._seen) - 1, int(levels.max()))
        numbers = np.unique(levels)
        rows: list[int] = []
        total = self._seen.sum() + np.arange(1, len(levels) + 1)
        for number in numbers[(numbers > 0) & (numbers < fraction * highest)].tolist():
            before = self._seen[np.arange(len(self._seen)) * fraction <= number].sum()
            near = before + np.cumsum(levels * fraction <= number)
            rows += np.flatnonzero((levels == number) & (2 * near < total)).tolist()
        return sorted(rows)

    def _median(self, levels: Int64Array) -> int:
        reached = np.cumsum(self._with(levels))
        return int(np.searchsorted(2 * reached, reached[-1]))

    def _with(self, levels: Int64Array) -> Int64Array:
        counts = np.bincount(levels, minlength=len(self._seen))
        counts[: len(self._seen)] += self._seen
        return counts.astype(np.int64)


def _day_runs(ts_event: Int64Array) -> Iterator[tuple[date, int, int]]:
    """Yield each New York day with the first position and the one after the last."""
    if not len(ts_event):
        return
    first, last = new_york_date(int(ts_event.min())), new_york_date(int(ts_event.max()))
    dates = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    midnights = np.array([new_york_midnight_ns(day) for day in dates], dtype=np.int64)
    day_of = np.searchsorted(midnights, ts_event, side="right") - 1
    edges = [0, *(np.flatnonzero(np.diff(day_of)) + 1).tolist(), len(ts_event)]
    for start, end in pairwise(edges):
        yield dates[int(day_of[start])], start, end
