"""Option quotes and greeks: they follow their underlying and agree with the model."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest

from adapters.tws_simulator.contracts.market_rules import increment
from adapters.tws_simulator.interfaces import Listing
from adapters.tws_simulator.market_data import tick_messages as ticks
from adapters.tws_simulator.market_data.option_model import RATE, expiry_ns
from adapters.tws_simulator.messages import IN, OUT
from market.pricing.european import EuropeanOptions, greeks, price, years_until
from market.time import to_ns
from tests.adapters.tws_simulator.market_data.market import AAPL, SPX, MarketInProcess, contract


@pytest.fixture(scope="module")
def tws() -> MarketInProcess:
    return MarketInProcess()


def near_the_money(tws: MarketInProcess, right: str = "C") -> Listing:
    chain = [option for option in tws.universe.options_of(AAPL) if option.right == right]
    expiry = chain[0].expiry
    return min(
        (option for option in chain if option.expiry == expiry),
        key=lambda option: abs(float(option.strike or 0) - 230),
    )


def test_every_option_of_a_chain_has_a_sound_quote(tws: MarketInProcess) -> None:
    for underlying in (AAPL, SPX):
        for option in tws.universe.options_of(underlying):
            quote = tws.market.quote(option.con_id)
            assert quote is not None
            assert quote.ask is not None
            assert quote.bid is None or 0 < quote.bid < quote.ask
            rule = option.market_rule_ids[0]
            for side in filter(None, (quote.bid, quote.ask)):
                assert side % increment(rule, side) == 0


def test_calls_fall_and_puts_rise_with_the_strike(tws: MarketInProcess) -> None:
    expiry = tws.universe.options_of(AAPL)[0].expiry
    for right, sign in (("C", -1), ("P", 1)):
        asks = [
            sign * (quote.ask or Decimal(0))
            for option in tws.universe.options_of(AAPL)
            if option.right == right
            and option.expiry == expiry
            and (quote := tws.market.quote(option.con_id)) is not None
        ]
        assert asks == sorted(asks)


def test_a_watched_option_follows_its_underlying() -> None:
    tws = MarketInProcess()
    option = near_the_money(tws)
    before = tws.market.quote(option.con_id)
    tws.hold(AAPL, "240.00", "240.02")
    after = tws.market.quote(option.con_id)
    assert before is not None
    assert after is not None
    assert (after.bid or 0) - (before.ask or 0) > 3


def test_a_held_option_stays_where_it_was_put() -> None:
    tws = MarketInProcess()
    option = near_the_money(tws)
    tws.hold(option.con_id, "1.00", "1.05")
    tws.hold(AAPL, "240.00", "240.02")
    tws.run_for(2.0)
    quote = tws.market.quote(option.con_id)
    assert quote is not None
    assert quote.bid == Decimal("1.00")


def test_listeners_hear_of_options_once_somebody_asked_for_them() -> None:
    tws = MarketInProcess()
    heard: list[int] = []
    tws.market.on_quote(lambda con_id, quote: heard.append(con_id))
    option = near_the_money(tws)
    tws.run_for(5.0)
    assert option.con_id not in heard
    tws.market.quote(option.con_id)
    tws.run_for(120.0)
    assert option.con_id in heard
    assert set(heard) & {item.con_id for item in tws.universe.options_of(AAPL)} == {option.con_id}


def test_an_expired_option_has_no_prices() -> None:
    tws = MarketInProcess()
    option = near_the_money(tws)
    gone_ns = expiry_ns(option, tws.universe.universe.hours)
    assert gone_ns == to_ns("2026-01-09T16:00:00-05:00")
    book = tws.market.prices.options.quotes_at(option.con_id, 230.0, gone_ns)
    assert book == (0, 0, 0, 0)


@pytest.mark.parametrize("right", ["C", "P"])
def test_a_line_of_an_option_carries_the_model_s_greeks(right: str) -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    option = near_the_money(tws, right)
    tws.hold(AAPL, "230.00", "230.02")
    client.request(OUT.REQ_MKT_DATA, "MarketDataRequest", reqId=5, contract=contract(option.con_id))
    quote = tws.market.quote(option.con_id)
    assert quote is not None
    sent = {tick.tickType: tick for tick in client.take(IN.TICK_OPTION_COMPUTATION)}
    assert set(sent) == {ticks.BID_COMPUTATION, ticks.ASK_COMPUTATION, ticks.MODEL_COMPUTATION}
    terms = EuropeanOptions.of(
        spot=230.01,
        strike=float(option.strike or 0),
        years=years_until(np.array([expiry_ns(option, tws.universe.universe.hours)]), tws.broker.market_ns),
        is_call=right == "C",
        rate=RATE,
    )
    for tick in sent.values():
        assert tick.undPrice == 230.01
        assert float(price(terms, tick.impliedVol)[0]) == pytest.approx(tick.optPrice, abs=1e-6)
        found = greeks(terms, tick.impliedVol)
        for name in ("delta", "gamma", "vega", "theta"):
            assert getattr(tick, name) == pytest.approx(float(getattr(found, name)[0]), rel=1e-6)
    assert sent[ticks.BID_COMPUTATION].optPrice == float(quote.bid or 0)
    assert sent[ticks.BID_COMPUTATION].impliedVol < sent[ticks.ASK_COMPUTATION].impliedVol


def test_a_premium_that_nothing_explains_is_marked_as_not_computed() -> None:
    tws = MarketInProcess(data={"top_of_book_ms": 0, "option_top_of_book_ms": 0})
    client = tws.client(1)
    deep = max(
        (option for option in tws.universe.options_of(AAPL) if option.right == "P"),
        key=lambda option: option.strike or 0,
    )
    client.request(OUT.REQ_MKT_DATA, "MarketDataRequest", reqId=5, contract=contract(deep.con_id))
    client.take()
    tws.hold(deep.con_id, "0.05", "0.10")
    (bid, *_) = client.take(IN.TICK_OPTION_COMPUTATION)
    assert (bid.tickType, bid.impliedVol, bid.delta) == (ticks.BID_COMPUTATION, -1.0, -2.0)


def test_the_implied_volatility_of_a_stock_comes_when_asked_for() -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    wanted = {"contract": contract(AAPL), "genericTickList": "106"}
    client.request(OUT.REQ_MKT_DATA, "MarketDataRequest", reqId=5, **wanted)
    found = [tick.value for tick in client.take(IN.TICK_GENERIC) if tick.tickType == 24]
    assert len(found) == 1
    assert 0.05 < found[0] < 1.5


def test_a_calculation_gives_price_and_volatility_back() -> None:
    tws = MarketInProcess()
    client = tws.client(1)
    option = near_the_money(tws)
    named = {"contract": contract(option.con_id), "underPrice": 230.0}
    client.request(OUT.REQ_CALC_OPTION_PRICE, "CalculateOptionPriceRequest", reqId=1, volatility=0.3, **named)
    (priced,) = client.take(IN.TICK_OPTION_COMPUTATION)
    assert (priced.tickType, priced.impliedVol) == (53, 0.3)
    client.request(
        OUT.REQ_CALC_IMPLIED_VOLAT,
        "CalculateImpliedVolatilityRequest",
        reqId=2,
        optionPrice=priced.optPrice,
        **named,
    )
    (implied,) = client.take(IN.TICK_OPTION_COMPUTATION)
    assert implied.impliedVol == pytest.approx(0.3, abs=1e-9)
    assert math.isclose(implied.delta, priced.delta, rel_tol=1e-6)
    client.request(OUT.REQ_CALC_OPTION_PRICE, "CalculateOptionPriceRequest", reqId=3, contract=contract(AAPL))
    assert client.take_errors() == [(3, 321)]
