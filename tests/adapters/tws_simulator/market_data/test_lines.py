"""Market data lines: what is sent, how often, how many, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.tws_simulator.interfaces import Quote
from adapters.tws_simulator.market_data import tick_messages as ticks
from adapters.tws_simulator.messages import IN, OUT, message_type
from market.time import to_ns
from tests.adapters.tws_simulator.in_process import FakeSession
from tests.adapters.tws_simulator.market_data.market import (
    AAPL,
    SPX,
    SPY,
    MarketInProcess,
    contract,
)


def line(client: FakeSession, request_id: int, con_id: int, **fields: Any) -> None:
    client.request(
        OUT.REQ_MKT_DATA, "MarketDataRequest", reqId=request_id, contract=contract(con_id), **fields
    )


def prices(client: FakeSession) -> dict[int, float]:
    return {tick.tickType: tick.price for tick in client.take(IN.TICK_PRICE)}


def test_a_line_begins_with_its_type_and_parameters() -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    tws.hold(AAPL, "200.00", "200.02")
    line(client, 5, AAPL)
    assert client.ids()[:3] == [IN.MARKET_DATA_TYPE, IN.TICK_REQ_PARAMS, IN.TICK_GENERIC]
    assert client.take(IN.MARKET_DATA_TYPE)[0].marketDataType == 1
    parameters = client.take(IN.TICK_REQ_PARAMS)[0]
    assert (parameters.minTick, parameters.bboExchange, parameters.snapshotPermissions) == (
        "0.01",
        "9c0001",
        3,
    )
    first = client.take(IN.TICK_PRICE)[:2]
    assert [(tick.reqId, tick.tickType, tick.price, tick.size) for tick in first] == [
        (5, ticks.BID, 200.0, "100"),
        (5, ticks.ASK, 200.02, "100"),
    ]


def test_a_line_is_sampled_and_shows_only_what_changed() -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    tws.hold(AAPL, "200.00", "200.02")
    line(client, 5, AAPL)
    client.take()
    for cents in range(5):
        tws.hold(AAPL, f"200.0{cents}", "200.10")
    tws.run_for(0.249)
    assert client.ids() == []
    tws.run_for(0.001)
    assert prices(client) == {ticks.BID: 200.04, ticks.ASK: 200.10}
    tws.hold(AAPL, "200.04", "200.10", size=300)
    tws.run_for(0.25)
    assert [(tick.tickType, tick.size) for tick in client.take(IN.TICK_SIZE)] == [
        (ticks.BID_SIZE, "300"),
        (ticks.ASK_SIZE, "300"),
    ]
    assert client.ids() == []


def test_without_sampling_every_change_is_sent_at_once() -> None:
    tws = MarketInProcess(data={"top_of_book_ms": 0})
    client = tws.client(1)
    line(client, 5, AAPL)
    client.take()
    tws.hold(AAPL, "200.00", "200.02")
    assert prices(client) == {ticks.BID: 200.0, ticks.ASK: 200.02}


def test_a_trade_is_shown_with_its_time_and_the_day() -> None:
    tws = MarketInProcess(data={"top_of_book_ms": 0})
    client = tws.client(1)
    line(client, 5, AAPL)
    client.take()
    tws.run_for(1.0)
    client.take()
    tws.hold(AAPL, "200.00", "200.02", last="999.00")
    shown = prices(client)
    assert shown[ticks.LAST] == shown[ticks.HIGH] == 999.0
    stamps = [tick for tick in client.take(IN.TICK_STRING) if tick.tickType == ticks.LAST_TIMESTAMP]
    assert [stamp.value for stamp in stamps] == [str(tws.broker.market_ns // 10**9)]


def test_an_index_has_a_last_value_and_no_sides() -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    client.request(OUT.REQ_MKT_DATA, "MarketDataRequest", reqId=1, contract=contract(SPX, "CBOE"))
    tws.run_for(1.0)
    shown = prices(client)
    assert ticks.LAST in shown
    assert ticks.BID not in shown


def test_a_closed_market_shows_no_sides_on_a_live_line() -> None:
    """Captured for AAPL on a holiday: bid -1 with size 0 at market data type 1."""
    tws = MarketInProcess(now_ns=to_ns("2026-01-03T12:00:00-05:00"))
    client = tws.client(1)
    line(client, 1, AAPL)
    assert {kind: prices_.price for kind, prices_ in ((t.tickType, t) for t in client.take(IN.TICK_PRICE))}[
        ticks.BID
    ] == -1.0


def test_a_closed_market_shows_frozen_sides_when_asked() -> None:
    tws = MarketInProcess(now_ns=to_ns("2026-01-03T12:00:00-05:00"))
    client = tws.client(1)
    client.request(OUT.REQ_MARKET_DATA_TYPE, "MarketDataTypeRequest", marketDataType=2)
    line(client, 1, AAPL)
    assert client.take(IN.MARKET_DATA_TYPE)[0].marketDataType == 2
    assert prices(client)[ticks.BID] > 0


def test_a_snapshot_ends_and_holds_no_line() -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    line(client, 5, AAPL, snapshot=True)
    assert client.ids()[-1] == IN.TICK_SNAPSHOT_END
    assert tws.market.session_subscriptions(tws.session(client))["lines"] == 0


def test_a_combination_is_quoted_from_its_legs() -> None:
    tws = MarketInProcess(data={"top_of_book_ms": 0})
    client = tws.client(1)
    low, high = [option for option in tws.universe.options_of(AAPL) if option.right == "C" and option.strike][
        8:10
    ]
    tws.hold(low.con_id, "5.00", "5.10", size=40)
    tws.hold(high.con_id, "3.00", "3.20", size=10)
    bag = message_type("Contract")(symbol="AAPL", secType="BAG", exchange="SMART", currency="USD")
    bag.comboLegs.add(conId=low.con_id, ratio=1, action="BUY", exchange="SMART")
    bag.comboLegs.add(conId=high.con_id, ratio=1, action="SELL", exchange="SMART")
    client.request(OUT.REQ_MKT_DATA, "MarketDataRequest", reqId=1, contract=bag)
    assert prices(client) == {ticks.BID: 1.8, ticks.ASK: 2.1}
    client.take()
    tws.hold(high.con_id, "3.10", "3.20", size=10)
    assert prices(client) == {ticks.ASK: 2.0}


@pytest.mark.parametrize(
    ("data", "wanted", "codes"),
    [
        ({"live": ()}, 1, [354]),
        ({"live": (), "has_delayed_data": False}, 3, [354]),
        ({"has_api_acknowledgement": False}, 1, [10089]),
        ({"live": ()}, 3, [10167]),
        ({"has_api_acknowledgement": False}, 4, [10167]),
        ({}, 3, []),
    ],
)
def test_what_is_not_subscribed_is_refused_or_delayed(
    data: dict[str, Any], wanted: int, codes: list[int]
) -> None:
    tws = MarketInProcess(data=data)
    client = tws.client(1)
    client.request(OUT.REQ_MARKET_DATA_TYPE, "MarketDataTypeRequest", marketDataType=wanted)
    line(client, 5, AAPL)
    assert client.take_errors() == [(5, code) for code in codes]
    is_refused = bool(codes) and codes[0] != 10167
    assert bool(client.take(IN.MARKET_DATA_TYPE)) != is_refused
    assert (tws.market.lines.count() == 0) == is_refused


def test_delayed_data_is_the_quote_of_a_quarter_of_an_hour_ago() -> None:
    tws = MarketInProcess(data={"live": ()})
    client = tws.client(1)
    client.request(OUT.REQ_MARKET_DATA_TYPE, "MarketDataTypeRequest", marketDataType=3)
    line(client, 5, AAPL)
    then = tws.origin.history.quote_at(AAPL, tws.broker.market_ns - 900 * 10**9)
    assert then is not None
    shown = prices(client)
    assert shown[66] == then[0] / 10_000
    assert shown[67] == then[1] / 10_000
    assert ticks.BID not in shown
    tws.run_for(30.0)
    assert 66 in prices(client)


def test_a_competing_session_ends_lines_and_refuses_new_ones() -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    line(client, 5, AAPL)
    client.take()
    tws.broker.run_command("competing_session", {})
    assert client.take_errors() == [(5, 10197)]
    line(client, 6, AAPL)
    assert client.take_errors() == [(6, 10197)]
    tws.broker.run_command("competing_session", {"is_competing": False})
    line(client, 7, AAPL)
    assert client.take_errors() == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"genericTickList": "999"}, 321),
        ({"genericTickList": "abc"}, 321),
        ({"genericTickList": "106", "snapshot": True}, 321),
    ],
)
def test_wrong_requests_are_refused(fields: dict[str, Any], code: int) -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    line(client, 5, AAPL, **fields)
    assert client.take_errors() == [(5, code)]


def test_a_line_that_is_not_there_cannot_be_cancelled_nor_taken_twice() -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    line(client, 5, AAPL)
    client.take()
    line(client, 5, SPY)
    client.request(OUT.CANCEL_MKT_DATA, "CancelMarketData", reqId=6)
    assert client.take_errors() == [(5, 322), (6, 300)]


def test_a_cancelled_line_is_silent() -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    line(client, 5, AAPL)
    client.request(OUT.CANCEL_MKT_DATA, "CancelMarketData", reqId=5)
    client.take()
    tws.run_for(3.0)
    assert client.ids() == []


def test_a_silenced_listing_keeps_its_line_and_sends_nothing() -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    line(client, 5, AAPL)
    client.take()
    tws.market.silence(AAPL, is_silent=True)
    tws.run_for(2.0)
    assert client.ids() == []
    assert tws.market.lines.count() == 1
    tws.market.silence(AAPL, is_silent=False)
    tws.run_for(2.0)
    assert client.ids() != []


def test_dropped_subscriptions_are_gone_without_a_word() -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    line(client, 5, AAPL)
    client.take()
    tws.market.drop_all()
    tws.run_for(2.0)
    assert client.ids() == []
    assert set(tws.market.session_subscriptions(tws.session(client)).values()) == {0}


def test_the_end_of_a_session_frees_its_lines() -> None:
    tws = MarketInProcess(data={"lines_max": 1})
    first, second = tws.client(1), tws.client(2)
    line(first, 5, AAPL)
    line(second, 5, AAPL)
    assert second.take_errors() == [(5, 101)]
    first.disconnect()
    line(second, 6, AAPL)
    assert second.take_errors() == []


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["ask", "cancel", "drop"]), st.integers(0, 1), st.integers(1, 8)),
        max_size=40,
    )
)
def test_no_more_lines_than_allowed_are_ever_open(steps: list[tuple[str, int, int]]) -> None:
    tws = _shared()
    clients = [tws.client(next(_ids)), tws.client(next(_ids))]
    model: set[tuple[int, int]] = set()
    for action, number, request_id in steps:
        key = (number, request_id)
        client = clients[number]
        if action == "ask":
            line(client, request_id, AAPL)
            codes = [code for _, code in client.take_errors()]
            if key in model:
                assert codes == [322]
            elif len(model) >= tws.data_settings.lines_max:
                assert codes == [101]
            else:
                assert codes == []
                model.add(key)
        elif action == "cancel":
            client.request(OUT.CANCEL_MKT_DATA, "CancelMarketData", reqId=request_id)
            assert [code for _, code in client.take_errors()] == ([] if key in model else [300])
            model.discard(key)
        assert tws.market.lines.count() == len(model) <= tws.data_settings.lines_max
        tws.run_for(0.3)
    for client in clients:
        client.disconnect()
    assert tws.market.lines.count() == 0
    assert tws.broker.failures == []


_ids = iter(range(1, 10_000))
_made: list[MarketInProcess] = []


def _shared() -> MarketInProcess:
    if not _made:
        _made.append(MarketInProcess(data={"lines_max": 5}))
    return _made[0]


def test_prices_by_hand_hold_until_they_are_released() -> None:
    tws = MarketInProcess()
    tws.broker.run_command("set_quote", {"con_id": AAPL, "bid": "100", "ask": "100.05"})
    tws.run_for(5.0)
    quote = tws.market.quote(AAPL)
    assert quote is not None
    assert (str(quote.bid), str(quote.ask)) == ("100", "100.05")
    assert tws.market.mark(AAPL) is not None
    assert str(tws.market.mark(AAPL)) == "100.025"
    tws.broker.run_command("release_quote", {"con_id": AAPL})
    tws.run_for(5.0)
    moved = tws.market.quote(AAPL)
    assert moved is not None
    assert moved.bid is not None
    assert moved.bid > 200


def test_listeners_hear_every_quote_and_every_trade() -> None:
    tws = MarketInProcess()
    quotes: list[tuple[int, Quote]] = []
    trades: list[Any] = []
    tws.market.on_quote(lambda con_id, quote: quotes.append((con_id, quote)))
    tws.market.on_print(trades.append)
    tws.run_for(10.0)
    heard = [quote for con_id, quote in quotes if con_id == AAPL]
    assert len(heard) == 40
    assert [quote.ts_ns for quote in heard] == sorted(quote.ts_ns for quote in heard)
    assert trades
    assert all(trade.size > 0 for trade in trades)


def test_a_busy_market_s_day_is_found_without_playing_all_of_it() -> None:
    tws = MarketInProcess(data={"synthetic": {"ticks_per_second": 10_000.0}})
    client = tws.client(1)
    client.request(OUT.REQ_MARKET_DATA_TYPE, "MarketDataTypeRequest", marketDataType=3)
    line(client, 5, AAPL)
    shown = prices(client)
    assert shown[ticks.LOW] <= shown[ticks.OPEN] <= shown[ticks.HIGH]
    assert shown[ticks.LOW] <= shown[ticks.LAST] <= shown[ticks.HIGH]
