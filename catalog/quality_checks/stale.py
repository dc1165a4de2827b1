"""Stretches over which a stream keeps repeating one content: a frozen feed, or rows filled forward."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalog.quality_checks.records import BoolArray
from catalog.reading.blocks import Int64Array


@dataclass(frozen=True, slots=True)
class Stretch:
    """`records` equal records from `start_ns` to `end_ns` (times of the first and the last)."""

    start_ns: int
    end_ns: int
    records: int


class StaleStretches:
    """Finds stretches of at least `records_min` records and longer than `longer_than_ns`, in any blocks.

    A silence of `broken_by_ns` ends a stretch: overnight nothing is frozen.
    """

    def __init__(self, *, records_min: int, longer_than_ns: int, broken_by_ns: int) -> None:
        self._records_min = records_min
        self._longer_than_ns = longer_than_ns
        self._broken_by_ns = broken_by_ns
        self._open: Stretch | None = None

    def add(self, ts_event: Int64Array, repeats: BoolArray) -> list[Stretch]:
        """Take the next records, of which some repeat the one before; return the stretches that ended."""
        if not len(ts_event):
            return []
        continues = repeats.copy()
        continues[1:] &= np.diff(ts_event) < self._broken_by_ns
        if self._open is None:
            continues[0] = False
        else:
            continues[0] &= int(ts_event[0]) - self._open.end_ns < self._broken_by_ns
        starts = np.flatnonzero(~continues)
        head = len(ts_event) if not len(starts) else int(starts[0])
        ended = [self._extended(ts_event, head)] if self._open is not None else []
        if not len(starts):
            self._open = ended[0]
            return []
        ends = np.append(starts[1:], len(ts_event)) - 1
        counts = ends - starts + 1
        long = counts >= self._records_min
        long[-1] = False
        ended += [
            Stretch(int(ts_event[start]), int(ts_event[end]), int(count))
            for start, end, count in zip(starts[long], ends[long], counts[long], strict=True)
        ]
        self._open = Stretch(int(ts_event[starts[-1]]), int(ts_event[-1]), int(counts[-1]))
        return [stretch for stretch in ended if self._is_stale(stretch)]

    def finish(self) -> list[Stretch]:
        """Return the stretch that lasts to the end of the stream, if it is long."""
        last, self._open = self._open, None
        return [last] if last is not None and self._is_stale(last) else []

    def _extended(self, ts_event: Int64Array, head: int) -> Stretch:
        """Return the open stretch with the first `head` records added."""
        assert self._open is not None
        if not head:
            return self._open
        return Stretch(self._open.start_ns, int(ts_event[head - 1]), self._open.records + head)

    def _is_stale(self, stretch: Stretch) -> bool:
        return (
            stretch.records >= self._records_min and stretch.end_ns - stretch.start_ns > self._longer_than_ns
        )
