"""Cash dividends: what is paid when, and what it is worth before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from market.errors import DataError
from market.pricing.european import NS_PER_YEAR

_DISORDER = "Dividends must have positive amounts in USD a share, and ex-dividend instants that ascend"


@dataclass(frozen=True)
class DividendSchedule:
    """Expected cash dividends of one underlying, in order of time.

    `ex_ns` is the instant from which the share trades without the dividend (ns UTC, the session's open);
    `amounts` are USD a share. Raises `DataError` where amounts are not positive or instants do not ascend.
    """

    ex_ns: tuple[int, ...] = ()
    amounts: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if len(self.ex_ns) != len(self.amounts):
            raise DataError(f"{_DISORDER}: {len(self.ex_ns)} instants, {len(self.amounts)} amounts.")
        if any(not (np.isfinite(amount) and amount > 0) for amount in self.amounts):
            raise DataError(f"{_DISORDER}; the amounts are {self.amounts}.")
        if any(later <= earlier for earlier, later in zip(self.ex_ns, self.ex_ns[1:], strict=False)):
            raise DataError(f"{_DISORDER}; the instants are {self.ex_ns}.")

    @classmethod
    def of(cls, rows: Iterable[tuple[int, float]]) -> DividendSchedule:
        """Return the schedule of `(ex_ns, amount)` rows in any order."""
        ordered = sorted(rows)
        return cls(tuple(ns for ns, _ in ordered), tuple(amount for _, amount in ordered))

    def between(self, after_ns: int, until_ns: int) -> DividendSchedule:
        """Return the dividends whose ex-dividend instant lies after `after_ns` and not after `until_ns`."""
        kept = [
            (ns, amount)
            for ns, amount in zip(self.ex_ns, self.amounts, strict=True)
            if after_ns < ns <= until_ns
        ]
        return DividendSchedule.of(kept)

    def years_from(self, now_ns: int) -> np.ndarray:
        """Return years of 365 days from `now_ns` to each ex-dividend instant, `(n,)`; past: negative."""
        return (np.asarray(self.ex_ns, dtype=np.int64) - np.int64(now_ns)) / NS_PER_YEAR

    def paid_until(self, until_ns: NDArray[np.int64], *, after_ns: int) -> NDArray[np.float64]:
        """Return the sum of what goes ex after `after_ns` and not after each of `until_ns`, USD a share."""
        ahead = self.between(after_ns, int(until_ns.max())) if until_ns.size else DividendSchedule()
        sums = np.concatenate(([0.0], np.cumsum(ahead.amounts)))
        return sums[np.searchsorted(np.asarray(ahead.ex_ns, dtype=np.int64), until_ns, side="right")]

    def present_value(self, now_ns: int, until_ns: int, *, rate: float) -> float:
        """Return the value at `now_ns` of the dividends until `until_ns`, USD a share, at `rate` a year."""
        due = self.between(now_ns, until_ns)
        return float(np.sum(np.asarray(due.amounts) * np.exp(-rate * due.years_from(now_ns))))


def received_of_yield(spot: ArrayLike, dividend_yield: ArrayLike, years: ArrayLike) -> NDArray[np.float64]:
    """Return what a share at `spot` is paid in `years` at a continuous yield, USD, in today's money.

    It is what the share's forward lacks for that yield: spot times 1 - exp(-yield years).
    """
    lacking: NDArray[np.float64] = -np.asarray(spot) * np.expm1(
        -np.asarray(dividend_yield) * np.maximum(years, 0.0)
    )
    return lacking
