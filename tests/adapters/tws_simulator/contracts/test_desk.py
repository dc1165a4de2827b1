"""The answers to requests about contracts, as a client receives them."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.tws_simulator.messages import IN, OUT, message_type
from tests.adapters.tws_simulator.in_process import FakeSession
from tests.adapters.tws_simulator.market_data.market import AAPL, SPX, MarketInProcess


@pytest.fixture(scope="module")
def tws() -> MarketInProcess:
    return MarketInProcess()


@pytest.fixture
def client(tws: MarketInProcess) -> FakeSession:
    tws.outgoing.clear()
    return tws.client(len(tws.broker.sessions.all()) + 1)


def details(client: FakeSession, **fields: Any) -> list[Any]:
    wanted = message_type("Contract")(**fields)
    client.request(OUT.REQ_CONTRACT_DATA, "ContractDataRequest", reqId=9, contract=wanted)
    return client.take(IN.CONTRACT_DATA)


def test_details_end_with_their_request_id(client: FakeSession) -> None:
    (data,) = details(client, symbol="AAPL", secType="STK", exchange="SMART", currency="USD")
    (end,) = client.take(IN.CONTRACT_DATA_END)
    assert data.reqId == end.reqId == 9
    assert data.contract.conId == AAPL


def test_a_stock_s_details_hold_what_clients_need(client: FakeSession) -> None:
    (data,) = details(client, conId=AAPL, exchange="SMART")
    found = data.contractDetails
    assert found.secIdList["ISIN"] == "US0378331005"
    assert (found.minTick, found.sizeIncrement, found.timeZoneId) == ("0.01", "0.0001", "US/Eastern")
    assert len(found.marketRuleIds.split(",")) == len(found.validExchanges.split(","))
    assert found.tradingHours.startswith("20260102:0400-20260102:2000;20260103:CLOSED")
    assert found.liquidHours.startswith("20260102:0930-20260102:1600;")


def test_an_option_s_details_name_its_underlying(tws: MarketInProcess, client: FakeSession) -> None:
    option = tws.universe.options_of(SPX)[0]
    (data,) = details(client, conId=option.con_id)[:1]
    found = data.contractDetails
    assert (found.underConId, found.underSymbol, found.underSecType) == (SPX, "SPX", "IND")
    assert found.realExpirationDate == option.expiry
    assert found.contractMonth == option.expiry[:6]
    assert data.contract.multiplier == 100


def test_without_an_exchange_every_exchange_answers(client: FakeSession) -> None:
    found = details(client, symbol="AAPL", secType="STK", currency="USD")
    exchanges = found[0].contractDetails.validExchanges.split(",")
    assert [data.contract.exchange for data in found] == exchanges


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"symbol": "XXX", "secType": "STK"}, 200),
        ({"conId": 5}, 200),
        ({"symbol": "AAPL", "secType": "SHARE"}, 321),
        ({"secType": "STK"}, 321),
        ({"symbol": "ES", "secType": "FUT"}, 200),
    ],
)
def test_what_does_not_exist_is_refused(client: FakeSession, fields: dict[str, Any], code: int) -> None:
    assert details(client, **fields) == []
    assert client.take_errors() == [(9, code)]
    assert client.take(IN.CONTRACT_DATA_END) == []


def test_option_parameters_come_per_exchange_and_class(tws: MarketInProcess, client: FakeSession) -> None:
    client.request(
        OUT.REQ_SEC_DEF_OPT_PARAMS,
        "SecDefOptParamsRequest",
        reqId=3,
        underlyingSymbol="SPX",
        underlyingSecType="IND",
        underlyingConId=SPX,
    )
    found = client.take(IN.SECURITY_DEFINITION_OPTION_PARAMETER)
    assert [(item.tradingClass, item.exchange) for item in found] == [
        ("SPX", "SMART"),
        ("SPX", "CBOE"),
        ("SPXW", "SMART"),
        ("SPXW", "CBOE"),
    ]
    listed = {(option.expiry, float(option.strike or 0)) for option in tws.universe.options_of(SPX)}
    offered = {(expiry, strike) for item in found for expiry in item.expirations for strike in item.strikes}
    assert offered == listed
    assert [end.reqId for end in client.take(IN.SECURITY_DEFINITION_OPTION_PARAMETER_END)] == [3]


def test_option_parameters_of_a_wrong_underlying_are_refused(client: FakeSession) -> None:
    client.request(
        OUT.REQ_SEC_DEF_OPT_PARAMS,
        "SecDefOptParamsRequest",
        reqId=3,
        underlyingSymbol="SPX",
        underlyingSecType="IND",
        underlyingConId=AAPL,
    )
    assert client.take_errors() == [(3, 321)]


def test_a_search_finds_symbols_and_names_and_is_limited(tws: MarketInProcess, client: FakeSession) -> None:
    client.request(OUT.REQ_MATCHING_SYMBOLS, "MatchingSymbolsRequest", reqId=4, pattern="a")
    (samples,) = client.take(IN.SYMBOL_SAMPLES)
    assert [item.contract.symbol for item in samples.contractDescriptions] == ["AAPL", "AMD"]
    assert list(samples.contractDescriptions[0].derivativeSecTypes) == ["OPT", "BAG"]
    client.request(OUT.REQ_MATCHING_SYMBOLS, "MatchingSymbolsRequest", reqId=5, pattern="a")
    assert client.take_errors() == [(5, 322)]
    tws.run_for(1.0)
    client.take()
    client.request(OUT.REQ_MATCHING_SYMBOLS, "MatchingSymbolsRequest", reqId=6, pattern="apple")
    (samples,) = client.take(IN.SYMBOL_SAMPLES)
    assert [item.contract.symbol for item in samples.contractDescriptions] == ["AAPL"]


def test_a_market_rule_lists_its_increments(client: FakeSession) -> None:
    client.request(OUT.REQ_MARKET_RULE, "MarketRuleRequest", marketRuleId=26)
    (rule,) = client.take(IN.MARKET_RULE)
    assert [(item.lowEdge, item.increment) for item in rule.priceIncrements] == [(0.0, 0.0001), (1.0, 0.01)]
    client.request(OUT.REQ_MARKET_RULE, "MarketRuleRequest", marketRuleId=99)
    assert [code for _, code in client.take_errors()] == [321]


def test_exchanges_are_described(client: FakeSession) -> None:
    client.request(OUT.REQ_SMART_COMPONENTS, "SmartComponentsRequest", reqId=1, bboExchange="9c0001")
    (components,) = client.take(IN.SMART_COMPONENTS)
    assert {item.exchangeLetter for item in components.smartComponents} >= {"Q", "P", "N"}
    client.request(OUT.REQ_MKT_DEPTH_EXCHANGES, "MarketDepthExchangesRequest")
    (depth,) = client.take(IN.MKT_DEPTH_EXCHANGES)
    assert "NASDAQ" in [item.exchange for item in depth.depthMarketDataDescriptions]
