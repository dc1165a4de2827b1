"""Reads Nautilus' order book at decision time."""

from __future__ import annotations

from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.strategy import Strategy

from strategies.intraday.symbol_trader import Levels, ReadDepth


def depth_reader(strategy: Strategy, instrument_id: InstrumentId, *, levels: int) -> ReadDepth:
    """Return a function that reads the `levels` best levels of the book that Nautilus keeps up to date.

    Nautilus copies the whole book at each read (170 ns a level), hence at decisions only, not on ticks.
    """

    def read() -> tuple[Levels, Levels] | None:
        book: OrderBook | None = strategy.cache.order_book(instrument_id)
        if book is None:
            return None
        bids = [(float(level.price), level.size()) for level in book.bids()[:levels]]
        asks = [(float(level.price), level.size()) for level in book.asks()[:levels]]
        is_usable = bids and asks and bids[0][0] < asks[0][0]
        return (bids, asks) if is_usable else None

    return read
