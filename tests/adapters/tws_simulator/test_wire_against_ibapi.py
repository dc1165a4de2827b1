"""Both protocols against Interactive Brokers' own client code: what one says the other understands.

Requests: the same call of `EClient` is made at server version 176 (text) and 223 (protobuf), and both
must decode to the same message. Replies: the same message is encoded both ways, decoded by `ibapi`'s
`Decoder`, and must reach the same callbacks with the same arguments.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from ibapi.client import EClient
from ibapi.contract import ComboLeg, Contract, DeltaNeutralContract
from ibapi.decoder import Decoder
from ibapi.execution import ExecutionFilter
from ibapi.order import Order, OrderComboLeg
from ibapi.order_cancel import OrderCancel
from ibapi.order_condition import PriceCondition, TimeCondition, VolumeCondition
from ibapi.tag_value import TagValue
from ibapi.wrapper import EWrapper

from adapters.tws_simulator.messages import IN, OUT, message_type
from adapters.tws_simulator.wire.framing import FrameBuffer
from adapters.tws_simulator.wire.protobuf_codec import ProtobufCodec
from adapters.tws_simulator.wire.text_codec import TextCodec


class Pipe:
    """In place of ibapi's socket: keeps what the client writes."""

    def __init__(self) -> None:
        self.buffer = FrameBuffer()

    def isConnected(self) -> bool:  # noqa: N802 - ibapi's name
        return True

    def sendMsg(self, data: bytes) -> int:  # noqa: N802 - ibapi's name
        self.buffer.feed(data)
        return len(data)


def _sent(version: int, call: str, *arguments: Any) -> tuple[int, Any]:
    """Return id and decoded message of the frame that `EClient.call` writes at `version`."""
    wrapper = Errors()
    client, pipe = EClient(wrapper), Pipe()
    client.conn, client.connState, client.serverVersion_ = pipe, EClient.CONNECTED, version
    client.clientId, client.optCapab = 3, ""
    getattr(client, call)(*arguments)
    assert wrapper.errors == []
    (payload,) = pipe.buffer.frames()
    codec: Any = TextCodec() if version == 176 else ProtobufCodec()
    return codec.decode(payload)


class Errors(EWrapper):
    def __init__(self) -> None:
        super().__init__()
        self.errors: list[Any] = []

    def error(self, *arguments: Any) -> None:
        self.errors.append(arguments)


def _stock() -> Contract:
    contract = Contract()
    contract.conId, contract.symbol, contract.secType = 265598, "AAPL", "STK"
    contract.exchange, contract.primaryExchange, contract.currency = "SMART", "NASDAQ", "USD"
    return contract


def _option() -> Contract:
    contract = Contract()
    contract.symbol, contract.secType, contract.exchange, contract.currency = "AAPL", "OPT", "SMART", "USD"
    contract.lastTradeDateOrContractMonth, contract.strike, contract.right = "20260116", 207.5, "C"
    contract.multiplier, contract.tradingClass = "100", "AAPL"
    return contract


def _spread() -> Contract:
    contract = Contract()
    contract.symbol, contract.secType, contract.exchange, contract.currency = "AAPL", "BAG", "SMART", "USD"
    contract.comboLegs = []
    for con_id, action in ((7001, "BUY"), (7002, "SELL")):
        leg = ComboLeg()
        leg.conId, leg.ratio, leg.action, leg.exchange = con_id, 1, action, "SMART"
        contract.comboLegs.append(leg)
    return contract


def _limit_order(**changes: Any) -> Order:
    order = Order()
    order.action, order.totalQuantity, order.orderType, order.lmtPrice = "BUY", Decimal(7), "LMT", 199.5
    order.tif, order.orderRef, order.account, order.transmit = "DAY", "O-1", "DU1234567", True
    for name, value in changes.items():
        setattr(order, name, value)
    return order


def _combination_order() -> Order:
    order = _limit_order(lmtPrice=-1.25)
    order.smartComboRoutingParams = [TagValue("NonGuaranteed", "1")]
    return order


def _leg_price_order() -> Order:
    order = _limit_order()
    order.orderComboLegs = []
    for price in (3.5, 1.25):
        leg = OrderComboLeg()
        leg.price = price
        order.orderComboLegs.append(leg)
    return order


def _conditional_order() -> Order:
    order = _limit_order(conditionsCancelOrder=True, conditionsIgnoreRth=True)
    price = PriceCondition(PriceCondition.TriggerMethodEnum.Last, 265598, "SMART", True, 210.0)
    time = TimeCondition(False, "20260102 15:00:00 US/Eastern")
    volume = VolumeCondition(265598, "SMART", True, 1000)
    order.conditions = [price.Or(), time, volume]
    return order


def _filter() -> ExecutionFilter:
    wanted = ExecutionFilter()
    wanted.clientId, wanted.acctCode, wanted.time = 3, "DU1234567", "20260102 09:30:00"
    wanted.symbol, wanted.side = "AAPL", "BUY"
    return wanted


def _with_delta_neutral() -> Contract:
    contract = _option()
    contract.deltaNeutralContract = DeltaNeutralContract()
    contract.deltaNeutralContract.conId = 265598
    contract.deltaNeutralContract.delta, contract.deltaNeutralContract.price = 0.5, 200.25
    return contract


REQUESTS: list[tuple[int, str, tuple[Any, ...]]] = [
    (OUT.START_API, "startApi", ()),
    (OUT.REQ_IDS, "reqIds", (1,)),
    (OUT.REQ_CURRENT_TIME, "reqCurrentTime", ()),
    (OUT.REQ_MANAGED_ACCTS, "reqManagedAccts", ()),
    (OUT.SET_SERVER_LOGLEVEL, "setServerLogLevel", (5,)),
    (OUT.REQ_AUTO_OPEN_ORDERS, "reqAutoOpenOrders", (True,)),
    (OUT.REQ_OPEN_ORDERS, "reqOpenOrders", ()),
    (OUT.REQ_ALL_OPEN_ORDERS, "reqAllOpenOrders", ()),
    (OUT.REQ_COMPLETED_ORDERS, "reqCompletedOrders", (True,)),
    (OUT.REQ_EXECUTIONS, "reqExecutions", (12, _filter())),
    (OUT.REQ_CONTRACT_DATA, "reqContractDetails", (4, _stock())),
    (OUT.REQ_CONTRACT_DATA, "reqContractDetails", (5, _option())),
    (OUT.REQ_MATCHING_SYMBOLS, "reqMatchingSymbols", (6, "AAP")),
    (OUT.REQ_SEC_DEF_OPT_PARAMS, "reqSecDefOptParams", (7, "AAPL", "", "STK", 265598)),
    (OUT.REQ_MARKET_RULE, "reqMarketRule", (26,)),
    (OUT.REQ_SMART_COMPONENTS, "reqSmartComponents", (8, "9c0001")),
    (OUT.REQ_MKT_DEPTH_EXCHANGES, "reqMktDepthExchanges", ()),
    (OUT.REQ_MKT_DATA, "reqMktData", (9, _stock(), "100,101", False, False, [])),
    (OUT.REQ_MKT_DATA, "reqMktData", (9, _stock(), "", True, False, [])),
    (OUT.REQ_MKT_DATA, "reqMktData", (9, _spread(), "", False, False, [])),
    (OUT.REQ_MKT_DATA, "reqMktData", (9, _with_delta_neutral(), "", False, False, [])),
    (OUT.CANCEL_MKT_DATA, "cancelMktData", (9,)),
    (OUT.REQ_MARKET_DATA_TYPE, "reqMarketDataType", (3,)),
    (OUT.REQ_MKT_DEPTH, "reqMktDepth", (10, _stock(), 5, True, [])),
    (OUT.CANCEL_MKT_DEPTH, "cancelMktDepth", (10, True)),
    (OUT.REQ_TICK_BY_TICK_DATA, "reqTickByTickData", (11, _stock(), "BidAsk", 0, True)),
    (OUT.CANCEL_TICK_BY_TICK_DATA, "cancelTickByTickData", (11,)),
    (
        OUT.REQ_HISTORICAL_DATA,
        "reqHistoricalData",
        (13, _stock(), "20260102 16:00:00 US/Eastern", "1 D", "1 min", "TRADES", 1, 1, False, []),
    ),
    (
        OUT.REQ_HISTORICAL_DATA,
        "reqHistoricalData",
        (13, _spread(), "", "1 D", "1 min", "MIDPOINT", 0, 2, True, []),
    ),
    (OUT.CANCEL_HISTORICAL_DATA, "cancelHistoricalData", (13,)),
    (OUT.REQ_HEAD_TIMESTAMP, "reqHeadTimeStamp", (14, _stock(), "TRADES", 1, 2)),
    (OUT.CANCEL_HEAD_TIMESTAMP, "cancelHeadTimeStamp", (14,)),
    (
        OUT.REQ_HISTORICAL_TICKS,
        "reqHistoricalTicks",
        (15, _stock(), "20260102 10:00:00 US/Eastern", "", 100, "BID_ASK", 1, True, []),
    ),
    (OUT.REQ_REAL_TIME_BARS, "reqRealTimeBars", (16, _stock(), 5, "TRADES", True, [])),
    (OUT.CANCEL_REAL_TIME_BARS, "cancelRealTimeBars", (16,)),
    (OUT.REQ_CALC_IMPLIED_VOLAT, "calculateImpliedVolatility", (17, _option(), 5.25, 200.0, [])),
    (OUT.REQ_CALC_OPTION_PRICE, "calculateOptionPrice", (18, _option(), 0.25, 200.0, [])),
    (OUT.REQ_ACCT_DATA, "reqAccountUpdates", (True, "DU1234567")),
    (OUT.REQ_ACCOUNT_SUMMARY, "reqAccountSummary", (19, "All", "NetLiquidation,BuyingPower")),
    (OUT.CANCEL_ACCOUNT_SUMMARY, "cancelAccountSummary", (19,)),
    (OUT.REQ_POSITIONS, "reqPositions", ()),
    (OUT.CANCEL_POSITIONS, "cancelPositions", ()),
    (OUT.REQ_POSITIONS_MULTI, "reqPositionsMulti", (20, "DU1234567", "")),
    (OUT.REQ_ACCOUNT_UPDATES_MULTI, "reqAccountUpdatesMulti", (21, "DU1234567", "", True)),
    (OUT.REQ_PNL, "reqPnL", (22, "DU1234567", "")),
    (OUT.CANCEL_PNL, "cancelPnL", (22,)),
    (OUT.REQ_PNL_SINGLE, "reqPnLSingle", (23, "DU1234567", "", 265598)),
    (OUT.CANCEL_PNL_SINGLE, "cancelPnLSingle", (23,)),
    (OUT.CANCEL_ORDER, "cancelOrder", (24, OrderCancel())),
    (OUT.PLACE_ORDER, "placeOrder", (25, _stock(), _limit_order())),
    (OUT.PLACE_ORDER, "placeOrder", (25, _stock(), _limit_order(orderType="STP", auxPrice=190.0))),
    (
        OUT.PLACE_ORDER,
        "placeOrder",
        (26, _stock(), _limit_order(orderType="TRAIL", trailingPercent=1.5, trailStopPrice=190.25)),
    ),
    (OUT.PLACE_ORDER, "placeOrder", (27, _option(), _limit_order(parentId=25, transmit=False))),
    (OUT.PLACE_ORDER, "placeOrder", (28, _stock(), _limit_order(ocaGroup="G", ocaType=1, outsideRth=True))),
    (OUT.PLACE_ORDER, "placeOrder", (29, _spread(), _combination_order())),
    (OUT.PLACE_ORDER, "placeOrder", (30, _spread(), _leg_price_order())),
    (OUT.PLACE_ORDER, "placeOrder", (31, _stock(), _conditional_order())),
    (
        OUT.PLACE_ORDER,
        "placeOrder",
        (32, _stock(), _limit_order(whatIf=True, tif="GTD", goodTillDate="20260109")),
    ),
    (
        OUT.PLACE_ORDER,
        "placeOrder",
        (
            33,
            _stock(),
            _limit_order(algoStrategy="Adaptive", algoParams=[TagValue("adaptivePriority", "Normal")]),
        ),
    ),
]

DEFAULTS_ON_ONE_SIDE = {
    # The text request carries these always, the protobuf request only when the client set them.
    "origin",
    "exemptCode",
    "override",
    "openClose",
    "shortSaleSlot",
    "shortSalesSlot",
    "volatilityType",
    "triggerPrice",
    "cashQty",
    "discretionaryAmt",
    "referencePriceType",
    "deltaNeutralConId",
    "lmtPriceOffset",
    "adjustableTrailingUnit",
}


def _facts(message: Any) -> dict[str, Any]:
    """Return what a message says: present fields that are not their type's zero, by path."""
    facts: dict[str, Any] = {}
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE and not field.message_type.GetOptions().map_entry:
            items = value if field.label == field.LABEL_REPEATED else [value]
            for number, item in enumerate(items):
                for path, part in _facts(item).items():
                    facts[f"{field.name}[{number}].{path}"] = part
        elif field.type == field.TYPE_MESSAGE:
            facts[field.name] = dict(value)
        elif field.name not in DEFAULTS_ON_ONE_SIDE and value:
            facts[field.name] = list(value) if field.label == field.LABEL_REPEATED else value
    return facts


@pytest.mark.parametrize(
    ("number", "call", "arguments"),
    REQUESTS,
    ids=[f"{call} {number}" for number, (_, call, _) in enumerate(REQUESTS)],
)
def test_a_request_says_the_same_in_text_and_in_protobuf(
    number: int, call: str, arguments: tuple[Any, ...]
) -> None:
    text_number, text = _sent(176, call, *arguments)
    proto_number, proto = _sent(223, call, *arguments)
    assert text_number == proto_number == number
    assert _facts(text) == _facts(proto)


class Callbacks(EWrapper):
    """Notes every callback by name with its arguments made plain."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, list[Any]]] = []

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_") or name == "seen" or not hasattr(EWrapper, name):
            return super().__getattribute__(name)
        if name.endswith("ProtoBuf"):
            return lambda *_: None
        return lambda *arguments, **named: self.seen.append(
            (name, [_plain(argument) for argument in (*arguments, *named.values())])
        )


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, list | tuple | set):
        return sorted((_plain(item) for item in value), key=str)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if type(value).__module__.startswith("ibapi.") and not isinstance(value, str | int | float):
        return {name: _plain(part) for name, part in vars(value).items()}
    return value


def _heard(version: int, *replies: tuple[int, Any]) -> list[tuple[str, list[Any]]]:
    """Return the callbacks of `ibapi`'s decoder for replies encoded at `version`."""
    wrapper = Callbacks()
    decoder = Decoder(wrapper, version)
    codec: Any = TextCodec() if version == 176 else ProtobufCodec()
    buffer = FrameBuffer()
    for number, body in replies:
        buffer.feed(codec.encode(number, body))
    for payload in buffer.frames():
        if version == 176:
            fields = payload.split(b"\0")[:-1]
            decoder.interpret(tuple(fields[1:]), int(fields[0]))
        else:
            decoder.processProtoBuf(payload[4:], int.from_bytes(payload[:4], "big") - 200)
    return wrapper.seen


def _build(name: str, **fields: Any) -> Any:
    return message_type(name)(**fields)


def _contract(**changes: Any) -> Any:
    fields: dict[str, Any] = {
        "conId": 265598,
        "symbol": "AAPL",
        "secType": "STK",
        "exchange": "SMART",
        "currency": "USD",
        "localSymbol": "AAPL",
        "tradingClass": "NMS",
    }
    return _build("Contract", **{**fields, **changes})


def _option_contract() -> Any:
    return _contract(
        conId=7001,
        secType="OPT",
        localSymbol="AAPL  260116C00207500",
        lastTradeDateOrContractMonth="20260116",
        strike=207.5,
        right="C",
        multiplier=100.0,
    )


def _execution() -> Any:
    return _build(
        "Execution",
        orderId=25,
        execId="0000e0d5.1.01.01",
        time="20260102 10:00:00 US/Eastern",
        acctNumber="DU1234567",
        exchange="NASDAQ",
        side="BOT",
        shares="7",
        price=199.5,
        permId=900001,
        clientId=3,
        cumQty="7",
        avgPrice=199.5,
        orderRef="O-1",
        lastLiquidity=2,
    )


def _details() -> Any:
    details = _build(
        "ContractDetails",
        marketName="NMS",
        minTick="0.01",
        orderTypes="LMT,MKT",
        validExchanges="SMART,NASDAQ",
        priceMagnifier=1,
        longName="APPLE INC",
        timeZoneId="US/Eastern",
        tradingHours="20260102:0400-20260102:2000",
        liquidHours="20260102:0930-20260102:1600",
        aggGroup=1,
        marketRuleIds="26,26",
        stockType="COMMON",
        minSize="0.0001",
        sizeIncrement="0.0001",
        suggestedSizeIncrement="100",
    )
    details.secIdList["ISIN"] = "US0378331005"
    return details


def _bar(**changes: Any) -> Any:
    fields = {"date": "20260102", "open": 1.5, "high": 2.5, "low": 1.25, "close": 2.0}
    return _build(
        "HistoricalDataBar", **{**fields, "volume": "100", "WAP": "1.75", "barCount": 12, **changes}
    )


REPLIES: list[list[tuple[int, str, dict[str, Any]]]] = [
    [(IN.MANAGED_ACCTS, "ManagedAccounts", {"accountsList": "DU1,DU2"})],
    [(IN.NEXT_VALID_ID, "NextValidId", {"orderId": 5})],
    [(IN.CURRENT_TIME, "CurrentTime", {"currentTime": 1767366000})],
    [
        (
            IN.TICK_PRICE,
            "TickPrice",
            {"reqId": 1, "tickType": 1, "price": 200.01, "size": "300", "attrMask": 1},
        )
    ],
    [(IN.TICK_PRICE, "TickPrice", {"reqId": 1, "tickType": 4, "price": 200.0, "size": "10", "attrMask": 0})],
    [(IN.TICK_SIZE, "TickSize", {"reqId": 1, "tickType": 0, "size": "300"})],
    [(IN.TICK_STRING, "TickString", {"reqId": 1, "tickType": 45, "value": "1767366000"})],
    [(IN.TICK_GENERIC, "TickGeneric", {"reqId": 1, "tickType": 49, "value": 0.0})],
    [(IN.TICK_SNAPSHOT_END, "TickSnapshotEnd", {"reqId": 1})],
    [(IN.MARKET_DATA_TYPE, "MarketDataType", {"reqId": 1, "marketDataType": 3})],
    [
        (
            IN.TICK_REQ_PARAMS,
            "TickReqParams",
            {"reqId": 1, "minTick": "0.01", "bboExchange": "9c0001", "snapshotPermissions": 3},
        )
    ],
    [
        (
            IN.TICK_OPTION_COMPUTATION,
            "TickOptionComputation",
            {
                "reqId": 1,
                "tickType": 13,
                "tickAttrib": 0,
                "impliedVol": 0.25,
                "delta": 0.5,
                "optPrice": 5.25,
                "pvDividend": 0.1,
                "gamma": 0.02,
                "vega": 0.15,
                "theta": -0.08,
                "undPrice": 200.01,
            },
        )
    ],
    [
        (
            IN.MARKET_DEPTH_L2,
            "MarketDepthL2",
            {
                "reqId": 2,
                "marketDepthData": {
                    "position": 1,
                    "operation": 0,
                    "side": 1,
                    "price": 200.0,
                    "size": "300",
                    "marketMaker": "NSDQ",
                    "isSmartDepth": True,
                },
            },
        )
    ],
    [
        (
            IN.TICK_BY_TICK,
            "TickByTickData",
            {
                "reqId": 3,
                "tickType": 3,
                "historicalTickBidAsk": {
                    "time": 1767366000,
                    "priceBid": 200.0,
                    "priceAsk": 200.02,
                    "sizeBid": "3",
                    "sizeAsk": "4",
                    "tickAttribBidAsk": {"bidPastLow": True},
                },
            },
        )
    ],
    [
        (
            IN.TICK_BY_TICK,
            "TickByTickData",
            {
                "reqId": 3,
                "tickType": 2,
                "historicalTickLast": {
                    "time": 1767366000,
                    "price": 200.0,
                    "size": "3",
                    "exchange": "NASDAQ",
                    "specialConditions": "T",
                    "tickAttribLast": {"unreported": True},
                },
            },
        )
    ],
    [
        (
            IN.REAL_TIME_BARS,
            "RealTimeBarTick",
            {
                "reqId": 4,
                "time": 1767366000,
                "open": 1.5,
                "high": 2.5,
                "low": 1.25,
                "close": 2.0,
                "volume": "100",
                "WAP": "1.75",
                "count": 12,
            },
        )
    ],
    [(IN.HEAD_TIMESTAMP, "HeadTimestamp", {"reqId": 4, "headTimestamp": "20100104-14:30:00"})],
    [
        (
            IN.HISTORICAL_DATA,
            "HistoricalData",
            {"reqId": 5, "historicalDataBars": [_bar(), _bar(date="20260105")]},
        ),
        (IN.HISTORICAL_DATA_END, "HistoricalDataEnd", {"reqId": 5, "startDateStr": "a", "endDateStr": "b"}),
    ],
    [(IN.HISTORICAL_DATA_UPDATE, "HistoricalDataUpdate", {"reqId": 5, "historicalDataBar": _bar()})],
    [
        (
            IN.HISTORICAL_TICKS_LAST,
            "HistoricalTicksLast",
            {"reqId": 5, "isDone": True, "historicalTicksLast": [{"time": 5, "price": 1.5, "size": "2"}]},
        )
    ],
    [
        (
            IN.ACCT_VALUE,
            "AccountValue",
            {"key": "NetLiquidation", "value": "1", "currency": "USD", "accountName": "DU1"},
        )
    ],
    [
        (
            IN.PORTFOLIO_VALUE,
            "PortfolioValue",
            {
                "contract": _contract(exchange="", primaryExch="NASDAQ"),
                "position": "5",
                "marketPrice": 200.0,
                "marketValue": 1000.0,
                "averageCost": 199.0,
                "unrealizedPNL": 5.0,
                "realizedPNL": 0.5,
                "accountName": "DU1",
            },
        )
    ],
    [(IN.ACCT_UPDATE_TIME, "AccountUpdateTime", {"timeStamp": "10:00"})],
    [(IN.ACCT_DOWNLOAD_END, "AccountDataEnd", {"accountName": "DU1"})],
    [
        (
            IN.ACCOUNT_SUMMARY,
            "AccountSummary",
            {"reqId": 6, "account": "DU1", "tag": "NetLiquidation", "value": "1.5", "currency": "USD"},
        ),
        (IN.ACCOUNT_SUMMARY_END, "AccountSummaryEnd", {"reqId": 6}),
    ],
    [
        (
            IN.POSITION_DATA,
            "Position",
            {"account": "DU1", "contract": _option_contract(), "position": "-2", "avgCost": 525.0},
        ),
        (IN.POSITION_END, "PositionEnd", {}),
    ],
    [(IN.PNL, "PnL", {"reqId": 7, "dailyPnL": 1.5, "unrealizedPnL": 2.5, "realizedPnL": 3.5})],
    [
        (
            IN.PNL_SINGLE,
            "PnLSingle",
            {
                "reqId": 7,
                "position": "3",
                "dailyPnL": 1.5,
                "unrealizedPnL": 2.5,
                "realizedPnL": 3.5,
                "value": 9.0,
            },
        )
    ],
    [
        (
            IN.CONTRACT_DATA,
            "ContractData",
            {"reqId": 8, "contract": _contract(), "contractDetails": _details()},
        ),
        (IN.CONTRACT_DATA_END, "ContractDataEnd", {"reqId": 8}),
    ],
    [
        (
            IN.SECURITY_DEFINITION_OPTION_PARAMETER,
            "SecDefOptParameter",
            {
                "reqId": 9,
                "exchange": "SMART",
                "underlyingConId": 265598,
                "tradingClass": "AAPL",
                "multiplier": "100",
                "expirations": ["20260116", "20260220"],
                "strikes": [200.0, 207.5],
            },
        ),
        (IN.SECURITY_DEFINITION_OPTION_PARAMETER_END, "SecDefOptParameterEnd", {"reqId": 9}),
    ],
    [
        (
            IN.MARKET_RULE,
            "MarketRule",
            {"marketRuleId": 26, "priceIncrements": [{"lowEdge": 0.0, "increment": 0.01}]},
        )
    ],
    [
        (
            IN.SYMBOL_SAMPLES,
            "SymbolSamples",
            {
                "reqId": 10,
                "contractDescriptions": [
                    {
                        "contract": {
                            "conId": 265598,
                            "symbol": "AAPL",
                            "secType": "STK",
                            "primaryExch": "NASDAQ",
                        },
                        "derivativeSecTypes": ["OPT", "CFD"],
                    }
                ],
            },
        )
    ],
    [
        (
            IN.ORDER_STATUS,
            "OrderStatus",
            {
                "orderId": 25,
                "status": "Filled",
                "filled": "7",
                "remaining": "0",
                "avgFillPrice": 199.5,
                "permId": 900001,
                "parentId": 0,
                "lastFillPrice": 199.5,
                "clientId": 3,
                "whyHeld": "",
                "mktCapPrice": 0.0,
            },
        )
    ],
    [
        (
            IN.EXECUTION_DATA,
            "ExecutionDetails",
            {"reqId": 11, "contract": _contract(), "execution": _execution()},
        ),
        (IN.EXECUTION_DATA_END, "ExecutionDetailsEnd", {"reqId": 11}),
    ],
    [
        (
            IN.COMMISSION_AND_FEES_REPORT,
            "CommissionAndFeesReport",
            {"execId": "0000e0d5.1.01.01", "commissionAndFees": 1.0, "currency": "USD", "realizedPNL": 12.5},
        )
    ],
    [(IN.OPEN_ORDER_END, "OpenOrdersEnd", {})],
    [(IN.COMPLETED_ORDERS_END, "CompletedOrdersEnd", {})],
]

KNOWN_DIFFERENCES = {
    # ibapi's two decoders give these differently whatever TWS sends.
    "yieldRedemptionDate",
    "bondYield",
    "yield_",
    "lastTradeDate",
    "multiplier",
    "strike",
    "evMultiplier",
    "submitter",
    "optExerciseOrLapseType",
    "pendingPriceRevision",
}


def _without_known_differences(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _without_known_differences(part)
            for name, part in value.items()
            if name not in KNOWN_DIFFERENCES
        }
    if isinstance(value, list):
        return [_without_known_differences(part) for part in value]
    return value


@pytest.mark.parametrize("replies", REPLIES, ids=lambda replies: replies[0][1])
def test_a_reply_reaches_the_same_callbacks_in_text_and_in_protobuf(
    replies: list[tuple[int, str, dict[str, Any]]],
) -> None:
    built = [(number, _build(name, **fields)) for number, name, fields in replies]
    text, proto = _heard(176, *built), _heard(223, *built)
    assert [name for name, _ in text] == [name for name, _ in proto]
    assert text, "no callback at all"
    for (name, in_text), (_, in_proto) in zip(text, proto, strict=True):
        assert _without_known_differences(in_text) == _without_known_differences(in_proto), name
