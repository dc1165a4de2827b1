"""PATCH of NautilusTrader 1.231: statistics of closed positions in linear time.

As shipped, `PortfolioAnalyzer` concatenates a pandas Series per closed position and enlarges another by
`loc`: every round trip costs more than the one before it (6,000 of them most of a minute). Here records
are appended to lists, and become Series, with the same values, index, dtypes and order, when read.

`tests/backtests/test_nautilus_analyzer.py` measures the defect as shipped and fails once upstream has
cured it: then delete this file.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
from nautilus_trader.analysis.analyzer import PortfolioAnalyzer

if TYPE_CHECKING:
    from nautilus_trader.model.identifiers import PositionId
    from nautilus_trader.model.objects import Currency, Money
    from nautilus_trader.model.position import Position

SeriesByCurrency = dict[Any, pd.Series]


class LinearAnalyzer(PortfolioAnalyzer):
    """A `PortfolioAnalyzer` that appends; made from a shipped one by `install_linear_analyzer`."""

    # Set by `install_linear_analyzer`: the constructor has run by then, as the parent class.
    _waiting: list[tuple[SeriesByCurrency, SeriesByCurrency, Any, str, float, int | None]]
    _returns_by_time: dict[datetime, float]

    def reset(self) -> None:
        """Forget everything, as the parent does."""
        super().reset()
        self._waiting = []
        self._returns_by_time = {}

    def realized_pnls(self, currency: Currency | None = None) -> pd.Series | None:
        """Return the profits of closed positions, as the parent does."""
        self._write_waiting()
        return super().realized_pnls(currency)

    def add_positions(self, positions: list[Position]) -> None:
        """Add positions, as the parent does."""
        super().add_positions(positions)
        self._write_returns()

    def add_position_return(self, timestamp: datetime, value: float) -> None:
        """Add a return; the Series holds it once `add_positions` has ended."""
        self._returns_by_time[timestamp] = self._returns_by_time.get(timestamp, 0.0) + float(value)

    def calculate_statistics(self, account: Any, positions: list[Position]) -> None:
        """Calculate all statistics, as the parent does."""
        self._returns_by_time = {}
        super().calculate_statistics(account, positions)

    def _append_pnl_record(
        self,
        pnls: SeriesByCurrency,
        timestamps: SeriesByCurrency,
        position_id: PositionId,
        realized_pnl: Money,
        ts_event: int | None,
    ) -> None:
        moment = None if ts_event is None else int(ts_event)
        record = (
            pnls,
            timestamps,
            realized_pnl.currency,
            position_id.value,
            realized_pnl.as_double(),
            moment,
        )
        self._waiting.append(record)

    def _write_waiting(self) -> None:
        """Concatenate what waits, once per Series instead of once per record."""
        waiting, self._waiting = self._waiting, []
        groups: dict[tuple[int, Any], list[tuple[Any, ...]]] = {}
        for record in waiting:
            groups.setdefault((id(record[0]), record[2]), []).append(record)
        for (_, currency), records in groups.items():
            pnls, timestamps = records[0][:2]
            index = [record[3] for record in records]
            _extend(pnls, currency, pd.Series([r[4] for r in records], index=index, dtype="float64"))
            _extend(timestamps, currency, pd.Series([r[5] for r in records], index=index, dtype=object))

    def _write_returns(self) -> None:
        if not self._returns_by_time:
            return
        added = pd.Series(self._returns_by_time, dtype="float64")
        known = self._position_returns
        self._position_returns = added if known.empty else known.add(added, fill_value=0.0)
        self._returns_by_time = {}
        self._sync_returns_alias()


def install_linear_analyzer(analyzer: PortfolioAnalyzer) -> None:
    """Turn `analyzer` (a portfolio's; the attribute cannot be replaced) into a `LinearAnalyzer`."""
    analyzer.__class__ = LinearAnalyzer
    assert isinstance(analyzer, LinearAnalyzer)
    analyzer._waiting = []
    analyzer._returns_by_time = {}


def _extend(series: SeriesByCurrency, currency: Any, added: pd.Series) -> None:
    known = series.get(currency)
    series[currency] = added if known is None else pd.concat([known, added])
