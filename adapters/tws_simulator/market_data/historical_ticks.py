"""Historical ticks: up to 1,000 quotes, trades or mids from a start or up to an end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adapters.tws_simulator.component import Refused
from adapters.tws_simulator.interfaces import Listing
from adapters.tws_simulator.market_data.history_request import (
    INVALID,
    SECOND_NS,
    no_data,
    parse_time,
)
from adapters.tws_simulator.market_data.prices import MarketPrices
from adapters.tws_simulator.market_data.source import TEN_THOUSANDTHS, IntArray, PriceHistory
from adapters.tws_simulator.messages import IN, Message, message_type

TICKS_MAX = 1000
KINDS = {"TRADES", "BID_ASK", "MIDPOINT"}
DAY_NS = 86_400 * SECOND_NS
SPANS_NS = (60 * SECOND_NS, 1800 * SECOND_NS, DAY_NS, 5 * DAY_NS)
"""How far to look for enough ticks, in growing steps."""


@dataclass(frozen=True, slots=True)
class TickRequest:
    """A request for ticks, understood: one of `start_ns` and `end_ns` is None."""

    listing: Listing
    kind: str
    count: int
    start_ns: int | None
    end_ns: int | None
    is_regular_only: bool


def tick_request(request: Message, listing: Listing) -> TickRequest:
    """Return what a `HistoricalTicksRequest` asks for; raises `Refused` 321 or 10314."""
    kind = request.whatToShow.upper()
    if kind not in KINDS:
        raise Refused(321, f"{INVALID}Invalid type of ticks {request.whatToShow}")
    if not 1 <= request.numberOfTicks <= TICKS_MAX:
        raise Refused(321, f"{INVALID}Number of ticks must be 1 to {TICKS_MAX}")
    start_ns, end_ns = parse_time(request.startDateTime), parse_time(request.endDateTime)
    if (start_ns is None) == (end_ns is None):
        raise Refused(321, f"{INVALID}Either start time or end time must be given, and not both")
    return TickRequest(listing, kind, request.numberOfTicks, start_ns, end_ns, bool(request.useRTH))


def tick_reply(
    prices: MarketPrices, wanted: TickRequest, request_id: int, now_ns: int
) -> tuple[int, Message]:
    """Return `IN` id and message with the ticks, empty when there are none."""
    if prices.history is None or wanted.listing.is_option:
        # An option has no recorded or synthetic ticks of its own here; TWS would have them.
        raise Refused(162, no_data(wanted.listing, wanted.kind))
    for span_ns in SPANS_NS:
        begin, end = _range(wanted, span_ns, now_ns)
        times, columns = _ticks(prices, prices.history, wanted, begin, end)
        if len(times) >= wanted.count:
            break
    chosen = _chosen(times, wanted)
    return _message(wanted.kind, request_id, times[chosen], [column[chosen] for column in columns])


def _range(wanted: TickRequest, span_ns: int, now_ns: int) -> tuple[int, int]:
    if wanted.start_ns is not None:
        return wanted.start_ns, min(wanted.start_ns + span_ns, now_ns)
    end = min(wanted.end_ns or now_ns, now_ns)
    return end - span_ns, end


def _ticks(
    prices: MarketPrices, history: PriceHistory, wanted: TickRequest, begin: int, end: int
) -> tuple[IntArray, list[IntArray]]:
    con_id, end = wanted.listing.con_id, max(begin, end)
    if wanted.kind == "TRADES":
        trades = history.trades(con_id, begin, end)
        times, columns = trades.ts_ns, [trades.price, trades.size]
    else:
        quotes = history.quotes(con_id, begin, end)
        times, columns = quotes.ts_ns, [quotes.bid, quotes.ask, quotes.bid_size, quotes.ask_size]
    sessions = prices.universe.hours.sessions_between(
        wanted.listing, begin, max(end, begin + 1), is_regular=wanted.is_regular_only
    )
    inside = np.zeros(len(times), dtype=np.bool_)
    for opens, closes in sessions:
        inside |= (times >= opens) & (times < closes)
    return times[inside], [column[inside] for column in columns]


def _chosen(times: IntArray, wanted: TickRequest) -> slice:
    """The first or last `count` ticks, with all ticks of the second in which the limit is reached."""
    if len(times) <= wanted.count:
        return slice(0, len(times))
    seconds = times // SECOND_NS
    if wanted.start_ns is not None:
        return slice(0, int(np.searchsorted(seconds, seconds[wanted.count - 1], side="right")))
    return slice(int(np.searchsorted(seconds, seconds[-wanted.count], side="left")), len(times))


def _message(kind: str, request_id: int, times: IntArray, columns: list[IntArray]) -> tuple[int, Message]:
    rows = zip((times // SECOND_NS).tolist(), *(column.tolist() for column in columns), strict=True)
    if kind == "TRADES":
        trades = message_type("HistoricalTicksLast")(reqId=request_id, isDone=True)
        for second, price, size in rows:
            tick = trades.historicalTicksLast.add(time=second, price=price / TEN_THOUSANDTHS, size=str(size))
            tick.exchange, tick.specialConditions = "", ""
            tick.tickAttribLast.pastLimit = tick.tickAttribLast.unreported = False
        return IN.HISTORICAL_TICKS_LAST, trades
    if kind == "BID_ASK":
        quotes = message_type("HistoricalTicksBidAsk")(reqId=request_id, isDone=True)
        for second, bid, ask, bid_size, ask_size in rows:
            quotes.historicalTicksBidAsk.add(
                time=second,
                priceBid=bid / TEN_THOUSANDTHS,
                priceAsk=ask / TEN_THOUSANDTHS,
                sizeBid=str(bid_size),
                sizeAsk=str(ask_size),
            ).tickAttribBidAsk.bidPastLow = False
        return IN.HISTORICAL_TICKS_BID_ASK, quotes
    mids = message_type("HistoricalTicks")(reqId=request_id, isDone=True)
    for second, bid, ask, _, _ in rows:
        mids.historicalTicks.add(time=second, price=(bid + ask) / 2 / TEN_THOUSANDTHS, size="0")
    return IN.HISTORICAL_TICKS, mids
