"""When a record enters a replay: a `ts_init` that no other record of the catalog has.

Nautilus merges streams by `ts_init`; where two records share one, their order depends on the list of data
configs and on `chunk_size`, so a backtest would not repeat. Every stream (an instrument and a kind, or a
bar type) therefore owns a lane, and

    ts_init = event clock (a multiple of `LANES`) + lane

The clock runs at the event's time rounded up to the next 4,096 ns and advances by at least 4,096 ns from
record to record: `ts_init` grows strictly within a stream and is never before `ts_event`. Streams that come
from one sequence of messages share a clock, so that a delta stays before its trade and its quote.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from catalog.columns import DataKind
from market.errors import DataError

LANES = 4096
"""Streams per catalog, and the step of the event clock in nanoseconds."""

_LANE_BITS = LANES.bit_length() - 1
_TICK_KINDS = (DataKind.DELTA, DataKind.TRADE, DataKind.QUOTE)


class Lanes(msgspec.Struct, forbid_unknown_fields=True):
    """Who owns which lane; kept in the manifest, because a lane once given never changes.

    Instruments take blocks of three (delta, trade, quote) from below, bar types single lanes from above:
    at one clock reading ticks always come before bars.
    """

    ticks: dict[str, int] = {}  # instrument id -> lane of its deltas; trades and quotes follow
    bars: dict[str, int] = {}  # bar type, or the name of another single stream -> lane

    def ticks_lane(self, kind: DataKind, instrument_id: str) -> int:
        """Return the lane of an instrument's deltas, trades or quotes, assigning one on first sight."""
        if instrument_id not in self.ticks:
            self._require_free(len(_TICK_KINDS), instrument_id)
            self.ticks[instrument_id] = len(_TICK_KINDS) * len(self.ticks)
        return self.ticks[instrument_id] + _TICK_KINDS.index(kind)

    def bars_lane(self, bar_type: str) -> int:
        """Return the lane of a bar type or another single stream, assigning one on first sight."""
        if bar_type not in self.bars:
            self._require_free(1, bar_type)
            self.bars[bar_type] = LANES - 1 - len(self.bars)
        return self.bars[bar_type]

    def _require_free(self, wanted: int, name: str) -> None:
        free = LANES - len(_TICK_KINDS) * len(self.ticks) - len(self.bars)
        if free < wanted:
            raise DataError(
                f"No room for {name}: a catalog holds {LANES} streams (3 per instrument with ticks, 1 per "
                f"bar type) and {free} are free. Put further instruments into another catalog."
            )


def event_clock(ts_event: npt.NDArray[np.int64], *, after: int = 0) -> npt.NDArray[np.int64]:
    """Return the clock readings of records in file order: multiples of `LANES`, strictly increasing.

    `ts_event` is in nanoseconds UTC, not before 1970; `after` is the last reading of the block before.
    """
    count = len(ts_event)
    index = np.arange(count, dtype=np.int64)
    # clock = index + the largest (rounded time - index) so far: the closed form of "max(previous + 1, now)".
    clock = (np.asarray(ts_event, dtype=np.int64) + (LANES - 1)) >> _LANE_BITS
    clock -= index
    if count:
        clock[0] = max(clock[0], (after >> _LANE_BITS) + 1)
    np.maximum.accumulate(clock, out=clock)
    clock += index
    clock <<= _LANE_BITS
    return clock
