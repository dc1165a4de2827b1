"""The market's prices now: what the feed, the option model and a test's hand say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

import numpy as np

from adapters.tws_simulator.contracts.names import Name
from adapters.tws_simulator.contracts.resolution import legs_of
from adapters.tws_simulator.contracts.universe import ListedUniverse
from adapters.tws_simulator.interfaces import Print, Quote
from adapters.tws_simulator.market_data.board import QuoteBoard
from adapters.tws_simulator.market_data.books import SourceBooks
from adapters.tws_simulator.market_data.combinations import combination_quote
from adapters.tws_simulator.market_data.option_prices import OptionPrices
from adapters.tws_simulator.market_data.source import PriceHistory, price_of, size_of
from adapters.tws_simulator.messages import Message


class MarketPrices:
    """Implements `interfaces.Market` and `source.FeedSink`.

    A quote that is set by hand is held: the feed no longer touches that listing until it is released.
    `primed` are the listings whose day so far has been looked up (`day_so_far`). `now_ns()` is the
    market's time.
    """

    def __init__(
        self,
        universe: ListedUniverse,
        names: Mapping[int, Name],
        history: PriceHistory | None,
        *,
        now_ns: Callable[[], int],
        depth_levels: int,
    ) -> None:
        self.universe, self.history = universe, history
        self.board = QuoteBoard()
        self.books = SourceBooks(self.board, depth_levels)
        self.options = OptionPrices(self.board, universe, self.volatility)
        self.held: set[int] = set()
        self._names, self._now_ns = names, now_ns
        self.primed: set[int] = set()
        self._legs: dict[bytes, list[tuple[int, int]]] = {}
        self._hours = (0, 0)
        self._stock = next((item for item in universe.listings() if item.security_type == "STK"), None)
        self._regular = (0, 0)

    # ------------------------------------------------------------------ interfaces.Market

    def quote(self, con_id: int) -> Quote | None:
        """Return the quote of a listing, None when nothing was ever quoted."""
        found = self.board.quotes.get(con_id)
        return found if found is not None else self.options.quote(con_id, self._now_ns())

    def combination_quote(self, contract: Message) -> Quote | None:
        """Return the quote of a BAG, None when a leg has none; raises `Refused` for unknown legs."""
        return combination_quote(legs_of(self.universe, contract), self.quote)

    def mark(self, con_id: int) -> Decimal | None:
        """Return the price that positions are valued at: mid, else last, else None."""
        quote = self.quote(con_id)
        if quote is None:
            return None
        if quote.bid is not None and quote.ask is not None:
            return (quote.bid + quote.ask) / 2
        return quote.last

    def set_quote(self, con_id: int, quote: Quote) -> None:
        """Replace a quote now and hold it against the feed; listeners and subscribers are told.

        A changed last price or size counts as a trade, of its size.
        """
        self.held.add(con_id)
        before = self.board.quotes.get(con_id)
        self.board.publish(con_id, quote)
        is_trade = quote.last is not None and (
            before is None or (before.last, before.last_size) != (quote.last, quote.last_size)
        )
        if is_trade and quote.last is not None:
            trade = Print(con_id, quote.last, quote.last_size or Decimal(0), quote.ts_ns)
            self.board.publish_trade(trade, quote)

    def release(self, con_id: int) -> None:
        """Let the feed move a listing again; harmless when it is not held."""
        self.held.discard(con_id)

    def on_quote(self, listener: Callable[[int, Quote], None]) -> None:
        """Call `listener(con_id, quote)` after every change of a quote."""
        self.board.on_quote(listener)

    def on_print(self, listener: Callable[[Print], None]) -> None:
        """Call `listener(trade)` after every trade of the market."""
        self.board.on_print(listener)

    # ------------------------------------------------------------------ source.FeedSink

    def feed_quote(self, con_id: int, bid: int, ask: int, bid_size: int, ask_size: int, ts_ns: int) -> None:
        """Replace the top of a book, unless it is held or the exchange is closed."""
        if con_id in self.held or not self._is_open(ts_ns):
            return
        before = self.board.quotes.get(con_id)
        last, last_size = (None, None) if before is None else (before.last, before.last_size)
        quote = Quote(
            price_of(bid),
            price_of(ask),
            size_of(bid_size) if bid else None,
            size_of(ask_size) if ask else None,
            last,
            last_size,
            ts_ns,
        )
        self.board.publish(con_id, quote)

    def feed_trade(self, con_id: int, price: int, size: int, ts_ns: int) -> None:
        """Report a trade, unless the listing is held or the exchange is closed; size 0 is an index value."""
        if con_id in self.held or not self._is_open(ts_ns):
            return
        value = price_of(price)
        if value is None:
            return
        before, amount = self.board.quotes.get(con_id), size_of(size)
        if size == 0:
            if self._regular[0] <= ts_ns < self._regular[1]:
                self.board.day(con_id).trade(value, amount)
                self.board.publish(con_id, Quote(last=value, last_size=amount, ts_ns=ts_ns))
            return
        top = (None,) * 4 if before is None else (before.bid, before.ask, before.bid_size, before.ask_size)
        quote = Quote(*top, value, amount, ts_ns)
        self.board.publish_trade(Print(con_id, value, amount, ts_ns), quote)

    def feed_level(self, con_id: int, is_bid: bool, price: int, size: int, *, is_last: bool) -> None:
        """Set the size at a price of the recorded book."""
        if con_id not in self.held:
            self.books.set_level(con_id, is_bid, price, size, is_last=is_last)

    def feed_clear(self, con_id: int) -> None:
        """Empty the recorded book."""
        if con_id not in self.held:
            self.books.clear(con_id)

    # ------------------------------------------------------------------ the day

    def start(self, market_ns: int) -> None:
        """Put every stock and index on the board as of `market_ns`, with its last close."""
        if self.history is None:
            return
        close_ns = self._previous_close_ns(market_ns)
        for con_id in self._names:
            earliest = self.history.earliest_ns(con_id)
            if earliest is None or earliest > market_ns:
                continue
            if close_ns is not None and earliest <= close_ns:
                mid = int(self.history.samples(con_id, np.array([close_ns], dtype=np.int64))[0])
                self.board.day(con_id).previous_close = price_of(mid // 100 * 100)
            self.board.publish(con_id, self._quote_in_force(con_id, market_ns))

    def _quote_in_force(self, con_id: int, market_ns: int) -> Quote:
        """Return a stock's quote, or an index's value, out of the past."""
        assert self.history is not None
        found = self.history.quote_at(con_id, market_ns)
        if found is None:
            mid = int(self.history.samples(con_id, np.array([market_ns], dtype=np.int64))[0])
            return Quote(last=price_of(mid // 100 * 100), last_size=Decimal(0), ts_ns=market_ns)
        bid, ask, bid_size, ask_size = found
        sizes = size_of(bid_size) if bid else None, size_of(ask_size) if ask else None
        return Quote(price_of(bid), price_of(ask), *sizes, None, None, market_ns)

    def _previous_close_ns(self, market_ns: int) -> int | None:
        hours, stock = self.universe.hours, self._stock
        if stock is None:
            return None
        day_ns = 86_400_000_000_000
        found = hours.sessions_between(stock, market_ns - 7 * day_ns, market_ns, is_regular=True)
        closed = [close for _, close in found if close <= market_ns]
        return closed[-1] if closed else None

    def _is_open(self, ts_ns: int) -> bool:
        start, end = self._hours
        return start <= ts_ns < end or self._open_on_day_of(ts_ns)

    def _open_on_day_of(self, ts_ns: int) -> bool:
        """Look up the hours of another day (or before today's opening), and begin it on the board."""
        hours = self.universe.hours
        stock, day = self._stock, hours.day_of(ts_ns)
        session = None if stock is None else hours.trading_session(stock, day)
        regular = None if stock is None else hours.regular_session(stock, day)
        if session is None or regular is None:
            return False
        if ts_ns < session[0]:
            return False
        if self._hours != (0, 0) and session[0] != self._hours[0]:
            self.board.start_day()
            self.primed.clear()
        self._hours = session
        self._regular = regular
        return ts_ns < session[1]

    def volatility(self, con_id: int, market_ns: int) -> float:
        """Return the at-the-money implied volatility (a year) of a stock or index."""
        if self.history is not None and self.history.earliest_ns(con_id) is not None:
            return float(self.history.volatility(con_id, np.array([market_ns], dtype=np.int64))[0])
        return self._names[con_id].volatility if con_id in self._names else 0.25
