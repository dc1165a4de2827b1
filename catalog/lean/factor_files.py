"""Lean's factor files: how prices and sizes of a day compare with today's, after splits and dividends.

Rows read `date,price factor,split factor,reference price`. A row holds for the days after the row before it
up to its own date, the last trading day before the dividend or split. The split factor multiplies prices and
divides sizes; the price factor (dividends) multiplies prices only, for a dividend makes no shares.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catalog.columns import Int64Array
from market.errors import DataError, NotFoundError

Float64Array = npt.NDArray[np.float64]
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


class Adjust(StrEnum):
    """How prices are made comparable over time."""

    NONE = "none"
    SPLITS = "splits"
    SPLITS_AND_DIVIDENDS = "splits_and_dividends"


@dataclass(frozen=True, slots=True)
class FactorFile:
    """Factors by day: `last_days` (days since 1970) ascending, factors of the days up to each."""

    last_days: Int64Array
    price_factors: Float64Array
    split_factors: Float64Array
    adjust: Adjust

    @classmethod
    def read(cls, path: Path, adjust: Adjust) -> FactorFile:
        """Return the factors of a file; raises `NotFoundError` without it, `DataError` for other content."""
        if not path.is_file():
            raise NotFoundError(
                f"No factor file {path}: cannot adjust prices for {adjust}. Fetch it, or ingest raw prices."
            )
        rows = sorted(line.split(",") for line in path.read_text(encoding="utf-8").split())
        try:
            days = [_day_number(row[0]) for row in rows]
            factors = np.array([[float(row[1]), float(row[2])] for row in rows])
        except (ValueError, IndexError):
            raise DataError(
                f"{path} is not a Lean factor file: rows read date,price factor,split factor,price."
            ) from None
        if not rows or not np.isfinite(factors).all() or (factors <= 0).any():
            raise DataError(f"{path} is not a Lean factor file: factors must be positive numbers.")
        return cls(np.array(days, dtype=np.int64), factors[:, 0], factors[:, 1], adjust)

    def prices(self, values: Int64Array, days: Int64Array) -> Int64Array:
        """Return prices in 1/10,000 USD, adjusted and rounded; `days` are days since 1970 (New York)."""
        place = self._place(days)
        factor = _at(self.split_factors, place)
        if self.adjust is Adjust.SPLITS_AND_DIVIDENDS:
            factor = factor * _at(self.price_factors, place)
        return np.rint(values * factor).astype(np.int64)

    def sizes(self, values: Int64Array, days: Int64Array) -> Int64Array:
        """Return shares, adjusted for splits and rounded."""
        return np.rint(values / _at(self.split_factors, self._place(days))).astype(np.int64)

    def _place(self, days: Int64Array) -> Int64Array:
        return np.searchsorted(self.last_days, days, side="left")


def _at(factors: Float64Array, place: Int64Array) -> Float64Array:
    """Return the factors at `place`; days after the last row need none."""
    return np.append(factors, 1.0)[place]


def _day_number(text: str) -> int:
    day = datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007  # a date has no zone
    return day.toordinal() - _EPOCH_ORDINAL
