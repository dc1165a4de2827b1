"""Every quality check: its name, how grave a finding is, what it means and what to do.

`docs/reference/quality-checks.md` shows the same table; a test holds the two together.
"""

from __future__ import annotations

import msgspec

from catalog.quality_checks.check import Check, Severity
from catalog.quality_checks.option_registry import OPTION_CHECKS, SERIES_CHECKS
from market.errors import ConfigError

__all__ = ["CHECKS", "Check", "QualityThresholds", "Severity"]


class QualityThresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a check begins to speak. The defaults suit US stocks; all are greater than 0."""

    gap_seconds: float = 300.0
    """Longest silence of a stream within a session."""
    gap_bars: float = 5.0
    """The same for bars, in bar lengths, where that is longer than `gap_seconds`."""
    stale_seconds: float = 300.0
    """Longest stretch over which records repeat one content."""
    stale_records: int = 10
    """Fewest records that make such a stretch."""
    stub_spread_fraction: float = 0.10
    """Spread of a quote relative to its mid above which nobody means it."""
    outlier_fraction: float = 0.10
    """Distance from both the prices before and after; twice this from 0.75 to 3 USD, 0.75 below."""
    outlier_volatility_multiple: float = 10.0
    """The distance must also exceed so many moves from record to record usual there (for long bars)."""
    overnight_jump_fraction: float = 0.25
    """Change of price from one day's end to the next one's start."""
    depth_levels_fraction: float = 0.5
    """Levels on a side of the book relative to the median number of the day so far."""
    contracts_fraction: float = 0.5
    """Contracts of a chain's snapshot relative to the median number of the day so far."""
    iv_fraction: float = 5.0
    """The highest volatility a year that is believed: 500 %."""
    series_gap_days: float = 7.0
    """Longest silence of a series of rates or of a volatility index, in calendar days."""
    rate_jump: float = 0.02
    """Change of a rate from one day to the next, a fraction a year."""
    level_jump_multiple: float = 2.5
    """Change of a volatility index from one day to the next, as a multiple (the VIX of 2018-02-05: 2.2)."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if not value > 0:
                raise ConfigError(f"{name} is {value}, it must be greater than 0.")


_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

_CATALOG_CHECKS = (
    Check(
        "unreadable_file",
        _ERROR,
        "A Parquet file cannot be read; its records are not in any result.",
        "Remove the file and ingest its source again.",
    ),
    Check(
        "overlapping_files",
        _ERROR,
        "Two files of one stream cover the same time: records are replayed twice or out of order.",
        "Ingest one of the sources into another catalog, or use --replace.",
    ),
    Check(
        "missing_instrument",
        _ERROR,
        "There are records for an instrument that the catalog does not define; a backtest stops.",
        "Write the instrument with Nautilus' ParquetDataCatalog.write_data, or ingest the source again.",
    ),
    Check(
        "precision_mismatch",
        _ERROR,
        "Records and instrument differ in decimals; Nautilus' matching engine refuses such data.",
        "Ingest the source again, so that both come from one definition.",
    ),
    Check(
        "unchecked_type",
        _INFO,
        "The catalog holds a type of data for which there are no checks.",
        "Nothing to do; the other streams were checked.",
    ),
)
_ORDER_CHECKS = (
    Check(
        "out_of_order",
        _ERROR,
        "ts_init goes backwards within a stream: a replay is not in order of time.",
        "Sort the source by time and ingest it again.",
    ),
    Check(
        "event_after_init",
        _ERROR,
        "A record enters the replay before it happened: a strategy would see the future.",
        "Correct the time zone or the column mapping of the source and ingest it again.",
    ),
    Check(
        "event_time_backwards",
        _WARNING,
        "ts_event goes backwards while the order of arrival goes on: late or misplaced records.",
        "Usual in small numbers on consolidated feeds; in large numbers sort the source by event time.",
    ),
    Check(
        "shared_ts_init",
        _WARNING,
        "Records of a stream share a ts_init: their order, and so a backtest, may change from run to run.",
        "Ingest with `harvester ingest`, which gives every record a ts_init of its own.",
    ),
    Check(
        "duplicate_record",
        _WARNING,
        "A record is repeated: same times and content, or for trades the same trade id.",
        "Remove it from the source: among trades and bars volume is overstated.",
    ),
    Check(
        "repeated_quote",
        _INFO,
        "A quote repeats the one before: same time, same prices and sizes.",
        "Nothing to do: usual on feeds of several venues, and the best bid and offer stay what they are.",
    ),
)
_QUOTE_CHECKS = (
    Check(
        "crossed_quote",
        _ERROR,
        "The bid is above the offer: a simulated order can buy and sell at a profit that nobody had.",
        "Look at the source: mixed venues, a misread column or late updates. Drop these quotes.",
    ),
    Check(
        "locked_quote",
        _WARNING,
        "Bid and offer are equal: the spread that a strategy pays is understated.",
        "Usual for moments on consolidated feeds; if it lasts, look at the source.",
    ),
    Check(
        "one_sided_quote",
        _WARNING,
        "A side of the quote has no price or no size: there is nobody to trade with.",
        "Usual before the open and after the close; within the session look at the source.",
    ),
    Check(
        "stub_quote",
        _WARNING,
        "The spread is so wide that the quote is a placeholder: mid and spread mean nothing.",
        "Trade within the session window only, and let the strategy refuse wide spreads.",
    ),
    Check(
        "off_tick_quote",
        _WARNING,
        "A quote of 1 USD or more is not a multiple of the price increment: no exchange shows such a price.",
        "Expected in data adjusted for splits or dividends; else look for rounding in the source.",
    ),
    Check(
        "outlier_quote",
        _WARNING,
        "The mid is far from the quotes before and after it.",
        "Compare with another source and drop the quote.",
    ),
)
_PRICE_CHECKS = (
    Check(
        "not_a_price",
        _ERROR,
        "A price is zero, negative or undefined.",
        "Correct the source or the column mapping and ingest again.",
    ),
    Check(
        "not_a_size",
        _ERROR,
        "A trade has no size, or a size or volume is negative or undefined.",
        "Correct the source or the column mapping and ingest again.",
    ),
    Check(
        "outlier_trade",
        _WARNING,
        "A print is far from the prints before and after it on its day: an error, or a late report.",
        "Compare with another source and drop the print; stops and bars made of it are wrong.",
    ),
    Check(
        "impossible_bar",
        _ERROR,
        "A bar's high is below, or its low above, its open or close.",
        "Ingest the bars from a source that agrees with itself.",
    ),
    Check(
        "outlier_bar",
        _WARNING,
        "A price of a bar is far from the closes before and after it, and no neighbouring bar shares it.",
        "Compare with another source and drop the bar; after a split the first print often is an old price.",
    ),
    Check(
        "overnight_jump",
        _WARNING,
        "The price starts the day far from where it ended the day before: a split or dividend, perhaps.",
        "Ingest with split adjustment, or do not hold positions over that night.",
    ),
)
_TIME_CHECKS = (
    Check(
        "gap",
        _WARNING,
        "Nothing was recorded for a long stretch within the session, and no halt explains it.",
        "Find out whether the recording failed; a halt can be added to halts.json.",
    ),
    Check(
        "stale",
        _WARNING,
        "Record after record repeats one content: a frozen feed, or rows filled forward.",
        "Do not trade on this stretch; ask the source for the real records.",
    ),
    Check(
        "partial_session",
        _INFO,
        "The records of a day begin late or end early.",
        "Take care with statistics of the day, such as volume or VWAP.",
    ),
    Check(
        "missing_session",
        _WARNING,
        "Between the first and the last day of the stream a session has no record at all.",
        "Ingest the missing day.",
    ),
    Check(
        "closed_day",
        _ERROR,
        "There are records on a day on which the exchange was closed.",
        "Correct the dates or the time zone of the source and ingest it again.",
    ),
    Check(
        "early_close",
        _INFO,
        "The exchange closed early on a day of this stream.",
        "Nothing to do; sessions and strategies end at that time.",
    ),
    Check(
        "after_early_close",
        _WARNING,
        "There are records after an early close and before the usual one.",
        "Late reports, or trading after hours; the session window keeps strategies out of them.",
    ),
    Check(
        "outside_session",
        _INFO,
        "There are records before the open or after the close.",
        "Nothing to do; the session window keeps strategies out of them.",
    ),
    Check(
        "records_in_halt",
        _WARNING,
        "There are records during a halt that halts.json states.",
        "Correct halts.json, or drop the records: orders cannot fill in a halt.",
    ),
)
_DEPTH_CHECKS = (
    Check(
        "crossed_book",
        _ERROR,
        "After a whole event the book's best bid is at or above its best offer.",
        "A deletion was lost: rebuild from a snapshot, or drop the stretch up to the next one.",
    ),
    Check(
        "empty_book",
        _WARNING,
        "After a whole event a side of the book has no level.",
        "Look for a clear without a snapshot behind it, or lost records.",
    ),
    Check(
        "missing_levels",
        _WARNING,
        "A side of the book has far fewer levels than usual on the day so far.",
        "Features over n levels are wrong here; look for lost records or a late snapshot.",
    ),
    Check(
        "unknown_level",
        _WARNING,
        "A delta updates or deletes a level that the book does not hold.",
        "Records were lost or the stream starts without a snapshot; rebuild it from the source.",
    ),
    Check(
        "no_snapshot",
        _INFO,
        "The stream starts with changes to a book that it never states.",
        "Until each level has been updated once, the book is incomplete.",
    ),
)
CHECKS: dict[str, Check] = {
    check.name: check
    for check in (
        *_CATALOG_CHECKS,
        *_ORDER_CHECKS,
        *_QUOTE_CHECKS,
        *_PRICE_CHECKS,
        *_TIME_CHECKS,
        *_DEPTH_CHECKS,
        *OPTION_CHECKS,
        *SERIES_CHECKS,
    )
}
"""All checks by name."""
