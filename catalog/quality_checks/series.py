"""Checks of the series that pricing needs: rate curves, volatility indexes and dividends."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from catalog.quality_checks.findings import FindingLog
from catalog.quality_checks.registry import QualityThresholds
from catalog.quality_checks.sessions import ExchangeDays
from market.errors import DataError
from market.pricing.scaled_erfc import Array
from market.rates import RateCurve
from market.time import NS_PER_SECOND, format_new_york, new_york_date

BATCH_ROWS = 8_192
_DAY_NS = 86_400 * NS_PER_SECOND


class SeriesGaps:
    """Says where a series is silent for more days than the threshold."""

    def __init__(self, log: FindingLog, *, thresholds: QualityThresholds) -> None:
        self._log = log
        self._longest_ns = thresholds.series_gap_days * _DAY_NS
        self._latest: int | None = None

    def add(self, ts_ns: int) -> None:
        """Take the time of the next value."""
        if self._latest is not None and ts_ns - self._latest > self._longest_ns:
            days = (ts_ns - self._latest) / _DAY_NS
            self._log.add("series_gap", f"nothing for {days:.1f} days from here", at_ns=self._latest)
        self._latest = ts_ns


class RatesCheck:
    """All checks of one series of rate curves but those of the order of its times."""

    def __init__(self, log: FindingLog, *, thresholds: QualityThresholds) -> None:
        self._log = log
        self._jump = thresholds.rate_jump
        self._gaps = SeriesGaps(log, thresholds=thresholds)
        self._before: RateCurve | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        """Check the next curves."""
        for row in batch.select(["ts_event", "tenors", "rates"]).to_pylist():
            ts_ns = int(row["ts_event"])
            self._gaps.add(ts_ns)
            try:
                curve = RateCurve(tuple(row["tenors"]), tuple(row["rates"]))
            except (DataError, TypeError) as error:
                self._log.add("rate_out_of_bounds", str(error), at_ns=ts_ns)
                continue
            self._compare(curve, ts_ns)
            self._before = curve

    def finish(self) -> None:
        """Nothing of rates needs the whole series."""

    def _compare(self, curve: RateCurve, ts_ns: int) -> None:
        if self._before is None:
            return
        known = dict(zip(self._before.tenors, self._before.rates, strict=True))
        for years, rate in zip(curve.tenors, curve.rates, strict=True):
            before = known.get(years)
            if before is not None and abs(rate - before) > self._jump:
                example = f"{years:.3g} years: {before:.4f}, then {rate:.4f}"
                self._log.add("series_jump", example, at_ns=ts_ns)


class LevelsCheck:
    """All checks of one volatility index but those of the order and the sessions of its times."""

    def __init__(self, log: FindingLog, *, thresholds: QualityThresholds) -> None:
        self._log = log
        self._multiple = thresholds.level_jump_multiple
        self._gaps = SeriesGaps(log, thresholds=thresholds)
        self._before = float("nan")

    def add(self, batch: pa.RecordBatch) -> None:
        """Check the next days."""
        for row in batch.select(["ts_event", "open", "high", "low", "close"]).to_pylist():
            ts_ns, close = int(row["ts_event"]), float(row["close"])
            self._gaps.add(ts_ns)
            given = np.array([row["open"], row["high"], row["low"], close], dtype=np.float64)
            example = "O/H/L/C " + "/".join(f"{value:.6g}" for value in given)
            if not close > 0 or bool((given <= 0).any()):
                self._log.add("not_a_price", example, at_ns=ts_ns)
                continue
            if _contradicts_itself(given):
                self._log.add("impossible_bar", example, at_ns=ts_ns)
            ratio = close / self._before
            if ratio > self._multiple or ratio < 1.0 / self._multiple:
                self._log.add("series_jump", f"{self._before:.6g}, then {close:.6g}", at_ns=ts_ns)
            self._before = close

    def finish(self) -> None:
        """Nothing of levels needs the whole series."""


class DividendsCheck:
    """All checks of one underlying's dividends but those of the order of the times they became known."""

    def __init__(self, log: FindingLog, *, exchange: ExchangeDays) -> None:
        self._log = log
        self._exchange = exchange
        self._stated: set[int] = set()

    def add(self, batch: pa.RecordBatch) -> None:
        """Check the next dividends."""
        for row in batch.select(["ts_event", "ex_ns", "amount"]).to_pylist():
            known_ns, ex_ns, amount = int(row["ts_event"]), int(row["ex_ns"]), float(row["amount"])
            said = f"{amount:.6g} USD ex {format_new_york(ex_ns, places=0)}"
            session = self._exchange.session_on(new_york_date(ex_ns))
            if not (amount > 0 and np.isfinite(amount)) or session is None or session.open_ns != ex_ns:
                self._log.add("not_a_dividend", said, at_ns=known_ns)
            if known_ns > ex_ns:
                self._log.add("late_declaration", said, at_ns=known_ns)
            if ex_ns in self._stated:
                self._log.add("restated_dividend", said, at_ns=known_ns)
            self._stated.add(ex_ns)

    def finish(self) -> None:
        """Nothing of dividends needs the whole series."""


def _contradicts_itself(prices: Array) -> bool:
    """Return whether high or low do not bound what is known of the day; NaN is absent."""
    known = prices[~np.isnan(prices)]
    high, low = prices[1], prices[2]
    return bool((known > high).any() or (known < low).any())
