"""Equity from fills and quotes agrees with counting cash and shares minute by minute."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests.equity import equity_curve
from backtests.fills import Fill
from backtests.period import Period, select
from backtests.quote_samples import QuoteSamples, sample_quotes
from market.calendar import TradingCalendar
from market.time import NS_PER_MINUTE, NS_PER_SECOND
from tests.backtests.markets import DAY, START_NS, write_market

NAME = "ZVZZT.SMART"
PERIOD = Period(DAY, DAY, TradingCalendar(DAY, DAY).sessions(DAY, DAY))
OPEN_NS = PERIOD.sessions[0].open_ns


def _fill(at_ns: int, signed: int, price: str, fee: str = "0") -> Fill:
    return Fill(
        trade_id="T",
        client_order_id="O",
        strategy_id="S",
        instrument_id=NAME,
        side="BUY" if signed > 0 else "SELL",
        quantity=abs(signed),
        price=Decimal(price),
        commission_usd=Decimal(fee),
        liquidity="TAKER",
        ts_ns=at_ns,
        correlation_id=None,
    )


def _samples(mids: list[float], *, start_ns: int = OPEN_NS) -> QuoteSamples:
    times = start_ns + np.arange(len(mids), dtype=np.int64) * NS_PER_MINUTE
    mid = np.array(mids)
    return QuoteSamples(NAME, times, mid - 0.01, mid + 0.01)


def test_a_held_position_follows_the_mid() -> None:
    fills = [_fill(OPEN_NS + NS_PER_SECOND, 10, "9.00", "0.35")]
    curve = equity_curve(
        fills, [_samples([9.00, 9.10, 8.90])], period=PERIOD, starting_balance_usd=Decimal(1000)
    )
    assert curve.equity_usd[:3].tolist() == pytest.approx([1000, 1000.65, 998.65])
    assert curve.realized_usd[1] == pytest.approx(-0.35)
    assert curve.max_drawdown_usd == pytest.approx(2.0)


def test_a_position_without_a_quote_yet_is_valued_at_its_cost() -> None:
    late = _samples([9.50], start_ns=OPEN_NS + 10 * NS_PER_MINUTE)
    curve = equity_curve(
        [_fill(OPEN_NS, 10, "9.00")], [late], period=PERIOD, starting_balance_usd=Decimal(1000)
    )
    assert curve.equity_usd[5] == pytest.approx(1000)
    assert curve.equity_usd[10] == pytest.approx(1005)


def test_runs_from_the_open_to_the_close_and_ends_after_the_last_event() -> None:
    curve = equity_curve([], [_samples([9.0])], period=PERIOD, starting_balance_usd=Decimal(500))
    assert (curve.ts_ns[0], curve.ts_ns[-1]) == (OPEN_NS, PERIOD.sessions[0].close_ns)
    assert len(curve.ts_ns) == 391
    after = PERIOD.sessions[0].close_ns + NS_PER_MINUTE
    late = equity_curve(
        [_fill(after, 1, "9")], [_samples([9.0])], period=PERIOD, starting_balance_usd=Decimal(500)
    )
    assert late.ts_ns[-1] == after


@given(
    st.lists(
        st.tuples(st.integers(1, 389), st.integers(-20, 20).filter(bool), st.integers(500, 1500)), max_size=25
    )
)
def test_equity_is_cash_plus_shares_at_the_mid(rows: list[tuple[int, int, int]]) -> None:
    mids = [9.0 + (minute % 7) / 50 for minute in range(391)]
    fills = [
        _fill(OPEN_NS + minute * NS_PER_MINUTE, signed, str(Decimal(cents) / 100), "0.01")
        for minute, signed, cents in sorted(rows)
    ]
    curve = equity_curve(fills, [_samples(mids)], period=PERIOD, starting_balance_usd=Decimal(1000))
    for minute in (0, 100, 200, 390):
        now = [fill for fill in fills if fill.ts_ns <= OPEN_NS + minute * NS_PER_MINUTE]
        cash = sum(float(fill.cash_usd - fill.commission_usd) for fill in now)
        shares = sum(fill.signed_quantity for fill in now)
        assert curve.equity_usd[minute] == pytest.approx(1000 + cash + shares * mids[minute])
    assert np.allclose(curve.equity_usd, 1000 + curve.realized_usd + curve.unrealized_usd)


def test_samples_are_the_last_quote_of_each_second(tmp_path: Path) -> None:
    quotes = [
        (at, 9 + at / 100_000, 9.5 + at / 100_000, 100, 100) for at in (0, 400, 900, 1_000, 2_600, 5_999)
    ]
    quotes = [(at, round(bid, 4), round(ask, 4), a, b) for at, bid, ask, a, b in quotes]
    catalog = write_market(tmp_path / "c", quotes=quotes)
    (sample,) = sample_quotes(select(catalog, [NAME], book="L1", queue_position=False))
    assert ((sample.ts_ns - START_NS) // 1_000_000).tolist() == [900, 1_000, 2_600, 5_999]
    assert sample.bid.tolist() == [9.009, 9.01, 9.026, 9.06]
    assert sample.mid.tolist() == pytest.approx([9.259, 9.26, 9.276, 9.31])


def test_samples_of_high_prices_are_exact(tmp_path: Path) -> None:
    """Beyond 922 USD Nautilus' fixed point no longer fits 64 bits."""
    catalog = write_market(tmp_path / "c", quotes=[(0, 5_123.4567, 90_000.01, 100, 100)])
    (sample,) = sample_quotes(select(catalog, [NAME], book="L1", queue_position=False))
    assert (sample.bid[0], sample.ask[0]) == pytest.approx((5_123.4567, 90_000.01), rel=1e-15)
