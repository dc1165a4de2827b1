"""Records of market data as a node's data clients make them, and a sink that keeps what it is told."""

from __future__ import annotations

import threading
from typing import Any

import msgspec
from nautilus_trader.model.data import (
    BookOrder,
    OptionGreeks,
    OrderBookDelta,
    OrderBookDeltas,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.model.enums import AggressorSide, BookAction, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, TradeId
from nautilus_trader.model.objects import Price, Quantity

from market.time import to_ns

BAC = InstrumentId.from_str("BAC.SMART")
AAPL = InstrumentId.from_str("AAPL.SMART")
START_NS = to_ns("2013-10-07T13:30:00Z")


def quote(
    ts_ns: int, *, bid: str = "13.9000", ask: str = "13.9100", of: InstrumentId = BAC, size: int = 100
) -> QuoteTick:
    """Return a quote whose times are both `ts_ns`."""
    sizes = Quantity.from_int(size)
    return QuoteTick(of, Price.from_str(bid), Price.from_str(ask), sizes, sizes, ts_ns, ts_ns)


def trade(ts_ns: int, *, price: str = "13.9000", of: InstrumentId = BAC) -> TradeTick:
    """Return a print of 100 shares."""
    size = Quantity.from_int(100)
    return TradeTick(of, Price.from_str(price), size, AggressorSide.BUYER, TradeId(str(ts_ns)), ts_ns, ts_ns)


def delta(ts_ns: int, *, price: str = "13.9000", flags: int = 0, of: InstrumentId = BAC) -> OrderBookDelta:
    """Return an addition to the bids."""
    order = BookOrder(OrderSide.BUY, Price.from_str(price), Quantity.from_int(300), 7)
    return OrderBookDelta(of, BookAction.ADD, order, flags, 5, ts_ns, ts_ns)


def message(ts_ns: int, *, count: int = 3) -> OrderBookDeltas:
    """Return one message that clears the book and adds to it."""
    added = [delta(ts_ns, price=f"13.{80 + each}00") for each in range(count - 1)]
    return OrderBookDeltas(BAC, [OrderBookDelta.clear(BAC, 0, ts_ns, ts_ns), *added])


def greeks(ts_ns: int, *, mark_iv: float | None = 0.25) -> OptionGreeks:
    """Return greeks without the implied volatilities of bid and ask."""
    return OptionGreeks(
        InstrumentId.from_str("AAPL240119C00190000.SMART"),
        0.5, 0.01, 0.2, -0.05, 0.1, mark_iv, None, None, 190.0, None, ts_ns, ts_ns,
    )  # fmt: skip


class MemorySink:
    """Keeps records in the order in which they came, from any thread."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self._lock = threading.Lock()

    def append(self, body: msgspec.Struct, *, ts_ns: int, market_ns: int | None = None) -> int:
        """Keep `body`; return its number."""
        with self._lock:
            self.bodies.append(body)
            return len(self.bodies)

    def of(self, kind: type) -> list[Any]:
        """Return the records of one type."""
        return [body for body in self.bodies if type(body) is kind]


GREEKS = ("delta", "gamma", "vega", "theta", "rho", "mark_iv", "bid_iv", "ask_iv", "underlying_price")


def content(record: Any) -> dict[str, Any]:
    """Return every value of a record, whatever its type; a delta that clears a book has no order."""
    if isinstance(record, OptionGreeks):
        names = (*GREEKS, "open_interest", "ts_event", "ts_init")
        values = {name: getattr(record, name) for name in names}
        return values | {"id": str(record.instrument_id), "convention": record.convention.name}
    values = type(record).to_dict(record)
    if values.get("action") == "CLEAR":
        del values["order"]
    return values | {"type": type(record).__name__}
