"""Order books by exchange: recorded ones, and ones drawn up around a quote where nothing is recorded.

A row of a book is one price on one exchange. Consolidated (SMART) depth lists the rows of all
exchanges, best price first, within a price in the order of `EXCHANGES`; depth of one exchange lists its own.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from adapters.tws_simulator.interfaces import Quote
from adapters.tws_simulator.market_data.board import QuoteBoard
from adapters.tws_simulator.market_data.source import price_of, size_of

EXCHANGES = ("NASDAQ", "ARCA", "BATS")
"""Where drawn-up books have rows; a recorded book is NASDAQ's."""

RECORDED_EXCHANGE = EXCHANGES[0]
BOOK_TICK = Decimal("0.01")
SUB_DOLLAR_TICK = Decimal("0.0001")


class Row(NamedTuple):
    """A price on one exchange with its size."""

    price: Decimal
    size: Decimal
    exchange: str


class Book(NamedTuple):
    """The rows of both sides, best first."""

    bids: list[Row]
    asks: list[Row]


EMPTY = Book([], [])


class SourceBooks:
    """The books of all listings. `watch` tells when one may have changed."""

    def __init__(self, board: QuoteBoard, levels: int) -> None:
        self._board, self._levels = board, levels
        self._recorded: dict[int, _RecordedBook] = {}
        self._watchers: dict[int, list[Callable[[], None]]] = {}

    def book(self, con_id: int, rows: int) -> Book:
        """Return the best `rows` rows of each side over all exchanges."""
        recorded = self._recorded.get(con_id)
        if recorded is not None:
            return recorded.top(rows)
        quote = self._board.quotes.get(con_id)
        return EMPTY if quote is None else drawn_up(quote, min(rows, self._levels * len(EXCHANGES)))

    def exchange_book(self, con_id: int, exchange: str, rows: int) -> Book:
        """Return the best `rows` rows of one exchange; empty where it has none."""
        book = self.book(con_id, rows * len(EXCHANGES))
        return Book(
            [row for row in book.bids if row.exchange == exchange][:rows],
            [row for row in book.asks if row.exchange == exchange][:rows],
        )

    def has_recording(self, con_id: int) -> bool:
        """Return whether the book comes from recorded deltas and not from quotes."""
        return con_id in self._recorded

    def set_level(self, con_id: int, is_bid: bool, price: int, size: int, *, is_last: bool) -> None:
        """Set the size at a price of the recorded book (0: gone); watchers hear of it once it `is_last`."""
        self._recorded_book(con_id).set_level(is_bid, price, size)
        if is_last:
            self._tell(con_id)

    def clear(self, con_id: int) -> None:
        """Empty the recorded book; what follows refills it."""
        self._recorded[con_id] = _RecordedBook()

    def watch(self, con_id: int, watcher: Callable[[], None]) -> Callable[[], None]:
        """Call `watcher` after changes of a book (quotes draw it up, deltas record it); returns the end."""

        def from_quote(_quote: Quote) -> None:
            if con_id not in self._recorded:
                watcher()

        self._board.watch(con_id, from_quote)
        self._watchers.setdefault(con_id, []).append(watcher)

        def end() -> None:
            self._board.unwatch(con_id, from_quote)
            self._watchers[con_id].remove(watcher)

        return end

    def _tell(self, con_id: int) -> None:
        for watcher in tuple(self._watchers.get(con_id, ())):
            watcher()

    def _recorded_book(self, con_id: int) -> _RecordedBook:
        found = self._recorded.get(con_id)
        if found is None:
            found = self._recorded[con_id] = _RecordedBook()
        return found


class _RecordedBook:
    """Sizes by price with the prices in order: O(log n) to set a level, O(rows) to read the top."""

    def __init__(self) -> None:
        self._sizes: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._prices: tuple[list[int], list[int]] = ([], [])

    def set_level(self, is_bid: bool, price: int, size: int) -> None:
        sizes, prices = self._sizes[is_bid], self._prices[is_bid]
        key = -price if is_bid else price
        if size <= 0:
            if sizes.pop(price, None) is not None:
                del prices[bisect_left(prices, key)]
        else:
            if price not in sizes:
                insort(prices, key)
            sizes[price] = size

    def top(self, rows: int) -> Book:
        bids, asks = (
            [
                Row(price_of(abs(key)) or Decimal(0), size_of(sizes[abs(key)]), RECORDED_EXCHANGE)
                for key in prices[:rows]
            ]
            for sizes, prices in ((self._sizes[1], self._prices[1]), (self._sizes[0], self._prices[0]))
        )
        return Book(bids, asks)


def drawn_up(quote: Quote, rows: int) -> Book:
    """Return a book around a quote: its best sizes on top, below them sizes that belong to their price.

    Because a size is a function of the price, a quote that moves by a tick shifts the book by a row, as a
    real one does.
    """
    return Book(
        _side(quote.bid, quote.bid_size, -1, rows),
        _side(quote.ask, quote.ask_size, 1, rows),
    )


def _side(best: Decimal | None, best_size: Decimal | None, direction: int, rows: int) -> list[Row]:
    if best is None or best_size is None:
        return []
    tick = BOOK_TICK if best >= 1 else SUB_DOLLAR_TICK
    found: list[Row] = []
    level = 0
    while len(found) < rows:
        price = best + tick * (direction * level)
        if price <= 0:
            break
        number = int(price / tick)
        total = best_size if level == 0 else Decimal(100 * (1 + number * 2654435761 % 23))
        found += _split(price, total, number)
        level += 1
    return found[:rows]


def _split(price: Decimal, total: Decimal, number: int) -> list[Row]:
    """Share a level out between exchanges; how many have a part depends on the price."""
    count = 1 + number * 40503 % len(EXCHANGES)
    part = (total / count).to_integral_value(rounding="ROUND_FLOOR")
    if count == 1 or part <= 0:
        return [Row(price, total, EXCHANGES[number % len(EXCHANGES)])]
    shares = [total - part * (count - 1)] + [part] * (count - 1)
    return [Row(price, share, EXCHANGES[place]) for place, share in enumerate(shares)]
