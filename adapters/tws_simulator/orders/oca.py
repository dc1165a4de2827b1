"""One cancels all: what a fill of one order does to the others of its group, as pure data.

Type 1 cancels the others, whole, at the first fill. Types 2 and 3 reduce what remains of them in
proportion, rounded so that a group never trades more than one of its orders. 1 and 2 block: only one
order at a time is at an exchange, which TWS does to prevent overfills; this simulator matches one order
at a time, so all three are free of them. Type 3 may overfill at a real exchange: not modelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

CANCEL_WITH_BLOCK, REDUCE_WITH_BLOCK, REDUCE_NON_BLOCK = 1, 2, 3
TYPES = frozenset({0, CANCEL_WITH_BLOCK, REDUCE_WITH_BLOCK, REDUCE_NON_BLOCK})
"""0 is what clients send who name a group and no type; TWS shows it as 3 in captures."""

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class GroupOrder:
    """An open order of a group: its `key` and what is left of it."""

    key: int
    remaining: Decimal


def remaining_after_fill(
    oca_type: int, filled: GroupOrder, *, filled_now: Decimal, others: Sequence[GroupOrder]
) -> dict[int, Decimal]:
    """Return what remains of each of `others` by key, after `filled` traded `filled_now`; 0 cancels.

    `filled.remaining` is what is left after the fill.
    """
    if oca_type == CANCEL_WITH_BLOCK or filled.remaining <= 0:
        return {other.key: ZERO for other in others}
    fraction = filled_now / (filled.remaining + filled_now)
    return {other.key: _reduced(other, fraction) for other in others}


def _reduced(other: GroupOrder, fraction: Decimal) -> Decimal:
    reduction = (other.remaining * fraction).to_integral_value(rounding=ROUND_CEILING)
    return other.remaining - reduction
