"""Real-time bars: five seconds of market time each."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.tws_simulator.messages import IN, OUT
from market.time import to_ns
from tests.adapters.tws_simulator.in_process import FakeSession
from tests.adapters.tws_simulator.market_data.market import AAPL, SPX, MarketInProcess, contract


def subscribe(client: FakeSession, request_id: int = 5, con_id: int = AAPL, **fields: Any) -> None:
    wanted = {"barSize": 5, "whatToShow": "TRADES", "useRTH": False} | fields
    client.request(
        OUT.REQ_REAL_TIME_BARS,
        "RealTimeBarsRequest",
        reqId=request_id,
        contract=contract(con_id, exchange=""),
        **wanted,
    )


def test_a_bar_holds_the_trades_of_its_five_seconds() -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    subscribe(client)
    tws.run_for(60.0)
    bars = client.take(IN.REAL_TIME_BARS)
    assert [bar.time % 5 for bar in bars] == [0] * 12
    second = bars[1]
    trades = tws.origin.history.trades(AAPL, second.time * 10**9, (second.time + 5) * 10**9)
    prices = trades.price / 10_000
    assert (second.open, second.close) == (prices[0], prices[-1])
    assert (second.high, second.low) == (prices.max(), prices.min())
    assert (second.volume, second.count) == (str(trades.size.sum()), len(prices))


@pytest.mark.parametrize("kind", ["BID", "ASK", "MIDPOINT"])
def test_a_bar_of_quotes_has_no_volume(kind: str) -> None:
    """Captured for EUR.USD: volume, average and count are -1."""
    tws = MarketInProcess()
    client = tws.client(1)
    subscribe(client, whatToShow=kind)
    tws.run_for(10.0)
    bars = client.take(IN.REAL_TIME_BARS)
    assert [(bar.volume, bar.WAP, bar.count) for bar in bars] == [("-1", "-1", -1)] * 2


def test_a_bar_without_trades_repeats_the_last_price() -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    tws.hold(AAPL, "200.00", "200.02", last="200.01")
    subscribe(client)
    tws.run_for(5.0)
    (bar,) = client.take(IN.REAL_TIME_BARS)
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.count) == (200.01,) * 4 + ("0", 0)


def test_an_index_has_bars_of_its_values() -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    subscribe(client, con_id=SPX)
    tws.run_for(10.0)
    bars = client.take(IN.REAL_TIME_BARS)
    assert len(bars) == 2
    assert all(5000 < bar.low <= bar.high < 7000 for bar in bars)


def test_outside_regular_hours_bars_come_only_when_wanted() -> None:
    tws = MarketInProcess(now_ns=to_ns("2026-01-02T08:00:00-05:00"))
    client = tws.client(1)
    subscribe(client, 1, useRTH=True)
    subscribe(client, 2, useRTH=False)
    tws.run_for(15.0)
    assert {bar.reqId for bar in client.take(IN.REAL_TIME_BARS)} == {2}


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"barSize": 10}, 321), ({"whatToShow": "BID_ASK"}, 420), ({"con_id": 5}, 200)],
)
def test_what_does_not_exist_is_refused(fields: dict[str, Any], code: int) -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    subscribe(client, **fields)
    assert client.take_errors() == [(5, code)]


def test_a_cancelled_request_ends() -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    subscribe(client)
    client.request(OUT.CANCEL_REAL_TIME_BARS, "CancelRealTimeBars", reqId=5)
    client.request(OUT.CANCEL_REAL_TIME_BARS, "CancelRealTimeBars", reqId=5)
    assert client.take_errors() == [(5, 300)]
    tws.run_for(20.0)
    assert client.take(IN.REAL_TIME_BARS) == []
    assert tws.market.bars.count() == 0
