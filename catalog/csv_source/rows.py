"""Rows of a file as typed columns, whatever the file wrote: text, floats, integers or decimals."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.columns import (
    FIXED_POINT,
    ON_GRID_MAX,
    Int64Array,
    fixed_point_from_floats,
    sizes_from_integers,
)
from catalog.csv_source.mapping import PRICES, SIZES, TIME
from catalog.csv_source.times import TimeFormat
from catalog.storage.arrow_layout import SIZE_PRECISION
from market.instruments import EQUITY_PRICE_PRECISION

NUMBERS = PRICES | SIZES
_WITH_COMMA = re.compile(r"[+-]?[\d.]*,[\d.,]*")
NULL_TEXTS = ("", "null", "NULL", "None", "nan", "NaN", "NAN", "NA", "N/A", "n/a", "#N/A", "-")


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is left out: its line in the file, the column and value at fault, and why."""

    line: int
    column: str
    value: str
    why: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a file, column by column, and what was left out before them.

    `times` are ns UTC, 0 where the file has none that is usable; `columns` are the other fields under our
    names, numbers as decimals of scale 16; row i stands in line `lines[i]`, and there the file says
    `text(i, field)` (valid until the next rows are asked for); `why_no_time` says what is wrong with the text
    of a time that is not usable. `lowest` has a lower bound (in steps) for the number fields of which nothing
    else is left to check.
    """

    times: Int64Array
    columns: dict[str, pa.Array]
    lines: range | Int64Array
    text: Callable[[int, str], str]
    why_no_time: Callable[[str], str]
    bad: list[BadRow] = field(default_factory=list)
    lowest: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.times)

    def part(self, start: int, end: int) -> Rows:
        """Return the rows from `start` up to, not including, `end`, without copying them."""
        return Rows(
            times=self.times[start:end],
            columns={name: values[start:end] for name, values in self.columns.items()},
            lines=self.lines[start:end],
            text=lambda row, name: self.text(start + row, name),
            why_no_time=self.why_no_time,
            lowest=self.lowest,
        )

    def take(self, positions: Int64Array) -> Rows:
        """Return the rows at `positions`, without what was left out before."""
        return Rows(
            times=self.times[positions],
            columns={name: values.take(pa.array(positions)) for name, values in self.columns.items()},
            lines=positions + self.lines.start if isinstance(self.lines, range) else self.lines[positions],
            text=lambda row, name: self.text(int(positions[row]), name),
            why_no_time=self.why_no_time,
            lowest=self.lowest,
        )


@dataclass(frozen=True, slots=True)
class Conversion:
    """How the columns of one file become `Rows`."""

    times: TimeFormat
    is_rounding: bool = False

    def type_of(self, name: str) -> pa.DataType:
        """Return the type that takes every valid value of a field."""
        if name == TIME:
            return self.times.exact_type
        return pa.float64() if name in NUMBERS else pa.string()

    def rows(
        self,
        columns: Mapping[str, pa.Array],
        lines: range | Int64Array,
        text: Callable[[int, str], str],
        bad: Iterable[BadRow] = (),
    ) -> Rows:
        """Return rows from typed columns; raises `pa.ArrowInvalid` for numbers that do not fit."""
        fields = {name: values for name, values in columns.items() if name != TIME}
        lowest: dict[str, int] = {}
        for name in NUMBERS & fields.keys():
            places = EQUITY_PRICE_PRECISION if name in PRICES else SIZE_PRECISION
            is_rounding = self.is_rounding and name in PRICES
            fields[name], least = as_fixed_point(fields[name], places=places, is_rounding=is_rounding)
            if least is not None:
                lowest[name] = least
        return Rows(
            times=self.times.to_ns(columns[TIME]),
            columns=fields,
            lines=lines,
            text=text,
            why_no_time=self.times.why_unusable,
            bad=sorted(bad, key=lambda each: each.line),
            lowest=lowest,
        )

    def rows_from_text(
        self, texts: Mapping[str, pa.StringArray], lines: Int64Array, bad: Iterable[BadRow] = ()
    ) -> Rows:
        """Return rows from columns of text, adding to `bad` those with a value that is not of its type."""
        columns: dict[str, pa.Array] = {}
        failed: dict[int, BadRow] = {}
        for name, values in texts.items():
            columns[name], unreadable = self._read(name, values)
            for row in unreadable:
                text = values[row].as_py()
                failed.setdefault(row, BadRow(int(lines[row]), name, text, _why_unreadable(name, text)))
        kept = np.setdiff1d(np.arange(len(lines)), list(failed)).astype(np.int64)
        return self.rows(
            {name: values.take(pa.array(kept)) for name, values in columns.items()},
            lines[kept],
            lambda row, name: texts[name][int(kept[row])].as_py(),
            [*bad, *failed.values()],
        )

    def _read(self, name: str, values: pa.StringArray) -> tuple[pa.Array, list[int]]:
        """Return `values` as the field's type, null where they cannot be read, and those rows."""
        wanted = self.type_of(name)
        if pa.types.is_string(wanted):
            return values, []
        nothing = pa.scalar(None, pa.string())
        values = pc.replace_with_mask(values, pc.is_in(values, pa.array(NULL_TEXTS)), nothing)
        unreadable = self._unreadable(values, wanted)
        if unreadable:
            mask = np.zeros(len(values), dtype=bool)
            mask[unreadable] = True
            values = pc.replace_with_mask(values, mask, nothing)
        return self._cast(values, wanted), unreadable

    def _unreadable(self, values: pa.StringArray, wanted: pa.DataType, offset: int = 0) -> list[int]:
        """Return the rows that cannot be cast, by halving what cannot be cast as a whole."""
        try:
            self._cast(values, wanted)
        except pa.ArrowInvalid:
            if len(values) == 1:
                return [offset]
            half = len(values) // 2
            left = self._unreadable(values[:half], wanted, offset)
            return left + self._unreadable(values[half:], wanted, offset + half)
        return []

    def _cast(self, values: pa.StringArray, wanted: pa.DataType) -> pa.Array:
        if self.times.pattern is not None and pa.types.is_timestamp(wanted):
            return pc.strptime(values, self.times.pattern, "s").cast(wanted)
        return values.cast(wanted)


def _why_unreadable(name: str, text: str) -> str:
    if name == TIME:
        return "is not a time as this file writes them"
    if _WITH_COMMA.fullmatch(text.strip()):
        return "is not a number: it has a comma; write decimals with a point and thousands without a mark"
    return "is not a number"


def as_fixed_point(
    values: pa.Array, *, places: int, is_rounding: bool = False
) -> tuple[pa.Decimal128Array, int | None]:
    """Return numbers of any type as decimals of scale 16, and the lowest if none needs a closer look.

    The lowest is counted in steps of `10**-places`; None leaves the judgement to the checks. Raises
    `pa.ArrowInvalid` for decimals that do not fit.
    """
    if pa.types.is_floating(values.type):
        floats = values.to_numpy(zero_copy_only=False)
        return fixed_point_from_floats(floats, places=places, is_rounding=is_rounding)
    if pa.types.is_int64(values.type) and len(values) and not values.null_count:
        integers = values.to_numpy()
        if integers.min() >= 0 and integers.max() <= ON_GRID_MAX:
            return sizes_from_integers(integers), int(integers.min())
    return values.cast(FIXED_POINT), None
