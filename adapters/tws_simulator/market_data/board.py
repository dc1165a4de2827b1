"""The board of prices: the present quote of every listing, its day so far, and who is told of changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from adapters.tws_simulator.interfaces import Print, Quote

QuoteListener = Callable[[int, Quote], None]
PrintListener = Callable[[Print], None]
PriceWatcher = Callable[[Quote], None]


@dataclass(slots=True)
class DayStatistics:
    """Open, high and low of a listing's trades since the start of its day, shares traded, last close."""

    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    volume: Decimal = Decimal(0)
    previous_close: Decimal | None = None

    def trade(self, price: Decimal, size: Decimal) -> None:
        """Take in a trade."""
        if self.open is None:
            self.open = self.high = self.low = price
        elif price > self.high:  # type: ignore[operator]  # set with open
            self.high = price
        elif price < self.low:  # type: ignore[operator]
            self.low = price
        self.volume += size


class QuoteBoard:
    """Quotes by contract id. Watchers of one listing are told first, then the listeners of all."""

    def __init__(self) -> None:
        self.quotes: dict[int, Quote] = {}
        self.days: dict[int, DayStatistics] = {}
        self._quote_listeners: list[QuoteListener] = []
        self._print_listeners: list[PrintListener] = []
        self._quote_watchers: dict[int, list[PriceWatcher]] = {}
        self._print_watchers: dict[int, list[PrintListener]] = {}

    def day(self, con_id: int) -> DayStatistics:
        """Return the day's statistics of a listing, empty at first."""
        found = self.days.get(con_id)
        if found is None:
            found = self.days[con_id] = DayStatistics()
        return found

    def publish(self, con_id: int, quote: Quote) -> None:
        """Replace a quote and tell everybody concerned."""
        self.quotes[con_id] = quote
        watchers = self._quote_watchers.get(con_id)
        if watchers:
            for watcher in tuple(watchers):
                watcher(quote)
        for listener in self._quote_listeners:
            listener(con_id, quote)

    def publish_trade(self, trade: Print, quote: Quote) -> None:
        """Take in a trade, `quote` being the quote with it as the last one, and tell everybody concerned."""
        self.quotes[trade.con_id] = quote
        self.day(trade.con_id).trade(trade.price, trade.size)
        watchers = self._print_watchers.get(trade.con_id)
        if watchers:
            for watcher in tuple(watchers):
                watcher(trade)
        for listener in self._print_listeners:
            listener(trade)

    def start_day(self) -> None:
        """Begin a trading day: yesterday's last becomes the previous close, the statistics start anew."""
        for con_id, quote in self.quotes.items():
            before = self.day(con_id)
            close = quote.last if quote.last is not None else before.previous_close
            self.days[con_id] = DayStatistics(previous_close=close)

    def on_quote(self, listener: QuoteListener) -> None:
        """Call `listener` after every change of a quote."""
        self._quote_listeners.append(listener)

    def on_print(self, listener: PrintListener) -> None:
        """Call `listener` after every trade."""
        self._print_listeners.append(listener)

    def watch(self, con_id: int, watcher: PriceWatcher) -> None:
        """Call `watcher` after every change of one listing's quote."""
        self._quote_watchers.setdefault(con_id, []).append(watcher)

    def unwatch(self, con_id: int, watcher: PriceWatcher) -> None:
        """End `watch`."""
        self._quote_watchers[con_id].remove(watcher)

    def watch_trades(self, con_id: int, watcher: PrintListener) -> None:
        """Call `watcher` after every trade of one listing."""
        self._print_watchers.setdefault(con_id, []).append(watcher)

    def unwatch_trades(self, con_id: int, watcher: PrintListener) -> None:
        """End `watch_trades`."""
        self._print_watchers[con_id].remove(watcher)
