"""One market data line: what a client was told last, and what it must be told now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from adapters.tws_simulator.interfaces import Listing, Quote
from adapters.tws_simulator.market_data import tick_messages as ticks
from adapters.tws_simulator.market_data.board import DayStatistics
from adapters.tws_simulator.market_data.combinations import SignedLegs
from adapters.tws_simulator.market_data.lines import DataType
from adapters.tws_simulator.messages import IN
from adapters.tws_simulator.session.sessions import Session

Frame = tuple[int, bytes]
"""An `IN` id and the encoded message without its request id."""


@dataclass(slots=True, eq=False)
class Line:
    """A request for market data. `listing` is None for a combination, which has `legs`."""

    session: Session
    request_id: int
    prefix: bytes
    listing: Listing | None
    legs: SignedLegs
    data_type: DataType
    generic_ticks: frozenset[int]
    is_snapshot: bool
    exchange: str
    prices: dict[int, tuple[Decimal | None, Decimal | None]] = field(default_factory=dict)
    sizes: dict[int, Decimal | None] = field(default_factory=dict)
    computed: tuple[object, ...] = ()
    last_ns: int = 0
    is_waiting: bool = False

    @property
    def is_delayed(self) -> bool:
        """Whether the line shows data of 15 minutes ago."""
        return self.data_type in {DataType.DELAYED, DataType.DELAYED_FROZEN}

    def tick_type(self, live: int) -> int:
        """Return the tick type that carries what `live` does on a live line."""
        return ticks.DELAYED.get(live, live) if self.is_delayed else live

    def changes(self, quote: Quote, day: DayStatistics | None) -> Iterator[Frame]:
        """Yield what differs from what was sent before, and take note of it.

        A new price comes with its size, a new size at the same price alone: TWS's way.
        """
        can_execute = ticks.CAN_AUTO_EXECUTE
        if self.listing is None or self.listing.security_type != "IND":
            yield from self._price(ticks.BID, quote.bid, quote.bid_size, can_execute)
            yield from self._price(ticks.ASK, quote.ask, quote.ask_size, can_execute)
        if quote.last is not None:
            yield from self._price(ticks.LAST, quote.last, quote.last_size, 0)
        if day is not None:
            for kind, price in (
                (ticks.OPEN, day.open),
                (ticks.HIGH, day.high),
                (ticks.LOW, day.low),
                (ticks.CLOSE, day.previous_close),
            ):
                if price is not None:
                    yield from self._price(kind, price, None, 0)
            if day.volume:
                yield from self._size(ticks.VOLUME, day.volume)

    def _price(
        self, kind: int, price: Decimal | None, size: Decimal | None, attributes: int
    ) -> Iterator[Frame]:
        before = self.prices.get(kind)
        if before == (price, size):
            return
        self.prices[kind] = (price, size)
        if before is None or before[0] != price:
            attributes = attributes if price is not None else 0
            yield IN.TICK_PRICE, ticks.tick_price(self.tick_type(kind), price, size, attributes)
        else:
            yield IN.TICK_SIZE, ticks.tick_size(self.tick_type(ticks.SIZE_OF_PRICE[kind]), size)

    def _size(self, kind: int, size: Decimal) -> Iterator[Frame]:
        if self.sizes.get(kind) != size:
            self.sizes[kind] = size
            yield IN.TICK_SIZE, ticks.tick_size(self.tick_type(kind), size)
