"""Combinations that are not guaranteed: their legs trade one after the other, each at its own time.

Between the legs the market moves and the client may cancel: then it keeps the legs that have traded,
which is what "not guaranteed" means. The time between legs and that the first leg is the first of the
order are modelled, not known.
"""

from __future__ import annotations

from decimal import Decimal

from adapters.tws_simulator.broker import Broker
from adapters.tws_simulator.interfaces import Market
from adapters.tws_simulator.orders.book import PENDING_CANCEL, WorkingOrder
from adapters.tws_simulator.orders.combination import LegPrice, side_price
from adapters.tws_simulator.orders.lifecycle import Lifecycle

NS_PER_MS = 1_000_000
ZERO = Decimal(0)


class Legging:
    """Trades the legs of one unit size after another until all have traded or the order ends."""

    def __init__(self, broker: Broker, market: Market, *, lifecycle: Lifecycle, delay_ms: int) -> None:
        self._broker, self._market, self._lifecycle = broker, market, lifecycle
        self._delay_ns = max(delay_ms, 1) * NS_PER_MS

    def begin(self, one: WorkingOrder, quantity: Decimal, first: LegPrice) -> None:
        """Trade the first leg now and the others later; until then nothing else fills the order."""
        one.is_live, one.in_flight = False, quantity
        self._lifecycle.fill_leg(one, quantity, first)
        self._later(one, quantity, [first])

    def _later(self, one: WorkingOrder, quantity: Decimal, traded: list[LegPrice]) -> None:
        self._broker.call_after(self._delay_ns, lambda: self._next(one, quantity, traded))

    def _next(self, one: WorkingOrder, quantity: Decimal, traded: list[LegPrice]) -> None:
        if one.is_done:
            return
        leg = one.legs[len(traded)]
        quote = self._market.quote(leg.listing.con_id)
        price = side_price(leg, quote, order_is_buy=one.terms.is_buy)
        if price is None or price <= 0:
            self._later(one, quantity, traded)
            return
        traded = [*traded, LegPrice(leg, price)]
        if len(traded) < len(one.legs):
            self._lifecycle.fill_leg(one, quantity, traded[-1])
            self._later(one, quantity, traded)
            return
        one.in_flight = ZERO
        self._lifecycle.fill_last_leg(one, quantity, traded)
        one.is_live = not one.is_done and one.status != PENDING_CANCEL
