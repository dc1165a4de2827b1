"""The messages of a market data line, encoded once per content and shared by all lines that show it."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from adapters.tws_simulator.messages import message_type

BID_SIZE, BID, ASK, ASK_SIZE, LAST, LAST_SIZE, HIGH, LOW, VOLUME, CLOSE = range(10)
BID_COMPUTATION, ASK_COMPUTATION, LAST_COMPUTATION, MODEL_COMPUTATION, OPEN = range(10, 15)
OPTION_IMPLIED_VOLATILITY = 24
LAST_TIMESTAMP = 45
RT_VOLUME = 48
HALTED = 49
CUSTOM_COMPUTATION = 53

DELAYED = {BID: 66, ASK: 67, LAST: 68, BID_SIZE: 69, ASK_SIZE: 70, LAST_SIZE: 71, HIGH: 72, LOW: 73}
DELAYED |= {VOLUME: 74, CLOSE: 75, OPEN: 76, LAST_TIMESTAMP: 88}
DELAYED |= {BID_COMPUTATION: 80, ASK_COMPUTATION: 81, LAST_COMPUTATION: 82, MODEL_COMPUTATION: 83}
"""A live tick type and the one that carries it 15 minutes late."""

CAN_AUTO_EXECUTE = 1
NO_PRICE = -1.0
"""What TWS sends for a side without a price (captured for AAPL on a holiday: bid -1, size 0)."""

SIZE_OF_PRICE = {BID: BID_SIZE, ASK: ASK_SIZE, LAST: LAST_SIZE}


@lru_cache(maxsize=65_536)
def tick_price(tick_type: int, price: Decimal | None, size: Decimal | None, attributes: int) -> bytes:
    """Return an encoded `TickPrice` without its request id."""
    message = message_type("TickPrice")(
        tickType=tick_type,
        price=NO_PRICE if price is None else float(price),
        size="0" if size is None else str(size),
        attrMask=attributes,
    )
    encoded: bytes = message.SerializeToString()
    return encoded


@lru_cache(maxsize=65_536)
def tick_size(tick_type: int, size: Decimal | None) -> bytes:
    """Return an encoded `TickSize` without its request id."""
    message = message_type("TickSize")(tickType=tick_type, size="0" if size is None else str(size))
    encoded: bytes = message.SerializeToString()
    return encoded


@lru_cache(maxsize=1024)
def tick_string(tick_type: int, value: str) -> bytes:
    """Return an encoded `TickString` without its request id."""
    encoded: bytes = message_type("TickString")(tickType=tick_type, value=value).SerializeToString()
    return encoded


@lru_cache(maxsize=1024)
def tick_generic(tick_type: int, value: float) -> bytes:
    """Return an encoded `TickGeneric` without its request id."""
    encoded: bytes = message_type("TickGeneric")(tickType=tick_type, value=value).SerializeToString()
    return encoded
