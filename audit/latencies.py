"""How long each part of an order's way took, by the clock of the node that wrote the journal. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from audit.events import Entry
from audit.order_history import OrderHistory
from market.time import NS_PER_MS


class Latencies(msgspec.Struct, frozen=True, kw_only=True):
    """Durations in ns between an order's steps, by the node's clock; None where a step did not happen.

    `sent` is the event `submitted`, `accepted` the venue's word.
    """

    decision_to_sent_ns: int | None
    sent_to_accepted_ns: int | None
    accepted_to_first_fill_ns: int | None
    decision_to_first_fill_ns: int | None
    decision_to_last_fill_ns: int | None


class LatencySummary(msgspec.Struct, frozen=True, kw_only=True):
    """Durations of many orders, in ms; None without an order. `p99_ms` is the nearest rank."""

    orders: int
    median_ms: float | None
    p99_ms: float | None
    max_ms: float | None


def latencies(history: OrderHistory) -> Latencies:
    """Return how long each part of an order's way took."""
    fills = history.fills
    decided = _ts(history.signal)
    sent, accepted = _ts(history.event("submitted")), _ts(history.event("accepted"))
    first, last = (_ts(fills[0]), _ts(fills[-1])) if fills else (None, None)
    return Latencies(
        decision_to_sent_ns=_between(decided, sent),
        sent_to_accepted_ns=_between(sent, accepted),
        accepted_to_first_fill_ns=_between(accepted, first),
        decision_to_first_fill_ns=_between(decided, first),
        decision_to_last_fill_ns=_between(decided, last),
    )


def _ts(entry: Entry | None) -> int | None:
    return None if entry is None else entry.ts_ns


def _between(start_ns: int | None, end_ns: int | None) -> int | None:
    return None if start_ns is None or end_ns is None else end_ns - start_ns


def summarized(durations_ns: Iterable[int | None]) -> LatencySummary:
    """Return the distribution of the durations that are known."""
    known = sorted(duration for duration in durations_ns if duration is not None)
    if not known:
        return LatencySummary(orders=0, median_ms=None, p99_ms=None, max_ms=None)
    return LatencySummary(
        orders=len(known),
        median_ms=(known[(len(known) - 1) // 2] + known[len(known) // 2]) / 2 / NS_PER_MS,
        p99_ms=known[math.ceil(0.99 * len(known)) - 1] / NS_PER_MS,
        max_ms=known[-1] / NS_PER_MS,
    )
