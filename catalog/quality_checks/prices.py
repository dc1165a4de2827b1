"""Outliers and night jumps among the prices of one stream, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from catalog.quality_checks.findings import FindingLog
from catalog.quality_checks.outliers import (
    NEIGHBOURS,
    LocalPrices,
    can_hold_outliers,
    is_outlier,
    local_moves,
    local_prices,
    overnight_jumps,
)
from catalog.quality_checks.records import BoolArray
from catalog.quality_checks.registry import QualityThresholds
from catalog.reading.blocks import CONTEXT_ROWS, Block, FloatArray, Int64Array
from market.time import NS_PER_MINUTE

assert CONTEXT_ROWS >= 2 * NEIGHBOURS  # what cannot be judged at a block's end is judged with the next block

_DAY_NS = 24 * 60 * NS_PER_MINUTE
_NIGHT_NS = 270 * NS_PER_MINUTE  # 04:30 UTC is 23:30 or 00:30 in New York: no day of trading contains it


@dataclass(frozen=True, slots=True)
class PriceSeries:
    """Prices of the records of a block, `(n,)` each, to be compared with the `reference` prices around.

    Only `valid` records count. `check` names what an outlier among them is called.
    """

    check: str
    prices: Sequence[FloatArray]
    reference: FloatArray
    valid: BoolArray
    is_bar: bool = False
    is_intraday: bool = True


def check_prices(
    series: PriceSeries, *, block: Block, log: FindingLog, thresholds: QualityThresholds
) -> None:
    """Log records of which one of the prices is far from those around, and jumps from day to day.

    The last records of a block wait for the next one, which holds what comes after them.
    """
    rows = np.flatnonzero(series.valid)
    prices = [values[rows] for values in series.prices]
    fraction = min(thresholds.outlier_fraction, thresholds.overnight_jump_fraction)
    if not can_hold_outliers(np.concatenate(prices), fraction=fraction):
        return
    reference = series.reference[rows]
    day = (block.ts_event[rows] - _NIGHT_NS) // _DAY_NS
    around = local_prices(reference, day if series.is_intraday else np.zeros_like(day))
    usual_move = thresholds.outlier_volatility_multiple * local_moves(reference)
    found = np.logical_or.reduce(
        [
            is_outlier(
                values,
                around,
                fraction=thresholds.outlier_fraction,
                usual_move=usual_move,
                stands_alone=series.is_bar,
            )
            for values in prices
        ]
    )
    _log_outliers(series.check, np.flatnonzero(found), prices, around, rows=rows, block=block, log=log)
    starts, ratios = overnight_jumps(reference, day, fraction=thresholds.overnight_jump_fraction)
    ratio_at = dict(zip(rows[starts].tolist(), ratios.tolist(), strict=True))
    log.add_rows(
        "overnight_jump",
        _judged(rows[starts], block),
        block.ts_event,
        describe=lambda row: f"starts at {ratio_at[row]:.4g} times the price of the day before",
    )


def _log_outliers(
    check: str,
    positions: Int64Array,
    prices: Sequence[FloatArray],
    around: LocalPrices,
    *,
    rows: Int64Array,
    block: Block,
    log: FindingLog,
) -> None:
    position_of = dict(zip(rows[positions].tolist(), positions.tolist(), strict=True))

    def describe(row: int) -> str:
        position = position_of[row]
        seen = "/".join(f"{values[position]:.10g}" for values in prices)
        return f"{seen}, around it {around.before[position]:.6g} and {around.after[position]:.6g}"

    log.add_rows(check, _judged(rows[positions], block), block.ts_event, describe=describe)


def _judged(rows: Int64Array, block: Block) -> Int64Array:
    """Return the rows that have their neighbours on both sides and were not judged with the block before."""
    first = block.context - NEIGHBOURS if block.context else 0
    last = len(block) if block.is_last else len(block) - NEIGHBOURS
    return rows[(rows >= first) & (rows < last)]
