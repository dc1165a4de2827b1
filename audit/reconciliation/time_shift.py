"""Finds a statement printed in another time zone, before its trades are taken for other trades.

Statements carry no zone: they are read in the one that was named. When that is wrong, hardly any trade has
a counterpart at its time, and nearly all have one so many hours away.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence

from audit.reconciliation.ledger import Execution
from audit.reconciliation.matching import NS_PER_HOUR, Terms, orders_of, terms_of, together

HOURS_OF_ZONES = 14
"""No time zone in use is further from New York."""
NEARLY_ALL = 0.9

_Times = Mapping[Terms, Sequence[int]]


def hours_apart(ours: Sequence[Execution], theirs: Sequence[Execution], *, window_ns: int) -> int:
    """Return by how many hours the rows of `theirs` that have no execution ids are late; 0 when they are not.

    Not 0 only if nearly all of them have a counterpart then, and not as they are.
    """
    rows = [row for row in theirs if row.exec_id is None and row.ts_ns is not None]
    times = _times_by_terms(ours)
    if not rows or _agreeing(rows, times, 0, window_ns) >= NEARLY_ALL * len(rows):
        return 0
    shifts = sorted(range(-HOURS_OF_ZONES, HOURS_OF_ZONES + 1), key=abs)
    best = max(shifts, key=lambda hours: _agreeing(rows, times, hours, window_ns))
    return best if _agreeing(rows, times, best, window_ns) >= NEARLY_ALL * len(rows) else 0


def _times_by_terms(ours: Sequence[Execution]) -> _Times:
    times: dict[Terms, list[int]] = defaultdict(list)
    orders = [together([ours[number] for number in order]) for order in orders_of(dict(enumerate(ours)))]
    for is_order, executions in ((False, ours), (True, orders)):
        for execution in executions:
            if execution.ts_ns is not None:
                times[terms_of(execution, is_order=is_order)].append(execution.ts_ns)
    for found in times.values():
        found.sort()
    return times


def _agreeing(rows: Sequence[Execution], times: _Times, hours: int, window_ns: int) -> int:
    count = 0
    for row in rows:
        found = times.get(terms_of(row, is_order=row.is_order), ())
        at = (row.ts_ns or 0) - hours * NS_PER_HOUR
        place = bisect_left(found, at - window_ns)
        count += place < len(found) and found[place] <= at + window_ns
    return count
