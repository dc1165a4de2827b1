"""Profit of a day out of a journal: realized by its fills at average cost, and valued at its checkpoints.

Pure and exact. A checkpoint is a valuation at the last mid; between two of them nothing is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from audit.events import CheckpointRecord
from audit.round_trips import ZERO


class ProfitPoint(msgspec.Struct, frozen=True, kw_only=True):
    """Profit since the journal began, realized and unrealized together, fees deducted; USD."""

    ts_ns: int
    profit_usd: Decimal


class DayProfit(msgspec.Struct, frozen=True, kw_only=True):
    """What a day earned, in USD. `gross_usd` less `fees_usd` is `net_usd`: realized, at average cost.

    `unrealized_usd` is what is still held after the day's last checkpoint, `change_usd` the change of the
    whole profit over the day, `max_drawdown_usd` the deepest fall below the day's high so far, the profit
    at its start included. The last three are None without a checkpoint.
    """

    gross_usd: Decimal
    fees_usd: Decimal
    net_usd: Decimal
    unrealized_usd: Decimal | None
    change_usd: Decimal | None
    max_drawdown_usd: Decimal | None


def max_drawdown(points: Sequence[ProfitPoint], *, start_usd: Decimal) -> Decimal | None:
    """Return the deepest fall below the high so far, which begins at `start_usd`; None without a point."""
    high, deepest = start_usd, ZERO
    for point in points:
        high = max(high, point.profit_usd)
        deepest = max(deepest, high - point.profit_usd)
    return deepest if points else None


def profit_at(checkpoint: CheckpointRecord) -> Decimal:
    """Return the profit at a checkpoint: realized (after fees) and unrealized."""
    return checkpoint.realized_usd + checkpoint.unrealized_usd
