"""Real-time bars: five seconds each, at the end of every five seconds of market time.

Known from a capture (EUR.USD, MIDPOINT): stamped with the bar's begin; volume, average and count -1.
Modelled: a bar without trades repeats the last price with volume 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from adapters.tws_simulator.component import Handler, Refused
from adapters.tws_simulator.contracts.resolution import INVALID, the_listing
from adapters.tws_simulator.interfaces import Listing, Print, Quote, TradingPhase
from adapters.tws_simulator.market_data.day_so_far import look_up_day
from adapters.tws_simulator.market_data.history_request import SECOND_NS
from adapters.tws_simulator.market_data.lines import TOO_MANY_TICKERS
from adapters.tws_simulator.market_data.standing_requests import MarketAccess, RequestKey, StandingRequests
from adapters.tws_simulator.messages import IN, OUT, Message, message_type
from adapters.tws_simulator.session.sessions import Session

BAR_SECONDS = 5
KINDS = {"TRADES", "MIDPOINT", "BID", "ASK"}


@dataclass(slots=True, eq=False)
class BarStream:
    """A request and the bar that it is at."""

    session: Session
    request_id: int
    listing: Listing
    kind: str
    is_regular_only: bool
    prices: list[Decimal] = field(default_factory=list)
    volume: Decimal = Decimal(0)
    turnover: Decimal = Decimal(0)
    trades: int = 0
    last: Decimal | None = None
    ends: list[Callable[[], None]] = field(default_factory=list)

    def add(self, price: Decimal | None) -> None:
        """Take in a price."""
        if price is not None:
            self.prices.append(price)
            self.last = price

    def trade(self, trade: Print) -> None:
        """Take in a trade."""
        self.add(trade.price)
        self.volume += trade.size
        self.turnover += trade.size * trade.price
        self.trades += 1

    def close(self, begin_seconds: int) -> Message | None:
        """Return the bar's message and begin the next one, None before the first price."""
        if self.last is None:
            return None
        prices = self.prices or [self.last]
        is_traded = self.kind == "TRADES"
        average = self.turnover / self.volume if self.volume else self.last
        message = message_type("RealTimeBarTick")(
            reqId=self.request_id,
            time=begin_seconds,
            open=float(prices[0]),
            high=float(max(prices)),
            low=float(min(prices)),
            close=float(prices[-1]),
            volume=str(self.volume) if is_traded else "-1",
            WAP=str(round(average, 4)) if is_traded else "-1",
            count=self.trades if is_traded else -1,
        )
        self.prices, self.volume, self.turnover, self.trades = [], Decimal(0), Decimal(0), 0
        return message


class RealTimeBars(StandingRequests[BarStream]):
    """All requests for real-time bars; one timer for them all."""

    def __init__(self, access: MarketAccess) -> None:
        super().__init__(access)
        self._is_ticking = False

    def handlers(self) -> Mapping[int, Handler]:
        """Return the requests about real-time bars."""
        return {OUT.REQ_REAL_TIME_BARS: self._subscribe, OUT.CANCEL_REAL_TIME_BARS: self._cancel}

    def _subscribe(self, session: Session, request: Message) -> None:
        key = self._new_key(session, request)
        listing = the_listing(self._prices.universe, request.contract)
        kind = request.whatToShow.upper()
        if request.barSize not in {0, BAR_SECONDS}:
            raise Refused(321, f"{INVALID}Bar size must be 5 seconds")
        if kind not in KINDS or (listing.security_type == "IND" and kind != "TRADES"):
            raise Refused(420, f"Invalid Real-time Query:No {kind} of {listing.symbol}")
        self._entitlements.require_live(listing)
        if len(self._held) >= self._settings.lines_max:
            raise Refused(101, TOO_MANY_TICKERS)
        stream = BarStream(session, request.reqId, listing, kind, bool(request.useRTH))
        self._held[key] = stream
        self._watch(stream)
        if not self._is_ticking:
            self._is_ticking = True
            self._schedule()

    def _drop(self, key: RequestKey) -> None:
        for end in self._held.pop(key).ends:
            end()

    def _watch(self, stream: BarStream) -> None:
        board, con_id = self._prices.board, stream.listing.con_id
        look_up_day(self._prices, con_id, self._broker.market_ns)
        quote = self._prices.quote(con_id)
        if stream.kind == "TRADES":
            stream.last = None if quote is None else quote.last
            if stream.listing.security_type == "IND":
                board.watch(con_id, on_index := lambda news: stream.add(news.last))
                stream.ends.append(lambda: board.unwatch(con_id, on_index))
            else:
                board.watch_trades(con_id, stream.trade)
                stream.ends.append(lambda: board.unwatch_trades(con_id, stream.trade))
            return

        def on_quote(news: Quote) -> None:
            stream.add(_value(news, stream.kind))

        stream.last = None if quote is None else _value(quote, stream.kind)
        board.watch(con_id, on_quote)
        stream.ends.append(lambda: board.unwatch(con_id, on_quote))

    def _schedule(self) -> None:
        step_ns = BAR_SECONDS * SECOND_NS
        next_ns = (self._broker.market_ns // step_ns + 1) * step_ns
        self._broker.call_at_market(next_ns, self._tick)

    def _tick(self) -> None:
        end_ns = self._broker.market_ns // (BAR_SECONDS * SECOND_NS) * BAR_SECONDS * SECOND_NS
        begin_ns = end_ns - BAR_SECONDS * SECOND_NS
        for stream in list(self._held.values()):
            message = stream.close(begin_ns // SECOND_NS)
            if message is not None and self._is_wanted(stream, begin_ns):
                self._broker.send(stream.session, IN.REAL_TIME_BARS, message)
        self._is_ticking = bool(self._held)
        if self._is_ticking:
            self._schedule()

    def _is_wanted(self, stream: BarStream, begin_ns: int) -> bool:
        if self._silenced(stream.listing.con_id):
            return False
        phase = self._prices.universe.phase(stream.listing, begin_ns)
        if phase is TradingPhase.CLOSED:
            return False
        return phase is TradingPhase.REGULAR or not stream.is_regular_only


def _value(quote: Quote, kind: str) -> Decimal | None:
    if kind == "BID":
        return quote.bid
    if kind == "ASK":
        return quote.ask
    return None if quote.bid is None or quote.ask is None else (quote.bid + quote.ask) / 2
