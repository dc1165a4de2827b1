"""The checks of level-2 deltas: the book that they build, after each whole event."""

from __future__ import annotations

from functools import partial

import numpy as np

from catalog.columns import DeltaAction, DeltaFlag, DeltaSide
from catalog.quality_checks.book import SideHistory, event_ends, side_history
from catalog.quality_checks.findings import FindingLog
from catalog.quality_checks.registry import QualityThresholds
from catalog.reading.blocks import Block, FloatArray, Int64Array

_SIDE_NAMES = {DeltaSide.BUY: "bids", DeltaSide.SELL: "offers"}


class BookCheck:
    """Rebuilds the book of one stream block by block."""

    def __init__(self, log: FindingLog, *, thresholds: QualityThresholds) -> None:
        self._log = log
        self._fraction = thresholds.depth_levels_fraction
        self._levels: dict[DeltaSide, FloatArray] = {side: np.empty(0) for side in _SIDE_NAMES}
        self._counts: dict[DeltaSide, _LevelCounts] = {side: _LevelCounts() for side in _SIDE_NAMES}
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
            self._counts[side].add(history.levels[rows], ts_event[rows])
            self._log.add_rows(
                "unknown_level",
                np.flatnonzero(history.is_unknown & stated),
                ts_event,
                describe=partial(_unknown_level, _SIDE_NAMES[side], columns["price"]),
            )

    def finish(self) -> None:
        """Log the sides with too few levels, now that the usual number is known."""
        for side, counts in self._counts.items():
            median = counts.median()
            for levels, (count, first_ns, last_ns) in sorted(counts.below(median * self._fraction).items()):
                example = f"{levels} levels of {_SIDE_NAMES[side]} where {median} are usual ({count} events)"
                self._log.add("missing_levels", example, at_ns=first_ns, count=count)
                self._log.extend("missing_levels", last_ns)

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


class _LevelCounts:
    """How often, and when first and last, a side had each number of levels."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[int, int, int]] = {}

    def add(self, levels: Int64Array, ts_event: Int64Array) -> None:
        numbers, first, counts = np.unique(levels, return_index=True, return_counts=True)
        last = len(levels) - 1 - np.unique(levels[::-1], return_index=True)[1]
        for number, start, end, count in zip(
            numbers.tolist(), ts_event[first].tolist(), ts_event[last].tolist(), counts.tolist(), strict=True
        ):
            before, known_start, _ = self._seen.get(number, (0, start, end))
            self._seen[number] = (before + count, known_start, end)

    def median(self) -> int:
        """Return the usual number of levels; 0 when nothing was seen."""
        total, reached = sum(count for count, _, _ in self._seen.values()), 0
        for number, (count, _, _) in sorted(self._seen.items()):
            reached += count
            if 2 * reached >= total:
                return number
        return 0

    def below(self, limit: float) -> dict[int, tuple[int, int, int]]:
        """Return the numbers from 1 to below `limit`: an empty side has a check of its own."""
        return {number: seen for number, seen in self._seen.items() if 0 < number < limit}
