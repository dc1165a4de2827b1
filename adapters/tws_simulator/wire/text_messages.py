"""Every message of the text protocol at server version 176 that is spoken here, by its id.

Sources: the senders (`client.py`) and decoders (`decoder.py`) of `ibapi` 10.45 at that version, held
against captures of TWS at 165 and 173 (`docs/reference/tws-simulator.md`). `*=N` is the message's own
version number, which those from before 2012 still carry.
"""

from __future__ import annotations

from adapters.tws_simulator.messages import IN, OUT, Message
from adapters.tws_simulator.wire.text_contracts import (
    BAG_LEGS,
    CONTRACT,
    CONTRACT_DATA,
    DELTA_NEUTRAL,
    HELD_CONTRACT,
    OPTION_PARAMETERS,
    PORTFOLIO_CONTRACT,
    SYMBOL_SAMPLES,
)
from adapters.tws_simulator.wire.text_fields import (
    InOrder,
    Layout,
    Mask,
    Options,
    Plain,
    Repeat,
    When,
)
from adapters.tws_simulator.wire.text_numbers import UNSET_DOUBLE_TEXT
from adapters.tws_simulator.wire.text_orders import COMPLETED_ORDER, OPEN_ORDER, PLACE_ORDER

_OLD_REQUEST_ID = Plain("*=1 reqId")
_REQUEST_ID = Plain("reqId")
_VERSION = Plain("*=1")
_NONE = Plain("")
_EXPIRED = "contract.includeExpired=0"

REQUESTS: dict[int, Layout] = {
    OUT.REQ_MKT_DATA: InOrder(
        f"*=11 reqId {CONTRACT}",
        BAG_LEGS,
        DELTA_NEUTRAL,
        "genericTickList snapshot=0 regulatorySnapshot=0",
        Options("marketDataOptions"),
    ),
    OUT.CANCEL_MKT_DATA: Plain("*=2 reqId"),
    OUT.PLACE_ORDER: PLACE_ORDER,
    OUT.CANCEL_ORDER: Plain("*=1 orderId orderCancel.manualOrderCancelTime"),
    OUT.REQ_OPEN_ORDERS: _VERSION,
    OUT.REQ_ACCT_DATA: Plain("*=2 subscribe=0 acctCode"),
    OUT.REQ_EXECUTIONS: Plain(
        "*=3 reqId executionFilter.clientId? executionFilter.acctCode executionFilter.time "
        "executionFilter.symbol executionFilter.secType executionFilter.exchange executionFilter.side"
    ),
    OUT.REQ_IDS: Plain("*=1 numIds"),
    OUT.REQ_CONTRACT_DATA: Plain(
        f"*=8 reqId {CONTRACT} {_EXPIRED} contract.secIdType contract.secId contract.issuerId"
    ),
    OUT.REQ_MKT_DEPTH: InOrder(f"*=5 reqId {CONTRACT} numRows isSmartDepth=0", Options("marketDepthOptions")),
    OUT.CANCEL_MKT_DEPTH: Plain("*=1 reqId isSmartDepth=0"),
    OUT.SET_SERVER_LOGLEVEL: Plain("*=1 logLevel"),
    OUT.REQ_AUTO_OPEN_ORDERS: Plain("*=1 autoBind=0"),
    OUT.REQ_ALL_OPEN_ORDERS: _VERSION,
    OUT.REQ_MANAGED_ACCTS: _VERSION,
    OUT.REQ_HISTORICAL_DATA: InOrder(
        f"reqId {CONTRACT} {_EXPIRED} endDateTime barSizeSetting duration useRTH=0 whatToShow formatDate",
        BAG_LEGS,
        "keepUpToDate=0",
        Options("chartOptions"),
    ),
    OUT.EXERCISE_OPTIONS: Plain(
        f"*=2 orderId {CONTRACT.replace('contract.primaryExch ', '')} exerciseAction exerciseQuantity "
        "account override"
    ),
    OUT.CANCEL_HISTORICAL_DATA: _OLD_REQUEST_ID,
    OUT.REQ_CURRENT_TIME: _VERSION,
    OUT.REQ_REAL_TIME_BARS: InOrder(
        f"*=3 reqId {CONTRACT} barSize whatToShow useRTH=0", Options("realTimeBarsOptions")
    ),
    OUT.CANCEL_REAL_TIME_BARS: _OLD_REQUEST_ID,
    OUT.REQ_CALC_IMPLIED_VOLAT: InOrder(f"*=3 reqId {CONTRACT} optionPrice underPrice *=0"),
    OUT.REQ_CALC_OPTION_PRICE: InOrder(f"*=3 reqId {CONTRACT} volatility underPrice *=0"),
    OUT.CANCEL_CALC_IMPLIED_VOLAT: _OLD_REQUEST_ID,
    OUT.CANCEL_CALC_OPTION_PRICE: _OLD_REQUEST_ID,
    OUT.REQ_GLOBAL_CANCEL: _VERSION,
    OUT.REQ_MARKET_DATA_TYPE: Plain("*=1 marketDataType"),
    OUT.REQ_POSITIONS: _VERSION,
    OUT.REQ_ACCOUNT_SUMMARY: Plain("*=1 reqId group tags"),
    OUT.CANCEL_ACCOUNT_SUMMARY: _OLD_REQUEST_ID,
    OUT.CANCEL_POSITIONS: _VERSION,
    OUT.START_API: Plain("*=2 clientId optionalCapabilities"),
    OUT.REQ_POSITIONS_MULTI: Plain("*=1 reqId account modelCode"),
    OUT.CANCEL_POSITIONS_MULTI: _OLD_REQUEST_ID,
    OUT.REQ_ACCOUNT_UPDATES_MULTI: Plain("*=1 reqId account modelCode ledgerAndNLV=0"),
    OUT.CANCEL_ACCOUNT_UPDATES_MULTI: _OLD_REQUEST_ID,
    OUT.REQ_SEC_DEF_OPT_PARAMS: Plain(
        "reqId underlyingSymbol futFopExchange underlyingSecType underlyingConId"
    ),
    OUT.REQ_SOFT_DOLLAR_TIERS: _REQUEST_ID,
    OUT.REQ_FAMILY_CODES: _NONE,
    OUT.REQ_MATCHING_SYMBOLS: Plain("reqId pattern"),
    OUT.REQ_MKT_DEPTH_EXCHANGES: _NONE,
    OUT.REQ_SMART_COMPONENTS: Plain("reqId bboExchange"),
    OUT.REQ_HEAD_TIMESTAMP: Plain(f"reqId {CONTRACT} {_EXPIRED} useRTH=0 whatToShow formatDate"),
    OUT.REQ_HISTOGRAM_DATA: Plain(f"reqId {CONTRACT} {_EXPIRED} useRTH=0 timePeriod"),
    OUT.CANCEL_HISTOGRAM_DATA: _REQUEST_ID,
    OUT.CANCEL_HEAD_TIMESTAMP: _REQUEST_ID,
    OUT.REQ_MARKET_RULE: Plain("marketRuleId"),
    OUT.REQ_PNL: Plain("reqId account modelCode"),
    OUT.CANCEL_PNL: _REQUEST_ID,
    OUT.REQ_PNL_SINGLE: Plain("reqId account modelCode conId"),
    OUT.CANCEL_PNL_SINGLE: _REQUEST_ID,
    OUT.REQ_HISTORICAL_TICKS: InOrder(
        f"reqId {CONTRACT} {_EXPIRED} startDateTime endDateTime numberOfTicks whatToShow useRTH=0 "
        "ignoreSize=0",
        Options("miscOptions"),
    ),
    OUT.REQ_TICK_BY_TICK_DATA: Plain(f"reqId {CONTRACT} tickType numberOfTicks ignoreSize=0"),
    OUT.CANCEL_TICK_BY_TICK_DATA: _REQUEST_ID,
    OUT.REQ_COMPLETED_ORDERS: Plain("apiOnly=0"),
    OUT.REQ_USER_INFO: _REQUEST_ID,
}


def _is_trade(message: Message) -> bool:
    return message.tickType in {1, 2}


def _is_quote(message: Message) -> bool:
    return bool(message.tickType == 3)


def _is_midpoint(message: Message) -> bool:
    return bool(message.tickType == 4)


_TICK_BY_TICK = InOrder(
    "reqId tickType",
    When(
        _is_trade,
        InOrder(
            "historicalTickLast.time historicalTickLast.price historicalTickLast.size",
            Mask(
                "historicalTickLast.tickAttribLast.pastLimit", "historicalTickLast.tickAttribLast.unreported"
            ),
            "historicalTickLast.exchange historicalTickLast.specialConditions",
        ),
    ),
    When(
        _is_quote,
        InOrder(
            "historicalTickBidAsk.time historicalTickBidAsk.priceBid historicalTickBidAsk.priceAsk "
            "historicalTickBidAsk.sizeBid historicalTickBidAsk.sizeAsk",
            Mask(
                "historicalTickBidAsk.tickAttribBidAsk.bidPastLow",
                "historicalTickBidAsk.tickAttribBidAsk.askPastHigh",
            ),
        ),
    ),
    When(_is_midpoint, Plain("historicalTickMidPoint.time historicalTickMidPoint.price")),
)

_DEPTH = "marketDepthData.operation marketDepthData.side marketDepthData.price marketDepthData.size"

REPLIES: dict[int, Layout] = {
    IN.TICK_PRICE: Plain("*=6 reqId tickType price=-1.0 size=0 attrMask=0"),
    IN.TICK_SIZE: Plain("*=6 reqId tickType size=0"),
    IN.ORDER_STATUS: Plain(
        "orderId status filled=0 remaining=0 avgFillPrice=0 permId=0 parentId=0 lastFillPrice=0 clientId=0 "
        "whyHeld mktCapPrice=0"
    ),
    IN.ERR_MSG: Plain("*=2 id=-1 errorCode errorMsg advancedOrderRejectJson"),
    IN.OPEN_ORDER: OPEN_ORDER,
    IN.ACCT_VALUE: Plain("*=2 key value currency accountName"),
    IN.PORTFOLIO_VALUE: Plain(
        f"*=8 {PORTFOLIO_CONTRACT} position=0 marketPrice=0.0 marketValue=0.0 averageCost=0.0 "
        "unrealizedPNL=0.0 realizedPNL=0.0 accountName"
    ),
    IN.ACCT_UPDATE_TIME: Plain("*=1 timeStamp"),
    IN.NEXT_VALID_ID: Plain("*=1 orderId"),
    IN.CONTRACT_DATA: CONTRACT_DATA,
    IN.EXECUTION_DATA: Plain(
        f"reqId=-1 execution.orderId=0 {HELD_CONTRACT} execution.execId execution.time "
        "execution.acctNumber execution.exchange execution.side execution.shares execution.price=0.0 "
        "execution.permId=0 execution.clientId=0 execution.isLiquidation=0 execution.cumQty=0 "
        "execution.avgPrice=0.0 execution.orderRef execution.evRule execution.evMultiplier "
        "execution.modelCode execution.lastLiquidity=0"
    ),
    IN.MARKET_DEPTH: Plain(f"*=1 reqId marketDepthData.position=0 {_DEPTH}"),
    IN.MARKET_DEPTH_L2: Plain(
        f"*=1 reqId marketDepthData.position=0 marketDepthData.marketMaker {_DEPTH} "
        "marketDepthData.isSmartDepth=0"
    ),
    IN.MANAGED_ACCTS: Plain("*=1 accountsList"),
    IN.TICK_OPTION_COMPUTATION: Plain(
        "reqId tickType tickAttrib=0 impliedVol=-1 delta=-2 optPrice=-1 pvDividend=-1 gamma=-2 vega=-2 "
        "theta=-2 undPrice=-1"
    ),
    IN.TICK_GENERIC: Plain("*=6 reqId tickType value"),
    IN.TICK_STRING: Plain("*=6 reqId tickType value"),
    IN.CURRENT_TIME: Plain("*=1 currentTime"),
    IN.REAL_TIME_BARS: Plain("*=1 reqId time open high low close volume=0 WAP=0 count=0"),
    IN.CONTRACT_DATA_END: _OLD_REQUEST_ID,
    IN.OPEN_ORDER_END: _VERSION,
    IN.ACCT_DOWNLOAD_END: Plain("*=1 accountName"),
    IN.EXECUTION_DATA_END: _OLD_REQUEST_ID,
    IN.TICK_SNAPSHOT_END: _OLD_REQUEST_ID,
    IN.MARKET_DATA_TYPE: Plain("*=1 reqId marketDataType"),
    IN.COMMISSION_AND_FEES_REPORT: Plain(
        f"*=1 execId commissionAndFees=0.0 currency realizedPNL={UNSET_DOUBLE_TEXT} "
        f"bondYield={UNSET_DOUBLE_TEXT} yieldRedemptionDate"
    ),
    IN.POSITION_DATA: Plain(f"*=3 account {HELD_CONTRACT} position=0 avgCost=0.0"),
    IN.POSITION_END: _VERSION,
    IN.ACCOUNT_SUMMARY: Plain("*=1 reqId account tag value currency"),
    IN.ACCOUNT_SUMMARY_END: _OLD_REQUEST_ID,
    IN.POSITION_MULTI: Plain(f"*=1 reqId account {HELD_CONTRACT} position=0 avgCost=0.0 modelCode"),
    IN.POSITION_MULTI_END: _OLD_REQUEST_ID,
    IN.ACCOUNT_UPDATE_MULTI: Plain("*=1 reqId account modelCode key value currency"),
    IN.ACCOUNT_UPDATE_MULTI_END: _OLD_REQUEST_ID,
    IN.SECURITY_DEFINITION_OPTION_PARAMETER: OPTION_PARAMETERS,
    IN.SECURITY_DEFINITION_OPTION_PARAMETER_END: _REQUEST_ID,
    IN.SOFT_DOLLAR_TIERS: InOrder("reqId", Repeat("softDollarTiers", Plain("name value displayName"))),
    IN.FAMILY_CODES: Repeat("familyCodes", Plain("accountId familyCode")),
    IN.SYMBOL_SAMPLES: SYMBOL_SAMPLES,
    IN.MKT_DEPTH_EXCHANGES: Repeat(
        "depthMarketDataDescriptions", Plain("exchange secType listingExch serviceDataType aggGroup")
    ),
    IN.TICK_REQ_PARAMS: Plain("reqId minTick bboExchange snapshotPermissions=0"),
    IN.SMART_COMPONENTS: InOrder(
        "reqId", Repeat("smartComponents", Plain("bitNumber exchange exchangeLetter"))
    ),
    IN.HEAD_TIMESTAMP: Plain("reqId headTimestamp"),
    IN.HISTOGRAM_DATA: InOrder("reqId", Repeat("histogramDataEntries", Plain("price size"))),
    IN.HISTORICAL_DATA_UPDATE: Plain(
        "reqId historicalDataBar.barCount=-1 historicalDataBar.date historicalDataBar.open "
        "historicalDataBar.close historicalDataBar.high historicalDataBar.low historicalDataBar.WAP "
        "historicalDataBar.volume"
    ),
    IN.REROUTE_MKT_DATA_REQ: Plain("reqId conId exchange"),
    IN.REROUTE_MKT_DEPTH_REQ: Plain("reqId conId exchange"),
    IN.MARKET_RULE: InOrder("marketRuleId", Repeat("priceIncrements", Plain("lowEdge=0.0 increment"))),
    IN.PNL: Plain(
        f"reqId dailyPnL={UNSET_DOUBLE_TEXT} unrealizedPnL={UNSET_DOUBLE_TEXT} "
        f"realizedPnL={UNSET_DOUBLE_TEXT}"
    ),
    IN.PNL_SINGLE: Plain(
        f"reqId position=0 dailyPnL={UNSET_DOUBLE_TEXT} unrealizedPnL={UNSET_DOUBLE_TEXT} "
        f"realizedPnL={UNSET_DOUBLE_TEXT} value={UNSET_DOUBLE_TEXT}"
    ),
    IN.HISTORICAL_TICKS: InOrder(
        "reqId", Repeat("historicalTicks", Plain("time *=0 price size")), "isDone=0"
    ),
    IN.HISTORICAL_TICKS_BID_ASK: InOrder(
        "reqId",
        Repeat(
            "historicalTicksBidAsk",
            InOrder(
                "time",
                Mask("tickAttribBidAsk.bidPastLow", "tickAttribBidAsk.askPastHigh"),
                "priceBid priceAsk sizeBid sizeAsk",
            ),
        ),
        "isDone=0",
    ),
    IN.HISTORICAL_TICKS_LAST: InOrder(
        "reqId",
        Repeat(
            "historicalTicksLast",
            InOrder(
                "time",
                Mask("tickAttribLast.pastLimit", "tickAttribLast.unreported"),
                "price size exchange specialConditions",
            ),
        ),
        "isDone=0",
    ),
    IN.TICK_BY_TICK: _TICK_BY_TICK,
    IN.ORDER_BOUND: Plain("permId clientId orderId"),
    IN.COMPLETED_ORDER: COMPLETED_ORDER,
    IN.COMPLETED_ORDERS_END: _NONE,
    IN.HISTORICAL_SCHEDULE: InOrder(
        "reqId startDateTime endDateTime timeZone",
        Repeat("historicalSessions", Plain("startDateTime endDateTime refDate")),
    ),
    IN.USER_INFO: Plain("reqId whiteBrandingId"),
}

HISTORICAL_BARS = InOrder(
    Repeat("historicalDataBars", Plain("date open high low close volume=-1 WAP=-1 barCount=-1"))
)
"""The bars of HISTORICAL_DATA; start and end stand before them, see `text_codec`."""
