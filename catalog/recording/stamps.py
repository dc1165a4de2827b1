"""Makes `ts_init` unique and increasing over all streams of a node, so that its day has one order.

A record whose time is later than every one before passes as it is; another is made anew with the next
nanosecond. Of a message that holds several deltas each gets its own, and the last is flagged as the last
of its message, so that a replay can deliver the message whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nautilus_trader.model.data import (
    OptionGreeks,
    OrderBookDelta,
    OrderBookDeltas,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.model.enums import RecordFlag

_LAST = int(RecordFlag.F_LAST)


class Stamps:
    """Stamps the records of one node; `last_ns` is the last stamp given, ns UTC."""

    def __init__(self, *, after_ns: int = 0) -> None:
        self.last_ns = after_ns
        self.delay_ns_max = 0
        """The furthest that a stamp ran ahead of its record since this was last set to 0, in ns."""
        self._remakes: dict[type, Callable[[Any, int], Any]] = {
            QuoteTick: _quote,
            TradeTick: _trade,
            OrderBookDelta: _last_delta,
            OptionGreeks: _greeks,
        }

    def stamped(self, record: Any) -> Any:
        """Return `record`, or its like with a later `ts_init`; other kinds of records come back unchanged."""
        kind = type(record)
        if kind is OrderBookDeltas:
            return self._stamped_deltas(record)
        remake = self._remakes.get(kind)
        if remake is None:
            return record
        ts_init: int = record.ts_init
        if ts_init > self.last_ns:
            self.last_ns = ts_init
            return record if kind is not OrderBookDelta else remake(record, ts_init)
        return remake(record, self._next(ts_init))

    def _next(self, ts_init: int) -> int:
        self.last_ns = stamp = max(self.last_ns + 1, ts_init)
        self.delay_ns_max = max(self.delay_ns_max, stamp - ts_init)
        return stamp

    def _stamped_deltas(self, message: Any) -> Any:
        deltas = message.deltas
        flags = [delta.flags & ~_LAST for delta in deltas]
        flags[-1] |= _LAST
        remade = [
            _delta(delta, self._next(delta.ts_init), flag) for delta, flag in zip(deltas, flags, strict=True)
        ]
        return OrderBookDeltas(message.instrument_id, remade)


def _quote(tick: Any, ts_init: int) -> Any:
    return QuoteTick(
        tick.instrument_id,
        tick.bid_price,
        tick.ask_price,
        tick.bid_size,
        tick.ask_size,
        tick.ts_event,
        ts_init,
    )


def _trade(tick: Any, ts_init: int) -> Any:
    return TradeTick(
        tick.instrument_id,
        tick.price,
        tick.size,
        tick.aggressor_side,
        tick.trade_id,
        tick.ts_event,
        ts_init,
    )


def _last_delta(delta: Any, ts_init: int) -> Any:
    return _delta(delta, ts_init, delta.flags | _LAST)


def _delta(delta: Any, ts_init: int, flags: int) -> Any:
    return OrderBookDelta(
        delta.instrument_id,
        delta.action,
        delta.order,
        flags,
        delta.sequence,
        delta.ts_event,
        ts_init,
    )


def _greeks(greeks: Any, ts_init: int) -> Any:
    return OptionGreeks(
        greeks.instrument_id,
        greeks.delta,
        greeks.gamma,
        greeks.vega,
        greeks.theta,
        greeks.rho,
        greeks.mark_iv,
        greeks.bid_iv,
        greeks.ask_iv,
        greeks.underlying_price,
        greeks.open_interest,
        greeks.ts_event,
        ts_init,
        greeks.convention,
    )
