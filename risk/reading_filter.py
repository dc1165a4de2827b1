"""Keeps one outlier from halting: three readings beyond the limit in a row do, or one confirmed value.

Readings count when they are at least an interval apart, so that one bad quote, read three times in a
microsecond, is one reading. Read again while no new quote has come, it counts once a second.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from market.time import NS_PER_SECOND

READINGS_TO_HALT = 3
SAME_QUOTES_NS = NS_PER_SECOND
"""Between two readings of the very same quotes."""

Verdict = Literal["fine", "suspect", "ignored", "confirmed"]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a watched value. `is_confirmed`: it rests on executions or on the broker's word.

    `quoted_ns` are the times (ns UTC) of the quotes that it rests on, none when it rests on no quotes.
    """

    trigger: str
    value: str
    limit: str
    is_beyond: bool
    now_ns: int
    is_confirmed: bool = False
    quoted_ns: tuple[int, ...] = ()
    inputs: dict[str, str] = {}


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """What the filter made of a reading; `readings` are those in a row that led to it."""

    verdict: Verdict
    readings: tuple[Reading, ...]


class ReadingFilter:
    """Counts, for each trigger, the readings beyond its limit in a row."""

    def __init__(self, *, interval_ns: int) -> None:
        self._interval_ns = interval_ns
        self._in_a_row: dict[str, tuple[Reading, ...]] = {}

    def assess(self, reading: Reading) -> Assessment:
        """Return `confirmed` when the reading must act, `suspect` when it is to be recorded and watched.

        `ignored` is a reading too soon after the last; `fine` one within its limit.
        """
        earlier = self._in_a_row.get(reading.trigger, ())
        if not reading.is_beyond:
            self._in_a_row.pop(reading.trigger, None)
            return Assessment(verdict="fine", readings=())
        if reading.is_confirmed:
            self._in_a_row.pop(reading.trigger, None)
            return Assessment(verdict="confirmed", readings=(*earlier, reading))
        if earlier and 0 <= reading.now_ns - earlier[-1].now_ns < self._least_ns(earlier[-1], reading):
            return Assessment(verdict="ignored", readings=earlier)
        readings = (*earlier, reading)
        if len(readings) >= READINGS_TO_HALT:
            self._in_a_row.pop(reading.trigger, None)
            return Assessment(verdict="confirmed", readings=readings)
        self._in_a_row[reading.trigger] = readings
        return Assessment(verdict="suspect", readings=readings)

    def _least_ns(self, earlier: Reading, reading: Reading) -> int:
        """Return how far apart two readings must be for both to count."""
        is_same = bool(reading.quoted_ns) and reading.quoted_ns == earlier.quoted_ns
        return max(self._interval_ns, SAME_QUOTES_NS) if is_same else self._interval_ns
