"""Pairs the decisions of two streams by strategy, instrument and time, from where they differ. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest

import msgspec

from audit.events import DecisionRecord, Entry


def first_difference(
    ours: Sequence[Entry], theirs: Sequence[Entry]
) -> tuple[int, Entry | None, Entry | None, bool] | None:
    """Return the first index at which two streams of decisions differ, the two sides of it, and `is_order`.

    A side that took no decision at that moment is None. None for equal streams; `is_order` says that both
    sides took both decisions, in another order.
    """
    pairs = enumerate(zip_longest(ours, theirs))
    index = next((index for index, (one, other) in pairs if not _are_equal(one, other)), None)
    return None if index is None else (index, *_paired(ours[index:], theirs[index:]))


def without_thresholds(entries: Iterable[Entry]) -> list[Entry]:
    """Return the decisions as they would be if they had been compared with nothing."""
    replace = msgspec.structs.replace
    return [replace(entry, body=replace(entry.body, thresholds={})) for entry in entries]


def _are_equal(one: Entry | None, other: Entry | None) -> bool:
    return one is not None and other is not None and one.body == other.body


def _paired(ours: Sequence[Entry], theirs: Sequence[Entry]) -> tuple[Entry | None, Entry | None, bool]:
    """Return the first difference of two streams that begin with one, and whether it is only the order."""
    streams = (ours, theirs)
    sides = sorted((side for side in (0, 1) if streams[side]), key=lambda side: streams[side][0].body.ts_ns)
    for side in sides:
        own, rest = streams[side], streams[1 - side]
        counterpart = _counterpart(own, rest)
        if not _are_equal(own[0], counterpart):
            return (own[0], counterpart, False) if side == 0 else (counterpart, own[0], False)
    return ours[0], theirs[0], True


def _counterpart(own: Sequence[Entry], rest: Sequence[Entry]) -> Entry | None:
    """Return what the other side decided at the moment of the first of `own`, if it did."""
    place = moment(own[0].body)
    mine = [entry.body for entry in own if moment(entry.body) == place]
    theirs = [entry for entry in rest if moment(entry.body) == place]
    equal = next((entry for entry in theirs if entry.body == own[0].body), None)
    return equal or next((entry for entry in theirs if entry.body not in mine), None)


def moment(decision: DecisionRecord) -> tuple[str, str, int]:
    """Return where a decision belongs: strategy, instrument, ns UTC."""
    return decision.strategy_id, decision.instrument_id, decision.ts_ns
