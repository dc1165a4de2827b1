"""The market as a component: without a feed, over night, all subscriptions dropped; bounds of settings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from adapters.tws_simulator.broker import Broker
from adapters.tws_simulator.contracts.desk import ContractDesk
from adapters.tws_simulator.contracts.settings import ChainSettings, ContractSettings
from adapters.tws_simulator.interfaces import Quote
from adapters.tws_simulator.market_data import tick_messages as ticks
from adapters.tws_simulator.market_data.desk import MarketDesk
from adapters.tws_simulator.market_data.origin import synthetic_origin
from adapters.tws_simulator.market_data.settings import (
    HistorySettings,
    MarketDataSettings,
    SyntheticSettings,
)
from adapters.tws_simulator.messages import IN, OUT, message_type
from market.time import to_ns
from tests.adapters.tws_simulator.in_process import START_NS, FakeSession, InProcess
from tests.adapters.tws_simulator.market_data.market import AAPL, SPX, MarketInProcess, contract


def subscribe_to_everything(client: FakeSession) -> None:
    named: dict[str, Any] = {"contract": contract(AAPL)}
    client.request(OUT.REQ_MKT_DATA, "MarketDataRequest", reqId=1, **named)
    client.request(OUT.REQ_TICK_BY_TICK_DATA, "TickByTickRequest", reqId=2, tickType="BidAsk", **named)
    client.request(OUT.REQ_MKT_DEPTH, "MarketDepthRequest", reqId=3, numRows=5, isSmartDepth=True, **named)
    bars = {"barSize": 5, "whatToShow": "TRADES"}
    client.request(OUT.REQ_REAL_TIME_BARS, "RealTimeBarsRequest", reqId=4, **named, **bars)
    past = {"barSizeSetting": "1 min", "duration": "1800 S", "whatToShow": "TRADES", "keepUpToDate": True}
    client.request(OUT.REQ_HISTORICAL_DATA, "HistoricalDataRequest", reqId=5, **named, **past)


KINDS = {"lines", "tick_by_tick", "depth", "history", "real_time_bars"}


@pytest.mark.parametrize("how", ["drop", "end", "restart"])
def test_what_ends_subscriptions_ends_all_kinds_of_them(how: str) -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    subscribe_to_everything(client)
    assert tws.market.session_subscriptions(tws.session(client)) == dict.fromkeys(KINDS, 1)
    if how == "drop":
        tws.market.drop_all()
    elif how == "end":
        client.disconnect()
    else:
        tws.broker.restart()
    tws.outgoing.clear()
    tws.run_for(20.0)
    assert tws.market.truth()["subscriptions"] == dict.fromkeys(KINDS, 0)
    assert tws.outgoing == []
    assert tws.broker.failures == []


def test_a_silenced_market_says_nothing_at_all_until_it_speaks_again() -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    subscribe_to_everything(client)
    client.request(OUT.CANCEL_HISTORICAL_DATA, "CancelHistoricalData", reqId=5)
    client.take()
    tws.market.silence(None, is_silent=True)
    tws.run_for(10.0)
    assert client.ids() == []
    tws.market.silence(None, is_silent=False)
    tws.run_for(10.0)
    assert {IN.TICK_BY_TICK, IN.MARKET_DEPTH_L2, IN.REAL_TIME_BARS} <= set(client.ids())


def test_a_new_day_begins_with_the_last_one_as_its_close() -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    subscribe_to_everything(client)
    tws.run_for(20.0)
    evening = tws.market.quote(AAPL)
    assert evening is not None
    client.take()
    monday = to_ns("2026-01-05T10:00:00-05:00")
    tws.broker.clock.jump(real_ns=tws.broker.now_ns, market_ns=monday)
    tws.run_for(2.0)
    shown = {tick.tickType: tick.price for tick in client.take(IN.TICK_PRICE)}
    assert shown[ticks.CLOSE] == float(evening.last or 0)
    day = tws.market.prices.board.day(AAPL)
    assert day.volume < 100_000
    assert tws.broker.failures == []


def test_nothing_moves_while_the_exchange_is_closed() -> None:
    tws = MarketInProcess(now_ns=to_ns("2026-01-02T19:59:58-05:00"))
    heard: list[int] = []
    tws.market.on_quote(lambda con_id, quote: heard.append(quote.ts_ns))
    tws.run_for(60.0)
    assert heard
    assert max(heard) < to_ns("2026-01-02T20:00:00-05:00")


def test_without_an_origin_prices_come_by_hand_alone() -> None:
    made: list[MarketDesk] = []

    def install(broker: Broker) -> None:
        contracts = ContractDesk(broker, synthetic_origin(1, market_ns=START_NS).universe)
        broker.install(contracts)
        made.append(MarketDesk(broker, contracts))
        broker.install(made[0])

    tws = InProcess(install=install)
    market, client = made[0], tws.client(1)
    tws.run_for(5.0)
    assert market.quote(AAPL) is None
    assert market.mark(AAPL) is None
    past = {"barSizeSetting": "1 min", "duration": "1800 S", "whatToShow": "TRADES"}
    client.request(OUT.REQ_HISTORICAL_DATA, "HistoricalDataRequest", reqId=5, contract=contract(AAPL), **past)
    tws.run_for(0.1)
    assert client.take_errors() == [(5, 162)]
    market.set_quote(AAPL, Quote(last=Decimal(5), last_size=Decimal(1)))
    assert market.mark(AAPL) == 5


def test_quotes_are_shown_to_tests() -> None:
    tws = MarketInProcess()
    tws.hold(AAPL, "200.00", "200.02")
    shown = tws.broker.run_command("quote", {"con_id": AAPL})
    assert isinstance(shown, dict)
    assert shown[str(AAPL)]["bid"] == "200.00"
    everything = tws.broker.run_command("quote", {})
    assert isinstance(everything, dict)
    assert str(SPX) in everything
    with pytest.raises(ValueError, match="con_id 5 is not in the universe"):
        tws.broker.run_command("set_quote", {"con_id": 5, "bid": "1"})
    with pytest.raises(ValueError, match="bid -1 must be 0 or more"):
        tws.broker.run_command("set_quote", {"con_id": AAPL, "bid": "-1"})


def test_a_quote_by_hand_that_is_not_held_lasts_until_the_next_tick() -> None:
    tws = MarketInProcess()
    tws.broker.run_command("set_quote", {"con_id": AAPL, "bid": "1", "ask": "2", "is_held": False})
    assert str((tws.market.quote(AAPL) or Quote()).bid) == "1"
    tws.run_for(1.0)
    assert ((tws.market.quote(AAPL) or Quote()).bid or 0) > 100


def test_a_combination_without_a_side_of_a_leg_lacks_that_side() -> None:
    tws = MarketInProcess()
    first, second = tws.universe.options_of(AAPL)[20:24:2]
    tws.hold(first.con_id, "2.00", "2.10", size=10)
    tws.market.set_quote(second.con_id, Quote(ask=Decimal("0.05"), ask_size=Decimal(9)))
    bag = message_type("Contract")(symbol="AAPL", secType="BAG", exchange="SMART", currency="USD")
    bag.comboLegs.add(conId=first.con_id, ratio=1, action="BUY")
    bag.comboLegs.add(conId=second.con_id, ratio=2, action="SELL")
    quote = tws.market.combination_quote(bag)
    assert quote is not None
    assert quote.ask is None
    assert (quote.bid, quote.bid_size) == (Decimal("1.90"), Decimal(4))


def test_delayed_options_are_priced_on_the_delayed_underlying() -> None:
    tws = MarketInProcess(data={"live": ["STK"]})
    client = tws.client(1)
    option = tws.universe.options_of(AAPL)[20]
    client.request(OUT.REQ_MARKET_DATA_TYPE, "MarketDataTypeRequest", marketDataType=3)
    client.request(OUT.REQ_MKT_DATA, "MarketDataRequest", reqId=1, contract=contract(option.con_id))
    then_ns = tws.broker.market_ns - 900 * 10**9
    under = tws.origin.history.quote_at(AAPL, then_ns)
    assert under is not None
    wanted = tws.market.prices.options.quotes_at(option.con_id, (under[0] + under[1]) / 20_000, then_ns)
    assert wanted is not None
    shown = {tick.tickType: tick.price for tick in client.take(IN.TICK_PRICE)}
    assert shown[67] == wanted[1] / 10_000


@pytest.mark.parametrize(
    ("section", "values"),
    [
        (ContractSettings, {"symbols": ["abc"]}),
        (ContractSettings, {"matching_symbols_seconds": -1}),
        (ContractSettings, {"hours": "never"}),
        (ChainSettings, {"weekly_expiries": 105}),
        (ChainSettings, {"strikes_each_side": 0}),
        (ChainSettings, {"strike_step": "0"}),
        (MarketDataSettings, {"lines_max": 0}),
        (MarketDataSettings, {"top_of_book_ms": -1}),
        (MarketDataSettings, {"live": ["BOND"]}),
        (HistorySettings, {"open_requests_max": 0}),
        (HistorySettings, {"update_seconds": 0}),
        (HistorySettings, {"answer_ms": -1}),
        (SyntheticSettings, {"ticks_per_second": 0}),
        (SyntheticSettings, {"trade_fraction": 1.1}),
        (SyntheticSettings, {"depth_levels": 61}),
    ],
)
def test_settings_out_of_bounds_are_refused(section: type[msgspec.Struct], values: dict[str, Any]) -> None:
    with pytest.raises((msgspec.ValidationError, ValueError)):
        msgspec.convert(values, section)
    assert section()
