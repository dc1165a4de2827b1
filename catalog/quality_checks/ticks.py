"""Which checks quotes, trades and bars pass through, block by block, and what an example says."""

from __future__ import annotations

import numpy as np

from catalog.quality_checks.findings import FindingLog
from catalog.quality_checks.prices import PriceSeries, check_prices
from catalog.quality_checks.records import (
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
from catalog.quality_checks.registry import QualityThresholds
from catalog.reading.blocks import Block, Int64Array

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
    is_quotes = "bid_price" in block.columns
    check = "repeated_quote" if is_quotes else "duplicate_record"
    mark(check, repeated, "repeats the quote before" if is_quotes else "repeats an earlier record")


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
    series = PriceSeries("outlier_quote", [mid], reference=mid, valid=is_two_sided(bid, ask) & ~stub)
    check_prices(series, block=block, log=log, thresholds=thresholds)


def check_trades(block: Block, log: FindingLog, *, thresholds: QualityThresholds) -> None:
    """Log prints without a price or size, and outliers."""
    price, size = block.columns["price"], block.columns["size"]

    def describe(row: int) -> str:
        return f"{size[row]:.10g} at {price[row]:.10g}"

    valid = is_price(price)
    log.add_rows("not_a_price", fresh_rows(~valid, block), block.ts_event, describe=describe)
    bad_size = ~is_size(size) | (size == 0)
    log.add_rows("not_a_size", fresh_rows(bad_size, block), block.ts_event, describe=describe)
    series = PriceSeries("outlier_trade", [price], reference=price, valid=valid)
    check_prices(series, block=block, log=log, thresholds=thresholds)


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
    series = PriceSeries(
        "outlier_bar", prices, reference=columns["close"], valid=valid, is_bar=True, is_intraday=is_intraday
    )
    check_prices(series, block=block, log=log, thresholds=thresholds)
