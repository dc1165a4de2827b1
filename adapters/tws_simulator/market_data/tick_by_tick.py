"""Tick by tick data: every quote, trade or mid of a listing, stamped in whole seconds.

Known: at most as many as depth requests (documented), error 10190 above, 10189 where there is none, times in
seconds. Modelled: the present quote comes first; the rule of one request per instrument in 15 seconds
is not enforced, because what TWS answers is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from adapters.tws_simulator.component import Handler, Refused
from adapters.tws_simulator.contracts.resolution import INVALID, the_listing
from adapters.tws_simulator.interfaces import Listing, Print, Quote
from adapters.tws_simulator.market_data.encoding import BidAskEncoder, TickShape, request_id_bytes
from adapters.tws_simulator.market_data.standing_requests import MarketAccess, RequestKey, StandingRequests
from adapters.tws_simulator.messages import IN, OUT, Message, message_type
from adapters.tws_simulator.session.sessions import Session

KINDS = {"Last": 1, "AllLast": 2, "BidAsk": 3, "MidPoint": 4}
NOTHING = Decimal(0)
TOO_MANY = "Max number of tick-by-tick requests has been reached."


@dataclass(slots=True, eq=False)
class Subscriber:
    """A request: whom to tell, under which id."""

    session: Session
    request_id: int
    prefix: bytes
    stream: Stream
    ignores_size: bool


@dataclass(slots=True, eq=False)
class Stream:
    """One kind of ticks of one listing, with everybody who wants it."""

    listing: Listing
    kind: str
    exchange: str
    subscribers: list[Subscriber] = field(default_factory=list)
    end: Callable[[], None] = lambda: None
    before: Quote | None = None


class TickByTick(StandingRequests[Subscriber]):
    """All tick by tick requests. A tick is encoded once per stream."""

    def __init__(self, access: MarketAccess) -> None:
        super().__init__(access)
        self._streams: dict[tuple[int, str], Stream] = {}
        self._shape = TickShape("TickByTickData")
        self._tick = message_type("TickByTickData")
        self._bid_ask = BidAskEncoder()

    def handlers(self) -> Mapping[int, Handler]:
        """Return the requests about tick by tick data."""
        return {OUT.REQ_TICK_BY_TICK_DATA: self._subscribe, OUT.CANCEL_TICK_BY_TICK_DATA: self._cancel}

    # ------------------------------------------------------------------ requests

    def _subscribe(self, session: Session, request: Message) -> None:
        key = self._new_key(session, request)
        kind = request.tickType
        if kind not in KINDS:
            raise Refused(321, f"{INVALID}Invalid tick type {kind}")
        listing = the_listing(self._prices.universe, request.contract)
        self._check(listing, kind)
        if len(self._held) >= self._settings.tick_by_tick_max:
            raise Refused(10190, TOO_MANY)
        stream = self._stream(listing, kind, request.contract.exchange)
        subscriber = Subscriber(
            session, request.reqId, request_id_bytes(request.reqId), stream, request.ignoreSize
        )
        self._held[key] = subscriber
        stream.subscribers.append(subscriber)
        quote = self._prices.quote(listing.con_id)
        if quote is not None and kind in {"BidAsk", "MidPoint"} and not self._silenced(listing.con_id):
            shared = self._quote_bytes(stream, quote)
            if shared is not None:
                self._send(subscriber, shared)

    def _check(self, listing: Listing, kind: str) -> None:
        is_unsupported = (listing.is_option and not self._settings.has_option_tick_by_tick) or (
            listing.security_type == "IND"
        )
        if is_unsupported:
            text = f"{kind} tick-by-tick requests are not supported for {listing.symbol}."
            raise Refused(10189, f"Failed to request tick-by-tick data:{text}")
        self._entitlements.require_live(listing)

    def _drop(self, key: RequestKey) -> None:
        subscriber = self._held.pop(key)
        stream = subscriber.stream
        stream.subscribers.remove(subscriber)
        if not stream.subscribers:
            stream.end()
            del self._streams[stream.listing.con_id, stream.kind]

    # ------------------------------------------------------------------ ticks

    def _stream(self, listing: Listing, kind: str, exchange: str) -> Stream:
        found = self._streams.get((listing.con_id, kind))
        if found is not None:
            return found
        where = exchange if exchange not in {"", "SMART"} else listing.primary_exchange
        stream = self._streams[listing.con_id, kind] = Stream(listing, kind, where)
        board, con_id = self._prices.board, listing.con_id
        if kind in {"Last", "AllLast"}:

            def on_trade(trade: Print) -> None:
                self._tell(stream, self._trade_bytes(stream, trade))

            board.watch_trades(con_id, on_trade)
            stream.end = lambda: board.unwatch_trades(con_id, on_trade)
        else:

            def on_quote(quote: Quote) -> None:
                self._on_quote(stream, quote)

            board.watch(con_id, on_quote)
            stream.end = lambda: board.unwatch(con_id, on_quote)
        return stream

    def _on_quote(self, stream: Stream, quote: Quote) -> None:
        before, stream.before = stream.before, quote
        shared = self._quote_bytes(stream, quote)
        if shared is None:
            return
        is_size_only = before is not None and before.bid == quote.bid and before.ask == quote.ask
        if stream.kind == "MidPoint" and is_size_only:
            return
        self._tell(stream, shared, is_size_only=is_size_only)

    def _tell(self, stream: Stream, shared: bytes, *, is_size_only: bool = False) -> None:
        if self._silenced(stream.listing.con_id):
            return
        for subscriber in stream.subscribers:
            if not (is_size_only and subscriber.ignores_size):
                self._send(subscriber, shared)

    def _send(self, subscriber: Subscriber, shared: bytes) -> None:
        body = self._shape.message(subscriber.prefix, shared)
        self._broker.send(subscriber.session, IN.TICK_BY_TICK, body)

    def _quote_bytes(self, stream: Stream, quote: Quote) -> bytes | None:
        """Encode a quote; a side without a price is 0 with size 0. None for a mid without two sides."""
        seconds = quote.ts_ns // 1_000_000_000
        if stream.kind == "BidAsk":
            is_past_low, is_past_high = self._extremes(stream, quote)
            return self._bid_ask.encode(
                seconds,
                (quote.bid or NOTHING, quote.ask or NOTHING),
                (quote.bid_size or NOTHING, quote.ask_size or NOTHING),
                is_past_low=is_past_low,
                is_past_high=is_past_high,
            )
        if quote.bid is None or quote.ask is None:
            return None
        tick = self._tick(tickType=KINDS[stream.kind])
        part = tick.historicalTickMidPoint
        part.time, part.price, part.size = seconds, float((quote.bid + quote.ask) / 2), "0"
        shared: bytes = tick.SerializeToString()
        return shared

    def _extremes(self, stream: Stream, quote: Quote) -> tuple[bool, bool]:
        """Return whether the bid is below the day's low, and the ask above its high: TWS marks both."""
        day = self._prices.board.days.get(stream.listing.con_id)
        below = day is not None and day.low is not None and quote.bid is not None and quote.bid < day.low
        above = day is not None and day.high is not None and quote.ask is not None and quote.ask > day.high
        return below, above

    def _trade_bytes(self, stream: Stream, trade: Print) -> bytes:
        tick = self._tick(tickType=KINDS[stream.kind])
        part = tick.historicalTickLast
        part.time = trade.ts_ns // 1_000_000_000
        part.price, part.size = float(trade.price), str(trade.size)
        part.exchange, part.specialConditions = stream.exchange, ""
        part.tickAttribLast.pastLimit = part.tickAttribLast.unreported = False
        shared: bytes = tick.SerializeToString()
        return shared
