"""The ids of TWS messages, and the protobuf class behind each.

The protobuf messages of `ibapi` are this simulator's own request and reply types, whichever protocol
a client speaks: the text protocol is translated to and from them in `wire`. `OUT` names what a client
sends, `IN` what it receives (TWS's names, from the client's side). `BOND_CONTRACT_DATA` shares its
class with `CONTRACT_DATA`.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from ibapi.message import IN, OUT

__all__ = ["IN", "OUT", "REPLY_TYPES", "REQUEST_TYPES", "message_type", "reply_type", "request_type"]

Message = Any
"""A protobuf message of `ibapi.protobuf`; the package ships no types."""

REPLY_TYPES: dict[int, str] = {
    IN.TICK_PRICE: "TickPrice",
    IN.TICK_SIZE: "TickSize",
    IN.ORDER_STATUS: "OrderStatus",
    IN.ERR_MSG: "ErrorMessage",
    IN.OPEN_ORDER: "OpenOrder",
    IN.ACCT_VALUE: "AccountValue",
    IN.PORTFOLIO_VALUE: "PortfolioValue",
    IN.ACCT_UPDATE_TIME: "AccountUpdateTime",
    IN.NEXT_VALID_ID: "NextValidId",
    IN.CONTRACT_DATA: "ContractData",
    IN.EXECUTION_DATA: "ExecutionDetails",
    IN.MARKET_DEPTH: "MarketDepth",
    IN.MARKET_DEPTH_L2: "MarketDepthL2",
    IN.NEWS_BULLETINS: "NewsBulletin",
    IN.MANAGED_ACCTS: "ManagedAccounts",
    IN.RECEIVE_FA: "ReceiveFA",
    IN.HISTORICAL_DATA: "HistoricalData",
    IN.BOND_CONTRACT_DATA: "ContractData",
    IN.SCANNER_PARAMETERS: "ScannerParameters",
    IN.SCANNER_DATA: "ScannerData",
    IN.TICK_OPTION_COMPUTATION: "TickOptionComputation",
    IN.TICK_GENERIC: "TickGeneric",
    IN.TICK_STRING: "TickString",
    IN.CURRENT_TIME: "CurrentTime",
    IN.REAL_TIME_BARS: "RealTimeBarTick",
    IN.FUNDAMENTAL_DATA: "FundamentalsData",
    IN.CONTRACT_DATA_END: "ContractDataEnd",
    IN.OPEN_ORDER_END: "OpenOrdersEnd",
    IN.ACCT_DOWNLOAD_END: "AccountDataEnd",
    IN.EXECUTION_DATA_END: "ExecutionDetailsEnd",
    IN.TICK_SNAPSHOT_END: "TickSnapshotEnd",
    IN.MARKET_DATA_TYPE: "MarketDataType",
    IN.COMMISSION_AND_FEES_REPORT: "CommissionAndFeesReport",
    IN.POSITION_DATA: "Position",
    IN.POSITION_END: "PositionEnd",
    IN.ACCOUNT_SUMMARY: "AccountSummary",
    IN.ACCOUNT_SUMMARY_END: "AccountSummaryEnd",
    IN.VERIFY_MESSAGE_API: "VerifyMessageApi",
    IN.VERIFY_COMPLETED: "VerifyCompleted",
    IN.DISPLAY_GROUP_LIST: "DisplayGroupList",
    IN.DISPLAY_GROUP_UPDATED: "DisplayGroupUpdated",
    IN.POSITION_MULTI: "PositionMulti",
    IN.POSITION_MULTI_END: "PositionMultiEnd",
    IN.ACCOUNT_UPDATE_MULTI: "AccountUpdateMulti",
    IN.ACCOUNT_UPDATE_MULTI_END: "AccountUpdateMultiEnd",
    IN.SECURITY_DEFINITION_OPTION_PARAMETER: "SecDefOptParameter",
    IN.SECURITY_DEFINITION_OPTION_PARAMETER_END: "SecDefOptParameterEnd",
    IN.SOFT_DOLLAR_TIERS: "SoftDollarTiers",
    IN.FAMILY_CODES: "FamilyCodes",
    IN.SYMBOL_SAMPLES: "SymbolSamples",
    IN.MKT_DEPTH_EXCHANGES: "MarketDepthExchanges",
    IN.TICK_REQ_PARAMS: "TickReqParams",
    IN.SMART_COMPONENTS: "SmartComponents",
    IN.NEWS_ARTICLE: "NewsArticle",
    IN.TICK_NEWS: "TickNews",
    IN.NEWS_PROVIDERS: "NewsProviders",
    IN.HISTORICAL_NEWS: "HistoricalNews",
    IN.HISTORICAL_NEWS_END: "HistoricalNewsEnd",
    IN.HEAD_TIMESTAMP: "HeadTimestamp",
    IN.HISTOGRAM_DATA: "HistogramData",
    IN.HISTORICAL_DATA_UPDATE: "HistoricalDataUpdate",
    IN.REROUTE_MKT_DATA_REQ: "RerouteMarketDataRequest",
    IN.REROUTE_MKT_DEPTH_REQ: "RerouteMarketDepthRequest",
    IN.MARKET_RULE: "MarketRule",
    IN.PNL: "PnL",
    IN.PNL_SINGLE: "PnLSingle",
    IN.HISTORICAL_TICKS: "HistoricalTicks",
    IN.HISTORICAL_TICKS_BID_ASK: "HistoricalTicksBidAsk",
    IN.HISTORICAL_TICKS_LAST: "HistoricalTicksLast",
    IN.TICK_BY_TICK: "TickByTickData",
    IN.ORDER_BOUND: "OrderBound",
    IN.COMPLETED_ORDER: "CompletedOrder",
    IN.COMPLETED_ORDERS_END: "CompletedOrdersEnd",
    IN.REPLACE_FA_END: "ReplaceFAEnd",
    IN.WSH_META_DATA: "WshMetaData",
    IN.WSH_EVENT_DATA: "WshEventData",
    IN.HISTORICAL_SCHEDULE: "HistoricalSchedule",
    IN.USER_INFO: "UserInfo",
    IN.HISTORICAL_DATA_END: "HistoricalDataEnd",
    IN.CURRENT_TIME_IN_MILLIS: "CurrentTimeInMillis",
    IN.CONFIG_RESPONSE: "ConfigResponse",
    IN.UPDATE_CONFIG_RESPONSE: "UpdateConfigResponse",
}

REQUEST_TYPES: dict[int, str] = {
    OUT.REQ_MKT_DATA: "MarketDataRequest",
    OUT.CANCEL_MKT_DATA: "CancelMarketData",
    OUT.PLACE_ORDER: "PlaceOrderRequest",
    OUT.CANCEL_ORDER: "CancelOrderRequest",
    OUT.REQ_OPEN_ORDERS: "OpenOrdersRequest",
    OUT.REQ_ACCT_DATA: "AccountDataRequest",
    OUT.REQ_EXECUTIONS: "ExecutionRequest",
    OUT.REQ_IDS: "IdsRequest",
    OUT.REQ_CONTRACT_DATA: "ContractDataRequest",
    OUT.REQ_MKT_DEPTH: "MarketDepthRequest",
    OUT.CANCEL_MKT_DEPTH: "CancelMarketDepth",
    OUT.REQ_NEWS_BULLETINS: "NewsBulletinsRequest",
    OUT.CANCEL_NEWS_BULLETINS: "CancelNewsBulletins",
    OUT.SET_SERVER_LOGLEVEL: "SetServerLogLevelRequest",
    OUT.REQ_AUTO_OPEN_ORDERS: "AutoOpenOrdersRequest",
    OUT.REQ_ALL_OPEN_ORDERS: "AllOpenOrdersRequest",
    OUT.REQ_MANAGED_ACCTS: "ManagedAccountsRequest",
    OUT.REQ_FA: "FARequest",
    OUT.REPLACE_FA: "FAReplace",
    OUT.REQ_HISTORICAL_DATA: "HistoricalDataRequest",
    OUT.EXERCISE_OPTIONS: "ExerciseOptionsRequest",
    OUT.REQ_SCANNER_SUBSCRIPTION: "ScannerSubscriptionRequest",
    OUT.CANCEL_SCANNER_SUBSCRIPTION: "CancelScannerSubscription",
    OUT.REQ_SCANNER_PARAMETERS: "ScannerParametersRequest",
    OUT.CANCEL_HISTORICAL_DATA: "CancelHistoricalData",
    OUT.REQ_CURRENT_TIME: "CurrentTimeRequest",
    OUT.REQ_REAL_TIME_BARS: "RealTimeBarsRequest",
    OUT.CANCEL_REAL_TIME_BARS: "CancelRealTimeBars",
    OUT.REQ_FUNDAMENTAL_DATA: "FundamentalsDataRequest",
    OUT.CANCEL_FUNDAMENTAL_DATA: "CancelFundamentalsData",
    OUT.REQ_CALC_IMPLIED_VOLAT: "CalculateImpliedVolatilityRequest",
    OUT.REQ_CALC_OPTION_PRICE: "CalculateOptionPriceRequest",
    OUT.CANCEL_CALC_IMPLIED_VOLAT: "CancelCalculateImpliedVolatility",
    OUT.CANCEL_CALC_OPTION_PRICE: "CancelCalculateOptionPrice",
    OUT.REQ_GLOBAL_CANCEL: "GlobalCancelRequest",
    OUT.REQ_MARKET_DATA_TYPE: "MarketDataTypeRequest",
    OUT.REQ_POSITIONS: "PositionsRequest",
    OUT.REQ_ACCOUNT_SUMMARY: "AccountSummaryRequest",
    OUT.CANCEL_ACCOUNT_SUMMARY: "CancelAccountSummary",
    OUT.CANCEL_POSITIONS: "CancelPositions",
    OUT.VERIFY_REQUEST: "VerifyRequest",
    OUT.VERIFY_MESSAGE: "VerifyMessageRequest",
    OUT.QUERY_DISPLAY_GROUPS: "QueryDisplayGroupsRequest",
    OUT.SUBSCRIBE_TO_GROUP_EVENTS: "SubscribeToGroupEventsRequest",
    OUT.UPDATE_DISPLAY_GROUP: "UpdateDisplayGroupRequest",
    OUT.UNSUBSCRIBE_FROM_GROUP_EVENTS: "UnsubscribeFromGroupEventsRequest",
    OUT.START_API: "StartApiRequest",
    OUT.REQ_POSITIONS_MULTI: "PositionsMultiRequest",
    OUT.CANCEL_POSITIONS_MULTI: "CancelPositionsMulti",
    OUT.REQ_ACCOUNT_UPDATES_MULTI: "AccountUpdatesMultiRequest",
    OUT.CANCEL_ACCOUNT_UPDATES_MULTI: "CancelAccountUpdatesMulti",
    OUT.REQ_SEC_DEF_OPT_PARAMS: "SecDefOptParamsRequest",
    OUT.REQ_SOFT_DOLLAR_TIERS: "SoftDollarTiersRequest",
    OUT.REQ_FAMILY_CODES: "FamilyCodesRequest",
    OUT.REQ_MATCHING_SYMBOLS: "MatchingSymbolsRequest",
    OUT.REQ_MKT_DEPTH_EXCHANGES: "MarketDepthExchangesRequest",
    OUT.REQ_SMART_COMPONENTS: "SmartComponentsRequest",
    OUT.REQ_NEWS_ARTICLE: "NewsArticleRequest",
    OUT.REQ_NEWS_PROVIDERS: "NewsProvidersRequest",
    OUT.REQ_HISTORICAL_NEWS: "HistoricalNewsRequest",
    OUT.REQ_HEAD_TIMESTAMP: "HeadTimestampRequest",
    OUT.REQ_HISTOGRAM_DATA: "HistogramDataRequest",
    OUT.CANCEL_HISTOGRAM_DATA: "CancelHistogramData",
    OUT.CANCEL_HEAD_TIMESTAMP: "CancelHeadTimestamp",
    OUT.REQ_MARKET_RULE: "MarketRuleRequest",
    OUT.REQ_PNL: "PnLRequest",
    OUT.CANCEL_PNL: "CancelPnL",
    OUT.REQ_PNL_SINGLE: "PnLSingleRequest",
    OUT.CANCEL_PNL_SINGLE: "CancelPnLSingle",
    OUT.REQ_HISTORICAL_TICKS: "HistoricalTicksRequest",
    OUT.REQ_TICK_BY_TICK_DATA: "TickByTickRequest",
    OUT.CANCEL_TICK_BY_TICK_DATA: "CancelTickByTick",
    OUT.REQ_COMPLETED_ORDERS: "CompletedOrdersRequest",
    OUT.REQ_WSH_META_DATA: "WshMetaDataRequest",
    OUT.CANCEL_WSH_META_DATA: "CancelWshMetaData",
    OUT.REQ_WSH_EVENT_DATA: "WshEventDataRequest",
    OUT.CANCEL_WSH_EVENT_DATA: "CancelWshEventData",
    OUT.REQ_USER_INFO: "UserInfoRequest",
    OUT.REQ_CURRENT_TIME_IN_MILLIS: "CurrentTimeInMillisRequest",
    OUT.CANCEL_CONTRACT_DATA: "CancelContractData",
    OUT.CANCEL_HISTORICAL_TICKS: "CancelHistoricalTicks",
    OUT.REQ_CONFIG: "ConfigRequest",
    OUT.UPDATE_CONFIG: "UpdateConfigRequest",
}


@cache
def message_type(name: str) -> Any:
    """Return the protobuf class `name`; imported on first use, because all of them cost 0.4 s."""
    return getattr(import_module(f"ibapi.protobuf.{name}_pb2"), name)


def request_type(message_id: int) -> Any | None:
    """Return the class of the request with this `OUT` id, None when TWS has no such request."""
    name = REQUEST_TYPES.get(message_id)
    return None if name is None else message_type(name)


def reply_type(message_id: int) -> Any | None:
    """Return the class of the reply with this `IN` id, None when TWS has no such reply."""
    name = REPLY_TYPES.get(message_id)
    return None if name is None else message_type(name)


@cache
def request_name(message_id: int) -> str:
    """Return TWS's name of a request, "REQ_MKT_DATA", or its number as text."""
    return _names(OUT).get(message_id, str(message_id))


@cache
def reply_name(message_id: int) -> str:
    """Return TWS's name of a reply, "TICK_PRICE", or its number as text."""
    return _names(IN).get(message_id, str(message_id))


def _names(ids: type) -> dict[int, str]:
    return {number: name for name, number in vars(ids).items() if isinstance(number, int)}
