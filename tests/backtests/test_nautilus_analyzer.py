"""The linear analyzer says what the shipped one says; the shipped one is still quadratic."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
import pytest
from nautilus_trader.analysis.analyzer import PortfolioAnalyzer
from nautilus_trader.model.identifiers import PositionId
from nautilus_trader.model.objects import Currency, Money

from backtests.nautilus_analyzer import LinearAnalyzer, install_linear_analyzer

USD = Currency.from_str("USD")
EUR = Currency.from_str("EUR")


def _linear() -> LinearAnalyzer:
    analyzer = PortfolioAnalyzer()
    install_linear_analyzer(analyzer)
    assert isinstance(analyzer, LinearAnalyzer)
    return analyzer


def _record(analyzer: PortfolioAnalyzer, count: int) -> None:
    for index in range(count):
        currency = EUR if index % 5 == 4 else USD
        profit = Money((index % 7 - 3) / 4, currency)
        ts_event = None if index % 11 == 10 else 10**18 + index
        analyzer.record_trade(PositionId(f"P-{index % 13}"), profit, ts_event)
        if index % 2:
            analyzer.add_trade(PositionId(f"P-{index % 13}"), profit, ts_event)


@pytest.mark.parametrize("currency", [USD, EUR])
def test_profits_are_those_of_the_shipped_analyzer(currency: Currency) -> None:
    shipped, linear = PortfolioAnalyzer(), _linear()
    for count in (60, 15):  # the second time after somebody has read
        _record(shipped, count)
        _record(linear, count)
        ours, theirs = linear.realized_pnls(currency), shipped.realized_pnls(currency)
        assert ours is not None
        assert theirs is not None
        pd.testing.assert_series_equal(ours, theirs)


def test_returns_are_those_of_the_shipped_analyzer() -> None:
    shipped, linear = PortfolioAnalyzer(), _linear()
    for analyzer in (shipped, linear):
        for index in range(30):
            analyzer.add_position_return(
                pd.Timestamp("2013-10-07", tz="UTC") + pd.Timedelta(hours=index % 9), 0.01
            )
        analyzer.add_positions([])
    pd.testing.assert_series_equal(
        linear.position_returns().sort_index(),
        shipped.position_returns().sort_index(),
        check_freq=False,
        check_index_type=False,
    )


def test_reset_forgets_what_nobody_has_read() -> None:
    analyzer = _linear()
    _record(analyzer, 10)
    analyzer.reset()
    assert analyzer.realized_pnls(USD) is None


def _seconds(analyzer: Any, count: int) -> float:
    started = time.process_time()
    _record(analyzer, count)
    analyzer.realized_pnls(USD)
    return time.process_time() - started


def test_the_shipped_analyzer_still_needs_this_patch() -> None:
    assert _seconds(PortfolioAnalyzer(), 600) > 8 * _seconds(_linear(), 600)
