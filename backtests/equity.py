"""Equity minute by minute, computed after the run from fills and sampled quotes.

    equity = starting balance + cash flows of the fills - commissions + shares held x mid

`realized` is what closed shares earned at average cost, commissions deducted; `unrealized` the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from backtests.fills import Fill
from backtests.period import Period
from backtests.quote_samples import FloatArray, IntArray, QuoteSamples
from market.time import NS_PER_MINUTE


@dataclass(frozen=True, slots=True)
class EquityCurve:
    """Equity in USD at each full minute of the sessions and after the last event; shapes `(n,)`."""

    ts_ns: IntArray
    equity_usd: FloatArray
    realized_usd: FloatArray
    unrealized_usd: FloatArray

    @property
    def max_drawdown_usd(self) -> float:
        """The deepest fall from a high so far, as a positive number."""
        if self.equity_usd.size == 0:
            return 0.0
        return float((np.maximum.accumulate(self.equity_usd) - self.equity_usd).max())


def equity_curve(
    fills: Sequence[Fill], samples: Sequence[QuoteSamples], *, period: Period, starting_balance_usd: Decimal
) -> EquityCurve:
    """Return the curve; positions are valued at the last mid known, or at their cost before any quote."""
    ts_ns = _grid(fills, samples, period)
    realized = np.zeros(ts_ns.size)
    unrealized = np.zeros(ts_ns.size)
    mids = {sample.instrument_id: sample for sample in samples}
    for key in sorted({(fill.strategy_id, fill.instrument_id) for fill in fills}):
        own = [fill for fill in fills if (fill.strategy_id, fill.instrument_id) == key]
        ledger = _Ledger(own)
        held = np.searchsorted(ledger.ts_ns, ts_ns, side="right")
        realized += ledger.realized[held]
        mid = _value_at(mids[key[1]], ts_ns)
        cost = ledger.average_price[held]
        unrealized += ledger.shares[held] * (np.where(np.isnan(mid), cost, mid) - cost)
    start = float(starting_balance_usd)
    return EquityCurve(ts_ns, start + realized + unrealized, realized, unrealized)


class _Ledger:
    """Shares, average cost and realized profit after each fill; index 0 is before the first."""

    def __init__(self, fills: Sequence[Fill]) -> None:
        shares, cost, realized = 0, Decimal(0), Decimal(0)
        rows: list[tuple[float, float, float]] = [(0.0, 0.0, 0.0)]
        for fill in fills:
            change = fill.signed_quantity
            if shares * change < 0:
                closed = min(abs(change), abs(shares)) * (1 if shares > 0 else -1)
                realized += closed * (fill.price - cost)
                if abs(change) > abs(shares):
                    cost = fill.price
            else:
                cost = (shares * cost + change * fill.price) / (shares + change)
            shares += change
            realized -= fill.commission_usd
            rows.append((float(shares), float(cost), float(realized)))
        table = np.array(rows)
        self.ts_ns: IntArray = np.array([fill.ts_ns for fill in fills], dtype=np.int64)
        self.shares, self.average_price, self.realized = table[:, 0], table[:, 1], table[:, 2]


def _grid(fills: Sequence[Fill], samples: Sequence[QuoteSamples], period: Period) -> IntArray:
    minutes = [
        np.arange(session.open_ns, session.close_ns + 1, NS_PER_MINUTE, dtype=np.int64)
        for session in period.sessions
    ]
    last = [fill.ts_ns for fill in fills[-1:]] + [int(s.ts_ns[-1]) for s in samples if s.ts_ns.size]
    grid = np.unique(np.concatenate(minutes))
    end_ns = max(last, default=int(grid[-1]))
    return np.append(grid, end_ns) if end_ns > grid[-1] else grid


def _value_at(sample: QuoteSamples, ts_ns: npt.NDArray[np.int64]) -> FloatArray:
    """Return the last mid at or before each time; NaN before the first quote."""
    position = np.searchsorted(sample.ts_ns, ts_ns, side="right") - 1
    if sample.ts_ns.size == 0:
        return np.full(ts_ns.size, np.nan)
    return np.where(position >= 0, sample.mid[np.maximum(position, 0)], np.nan)
