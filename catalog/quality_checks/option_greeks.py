"""Checks of greeks that are stored for single contracts."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from catalog.quality_checks.findings import FindingLog
from catalog.quality_checks.option_values import greeks_out_of_bounds, iv_out_of_bounds
from catalog.quality_checks.records import BoolArray
from catalog.quality_checks.registry import QualityThresholds
from market.errors import DataError
from market.option_contracts import parse_occ_symbol
from market.pricing.scaled_erfc import Array

BATCH_ROWS = 65_536


class GreeksCheck:
    """All checks of one contract's greeks but those of their times."""

    def __init__(self, log: FindingLog, *, thresholds: QualityThresholds, instrument_id: str) -> None:
        self._log = log
        self._thresholds = thresholds
        self._is_call = _is_call(instrument_id)

    def add(self, batch: pa.RecordBatch) -> None:
        """Check the next records."""
        delta, gamma, vega, iv, price = (
            _floats(batch, name) for name in ("delta", "gamma", "vega", "mark_iv", "underlying_price")
        )
        times = batch["ts_event"].to_numpy(zero_copy_only=False).astype(np.int64)

        def mark(check: str, where: BoolArray) -> None:
            rows = np.flatnonzero(where)
            self._log.add_rows(
                check,
                rows,
                times,
                describe=lambda row: (
                    f"delta {delta[row]:.4g}, gamma {gamma[row]:.4g}, vega {vega[row]:.4g}, IV {iv[row]:.4g}"
                ),
            )

        mark("iv_out_of_bounds", iv_out_of_bounds(iv, highest=self._thresholds.iv_fraction))
        if self._is_call is not None:
            is_call = np.full(len(delta), self._is_call)
            mark("greeks_out_of_bounds", greeks_out_of_bounds(delta, gamma, vega, is_call))
        with np.errstate(invalid="ignore"):
            mark("not_a_price", price <= 0)

    def finish(self) -> None:
        """Nothing of greeks needs the whole stream."""


def _is_call(instrument_id: str) -> bool | None:
    """Return the right that an id names; None for ids of other vendors."""
    try:
        return parse_occ_symbol(instrument_id).is_call
    except DataError:
        return None


def _floats(batch: pa.RecordBatch, name: str) -> Array:
    values: Array = batch[name].to_numpy(zero_copy_only=False).astype(np.float64)
    return values
