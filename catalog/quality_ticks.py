"""Which checks quotes, trades and bars pass through, block by block, and what an example says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from catalog.quality_checks import QualityThresholds
from catalog.quality_findings import FindingLog
from catalog.quality_outliers import (
    NEIGHBOURS,
    can_hold_outliers,
    is_outlier,
    local_moves,
    local_prices,
    overnight_jumps,
)
from catalog.quality_records import (
    BoolArray,
    goes_backwards,
    is_crossed,
    is_impossible_bar,
    is_locked,
    is_off_tick,
    is_one_sided,
    is_price,
    is_shared,
    is_size,
    is_stub,
    is_two_sided,
    repeats_an_id,
    repeats_previous,
)
from catalog.stored_blocks import CONTEXT_ROWS, Block, FloatArray, Int64Array
from market.time import NS_PER_MINUTE

assert CONTEXT_ROWS >= 2 * NEIGHBOURS  # what cannot be judged at a block's end is judged with the next block

_DAY_NS = 24 * 60 * NS_PER_MINUTE
_NIGHT_NS = 270 * NS_PER_MINUTE  # 04:30 UTC is 23:30 or 00:30 in New York: no day of trading contains it
BAR_PRICES = ("open", "high", "low", "close")


def fresh_rows(mask: BoolArray, block: Block) -> Int64Array:
    """Return the positions where `mask` holds, without those that the block before has counted."""
    return np.flatnonzero(mask[block.context :]) + block.context


def check_order(block: Block, log: FindingLog) -> None:
    """Log records out of order, ahead of their event, or repeated."""
    ts_event, ts_init = block.ts_event, block.ts_init

    def mark(check: str, mask: BoolArray, text: str) -> None:
        log.add_rows(check, fresh_rows(mask, block), ts_event, describe=lambda _: text)

    mark("out_of_order", goes_backwards(ts_init), "ts_init before that of the record before")
    mark("event_after_init", ts_init < ts_event, "ts_init before ts_event")
    mark("event_time_backwards", goes_backwards(ts_event), "ts_event before that of the record before")
    mark("shared_ts_init", is_shared(ts_init), "ts_init as the record before")
    repeated = repeats_previous([ts_event, *block.columns.values()])
    if block.trade_ids is not None:
        repeated = repeats_an_id(block.trade_ids)
    mark("duplicate_record", repeated, "repeats an earlier record")


def check_quotes(
    block: Block, log: FindingLog, *, thresholds: QualityThresholds, increment: float | None
) -> None:
    """Log quotes that are crossed, locked, one-sided, stubs, between ticks or outliers."""
    bid, ask = block.columns["bid_price"], block.columns["ask_price"]
    bid_size, ask_size = block.columns["bid_size"], block.columns["ask_size"]

    def mark(check: str, mask: BoolArray) -> None:
        log.add_rows(
            check,
            fresh_rows(mask, block),
            block.ts_event,
            describe=lambda row: (
                f"{bid[row]:.10g} x {bid_size[row]:.10g} / {ask[row]:.10g} x {ask_size[row]:.10g}"
            ),
        )

    mark("crossed_quote", is_crossed(bid, ask))
    mark("locked_quote", is_locked(bid, ask))
    mark("one_sided_quote", is_one_sided(bid, ask, bid_size, ask_size))
    stub = is_stub(bid, ask, spread_fraction=thresholds.stub_spread_fraction)
    mark("stub_quote", stub)
    mark("not_a_price", ~((bid == 0) | is_price(bid)) | ~((ask == 0) | is_price(ask)))
    mark("not_a_size", ~is_size(bid_size) | ~is_size(ask_size))
    if increment is not None:
        mark("off_tick_quote", is_off_tick(bid, increment=increment) | is_off_tick(ask, increment=increment))
    mid = (bid + ask) / 2
    _check_prices(
        "outlier_quote", [mid], mid, block=block, log=log, thresholds=thresholds,
        valid=is_two_sided(bid, ask) & ~stub,
    )  # fmt: skip


def check_trades(block: Block, log: FindingLog, *, thresholds: QualityThresholds) -> None:
    """Log prints without a price or size, and outliers."""
    price, size = block.columns["price"], block.columns["size"]

    def describe(row: int) -> str:
        return f"{size[row]:.10g} at {price[row]:.10g}"

    valid = is_price(price)
    log.add_rows("not_a_price", fresh_rows(~valid, block), block.ts_event, describe=describe)
    bad_size = ~is_size(size) | (size == 0)
    log.add_rows("not_a_size", fresh_rows(bad_size, block), block.ts_event, describe=describe)
    _check_prices("outlier_trade", [price], price, block=block, log=log, thresholds=thresholds, valid=valid)


def check_bars(block: Block, log: FindingLog, *, thresholds: QualityThresholds, is_intraday: bool) -> None:
    """Log bars without prices, bars that contradict themselves, and outliers."""
    columns = block.columns
    prices = [columns[name] for name in BAR_PRICES]
    valid = np.logical_and.reduce([is_price(values) for values in prices])

    def describe(row: int) -> str:
        four = "/".join(f"{values[row]:.10g}" for values in prices)
        return f"O/H/L/C {four}, volume {columns['volume'][row]:.10g}"

    log.add_rows("not_a_price", fresh_rows(~valid, block), block.ts_event, describe=describe)
    log.add_rows(
        "not_a_size", fresh_rows(~is_size(columns["volume"]), block), block.ts_event, describe=describe
    )
    impossible = is_impossible_bar(*prices) & valid
    log.add_rows("impossible_bar", fresh_rows(impossible, block), block.ts_event, describe=describe)
    _check_prices(
        "outlier_bar", prices, columns["close"], block=block, log=log, thresholds=thresholds,
        valid=valid, is_bar=True, is_intraday=is_intraday,
    )  # fmt: skip


def _check_prices(
    check: str,
    prices: Sequence[FloatArray],
    reference: FloatArray,
    *,
    block: Block,
    log: FindingLog,
    thresholds: QualityThresholds,
    valid: BoolArray,
    is_bar: bool = False,
    is_intraday: bool = True,
) -> None:
    """Log valid records of which one of `prices` is far from the `reference` prices around, and night jumps.

    The last records of a block wait for the next one, which holds what comes after them.
    """
    fraction = min(thresholds.outlier_fraction, thresholds.overnight_jump_fraction)
    rows = np.flatnonzero(valid)
    if not can_hold_outliers(np.concatenate([values[rows] for values in prices]), fraction=fraction):
        return
    day = (block.ts_event[rows] - _NIGHT_NS) // _DAY_NS
    usual_move = thresholds.outlier_volatility_multiple * local_moves(reference[rows])
    around = local_prices(reference[rows], day if is_intraday else np.zeros_like(day))
    found = np.logical_or.reduce(
        [
            is_outlier(
                values[rows],
                around,
                fraction=thresholds.outlier_fraction,
                usual_move=usual_move,
                stands_alone=is_bar,
            )
            for values in prices
        ]
    )

    def judged(positions: Int64Array) -> Int64Array:
        first = block.context - NEIGHBOURS if block.context else 0
        last = len(block) if block.is_last else len(block) - NEIGHBOURS
        return positions[(positions >= first) & (positions < last)]

    def describe(row: int) -> str:
        position = int(np.searchsorted(rows, row))
        seen = " ".join(f"{values[row]:.10g}" for values in prices)
        return f"{seen} (around it {around.before[position]:.6g} and {around.after[position]:.6g})"

    log.add_rows(check, judged(rows[found]), block.ts_event, describe=describe)
    starts, ratios = overnight_jumps(reference[rows], day, fraction=thresholds.overnight_jump_fraction)
    ratio_at = dict(zip(rows[starts].tolist(), ratios.tolist(), strict=True))
    log.add_rows(
        "overnight_jump",
        judged(rows[starts]),
        block.ts_event,
        describe=lambda row: f"starts at {ratio_at[row]:.4g} times the price of the day before",
    )
