"""Timestamps of vendors, made nanoseconds UTC a block at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from catalog.columns import Int64Array
from market.errors import ConfigError, DataError
from market.time import NS_PER_SECOND

EARLIEST_NS = int(datetime(1980, 1, 1, tzinfo=UTC).timestamp()) * NS_PER_SECOND
LATEST_NS = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()) * NS_PER_SECOND
"""Times outside these are a wrong unit or a wrong column."""

_DECIMALS_OF_UNIT = {"s": 9, "ms": 6, "us": 3, "ns": 0}
_DIGITS_OF_UNIT = {"s": range(9, 11), "ms": range(12, 14), "us": range(15, 17), "ns": range(18, 20)}
_NUMBER = re.compile(r"(\d+)(\.\d*)?")
_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d(:?\d\d(:?\d\d(\.\d{1,9})?)?)?(?P<zone>Z|[+-]\d\d(:?\d\d)?)?)?")
_ONE_OFFSET_NS_MAX = 7 * 86_400 * NS_PER_SECOND


class TimeStyle(StrEnum):
    """How a file writes its times."""

    EPOCH = "epoch"  # a number since 1970
    ZONED = "zoned"  # ISO 8601 with Z or an offset
    NAIVE = "naive"  # ISO 8601, or an own format, without a zone


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """The style of a file's times and what is needed to convert them."""

    style: TimeStyle
    unit: str = "ns"
    is_fractional: bool = False
    zone: str | None = None
    pattern: str | None = None  # strptime pattern of an own format

    @property
    def column_type(self) -> pa.DataType:
        """The Arrow type to read the column as."""
        if self.style is TimeStyle.EPOCH:
            return self.exact_type if self.is_fractional else pa.int64()
        return pa.timestamp("ns", "UTC" if self.style is TimeStyle.ZONED else None)

    @property
    def exact_type(self) -> pa.DataType:
        """The type that also takes numbers with decimals: its 128-bit values are nanoseconds."""
        if self.style is TimeStyle.EPOCH:
            return pa.decimal128(38, _DECIMALS_OF_UNIT[self.unit])
        return self.column_type

    def to_ns(self, values: pa.Array) -> Int64Array:
        """Return nanoseconds UTC; nulls, and times outside 1980 to 2100, become 0."""
        if self.style is TimeStyle.EPOCH:
            return self._epoch_to_ns(values)
        times = _int64(values.cast(pa.timestamp("ns", values.type.tz)))
        if self.style is TimeStyle.NAIVE:
            times = _utc_of_local(times, self.zone or "UTC")
        return _plausible(times)

    def why_unusable(self, text: str) -> str:
        """Say what is wrong with the text of a time for which `to_ns` returned 0."""
        if not text.strip() or text.strip().lower() in ("none", "nat", "null"):
            return "is empty"
        local_ns = self._local_ns(text.strip()) if self.style is TimeStyle.NAIVE and self.zone else None
        if local_ns is not None and self.zone:
            first, second = (_offset_ns(local_ns, self.zone, fold=fold) for fold in (0, 1))
            if first > second:  # the clocks were set back
                return f"is ambiguous in {self.zone}: the clocks showed it twice; give an offset (-05:00)"
            if first < second:
                return f"does not exist in {self.zone}: the clocks skipped it; give the right time or zone"
        return "is not between 1980 and 2100"

    def _local_ns(self, text: str) -> int | None:
        values = pa.array([text])
        try:
            if self.pattern is not None:
                values = pc.strptime(values, self.pattern, "s")
            moment: int | None = values.cast(pa.timestamp("ns")).cast(pa.int64())[0].as_py()
        except pa.ArrowInvalid:
            return None
        return moment

    def _epoch_to_ns(self, values: pa.Array) -> Int64Array:
        if pa.types.is_decimal(values.type):
            words = np.frombuffer(values.buffers()[1], dtype=np.int64).reshape(-1, 2)
            words = words[values.offset : values.offset + len(values)]
            # Beyond 64 bits it is no time; nulls may hold anything.
            times = np.where(words[:, 1] == 0, words[:, 0], 0)
            return _plausible(np.where(_nulls(values), 0, times))
        factor = 10 ** _DECIMALS_OF_UNIT[self.unit]
        integers = _int64(values)
        # Times the factor, what is too large would wrap around into a plausible time.
        return _plausible(_within(integers, LATEST_NS // factor) * factor)


def detect_time_format(
    sample: Sequence[str], *, zone: str | None, unit: str | None, pattern: str | None, file: str
) -> TimeFormat:
    """Return the format of the first time of `sample` that is understood.

    `zone` is an IANA name for times without one, `unit` is s, ms, us or ns for numbers, `pattern` a
    strptime pattern. Raises `DataError` or `ConfigError` saying what to state.
    """
    _require_zone_exists(zone)
    if pattern is not None:
        return TimeFormat(TimeStyle.NAIVE, zone=_stated_zone(zone, sample, file), pattern=pattern)
    for text in (text.strip() for text in sample):
        if number := _NUMBER.fullmatch(text):
            if len(text) == len("20131007") and unit is None:
                return TimeFormat(TimeStyle.NAIVE, zone=_stated_zone(zone, [text], file), pattern="%Y%m%d")
            unit_found = unit or _unit_of(len(number[1]), text, file)
            is_fractional = any("." in other for other in sample)
            return TimeFormat(TimeStyle.EPOCH, unit=unit_found, is_fractional=is_fractional)
        if iso := _ISO.fullmatch(text):
            if iso["zone"]:
                return TimeFormat(TimeStyle.ZONED)
            return TimeFormat(TimeStyle.NAIVE, zone=_stated_zone(zone, [text], file))
    raise DataError(
        f"{file}: no time is understood; the first is {next(iter(sample), '')!r}. Taken are ISO 8601 "
        "(2013-10-07T09:30:00.123-04:00) and numbers since 1970 in s, ms, us or ns. Map another column with "
        "--columns ts=COLUMN, or describe the format: --time-format '%m/%d/%Y %H:%M:%S'."
    )


def format_of_type(column_type: pa.DataType, *, zone: str | None, file: str) -> TimeFormat | None:
    """Return the format of a typed (Parquet) time column, or None where its values are text or numbers."""
    _require_zone_exists(zone)
    if pa.types.is_timestamp(column_type):
        if column_type.tz is not None:
            return TimeFormat(TimeStyle.ZONED)
        return TimeFormat(TimeStyle.NAIVE, zone=_stated_zone(zone, ["a timestamp without zone"], file))
    if pa.types.is_date(column_type):
        return TimeFormat(TimeStyle.NAIVE, zone=_stated_zone(zone, ["a date"], file))
    return None


def _unit_of(digits: int, text: str, file: str) -> str:
    for unit, lengths in _DIGITS_OF_UNIT.items():
        if digits in lengths:
            return unit
    raise DataError(
        f"{file}: the time {text} has {digits} digits, which is no number of s, ms, us or ns since 1970 "
        "between 1980 and 2100. Map another column with --columns ts=COLUMN, or state --time-unit."
    )


def _stated_zone(zone: str | None, sample: Sequence[str], file: str) -> str:
    if zone is None:
        raise ConfigError(
            f"{file}: times such as {next(iter(sample), '')!r} have no time zone. Say which one with "
            "--time-zone America/New_York (or UTC)."
        )
    return zone


def _require_zone_exists(zone: str | None) -> None:
    try:
        ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            f"--time-zone: {zone!r} is unknown. Write America/New_York, UTC, Europe/Berlin ..."
        ) from error


def _utc_of_local(times: Int64Array, zone: str) -> Int64Array:
    """Return UTC of local times; what the clock skipped or showed twice becomes 0."""
    valid = times[times != 0]
    if zone == "UTC" or not len(valid):
        return times
    first, last = int(valid.min()), int(valid.max())
    if last - first < _ONE_OFFSET_NS_MAX:
        # Clock changes are months apart: the same offset a day around means the same offset within.
        margin = 86_400 * NS_PER_SECOND
        offsets = {_offset_ns(moment, zone) for moment in (first - margin, last + margin)}
        if len(offsets) == 1:
            return np.where(times != 0, times - offsets.pop(), 0)
    return _utc_by_row(times, zone)


def _utc_by_row(times: Int64Array, zone: str) -> Int64Array:
    local = pa.array(times).cast(pa.timestamp("ns"))
    choices = [
        _int64(pc.assume_timezone(local, zone, ambiguous=ambiguous, nonexistent=nonexistent))
        for ambiguous, nonexistent in (("earliest", "earliest"), ("latest", "latest"))
    ]
    return np.where((times != 0) & (choices[0] == choices[1]), choices[0], 0)


def _offset_ns(local_ns: int, zone: str, *, fold: int = 0) -> int:
    local = datetime.fromtimestamp(local_ns // NS_PER_SECOND, UTC).replace(tzinfo=ZoneInfo(zone), fold=fold)
    offset = local.utcoffset()
    assert offset is not None
    return round(offset.total_seconds()) * NS_PER_SECOND


def _plausible(times: Int64Array) -> Int64Array:
    if len(times) and (times.min() < EARLIEST_NS or times.max() > LATEST_NS):
        return np.where((times >= EARLIEST_NS) & (times <= LATEST_NS), times, 0)
    return times


def _within(values: Int64Array, limit: int) -> Int64Array:
    if len(values) and (values.min() < 0 or values.max() > limit):
        return np.where((values >= 0) & (values <= limit), values, 0)
    return values


def _int64(values: pa.Array) -> Int64Array:
    """Return the integers behind an array, 0 for null."""
    integers: Int64Array = np.frombuffer(values.buffers()[1], dtype=np.int64)
    integers = integers[values.offset : values.offset + len(values)]
    return np.where(_nulls(values), 0, integers) if values.null_count else integers


def _nulls(values: pa.Array) -> npt.NDArray[np.bool_]:
    nulls: npt.NDArray[np.bool_] = values.is_null().to_numpy(zero_copy_only=False)
    return nulls
