"""The columns of Lean's equity files, and which rows are possible."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa

from catalog.columns import Int64Array
from catalog.headerless_rows import WALL_CLOCK_MINUTE, BoolArray, Checks, Layout, Rows, RowTally
from catalog.lean.files import Content, LeanFile, Resolution
from market.errors import DataError

SECONDS_PER_DAY = 86_400
_MS_PER_DAY = SECONDS_PER_DAY * 1_000
_END_OF_TIME = (date(2100, 1, 1) - date(1970, 1, 1)).days * SECONDS_PER_DAY
LATE_FRACTION_MAX = 0.01
"""A block in which more rows go back in time is no file of Lean's, which are in order of time."""

_BAR = ("open", "high", "low", "close")
_BID_BAR = tuple(f"bid_{name}" for name in _BAR)
_ASK_BAR = tuple(f"ask_{name}" for name in _BAR)
_QUOTE_BAR = (*_BID_BAR, "bid_size", *_ASK_BAR, "ask_size")
_TICK_QUOTE = ("bid_price", "bid_size", "ask_price", "ask_size")


def layout_of(file: LeanFile) -> Layout:
    """Return the columns of a file; times are ms after midnight, in files of all years a wall-clock time."""
    title = f"Lean {file.resolution} {file.content}"
    if file.resolution is Resolution.TICK:
        read = _TICK_QUOTE if file.content is Content.QUOTE else ("price", "size")
        names = ("time", *read, "exchange", "sale_condition", "suspicious")
        return Layout(title, names, dict.fromkeys(("time", *read, "suspicious"), pa.int64()))
    values = _QUOTE_BAR if file.content is Content.QUOTE else (*_BAR, "volume")
    time = pa.int64() if file.resolution.is_in_day_files else WALL_CLOCK_MINUTE
    types = {"time": time, **dict.fromkeys(values, pa.int64())}
    return Layout(title, ("time", *values), types, may_be_empty=frozenset(_QUOTE_BAR))


def possible_rows(rows: Rows, file: LeanFile, *, after: int, tally: RowTally) -> Rows:
    """Return the rows that can be true, in order of time; the others are reported.

    `after` is the time of the last row before this block, -1 before the first. Raises `DataError` when more
    than one row in a hundred goes back in time.
    """
    checks = [*_time_checks(rows, file)]
    if file.resolution is not Resolution.TICK:
        checks += _bar_checks(rows, file.content)
    elif file.content is Content.TRADE:
        checks += _tick_trade_checks(rows)
    else:
        checks += _tick_quote_checks(rows)
    return _in_order(tally.good(rows, checks), file, after=after, tally=tally)


def has_side(rows: Rows, side: str) -> BoolArray:
    """Say in which rows of quote bars a side (`bid` or `ask`) has prices."""
    return rows[f"{side}_close"] > 0


def local_days(rows: Rows, file: LeanFile) -> Int64Array:
    """Return the New York day of each row, in days since 1970."""
    if file.day is None:
        return rows["time"] // SECONDS_PER_DAY
    return np.full(len(rows), day_number(file.day), dtype=np.int64)


def day_number(day: date) -> int:
    """Return the days since 1970-01-01."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


def _time_checks(rows: Rows, file: LeanFile) -> Checks:
    time = rows["time"]
    if file.resolution.is_in_day_files:
        yield "time", (time < 0) | (time >= _MS_PER_DAY), "is not in ms after midnight"
        return
    yield "time", (time < 0) | (time >= _END_OF_TIME), "is not a time from 1970 to 2099"
    if file.resolution is Resolution.DAILY:
        yield "time", time % SECONDS_PER_DAY != 0, "of a daily bar is not midnight"


def _tick_trade_checks(rows: Rows) -> Checks:
    yield "price", rows["price"] <= 0, "is not a positive price"
    yield "size", rows["size"] <= 0, "is not a positive number of shares"
    yield from _suspicion_checks(rows)


def _tick_quote_checks(rows: Rows) -> Checks:
    bid, ask = rows["bid_price"], rows["ask_price"]
    yield "bid_price", bid < 0, "is a negative price"
    yield "ask_price", ask < 0, "is a negative price"
    yield "bid_price", (bid == 0) & (ask == 0), "and the ask price are both 0: the row sets neither side"
    yield "bid_size", rows["bid_size"] < 0, "is a negative number of shares"
    yield "ask_size", rows["ask_size"] < 0, "is a negative number of shares"
    yield from _suspicion_checks(rows)


def _suspicion_checks(rows: Rows) -> Checks:
    suspicious = rows["suspicious"]
    yield "suspicious", (suspicious < 0) | (suspicious > 1), "is neither 0 nor 1"
    yield "suspicious", suspicious == 1, "was marked suspicious by the data's vendor"


def _bar_checks(rows: Rows, content: Content) -> Checks:
    if content is Content.TRADE:
        yield from _prices_checks(rows, _BAR, may_be_absent=False)
        yield "volume", rows["volume"] < 0, "is negative"
        return
    for names, size in ((_BID_BAR, "bid_size"), (_ASK_BAR, "ask_size")):
        yield from _prices_checks(rows, names, may_be_absent=True)
        yield size, rows[size] < 0, "is negative"
    absent = (rows["bid_close"] == 0) & (rows["ask_close"] == 0)
    yield "bid_close", absent, "and the ask are both absent: the row tells nothing"


def _prices_checks(rows: Rows, names: tuple[str, ...], *, may_be_absent: bool) -> Checks:
    open_, high, low, close = (rows[name] for name in names)
    absent = (open_ == 0) & (high == 0) & (low == 0) & (close == 0) & may_be_absent
    for name in names:
        yield name, (rows[name] <= 0) & ~absent, "is not a positive price"
    yield names[1], high < np.maximum(np.maximum(open_, close), low), "is below open, low or close of its bar"
    yield names[2], low > np.minimum(open_, close), "is above open or close of its bar"


def _in_order(rows: Rows, file: LeanFile, *, after: int, tally: RowTally) -> Rows:
    """Ticks may share a time, bars may not."""
    is_tick = file.resolution is Resolution.TICK
    time = rows["time"]
    latest = np.maximum.accumulate(np.concatenate(([after], time)))[:-1]
    late = time < latest if is_tick else time <= latest
    if late.sum() > max(1, LATE_FRACTION_MAX * len(rows)):
        first = int(rows.lines[late][0])
        raise DataError(
            f"{file.path}: {int(late.sum())} of {len(rows)} rows go back in time, first line {first}. "
            "Lean's files are in order of time: fetch it again."
        )
    why = "is earlier than the row before" if is_tick else "is not later than the bar before"
    return tally.good(rows, [("time", late, why)])
