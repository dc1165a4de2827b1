"""Tick by tick data: every change, its form, its limits."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tws_simulator.market_data.encoding import BidAskEncoder, request_id_bytes, varint
from adapters.tws_simulator.messages import IN, OUT, message_type
from tests.adapters.tws_simulator.in_process import FakeSession
from tests.adapters.tws_simulator.market_data.market import AAPL, SPX, SPY, MarketInProcess, contract


def subscribe(client: FakeSession, request_id: int, con_id: int, kind: str, **fields: Any) -> None:
    client.request(
        OUT.REQ_TICK_BY_TICK_DATA,
        "TickByTickRequest",
        reqId=request_id,
        contract=contract(con_id),
        tickType=kind,
        **fields,
    )


def test_every_quote_is_sent_with_its_whole_second() -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    tws.hold(AAPL, "200.00", "200.02")
    subscribe(client, 5, AAPL, "BidAsk")
    tws.hold(AAPL, "200.01", "200.03", size=7)
    first, second = client.take(IN.TICK_BY_TICK)
    assert first.historicalTickBidAsk.priceBid == 200.0
    tick = second.historicalTickBidAsk
    assert (second.reqId, second.tickType, tick.time) == (5, 3, tws.broker.market_ns // 10**9)
    assert (tick.priceBid, tick.priceAsk, tick.sizeBid, tick.sizeAsk) == (200.01, 200.03, "7", "7")


def test_a_side_without_a_price_is_zero() -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    subscribe(client, 5, AAPL, "BidAsk")
    client.take()
    tws.broker.run_command("set_quote", {"con_id": AAPL, "bid": "0", "bid_size": "0", "ask": "5"})
    (tick,) = client.take(IN.TICK_BY_TICK)
    assert (tick.historicalTickBidAsk.priceBid, tick.historicalTickBidAsk.sizeBid) == (0.0, "0")


def test_sizes_alone_are_left_out_when_asked() -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    tws.hold(AAPL, "200.00", "200.02")
    subscribe(client, 5, AAPL, "BidAsk", ignoreSize=True)
    tws.hold(AAPL, "200.00", "200.02", size=5)
    tws.hold(AAPL, "200.00", "200.02", size=6)
    tws.hold(AAPL, "200.01", "200.02", size=6)
    prices = [tick.historicalTickBidAsk.priceBid for tick in client.take(IN.TICK_BY_TICK)]
    assert prices[-1] == 200.01
    assert len(prices) <= 3


@pytest.mark.parametrize(("kind", "number"), [("Last", 1), ("AllLast", 2)])
def test_trades_are_sent_with_their_exchange(kind: str, number: int) -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    subscribe(client, 5, AAPL, kind)
    tws.hold(AAPL, "200.00", "200.02", last="200.01", size=30)
    (tick,) = client.take(IN.TICK_BY_TICK)
    last = tick.historicalTickLast
    assert (tick.tickType, last.price, last.size, last.exchange) == (number, 200.01, "30", "NASDAQ")
    assert not last.tickAttribLast.unreported


def test_mid_points_are_the_middle() -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    tws.hold(AAPL, "200.00", "200.02")
    subscribe(client, 5, AAPL, "MidPoint")
    (tick,) = client.take(IN.TICK_BY_TICK)
    assert (tick.tickType, tick.historicalTickMidPoint.price) == (4, 200.01)


def test_two_clients_get_the_same_ticks_under_their_own_ids() -> None:
    tws = MarketInProcess()
    first, second = tws.client(1), tws.client(2)
    subscribe(first, 5, AAPL, "BidAsk")
    subscribe(second, 900, AAPL, "BidAsk")
    first.take()
    second.take()
    tws.run_for(5.0)
    one, other = first.take(IN.TICK_BY_TICK), second.take(IN.TICK_BY_TICK)
    assert len(one) == len(other) == 20
    assert {tick.reqId for tick in one} == {5}
    assert {tick.reqId for tick in other} == {900}
    assert [tick.historicalTickBidAsk for tick in one] == [tick.historicalTickBidAsk for tick in other]


@pytest.mark.parametrize(
    ("con_id", "kind", "code"), [(AAPL, "Bid", 321), (SPX, "Last", 10189), (12345, "Last", 200)]
)
def test_what_cannot_be_had_is_refused(con_id: int, kind: str, code: int) -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    client.request(
        OUT.REQ_TICK_BY_TICK_DATA,
        "TickByTickRequest",
        reqId=5,
        contract=contract(con_id, exchange=""),
        tickType=kind,
    )
    assert client.take_errors() == [(5, code)]


def test_options_have_ticks_only_where_the_setting_says_so() -> None:
    for is_allowed in (False, True):
        tws = MarketInProcess(data={"has_option_tick_by_tick": is_allowed})
        client = tws.client(1)
        subscribe(client, 5, tws.universe.options_of(AAPL)[20].con_id, "BidAsk")
        assert client.take_errors() == ([] if is_allowed else [(5, 10189)])


def test_the_limit_counts_all_clients_and_frees_what_is_cancelled() -> None:
    tws = MarketInProcess()
    first, second = tws.client(1), tws.client(2)
    for request_id, kind in enumerate(("Last", "BidAsk")):
        subscribe(first, request_id, AAPL, kind)
    subscribe(second, 1, SPY, "Last")
    subscribe(second, 2, SPY, "BidAsk")
    assert second.take_errors() == [(2, 10190)]
    first.request(OUT.CANCEL_TICK_BY_TICK_DATA, "CancelTickByTick", reqId=0)
    subscribe(second, 3, SPY, "BidAsk")
    first.request(OUT.CANCEL_TICK_BY_TICK_DATA, "CancelTickByTick", reqId=0)
    assert second.take_errors() == []
    assert first.take_errors() == [(0, 300)]


prices = st.decimals(min_value=0, max_value=100_000, places=4)
sizes = st.integers(0, 10**9).map(Decimal)


@given(
    st.integers(-(2**31), 2**31 - 1),
    st.integers(0, 2**40),
    st.tuples(prices, prices),
    st.tuples(sizes, sizes),
    st.booleans(),
    st.booleans(),
)
def test_the_fast_encoding_is_the_message(
    request_id: int,
    seconds: int,
    price: tuple[Decimal, Decimal],
    size: tuple[Decimal, Decimal],
    is_past_low: bool,
    is_past_high: bool,
) -> None:
    shared = BidAskEncoder().encode(seconds, price, size, is_past_low=is_past_low, is_past_high=is_past_high)
    message = message_type("TickByTickData")(reqId=request_id, tickType=3)
    tick = message.historicalTickBidAsk
    tick.time, tick.priceBid, tick.priceAsk = seconds, float(price[0]), float(price[1])
    tick.sizeBid, tick.sizeAsk = str(size[0]), str(size[1])
    tick.tickAttribBidAsk.bidPastLow, tick.tickAttribBidAsk.askPastHigh = is_past_low, is_past_high
    assert message_type("TickByTickData").FromString(request_id_bytes(request_id) + shared) == message


@given(st.integers(-(2**31), 2**31 - 1))
def test_numbers_are_written_as_protobuf_writes_them(number: int) -> None:
    message = message_type("TickSize")(reqId=number)
    assert b"\x08" + varint(number) == message.SerializeToString()
